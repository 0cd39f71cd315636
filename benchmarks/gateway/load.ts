import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { quantile } from '../../src/core/statistics.ts';

/** Who is asked, and how. */
export interface Asked {
  /** Base address without /v1. */
  url: string;
  headers: Readonly<Record<string, string>>;
  model: string;
}

/** What a run of load gave. */
export interface Load {
  /** Milliseconds of each request that was answered whole. */
  ms: number[];
  /** Refused, cut off or not the whole answer. */
  failures: number;
  seconds: number;
  /** Broken off because more than a second's requests were waiting. */
  fellBehind: boolean;
}

export interface Figures {
  fellBehind: boolean;
  n: number;
  failures: number;
  p50: number;
  p99: number;
  perSecond: number;
}

const PATH = '/v1/chat/completions';
const MESSAGES = [{ role: 'user', content: 'Write a unit test for a stack.' }];
const LAST_WORD = ' word7';

/** A caller with a fixed number of connections that stay open. */
export interface Caller {
  /** Each connection asks again as soon as it is answered, until the time is over. */
  closedLoop(milliseconds: number): Promise<Load>;
  /**
   * Asks at fixed times, answered or not, and times each request from when it was meant to be sent:
   * one that waits for a connection or for a slow predecessor waits in the figures too.
   */
  openLoop(perSecond: number, milliseconds: number): Promise<Load>;
  close(): Promise<void>;
}

export function createCaller(asked: Asked, connections: number, stream: boolean): Caller {
  const pool = new Pool(asked.url, { connections, pipelining: 1 });
  const body = JSON.stringify({ model: asked.model, messages: MESSAGES, max_tokens: 64, stream });
  const headers = { 'content-type': 'application/json', ...asked.headers };

  async function ask(): Promise<boolean> {
    const answer = await pool.request({ method: 'POST', path: PATH, headers, body });
    const text = await answer.body.text();
    const whole = stream ? text.endsWith('data: [DONE]\n\n') : true;
    return answer.statusCode === 200 && whole && text.includes(LAST_WORD);
  }

  async function timed(load: Load, since: number): Promise<void> {
    const isWhole = await ask().catch(() => false);
    if (isWhole) load.ms.push(performance.now() - since);
    else load.failures += 1;
  }

  return {
    async closedLoop(milliseconds) {
      const load: Load = { ms: [], failures: 0, seconds: 0, fellBehind: false };
      const started = performance.now();
      const worker = async (): Promise<void> => {
        while (performance.now() - started < milliseconds) await timed(load, performance.now());
      };
      await Promise.all(Array.from({ length: connections }, worker));
      load.seconds = (performance.now() - started) / 1000;
      return load;
    },
    async openLoop(perSecond, milliseconds) {
      const load: Load = { ms: [], failures: 0, seconds: 0, fellBehind: false };
      const total = Math.floor((perSecond * milliseconds) / 1000);
      const running = new Set<Promise<void>>();
      const started = performance.now();
      for (let sent = 0; sent < total;) {
        const due = started + (sent * 1000) / perSecond;
        if (due > performance.now()) {
          await sleep(1);
          continue;
        }
        const request = timed(load, due).finally(() => running.delete(request));
        running.add(request);
        sent += 1;
        if (running.size > perSecond) {
          load.fellBehind = true;
          break;
        }
      }
      await Promise.all(running);
      load.seconds = (performance.now() - started) / 1000;
      return load;
    },
    close: () => pool.destroy(),
  };
}

export function figuresOf(loads: readonly Load[]): Figures {
  const sorted = loads.flatMap(({ ms }) => ms).toSorted((a, b) => a - b);
  const sum = (of: (load: Load) => number): number =>
    loads.reduce((total, load) => total + of(load), 0);
  return {
    n: sorted.length,
    failures: sum(({ failures }) => failures),
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    perSecond: sorted.length / sum(({ seconds }) => seconds),
    fellBehind: loads.some(({ fellBehind }) => fellBehind),
  };
}
