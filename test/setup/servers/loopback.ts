import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../../src/core/clock.ts';

export const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
};

/** A server of this machine for the running test; gives its address. */
export async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
}

/** A server with these answers by path; everything else is 404. */
export function serverWith(
  answers: Readonly<Record<string, readonly [number, string]>>,
  seen: IncomingMessage[] = [],
): Promise<string> {
  return serve((request, response) => {
    seen.push(request);
    const [status, body] = answers[request.url ?? ''] ?? [404, 'not here'];
    response.writeHead(status).end(body);
  });
}
