import type { Message } from '../../core/request.ts';
import type { Provider } from '../../providers/provider.ts';
import { createReplayProvider } from '../../providers/replay/provider.ts';

/** Answers that every variation comes with: the written ones, and nothing at all. */
export const WRITTEN = ['gold', 'empty'] as const;
export type Written = (typeof WRITTEN)[number];

export function isWritten(name: string): name is Written {
  return WRITTEN.some((written) => written === name);
}

/** A target that gives written answers, each for as long as its task is asked. */
export class WrittenAnswers {
  readonly provider: Provider;
  readonly #waiting = new Map<string, string>();

  constructor(kind: Written) {
    this.provider = createReplayProvider({
      recordedId: kind,
      hint: 'Written answers belong to the tasks of a validation.',
      lookUp: (_, { messages }) => {
        const text = kind === 'empty' ? '' : this.#waiting.get(lastOf(messages));
        if (text === undefined) return undefined;
        return {
          completion: {
            model: kind,
            text,
            finishReason: 'stop',
            usage: {},
            timing: { measured: false },
          },
          looped: false,
        };
      },
    });
  }

  /** Has the answer ready while the prompt is asked. */
  async during<T>(prompt: string, answer: string, ask: () => Promise<T>): Promise<T> {
    this.#waiting.set(prompt, answer);
    try {
      return await ask();
    } finally {
      this.#waiting.delete(prompt);
    }
  }
}

function lastOf(messages: readonly Message[]): string {
  return messages.at(-1)?.content ?? '';
}
