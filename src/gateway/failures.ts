import { AppError } from '../core/errors.ts';
import { ProviderFailure, traitsOf, type FailureClass } from '../providers/failure.ts';

/** What kind of thing went wrong, before it is said in a client's dialect. */
export type Fault =
  | 'invalid'
  | 'unauthorized'
  | 'forbidden'
  | 'not-found'
  | 'too-slow'
  | 'conflict'
  | 'too-large'
  | 'context-too-long'
  | 'rate-limited'
  /** The gateway has as many requests as it may have. */
  | 'busy'
  /** A model server has too much to do. */
  | 'overloaded'
  | 'unavailable'
  | 'upstream'
  | 'upstream-timeout'
  | 'internal';

/** Something that a client is told of. */
export interface Failure {
  fault: Fault;
  /** Stable and machine-readable, as `provider.timeout` or `gateway.invalid-request`. */
  code: string;
  message: string;
  /** The field it is about; the first one where it is about several. */
  field?: string;
  /** Whole seconds after which it is worth another try. */
  retryAfterSeconds?: number;
  /** Whether the same request may go well a little later. */
  retryable: boolean;
}

const PROVIDER_FAULTS: Record<FailureClass, Fault> = {
  transport: 'upstream',
  timeout: 'upstream-timeout',
  'first-token-timeout': 'upstream-timeout',
  overloaded: 'overloaded',
  'rate-limited': 'rate-limited',
  'engine-crashed': 'upstream',
  'truncated-stream': 'upstream',
  malformed: 'upstream',
  // The gateway's own key or account, and none of the client's.
  auth: 'upstream',
  'spend-limit': 'upstream',
  'model-missing': 'unavailable',
  'model-unreadable': 'unavailable',
  'context-too-long': 'context-too-long',
  'breaker-open': 'unavailable',
  'recording-missing': 'unavailable',
  unsupported: 'invalid',
  'bad-request': 'invalid',
  cancelled: 'unavailable',
};

const FAULTS: Readonly<Record<string, Fault>> = {
  'gateway.not-json': 'invalid',
  'gateway.invalid-request': 'invalid',
  'gateway.invalid-http': 'invalid',
  'gateway.half-closed': 'invalid',
  'gateway.unauthorized': 'unauthorized',
  'gateway.forbidden-host': 'forbidden',
  'gateway.forbidden-origin': 'forbidden',
  'gateway.unknown-route': 'not-found',
  'gateway.unknown-model': 'not-found',
  'gateway.body-too-large': 'too-large',
  'gateway.too-slow': 'too-slow',
  'gateway.busy': 'busy',
  'gateway.stopping': 'unavailable',
  'patterns.bad-vector': 'invalid',
  'patterns.other-embedder': 'invalid',
  'patterns.learning': 'conflict',
  'patterns.private': 'forbidden',
  'route.unknown-model': 'not-found',
  'route.session-busy': 'conflict',
  'route.session-conflict': 'conflict',
  // The named model is none that may see what is private.
  'route.private': 'forbidden',
};
/** These change by themselves; nothing else that is unavailable does so soon. */
const PASSING: ReadonlySet<Fault> = new Set<Fault>(['busy', 'conflict', 'too-slow']);
const SOON_SECONDS = 1;

/**
 * What a client is told of anything thrown. A defect's own words stay inside: they may hold parts of
 * a prompt.
 */
export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof ProviderFailure) return failureOfProvider(thrown);
  if (thrown instanceof AppError) return failureOfApp(thrown);
  return failureOfHttp(thrown);
}

function failureOfProvider(thrown: ProviderFailure): Failure {
  const { failure, code, retryAfterMs } = thrown;
  const fault = PROVIDER_FAULTS[failure];
  const { retryable } = traitsOf(failure);
  const seconds = retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs / 1000);
  return {
    fault,
    code,
    message: sentence(thrown),
    retryable: retryable || failure === 'breaker-open',
    ...(seconds === undefined ? {} : { retryAfterSeconds: seconds }),
  };
}

function failureOfApp(thrown: AppError): Failure {
  const { code, problems } = thrown;
  const fault =
    FAULTS[code] ?? (/^(route|storage|config)\./.test(code) ? 'unavailable' : 'internal');
  const field = problems[0]?.path;
  const retryable = PASSING.has(fault) || code === 'storage.locked' || code === 'gateway.stopping';
  return {
    fault,
    code,
    message: fault === 'internal' ? INTERNAL : sentence(thrown),
    ...(field === undefined ? {} : { field }),
    ...(retryable ? { retryAfterSeconds: SOON_SECONDS } : {}),
    retryable,
  };
}

const INTERNAL = 'The gateway failed. This is a defect of aqe-llm.';

/** Errors of the HTTP library carry a code and a status. */
function failureOfHttp(thrown: unknown): Failure {
  const { code, statusCode } = shapeOf(thrown);
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return failureOfApp(new AppError('gateway.body-too-large', 'The body is larger than allowed.'));
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    const words = thrown instanceof Error ? thrown.message : 'The request is no HTTP.';
    return failureOfApp(new AppError('gateway.invalid-http', words));
  }
  return { fault: 'internal', code: 'internal', message: INTERNAL, retryable: false };
}

function shapeOf(thrown: unknown): { code?: unknown; statusCode?: number } {
  if (typeof thrown !== 'object' || thrown === null) return {};
  const statusCode =
    'statusCode' in thrown && typeof thrown.statusCode === 'number' ? thrown.statusCode : undefined;
  return {
    ...('code' in thrown ? { code: thrown.code } : {}),
    ...(statusCode === undefined ? {} : { statusCode }),
  };
}

/** What happened, every problem with its path, and what to do. */
function sentence({ message, problems, hint }: AppError): string {
  const named = problems.map(({ path, message: problem }) => `${path}: ${problem}`).join('; ');
  return [message, named, hint].filter((part) => part !== undefined && part !== '').join(' ');
}
