import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { z } from 'zod';

/** What became of one request. */
export interface Outcome {
  /**
   * `whole`: the right answer. `told`: an error in the client's dialect, before the answer or at the
   * end of a stream. `gone`: the gateway's connection broke. `wrong`: anything else.
   */
  state: 'whole' | 'told' | 'gone' | 'wrong';
  stream: boolean;
  /** Under which it is recorded, where its headers came. */
  requestId?: string;
  tier?: string;
  /** The error or what is wrong. */
  detail?: string;
  startedAt: number;
  ms: number;
}

const errorSchema = z.object({ error: z.object({ message: z.string(), code: z.string() }) });
const wholeSchema = z.object({
  choices: z.tuple([z.object({ message: z.object({ content: z.string() }) })]),
});
const chunkSchema = z.object({
  choices: z.array(z.object({ delta: z.object({ content: z.string().optional() }) })).optional(),
  error: z.object({ code: z.string() }).optional(),
});

export interface LoadOptions {
  url: string;
  connections: number;
  /** Begins no more requests once it is aborted. */
  signal: AbortSignal;
  /** Milliseconds between two requests of one connection. */
  pauseMs?: number;
  /** The model named in each request. */
  model?: string;
}

/** Asks for echoes over so many connections, half of them as streams, until it is told to stop. */
export async function putUnderLoad(options: LoadOptions): Promise<Outcome[]> {
  const { url, connections, signal, pauseMs = 0, model = 'auto' } = options;
  const pool = new Pool(url, { connections, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });
  const outcomes: Outcome[] = [];
  const worker = async (name: number): Promise<void> => {
    for (let count = 0; !signal.aborted; count++) {
      // Long enough for every piece to be a different one.
      const prompt = `request ${name}/${count} ${crypto.randomUUID()} ${crypto.randomUUID()}`;
      const startedAt = performance.now();
      const stream = (name + count) % 2 === 0;
      const outcome = await ask(pool, { prompt, stream, model });
      outcomes.push({ ...outcome, stream, startedAt, ms: performance.now() - startedAt });
      if (outcome.state === 'gone') await sleep(20);
      if (pauseMs > 0) await sleep(pauseMs);
    }
  };
  await Promise.all(Array.from({ length: connections }, (_, name) => worker(name)));
  await pool.destroy();
  return outcomes;
}

type Result = Omit<Outcome, 'startedAt' | 'ms' | 'stream'>;

async function ask(
  pool: Pool,
  { prompt, stream, model }: { prompt: string; stream: boolean; model: string },
): Promise<Result> {
  const body = JSON.stringify({ model, stream, messages: [{ role: 'user', content: prompt }] });
  const headers = { 'content-type': 'application/json' };
  const path = '/v1/chat/completions';
  let known: Pick<Outcome, 'requestId' | 'tier'> = {};
  try {
    const answer = await pool.request({ method: 'POST', path, headers, body });
    known = headersOf(answer.headers);
    const text = await answer.body.text();
    if (answer.statusCode !== 200) return { ...known, ...refusalOf(text, answer.statusCode) };
    return { ...known, ...(stream ? judgeStream(text, prompt) : judgeWhole(text, prompt)) };
  } catch (error) {
    return { ...known, state: 'gone', detail: String(error) };
  }
}

function headersOf(headers: Record<string, string | string[] | undefined>): {
  requestId?: string;
  tier?: string;
} {
  const { 'x-aqe-request-id': requestId, 'x-aqe-tier': tier } = headers;
  return {
    ...(typeof requestId === 'string' && requestId !== '' ? { requestId } : {}),
    ...(typeof tier === 'string' ? { tier } : {}),
  };
}

function refusalOf(text: string, status: number): Result {
  const parsed = errorSchema.safeParse(jsonOf(text));
  if (parsed.success) return { state: 'told', detail: parsed.data.error.code };
  return { state: 'wrong', detail: `status ${status} without an error: ${text.slice(0, 200)}` };
}

function judgeWhole(text: string, prompt: string): Result {
  const parsed = wholeSchema.safeParse(jsonOf(text));
  if (!parsed.success) return { state: 'wrong', detail: `no answer: ${text.slice(0, 200)}` };
  return judge(parsed.data.choices[0].message.content, prompt);
}

function judgeStream(text: string, prompt: string): Result {
  let said = '';
  const events = text.split('\n\n').flatMap((event) => event.match(/^data: (.*)$/s)?.[1] ?? []);
  for (const event of events) {
    if (event === '[DONE]') return judge(said, prompt);
    const chunk = chunkSchema.safeParse(jsonOf(event));
    if (!chunk.success) return { state: 'wrong', detail: `no chunk: ${event.slice(0, 200)}` };
    const { choices = [], error } = chunk.data;
    said += choices[0]?.delta.content ?? '';
    if (error === undefined) continue;
    return prompt.startsWith(said)
      ? { state: 'told', detail: error.code }
      : { state: 'wrong', detail: `before an error came: ${said}` };
  }
  return { state: 'wrong', detail: 'the stream ended without an end and without an error' };
}

function judge(said: string, prompt: string): Result {
  if (said === prompt) return { state: 'whole' };
  return { state: 'wrong', detail: `asked for ${prompt}, got ${said.slice(0, 200)}` };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
