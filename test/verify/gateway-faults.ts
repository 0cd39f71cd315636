import { killGateway } from './gateway/kill-gateway.ts';
import { createScorecard } from './gateway/scorecard.ts';

/** The gateway as a process of its own, and everything around it failing. */
export async function run(out: (line: string) => void): Promise<boolean> {
  const card = createScorecard(out);
  await killGateway(card);
  return card.close();
}
