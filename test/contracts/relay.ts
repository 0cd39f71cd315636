import { createServer, request as send } from 'node:http';
import { listen, type Listening } from './loopback.ts';

export interface Relay extends Listening {
  /** How many requests for an answer have passed. */
  generations: () => number;
}

/** Paths under which servers write answers. */
const GENERATES = /^\/(api\/(chat|generate)|v1\/(chat\/completions|completions|messages))$/;

/** Stands between a provider and its server, and counts what would be work for a model. */
export async function startRelay(target: string): Promise<Relay> {
  let generations = 0;
  const server = createServer((incoming, response) => {
    if (incoming.method === 'POST' && GENERATES.test(incoming.url ?? '')) generations += 1;
    const { method, headers } = incoming;
    const outgoing = send(new URL(incoming.url ?? '/', target), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.on('error', () => response.destroy());
      answer.pipe(response);
    });
    outgoing.on('error', () => response.destroy());
    // A caller who hangs up hangs up on the server.
    response.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  return { ...(await listen(server)), generations: () => generations };
}
