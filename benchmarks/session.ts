import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Completion, Message } from '../src/core/request.ts';
import { quantile } from '../src/core/statistics.ts';
import { createSessions, type PromptWindow, type Sessions } from '../src/routing/sessions.ts';
import { createRuntime } from '../src/runtime.ts';
import { openDatabase } from '../src/storage/database.ts';
import { modelFile } from './model-file.ts';
import {
  embeddedSides,
  llamaServerSides,
  vllmSides,
  type Side,
  type Sides,
} from './session-sides.ts';

const MODEL = 'smollm2-135m-instruct';
const CONVERSATIONS = 2;
/** Two agents with the same system prompt, who take turns. */
const AGENTS = ['a', 'b'] as const;
const TURNS = 6;
const ANSWER_TOKENS = 24;
const CONTEXT_TOKENS = 4096;
/** The prompt is sent whole. */
const WINDOW: PromptWindow = {
  contextTokens: undefined,
  maxTokens: ANSWER_TOKENS,
  countTokens: async () => undefined,
};

interface Figures {
  ttftMs: number[];
  /** Tokens of the prompt that were evaluated for the answer. */
  evaluated: number[];
}

/**
 * The time to the first token in turns 1 to 6 of two sessions that take turns, with a system prompt
 * of some 1,500 tokens, beside the same prompts without reuse. Promise: in turn 6 at most half.
 * Servers are what AQE_LLM_TEST_LLAMA_SERVER (a program) and AQE_LLM_TEST_VLLM (the folder of a
 * Python environment) name.
 */
export async function run(out: (line: string) => void): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aqe-session-'));
  const { env } = process;
  const flags = { threads: 1, contextTokens: CONTEXT_TOKENS };
  const runtime = await createRuntime({ cwd: folder, env, flags });
  const database = openDatabase(folder);
  const { clock } = runtime;
  const sessions = createSessions({ database, clock, sessionHours: 1, holder: 'bench' });
  const compare = async (where: string, { sides, stop }: Sides): Promise<void> => {
    try {
      report(where, await converse(sessions, where, sides), out);
    } finally {
      await stop();
    }
  };
  try {
    const file = await modelFile(runtime, MODEL);
    const setting = { runtime, model: MODEL, file, contextTokens: CONTEXT_TOKENS, folder };
    const { AQE_LLM_TEST_LLAMA_SERVER: llamaServer, AQE_LLM_TEST_VLLM: vllm } = env;
    await compare('embedded', await embeddedSides(setting));
    if (llamaServer === undefined) out('llama-server: AQE_LLM_TEST_LLAMA_SERVER is not set');
    else await compare('llama-server', await llamaServerSides(setting, llamaServer));
    if (vllm === undefined) out('vLLM: AQE_LLM_TEST_VLLM is not set');
    else await compare('vLLM', await vllmSides(setting, vllm));
  } finally {
    database.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Figures by side and turn. All sides get the same prompts; the first one's answers go into the sessions. */
async function converse(
  sessions: Sessions,
  where: string,
  sides: readonly Side[],
): Promise<Map<string, Figures[]>> {
  const figures = new Map(
    sides.map(({ name }) => [
      name,
      Array.from({ length: TURNS }, (): Figures => ({ ttftMs: [], evaluated: [] })),
    ]),
  );
  // Conversation −1 loads the models, and counts for nothing.
  for (let conversation = -1; conversation < CONVERSATIONS; conversation += 1) {
    for (let number = 0; number < (conversation < 0 ? 1 : TURNS); number += 1) {
      for (const agent of AGENTS) {
        const id = `${where} ${conversation} ${agent}`;
        const turn = await sessions.open(id);
        const said = messagesOf(conversation, agent, number);
        const { messages } = await turn.prompt(said, WINDOW);
        const answers = new Map<string, Completion>();
        // Every other turn goes the other way about.
        for (const { name, provider, tell } of number % 2 === 0 ? sides : sides.toReversed()) {
          const request = {
            messages,
            maxTokens: ANSWER_TOKENS,
            temperature: 0,
            seed: 1,
            repeat: 0,
          };
          const answer = await provider.complete(request, tell ? { session: id } : {});
          answers.set(name, answer);
          if (conversation >= 0) note(figures.get(name)?.[number], answer);
        }
        const first = answers.get(sides[0]?.name ?? '');
        if (first !== undefined) turn.commit(said, first);
        turn.release();
      }
    }
  }
  return figures;
}

function note(figures: Figures | undefined, { timing, usage }: Completion): void {
  figures?.ttftMs.push(timing.ttftMs ?? NaN);
  figures?.evaluated.push((usage.inputTokens ?? NaN) - (usage.cachedInputTokens ?? 0));
}

function report(
  where: string,
  figures: ReadonlyMap<string, readonly Figures[]>,
  out: (line: string) => void,
): void {
  out(
    `${where}: ${MODEL}, one thread; medians of ${CONVERSATIONS * AGENTS.length} conversations, two at a time in turns`,
  );
  for (const [name, turns] of figures) {
    out(`  ${name}`);
    out(`    first token, ms   ${turns.map(({ ttftMs }) => cell(median(ttftMs))).join('')}`);
    out(`    tokens evaluated  ${turns.map(({ evaluated }) => cell(median(evaluated))).join('')}`);
  }
  const [session, ...others] = [...figures.values()].map((turns) => turns.at(-1)?.ttftMs ?? []);
  const control = others.at(-1) ?? [];
  const ratios = (session ?? []).map((ms, index) => (control[index] ?? NaN) / ms);
  out(
    `  turn ${TURNS}: ${median(ratios).toFixed(1)} times sooner than the control with the same prompt (promise: 2)`,
  );
}

function cell(value: number): string {
  return value.toFixed(0).padStart(8);
}

function median(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}

/** The conversation's number comes first, so that no conversation finds another one's beginning. */
function messagesOf(conversation: number, agent: string, number: number): Message[] {
  const user: Message = {
    role: 'user',
    content: `Question ${number + 1} of agent ${agent}: which rule says most about test ${number * 7}, and why?`,
  };
  if (number > 0) return [user];
  const rules = Array.from(
    { length: 60 },
    (_, rule) =>
      `Rule ${rule}: a test of kind ${rule * 7} names what it checks, stands alone and says why it failed.`,
  );
  return [
    { role: 'system', content: `Case ${conversation}. You review tests. ${rules.join(' ')}` },
    user,
  ];
}
