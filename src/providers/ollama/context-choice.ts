import type { CompletionRequest } from '../../core/request.ts';
import { ProviderFailure } from '../failure.ts';
import type { HttpClient } from '../http/http-client.ts';
import { promptTokensAtMost } from '../http/prompt-bound.ts';
import { loadedContext, type ModelFacts } from './model-facts.ts';

/** What Ollama gives a small machine by itself; less is not worth a load of its own. */
const LEAST_CONTEXT = 4096;

export interface ContextChoice {
  /** Tokens of context to ask for. Throws `context-too-long` where the prompt might be cut. */
  choose(request: CompletionRequest, facts: ModelFacts, signal: AbortSignal): Promise<number>;
  /** What was chosen last. */
  current(): number | undefined;
}

/**
 * Ollama drops the beginning of a conversation that is longer than the model's context and says
 * nothing. So each request asks for a context that holds it: the configured one, the one that is
 * loaded, or the next power of two. A change makes Ollama load the model anew, so a context once
 * chosen is kept while it suffices.
 */
export function createContextChoice(options: {
  client: HttpClient;
  model: string;
  configured: number | undefined;
}): ContextChoice {
  const { client, model, configured } = options;
  let chosen: number | undefined;
  let refuses: boolean | undefined;

  async function suited(need: number, most: number, signal: AbortSignal): Promise<number> {
    if (configured !== undefined) return Math.min(configured, most);
    if (chosen !== undefined && chosen >= need) return chosen;
    const loaded = (await loadedContext(client, model, signal)) ?? 0;
    if (loaded >= need) return loaded;
    const power = 2 ** Math.ceil(Math.log2(Math.max(need, LEAST_CONTEXT)));
    return Math.min(power, most);
  }

  /**
   * Whether the server refuses a prompt that is too long when told to; older ones read over
   * `truncate`. Found out by a conversation whose beginning alone overflows and whose last turn,
   * all that an older server would read, is one letter.
   */
  async function refusesLongPrompts(context: number, signal: AbortSignal): Promise<boolean> {
    const { status } = await client.send({
      path: '/api/chat',
      body: {
        model,
        messages: [
          { role: 'user', content: 'a b '.repeat(context) },
          { role: 'assistant', content: 'c' },
          { role: 'user', content: 'd' },
        ],
        stream: false,
        truncate: false,
        options: { num_predict: 1, num_ctx: context },
      },
      signal,
    });
    return status === 400;
  }

  return {
    current: () => chosen,
    async choose(request, facts, signal) {
      const most = facts.contextTokens ?? Number.POSITIVE_INFINITY;
      const prompt = promptTokensAtMost(request) + facts.systemBytes;
      chosen = await suited(prompt + request.maxTokens, most, signal);
      if (prompt < chosen) return chosen;
      // The bound is far above the truth: a server that counts itself may still say yes.
      refuses ??= await refusesLongPrompts(chosen, signal);
      if (refuses) return chosen;
      throw new ProviderFailure(
        'context-too-long',
        `The prompt may have up to ${prompt} tokens, the context ${chosen}, and this Ollama would cut it without a word.`,
        { hint: LONGER_CONTEXT },
      );
    },
  };
}

export const LONGER_CONTEXT =
  'Shorten the prompt, raise `contextTokens` of this server in the configuration, or choose a model with a longer context.';
