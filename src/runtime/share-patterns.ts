import { messageOf } from '../core/errors.ts';
import type { TaskCategory } from '../core/task.ts';
import { createPatternService, type PatternService } from '../patterns/service.ts';
import { describe } from '../routing/describe.ts';
import type { Runtime } from '../runtime.ts';
import type { Patterns } from './open-patterns.ts';

/** One store and one embedder, for the router and for those who ask for patterns; opened when first asked for. */
export interface SharedPatterns {
  open: () => Promise<Patterns>;
  service: () => Promise<PatternService>;
  close: () => Promise<void>;
}

export function sharePatterns(
  runtime: Pick<Runtime, 'openPatterns' | 'judge' | 'clock'>,
  tell: (message: string) => void,
): SharedPatterns {
  const onTrouble = (error: unknown): void => tell(messageOf(error));
  let opened: Promise<Patterns> | undefined;
  let serving: Promise<PatternService> | undefined;
  const open = async (): Promise<Patterns> => {
    opened ??= runtime.openPatterns(onTrouble).catch((error: unknown) => {
      // Whoever asks next tries again.
      opened = undefined;
      throw error;
    });
    return opened;
  };
  const openService = async (): Promise<PatternService> => {
    const { store, embedder, maySeePrivate, log } = await open();
    const { judge, clock } = runtime;
    const own = { judge, clock, categoryOf, onTrouble };
    return createPatternService({ store, embedder, maySeePrivate, log, ...own });
  };
  return {
    open,
    service: async () => {
      serving ??= openService().catch((error: unknown) => {
        serving = undefined;
        throw error;
      });
      return serving;
    },
    close: async () => {
      await (await serving)?.close();
      await (await opened)?.close();
    },
  };
}

function categoryOf(prompt: string): TaskCategory {
  return describe({ messages: [{ role: 'user', content: prompt }] }).category;
}
