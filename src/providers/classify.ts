import { ProviderFailure, type FailureClass } from './failure.ts';
import { readRetryAfter, type HeaderRecord } from './retry-after.ts';

/** What is known of a failed call. Everything may be absent. */
export interface Evidence {
  /** HTTP status of the answer; 2xx when the error came inside an answer that had begun well. */
  status?: number | undefined;
  headers?: HeaderRecord | undefined;
  /** The answer's body (text or parsed), or the one line or event of a stream that told of the error. */
  body?: unknown;
  /** What was thrown when there was no answer, or when it broke. */
  error?: unknown;
}

export interface Classification {
  failure: FailureClass;
  /** One sentence, without secrets. */
  message: string;
  /** Milliseconds that the server asks callers to wait, at most a day. */
  retryAfterMs?: number;
}

/**
 * Names the failure of a call to a model server: Ollama, vLLM, llama-server, Anthropic, or
 * whatever else speaks one of their protocols. What the body says goes before the status, because
 * servers tell of a spent budget with 429, of a long prompt with 400 and of anything with 200.
 */
export function classify(evidence: Evidence): Classification {
  const { status, headers = {}, body, error } = evidence;
  if (status === undefined) return classifyThrown(error);

  const said = readError(body);
  const failure = classOf(status, said);
  const where =
    status < 300 ? 'The server broke off with an error' : `The server answered ${status}`;
  const message = withoutSecrets(said.message === '' ? `${where}.` : `${where}: ${said.message}`);
  // Waiting does not bring a spent budget back, whatever a proxy on the way adds.
  const retryAfterMs = failure === 'spend-limit' ? undefined : readRetryAfter(headers);
  return retryAfterMs === undefined ? { failure, message } : { failure, message, retryAfterMs };
}

interface SaidError {
  message: string;
  /** What names the kind of error (`type`, `code` …), most particular first, lower-case, without separators. */
  kinds: readonly string[];
  /** A status inside the body, as llama-server and vLLM send with an error inside a stream. */
  status: number | undefined;
}

const MAX_MESSAGE = 400;

/** Reads `{error: text}`, `{error: {…}}`, vLLM's older flat `{object: 'error', …}`, FastAPI's `{detail}`, or text. */
function readError(body: unknown): SaidError {
  const parsed = typeof body === 'string' ? parseJson(body) : body;
  if (!isRecord(parsed)) {
    const text = typeof parsed === 'string' && !/^\s*</.test(parsed) ? parsed : '';
    return { message: shorten(text), kinds: [], status: undefined };
  }
  const error = isRecord(parsed.error) ? parsed.error : parsed;
  const text = [parsed.error, error.message, error.detail].find((it) => typeof it === 'string');
  // Anthropic tells the reason of a refusal one level deeper, under `details`.
  const details = isRecord(error.details) ? error.details : {};
  const kinds = [details.error_code, details.type, error.error_code, error.code, error.type]
    .filter((kind) => typeof kind === 'string')
    .map((kind) => kind.toLowerCase().replace(/[^a-z0-9]|error$/g, ''));
  const code = Number(error.code);
  return {
    message: shorten(typeof text === 'string' ? text : ''),
    kinds,
    status: Number.isInteger(code) && code >= 400 && code <= 599 ? code : undefined,
  };
}

/** Kinds of error by the names the servers give them, in the spelling of `SaidError.kinds`. */
const KINDS: Readonly<Record<string, FailureClass>> = {
  enforcedspendlimitreached: 'spend-limit',
  billing: 'spend-limit',
  insufficientquota: 'spend-limit',
  exceedcontextsize: 'context-too-long',
  contextlengthexceeded: 'context-too-long',
  requesttoolarge: 'context-too-long',
  modelnotfound: 'model-missing',
  authentication: 'auth',
  permission: 'auth',
  invalidapikey: 'auth',
  overloaded: 'overloaded',
  unavailable: 'overloaded',
  ratelimit: 'rate-limited',
  ratelimitexceeded: 'rate-limited',
  timeout: 'timeout',
  notsupported: 'unsupported',
  notimplemented: 'unsupported',
};

/** Kinds of error by what the message says, for servers that say no more. First match wins. */
const SAYINGS: readonly (readonly [RegExp, FailureClass])[] = [
  [/enforced_spend_limit_reached|credit balance is too low/i, 'spend-limit'],
  [
    /(maximum|max|exceeds?|available|the) context (length|size|window|limit)|prompt is too long|context size has been exceeded|maximum model length|exceed context limit|input \(\d+ tokens\) is (too large|larger than)/i,
    'context-too-long',
  ],
  [
    /model\b.*\b(not found|does not exist)|^model: |pull model manifest: file does not exist/i,
    'model-missing',
  ],
  [/unable to load model|error loading model/i, 'model-unreadable'],
  [
    /runner process (has terminated|no longer running)|\bengine ?core\b|engine is dead/i,
    'engine-crashed',
  ],
  [/does not support|not supported by this (server|model)/i, 'unsupported'],
];

