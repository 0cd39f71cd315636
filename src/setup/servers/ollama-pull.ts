import { z } from 'zod';
import { AppError, messageOf } from '../../core/errors.ts';
import type { Clock } from '../../core/clock.ts';
import { createNdjsonParser } from '../../providers/http/ndjson.ts';
import { formatBytes } from '../bytes.ts';

/** What happens while Ollama fetches a model. Exactly one `finished` comes, last; a failure is thrown instead. */
export type PullEvent =
  /** What the server says it does now, in its words. */
  | { type: 'status'; text: string }
  /** Bytes of all layers announced so far; both figures grow as layers are announced. */
  | { type: 'progress'; doneBytes: number; totalBytes: number }
  /** The connection broke and is tried again after `delayMs`; the server goes on where it was. */
  | { type: 'retrying'; reason: string; delayMs: number }
  | { type: 'finished' };

export interface PullDeps {
  fetch: typeof fetch;
  clock: Clock;
  /** Bytes free where the server keeps its models; absent where that is another machine. */
  freeDiskBytes?: number;
}

const lineSchema = z.object({
  status: z.string().optional(),
  error: z.string().optional(),
  digest: z.string().optional(),
  total: z.number().optional(),
  completed: z.number().optional(),
});
type PullLine = z.infer<typeof lineSchema>;

/** Tries without a single new byte before it is given up. */
const MAX_TRIES = 4;
const FIRST_DELAY_MS = 1_000;

/**
 * Has an Ollama server fetch a model. An interrupted pull goes on where it was when it is asked for again.
 * @param url base address of the server
 * @throws AppError `pull.failed` with the server's words, `pull.disk-full`, `pull.broken` when the
 * connection breaks again and again, `server.unreachable`; the signal's reason on abort
 */
export async function* pullModel(
  url: string,
  model: string,
  deps: PullDeps,
  signal: AbortSignal,
): AsyncGenerator<PullEvent, void> {
  const layers = new Layers();
  let most = 0;
  for (let tries = 1; ; tries += 1) {
    signal.throwIfAborted();
    let reason = 'the stream ended early';
    try {
      for await (const line of linesOf(await ask(url, model, deps, signal, tries > 1))) {
        if (line.error !== undefined) throw pullFailure(model, line.error);
        if (layers.add(line)) {
          requireRoom(model, layers, deps.freeDiskBytes);
          yield { type: 'progress', doneBytes: layers.doneBytes, totalBytes: layers.totalBytes };
        } else if (line.status === 'success') {
          yield { type: 'finished' };
          return;
        } else if (line.status !== undefined) yield { type: 'status', text: line.status };
      }
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof AppError) throw error;
      reason = causeOf(error);
    }
    if (layers.doneBytes > most) tries = 1;
    most = Math.max(most, layers.doneBytes);
    if (tries === MAX_TRIES) {
      throw new AppError('pull.broken', `${model} was not fetched: ${reason}, ${tries} times.`, {
        hint: 'The server keeps what it has: ask again and it goes on from there.',
      });
    }
    const delayMs = FIRST_DELAY_MS * 2 ** (tries - 1);
    yield { type: 'retrying', reason, delayMs };
    await deps.clock.sleep(delayMs, signal);
  }
}

/** Each layer's bytes by its digest. */
class Layers {
  readonly #layers = new Map<string, { done: number; total: number }>();
  doneBytes = 0;
  totalBytes = 0;

  /** Whether the line told of bytes. A layer that is announced again without `completed` has not lost what it had. */
  add({ digest, total, completed }: PullLine): boolean {
    if (digest === undefined || total === undefined || total <= 0) return false;
    const done = Math.min(total, completed ?? this.#layers.get(digest)?.done ?? 0);
    this.#layers.set(digest, { done, total });
    const layers = [...this.#layers.values()];
    this.doneBytes = layers.reduce((sum, layer) => sum + layer.done, 0);
    this.totalBytes = layers.reduce((sum, layer) => sum + layer.total, 0);
    return true;
  }
}

/**
 * A layer is announced before its first byte is fetched. The server would find out as well that it has no
 * room, but only when the disk is full.
 */
function requireRoom(model: string, layers: Layers, freeBytes: number | undefined): void {
  // The free room was measured before the first byte: what has come since has taken of it already.
  const missingBytes = layers.totalBytes - layers.doneBytes;
  if (freeBytes === undefined || missingBytes <= freeBytes) return;
  throw new AppError(
    'pull.disk-full',
    `${model} needs ${formatBytes(missingBytes)} of disk; ${formatBytes(freeBytes)} are free where Ollama keeps its models.`,
    { hint: 'Make room (`ollama rm <model>`), or have Ollama use another disk: OLLAMA_MODELS.' },
  );
}

async function ask(
  url: string,
  model: string,
  deps: PullDeps,
  signal: AbortSignal,
  isAgain: boolean,
): Promise<Response> {
  let response: Response;
  try {
    response = await deps.fetch(`${url}/api/pull`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model, stream: true }),
      signal,
    });
  } catch (error) {
    signal.throwIfAborted();
    if (isAgain) throw error;
    throw new AppError('server.unreachable', `No Ollama answers at ${url}: ${causeOf(error)}.`, {
      hint: 'Start it with `ollama serve`, or set its address: OLLAMA_HOST, or servers in the configuration.',
      cause: error,
    });
  }
  if (response.ok) return response;
  const told = lineSchema.safeParse(await response.json().catch(() => undefined)).data?.error;
  throw pullFailure(model, told ?? `HTTP ${response.status}`);
}

/** The stream's JSON lines; one that cannot be read is passed over, as is one with fields of other types. */
async function* linesOf(response: Response): AsyncGenerator<PullLine, void> {
  const parser = createNdjsonParser();
  for await (const chunk of response.body ?? []) {
    for (const line of parser.push(chunk)) yield* parse(line);
  }
  for (const line of parser.end()) yield* parse(line);
}

function* parse(text: string): Generator<PullLine, void> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return;
  }
  const line = lineSchema.safeParse(json);
  if (line.success) yield line.data;
}

function pullFailure(model: string, told: string): AppError {
  return new AppError('pull.failed', `Ollama cannot fetch ${model}: ${told}`, {
    hint: hintFor(told),
  });
}

function hintFor(told: string): string {
  if (/file does not exist|not found|invalid model name/i.test(told)) {
    return 'Check the name and its tag: `aqe-llm setup models` lists those of the catalogue, ollama.com/library all.';
  }
  if (/no such host|dial tcp|timeout|connection|network|TLS|proxy/i.test(told)) {
    return 'The server does not reach its registry. Set HTTPS_PROXY for it, or give it a GGUF file: `ollama create <name> -f Modelfile`.';
  }
  if (/newer version/i.test(told)) return 'Update Ollama; the model needs a newer one.';
  if (/no space left/i.test(told)) return 'Make room where Ollama keeps its models.';
  return 'The server’s log says more.';
}

/** What is behind fetch's own "fetch failed". */
function causeOf(error: unknown): string {
  return messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error);
}
