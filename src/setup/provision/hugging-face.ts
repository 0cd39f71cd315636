import type { CatalogueEntry } from '../../config/catalogue.ts';
import type { Clock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { ModelSettings } from '../model-folder.ts';
import type { PartFile } from './part-file.ts';
import type { ProvisionEvent } from './provision-event.ts';
import { isInterruption, sourceFailure, systemErrorCode } from './source-failure.ts';

export interface DownloadDeps {
  fetch: typeof fetch;
  clock: Clock;
}

/** Tries without a byte gained before the source is given up. */
const MAX_TRIES = 4;
/** Milliseconds before the second try; doubled for each one after it. */
const FIRST_DELAY_MS = 500;
/** Milliseconds without an answer or a byte after which a connection counts as broken. */
const STALL_MS = 30_000;
const MAX_REDIRECTS = 5;

type Settings = ModelSettings['huggingFace'];
type Source = NonNullable<CatalogueEntry['huggingFace']>;

/**
 * Fills the part from `<endpoint>/<repo>/resolve/main/<file>`, going on where it stopped
 * (`Range`, `If-Range`). Broken connections are tried again with growing pauses.
 * @throws AppError a source failure, or `model.disk-full`; the signal's reason on abort
 */
export async function* downloadFromHuggingFace(
  entry: CatalogueEntry,
  source: Source,
  part: PartFile,
  settings: Settings,
  deps: DownloadDeps,
  signal: AbortSignal,
): AsyncGenerator<ProvisionEvent, void> {
  if (settings.offline) throw sourceFailure('HF_HUB_OFFLINE is set');
  let tries = 0;
  while (part.size < entry.bytes) {
    const before = part.size;
    try {
      yield* transfer(entry, source, part, settings, deps, signal);
    } catch (error) {
      signal.throwIfAborted();
      tries = part.size > before ? 1 : tries + 1;
      if (!isInterruption(error) || tries >= MAX_TRIES) throw error;
      const delayMs = FIRST_DELAY_MS * 2 ** (tries - 1);
      yield { type: 'retrying', source: 'hugging-face', reason: error.message, delayMs };
      await deps.clock.sleep(delayMs, signal);
    }
  }
}

/** One request, its body appended to the part. */
async function* transfer(
  entry: CatalogueEntry,
  source: Source,
  part: PartFile,
  settings: Settings,
  deps: DownloadDeps,
  signal: AbortSignal,
): AsyncGenerator<ProvisionEvent, void> {
  const watch = new Watch(deps.clock, signal);
  try {
    const response = await request(source, part, settings, deps.fetch, watch);
    await accept(response, entry, part);
    if (response.body === null) throw sourceFailure('an empty answer', { interrupted: true });
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await watch.wait(reader.read(), 'the transfer');
      if (done) break;
      await part.append(value);
      yield {
        type: 'progress',
        source: 'hugging-face',
        doneBytes: part.size,
        totalBytes: entry.bytes,
      };
    }
  } finally {
    watch.end();
  }
  if (part.size < entry.bytes) {
    throw sourceFailure(`the connection ended at ${part.size} of ${entry.bytes} bytes`, {
      interrupted: true,
    });
  }
}

/** Sends the request and follows redirects by hand, so that the token never leaves the endpoint's origin. */
async function request(
  source: Source,
  part: PartFile,
  settings: Settings,
  fetch: typeof globalThis.fetch,
  watch: Watch,
): Promise<Response> {
  const address = `${settings.endpoint}/${source.repo}/resolve/main/${source.file}`;
  if (!URL.canParse(address)) throw sourceFailure('HF_ENDPOINT is not an address');
  const home = new URL(address);
  let url = home;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
    const headers = new Headers({ 'accept-encoding': 'identity' });
    if (settings.token !== undefined && url.origin === home.origin) {
      headers.set('authorization', `Bearer ${settings.token}`);
    }
    if (part.size > 0) {
      headers.set('range', `bytes=${part.size}-`);
      if (part.state.etag !== undefined) headers.set('if-range', part.state.etag);
    }
    const response = await watch.wait(
      fetch(url, { headers, redirect: 'manual', signal: watch.signal }),
      url.host,
    );
    const location = response.headers.get('location');
    if (response.status < 300 || response.status >= 400 || location === null) return response;
    await response.body?.cancel();
    if (!URL.canParse(location, url.href))
      throw sourceFailure(`${url.host} redirects to no address`);
    const next = new URL(location, url);
    if (next.protocol !== 'https:' && next.protocol !== home.protocol) {
      throw sourceFailure(`${url.host} redirects from ${home.protocol} to ${next.protocol}`);
    }
    url = next;
  }
  throw sourceFailure(`${home.host} redirects in circles`);
}

