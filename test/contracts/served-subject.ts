import type { Provider } from '../../src/providers/provider.ts';
import type { Subject } from './contract.ts';
import { freePort } from './loopback.ts';
import { startRelay } from './relay.ts';

export interface Served {
  server: { url: string; stop(): Promise<void> };
  model: string;
  open: (model: string, url: string) => Provider;
}

/** The three providers of the contract for one server, with a relay that counts. */
export async function servedSubject(
  { server, model, open }: Served,
  traits: Pick<Subject, 'seeds' | 'embeds' | 'countsTokens' | 'requiredTools'>,
): Promise<Subject> {
  const relay = await startRelay(server.url);
  const provider = open(model, relay.url);
  const withoutModel = open('nobody-has-this-model', relay.url);
  const withoutServer = open(model, `http://127.0.0.1:${await freePort()}`);
  return {
    provider,
    withoutModel,
    withoutServer,
    ...traits,
    generations: relay.generations,
    async close() {
      await Promise.all([provider, withoutModel, withoutServer].map((it) => it.shutdown()));
      await relay.close();
      await server.stop();
    },
  };
}
