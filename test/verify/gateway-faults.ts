import { badInput } from './gateway/bad-input.ts';
import { killGateway } from './gateway/kill-gateway.ts';
import { killTiers } from './gateway/kill-tiers.ts';
import { createScorecard } from './gateway/scorecard.ts';
import provideModel from '../global-setup.ts';

/** The gateway as a process of its own, and everything around it failing. */
export async function run(out: (line: string) => void): Promise<boolean> {
  await provideModel();
  const card = createScorecard(out);
  await killGateway(card);
  await killTiers(card);
  await badInput(card);
  return card.close();
}