/** Decides by status and headers whether the body may be appended, and readies the part for it. */
async function accept(response: Response, entry: CatalogueEntry, part: PartFile): Promise<void> {
  const { status, headers } = response;
  if (status === 206) {
    const [, start, total] =
      /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '') ?? [];
    if (total !== undefined && total !== '*') await expectSize(Number(total), entry, part);
    if (Number(start) === part.size) return;
    await part.restart();
    throw sourceFailure('the server sent another range than was asked for', { interrupted: true });
  }
  if (status === 200) {
    const length = headers.get('content-length');
    if (length !== null) await expectSize(Number(length), entry, part);
    if (part.size > 0) await part.restart();
    const etag = headers.get('etag');
    // A weak mark does not promise the same bytes; HTTP forbids it in If-Range.
    await part.noteEtag(etag === null || etag.startsWith('W/') ? undefined : etag);
    return;
  }
  await response.body?.cancel();
  if (status === 416 && part.size > 0) {
    await part.restart();
    throw sourceFailure('the server does not have the range asked for', { interrupted: true });
  }
  if (status === 401 || status === 403) {
    throw sourceFailure(`access denied (HTTP ${status}); HF_TOKEN may be missing or wrong`);
  }
  if (status === 404) throw sourceFailure('no such file there (HTTP 404)');
  throw sourceFailure(`HTTP ${status}`, {
    interrupted: status === 408 || status === 429 || status >= 500,
  });
}

async function expectSize(bytes: number, entry: CatalogueEntry, part: PartFile): Promise<void> {
  if (bytes === entry.bytes) return;
  await part.restart();
  throw sourceFailure(`the file there has ${bytes} bytes, not ${entry.bytes}`);
}

/** Ends a connection that stalls, and says in a user's words why one failed. */
class Watch {
  readonly #clock: Clock;
  readonly #outer: AbortSignal;
  readonly #ended = new AbortController();
  readonly signal: AbortSignal;
  #answered = false;

  constructor(clock: Clock, outer: AbortSignal) {
    this.#clock = clock;
    this.#outer = outer;
    this.signal = AbortSignal.any([outer, this.#ended.signal]);
  }

  /** @param what named when nothing comes of it */
  async wait<T>(step: Promise<T>, what: string): Promise<T> {
    const settled = new AbortController();
    const stall = this.#clock.sleep(STALL_MS, settled.signal).then(() => {
      throw sourceFailure(`${what} gave nothing for ${STALL_MS / 1000} s`, {
        interrupted: this.#answered,
      });
    });
    // When the step wins the race, the sleep is cancelled and its rejection has no other reader.
    stall.catch(() => undefined);
    try {
      const result = await Promise.race([step, stall]);
      this.#answered = true;
      return result;
    } catch (error) {
      this.#outer.throwIfAborted();
      step.catch(() => undefined);
      if (isInterruption(error) || !(error instanceof TypeError)) throw error;
      const code = systemErrorCode(error);
      const why = code ?? messageOf(error.cause ?? error);
      // A host that cannot be reached at all is not tried again; a connection that broke is.
      throw sourceFailure(`${what} cannot be reached or broke off (${why})`, {
        cause: error,
        interrupted: this.#answered || code === 'ECONNRESET' || code === 'UND_ERR_SOCKET',
      });
    } finally {
      settled.abort();
    }
  }

  /** Closes the connection if it is still open. */
  end(): void {
    this.#ended.abort();
  }
}
