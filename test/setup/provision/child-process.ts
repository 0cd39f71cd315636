import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { CatalogueEntry } from '../../../src/config/catalogue.ts';
import { compiledEntry } from '../../../src/core/compiled-entry.ts';
import type { ModelSettings } from '../../../src/setup/model-folder.ts';

const eventSchema = z.looseObject({
  type: z.string(),
  source: z.string().optional(),
  doneBytes: z.number().optional(),
});
type ChildEvent = z.infer<typeof eventSchema>;

export interface Provisioner {
  process: ChildProcess;
  events: ChildEvent[];
  /** Resolves with the first event that fits. */
  until(fits: (event: ChildEvent) => boolean): Promise<void>;
  exited: Promise<unknown>;
}

const program = `
const { setTimeout } = await import('node:timers/promises');
const { ensureModel } = await import(process.argv[1]);
const { entry, settings } = JSON.parse(process.argv[2]);
const clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  sleep: (ms, signal) => setTimeout(ms === 30_000 ? ms : ms / 50, undefined, { signal }),
};
const runPip = async () => ({ state: 'absent', reason: 'no Python here' });
const deps = { settings, fetch, clock, runPip, freeDiskBytes: async () => 1e12 };
for await (const event of ensureModel(entry, deps)) console.log(JSON.stringify(event));
`;

/** Provisions in a process of its own, from the compiled program. */
export function startProvisioner(entry: CatalogueEntry, settings: ModelSettings): Provisioner {
  const module = compiledEntry(
    new URL('../../../src/setup/provision/x.ts', import.meta.url).href,
    './ensure-model.js',
  );
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', program, module.href, JSON.stringify({ entry, settings })],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const events: ChildEvent[] = [];
  const listeners = new Set<() => void>();
  createInterface(child.stdout).on('line', (line) => {
    events.push(eventSchema.parse(JSON.parse(line)));
    for (const listener of listeners) listener();
  });
  return {
    process: child,
    events,
    until: (fits) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!events.some(fits)) return;
          listeners.delete(look);
          resolve();
        };
        listeners.add(look);
        look();
      }),
    exited: once(child, 'close'),
  };
}