function classOf(status: number, said: SaidError): FailureClass {
  for (const kind of said.kinds) {
    const failure = KINDS[kind];
    if (failure !== undefined) return failure;
  }
  const saying = SAYINGS.find(([pattern]) => pattern.test(said.message));
  if (saying !== undefined) return saying[1];
  if (status >= 300) return classOfStatus(status);
  if (said.status !== undefined) return classOfStatus(said.status);
  if (said.kinds.some((kind) => kind === 'invalidrequest' || kind === 'badrequest')) {
    return 'bad-request';
  }
  // An error that the server could not foresee when it began to answer is one of its own side.
  return said.message === '' && said.kinds.length === 0 ? 'malformed' : 'overloaded';
}

function classOfStatus(status: number): FailureClass {
  switch (status) {
    case 401:
    case 403:
    case 407:
      return 'auth';
    case 402:
      return 'spend-limit';
    case 408:
    case 504:
      return 'timeout';
    case 413:
      return 'context-too-long';
    case 409:
    case 425:
      return 'overloaded';
    case 429:
      return 'rate-limited';
    // Ollama's word for a request whose client has gone.
    case 499:
      return 'cancelled';
    // No such address rather than no such model, which has its own message.
    case 404:
    case 405:
    case 501:
      return 'unsupported';
    default:
      if (status >= 500) return 'overloaded';
      return status >= 400 ? 'bad-request' : 'unsupported';
  }
}

const THROWN: Readonly<Record<string, FailureClass>> = {
  AbortError: 'cancelled',
  ABORT_ERR: 'cancelled',
  UND_ERR_ABORTED: 'cancelled',
  APIUserAbortError: 'cancelled',
  TimeoutError: 'timeout',
  ETIMEDOUT: 'timeout',
  ESOCKETTIMEDOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  APIConnectionTimeoutError: 'timeout',
  UND_ERR_HEADERS_TIMEOUT: 'first-token-timeout',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'truncated-stream',
  UND_ERR_RES_EXCEEDED_MAX_SIZE: 'malformed',
  UND_ERR_HEADERS_OVERFLOW: 'malformed',
  UND_ERR_INVALID_ARG: 'bad-request',
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: 'bad-request',
  HTTPParserError: 'malformed',
  SyntaxError: 'malformed',
  ZodError: 'malformed',
};

/** Deeper causes than this are of no use, and a chain may bite its tail. */
const MAX_CAUSES = 5;

function classifyThrown(thrown: unknown): Classification {
  if (thrown instanceof ProviderFailure) {
    const { failure, message, retryAfterMs } = thrown;
    return retryAfterMs === undefined ? { failure, message } : { failure, message, retryAfterMs };
  }
  const chain: unknown[] = [];
  for (let it = thrown; it !== undefined && chain.length < MAX_CAUSES;) {
    chain.push(it);
    it = it instanceof Error ? it.cause : undefined;
  }
  const failure = chain.flatMap(namesOf).flatMap((name) => THROWN[name] ?? [])[0] ?? 'transport';
  const inner = chain.map(textOf).findLast((text) => text !== '') ?? 'unknown reason';
  return {
    failure,
    message: withoutSecrets(`${LEADS[failure] ?? 'The call failed'}: ${shorten(inner)}`),
  };
}

const LEADS: Partial<Record<FailureClass, string>> = {
  cancelled: 'The call was cancelled',
  transport: 'The connection failed',
  timeout: 'The server took too long',
  'first-token-timeout': 'The server took too long to begin its answer',
  'truncated-stream': 'The answer was cut off',
  malformed: 'The server did not keep to the protocol',
  'bad-request': 'The request could not be sent',
};

function namesOf(thrown: unknown): string[] {
  if (!(thrown instanceof Error)) return [];
  const code = 'code' in thrown && typeof thrown.code === 'string' ? [thrown.code] : [];
  return [...code, thrown.name, thrown.constructor.name];
}

/** Node's AggregateError of several refused addresses has a code and no message. */
function textOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return typeof thrown === 'string' ? thrown : '';
  if (thrown.message !== '') return thrown.message;
  return thrown instanceof AggregateError ? textOf(thrown.errors[0]) : thrown.name;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= MAX_MESSAGE ? line : `${line.slice(0, MAX_MESSAGE - 1)}…`;
}

/** Servers like to quote the key that they refuse. */
function withoutSecrets(text: string): string {
  return text.replace(/\b(sk|key|token)-[\w*.-]{4,}|\bBearer\s+\S+/gi, '[key]');
}
