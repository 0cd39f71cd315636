import { createServer, request as send } from 'node:http';
import { listen, type Listening } from './loopback.ts';

export interface Relay extends Listening {
  /** Requests for an answer that have passed, and those among them that the server did not refuse. */
  generations: () => { sent: number; answered: number };
}

/** Paths under which servers write answers. */
const GENERATES = /^\/(api\/(chat|generate)|v1\/(chat\/completions|completions|messages))$/;

/** Stands between a provider and its server, and counts what would be work for a model. */
export async function startRelay(target: string): Promise<Relay> {
  let sent = 0;
  let answered = 0;
  const server = createServer((incoming, response) => {
    const generates = incoming.method === 'POST' && GENERATES.test(incoming.url ?? '');
    if (generates) sent += 1;
    const { method, headers } = incoming;
    // Each request has a connection of its own: llama-server closes one after every stream without
    // saying so, and one that is used again at that moment is lost.
    const options = { method, headers, agent: false };
    const outgoing = send(new URL(incoming.url ?? '/', target), options, (answer) => {
      if (generates && answer.statusCode === 200) answered += 1;
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.on('error', () => response.destroy());
      answer.pipe(response);
    });
    outgoing.on('error', () => response.destroy());
    // A caller who hangs up hangs up on the server.
    response.on('close', () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
  return { ...(await listen(server)), generations: () => ({ sent, answered }) };
}
