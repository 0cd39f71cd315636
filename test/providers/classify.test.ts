import { describe, expect, it } from 'vitest';
import { classify, type Evidence } from '../../src/providers/classify.ts';
import { ProviderFailure, type FailureClass } from '../../src/providers/failure.ts';

function failed(name: string, code?: string, message = 'no luck', cause?: unknown): Error {
  const error = new Error(message, { cause });
  error.name = name;
  return code === undefined ? error : Object.assign(error, { code });
}

const anthropic = (type: string, message: string, details?: unknown): unknown => ({
  type: 'error',
  error: { type, message, details },
  request_id: 'req_1',
});

const ANSWERS: readonly [string, FailureClass, Evidence][] = [
  [
    'Ollama: no such model',
    'model-missing',
    { status: 404, body: '{"error":"model \'x\' not found"}' },
  ],
  [
    'Ollama: queue full',
    'overloaded',
    {
      status: 503,
      body: { error: 'server busy, please try again.  maximum pending requests exceeded' },
    },
  ],
  ['Ollama: client gone', 'cancelled', { status: 499, body: '' }],
  [
    'Ollama: runner died',
    'engine-crashed',
    { status: 500, body: { error: 'llama runner process has terminated: exit status 2' } },
  ],
  [
    'Ollama: weights broken',
    'model-unreadable',
    { status: 500, body: { error: 'unable to load model: /blobs/sha256-1' } },
  ],
  [
    'Ollama: long input to embed',
    'context-too-long',
    { status: 400, body: { error: 'the input length exceeds the context length' } },
  ],
  [
    'Ollama: cannot embed',
    'unsupported',
    { status: 400, body: { error: '"x" does not support embeddings' } },
  ],
  [
    'Ollama: error inside a stream',
    'overloaded',
    { status: 200, body: '{"error":"an error was encountered while running the model"}' },
  ],
  [
    'Ollama: pull of an unknown model',
    'model-missing',
    { status: 200, body: { error: 'pull model manifest: file does not exist' } },
  ],
  [
    'Ollama /v1: no such model',
    'model-missing',
    {
      status: 404,
      body: {
        error: { message: "model 'x' not found", type: 'not_found_error', param: null, code: null },
      },
    },
  ],
  ['Ollama: no such address', 'unsupported', { status: 404, body: '404 page not found' }],
  [
    'vLLM: no such model',
    'model-missing',
    {
      status: 404,
      body: {
        error: {
          message: 'The model `x` does not exist.',
          type: 'NotFoundError',
          param: 'model',
          code: 404,
        },
      },
    },
  ],
  [
    'vLLM flat: long prompt',
    'context-too-long',
    {
      status: 400,
      body: {
        object: 'error',
        message:
          "This model's maximum context length is 2048 tokens. However, you requested 3000 tokens.",
        type: 'BadRequestError',
        param: null,
        code: 400,
      },
    },
  ],
  [
    'vLLM: wrong field',
    'bad-request',
    {
      status: 400,
      body: {
        error: { message: 'temperature must be non-negative', type: 'BadRequestError', code: 400 },
      },
    },
  ],
  ['vLLM: wrong key', 'auth', { status: 401, body: { error: 'Unauthorized' } }],
  [
    'vLLM: dead engine',
    'engine-crashed',
    {
      status: 500,
      body: {
        error: {
          message: 'EngineCore encountered an issue. See stack trace (above) for the root cause.',
          type: 'InternalServerError',
          code: 500,
        },
      },
    },
  ],
  [
    'vLLM: error inside a stream',
    'bad-request',
    { status: 200, body: { error: { message: 'no', type: 'BadRequestError', code: 400 } } },
  ],
  ['FastAPI: no such address', 'unsupported', { status: 404, body: { detail: 'Not Found' } }],
  [
    'llama-server: loading',
    'overloaded',
    {
      status: 503,
      body: { error: { code: 503, message: 'Loading model', type: 'unavailable_error' } },
    },
  ],
  [
    'llama-server: long prompt',
    'context-too-long',
    {
      status: 400,
      body: {
        error: {
          code: 400,
          message: 'the request exceeds the available context size, try increasing it',
          type: 'exceed_context_size_error',
          n_prompt_tokens: 9,
          n_ctx: 8,
        },
      },
    },
  ],
  [
    'llama-server: context ran full',
    'context-too-long',
    {
      status: 500,
      body: {
        error: { code: 500, message: 'Context size has been exceeded.', type: 'server_error' },
      },
    },
  ],
  [
    'llama-server: a text too long to embed',
    'context-too-long',
    {
      status: 500,
      body: {
        error: {
          code: 500,
          message:
            'input (848 tokens) is too large to process. increase the physical batch size (current batch size: 512)',
          type: 'server_error',
        },
      },
    },
  ],
  [
    'llama-server: no embeddings',
    'unsupported',
    {
      status: 501,
      body: {
        error: {
          code: 501,
          message: 'This server does not support embeddings. Start it with `--embeddings`',
          type: 'not_supported_error',
        },
      },
    },
  ],
  [
    'llama-server: wrong key',
    'auth',
    {
      status: 401,
      body: { error: { code: 401, message: 'Invalid API Key', type: 'authentication_error' } },
    },
  ],
  [
    'llama-server: no such address',
    'unsupported',
    {
      status: 404,
      body: { error: { code: 404, message: 'File Not Found', type: 'not_found_error' } },
    },
  ],
  [
    'llama-server: failed inside a stream',
    'overloaded',
    { status: 200, body: { error: { code: 500, message: 'decode failed', type: 'server_error' } } },
  ],
  [
    'Anthropic: overloaded',
    'overloaded',
    { status: 529, body: anthropic('overloaded_error', 'Overloaded') },
  ],
  [
    'Anthropic: overloaded inside a stream',
    'overloaded',
    { status: 200, body: anthropic('overloaded_error', 'Overloaded') },
  ],
  [
    'Anthropic: rate limit',
    'rate-limited',
    { status: 429, body: anthropic('rate_limit_error', 'Slow down') },
  ],
  [
    'Anthropic: wrong key',
    'auth',
    { status: 401, body: anthropic('authentication_error', 'invalid x-api-key') },
  ],
  ['Anthropic: not allowed', 'auth', { status: 403, body: anthropic('permission_error', 'no') }],
  [
    'Anthropic: no such model',
    'model-missing',
    { status: 404, body: anthropic('not_found_error', 'model: claude-9') },
  ],
  [
    'Anthropic: too large',
    'context-too-long',
    { status: 413, body: anthropic('request_too_large', 'Request exceeds the maximum size') },
  ],
  [
    'Anthropic: long prompt',
    'context-too-long',
    {
      status: 400,
      body: anthropic(
        'invalid_request_error',
        'prompt is too long: 210000 tokens > 200000 maximum',
      ),
    },
  ],
  [
    'Anthropic: long answer',
    'context-too-long',
    {
      status: 400,
      body: anthropic(
        'invalid_request_error',
        'input length and `max_tokens` exceed context limit: 1 + 2 > 2',
      ),
    },
  ],
  [
    'Anthropic: wrong field',
    'bad-request',
    { status: 400, body: anthropic('invalid_request_error', 'temperature: not allowed') },
  ],
  [
    'Anthropic: no credit',
    'spend-limit',
    {
      status: 400,
      body: anthropic('invalid_request_error', 'Your credit balance is too low to access the API'),
    },
  ],
  [
    'Anthropic: spend limit as a kind',
    'spend-limit',
    {
      status: 429,
      body: anthropic('rate_limit_error', 'Limit', { error_code: 'enforced_spend_limit_reached' }),
    },
  ],
  [
    'Anthropic: spend limit as the type',
    'spend-limit',
    { status: 429, body: anthropic('enforced_spend_limit_reached', 'Limit') },
  ],
  [
    'Anthropic: failed inside a stream',
    'overloaded',
    { status: 200, body: anthropic('api_error', 'Internal server error') },
  ],
  ['a proxy: HTML', 'overloaded', { status: 502, body: '<html><h1>Bad Gateway</h1></html>' }],
  ['a proxy: timeout', 'timeout', { status: 504, body: '' }],
  ['a redirect', 'unsupported', { status: 302, body: '' }],
  ['nothing readable in a good answer', 'malformed', { status: 200, body: '' }],
];

const THROWN: readonly [string, FailureClass, unknown][] = [
  ['refused', 'transport', failed('Error', 'ECONNREFUSED')],
  ['reset', 'transport', failed('Error', 'ECONNRESET')],
  ['broken pipe', 'transport', failed('Error', 'EPIPE')],
  ['no such host', 'transport', failed('Error', 'ENOTFOUND')],
  ['undici: other side closed', 'transport', failed('SocketError', 'UND_ERR_SOCKET')],
  [
    'fetch: refused',
    'transport',
    failed('TypeError', undefined, 'fetch failed', failed('Error', 'ECONNREFUSED')),
  ],
  [
    'two refused addresses',
    'transport',
    Object.assign(new AggregateError([failed('Error', 'ECONNREFUSED')]), { code: 'ECONNREFUSED' }),
  ],
  ['connect timeout', 'timeout', failed('ConnectTimeoutError', 'UND_ERR_CONNECT_TIMEOUT')],
  [
    'headers timeout',
    'first-token-timeout',
    failed('HeadersTimeoutError', 'UND_ERR_HEADERS_TIMEOUT'),
  ],
  ['body timeout', 'timeout', failed('BodyTimeoutError', 'UND_ERR_BODY_TIMEOUT')],
  [
    'fetch: body timeout',
    'timeout',
    failed(
      'TypeError',
      undefined,
      'terminated',
      failed('BodyTimeoutError', 'UND_ERR_BODY_TIMEOUT'),
    ),
  ],
  ['system timeout', 'timeout', failed('Error', 'ETIMEDOUT')],
  ['signal with a timeout', 'timeout', new DOMException('late', 'TimeoutError')],
  ['abort', 'cancelled', new DOMException('stop', 'AbortError')],
  ['undici: abort', 'cancelled', failed('AbortError', 'UND_ERR_ABORTED')],
  ['no HTTP at all', 'malformed', failed('HTTPParserError', 'HPE_INVALID_CONSTANT')],
  ['no JSON', 'malformed', new SyntaxError('Unexpected token')],
  ['cut body', 'truncated-stream', failed('Error', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH')],
  ['already classified', 'spend-limit', new ProviderFailure('spend-limit', 'no money')],
  ['not even an error', 'transport', 'boom'],
  ['nothing at all', 'transport', undefined],
];

describe('classify', () => {
  it.each(ANSWERS)('%s is %s', (_, failure, evidence) => {
    expect(classify(evidence).failure).toBe(failure);
  });

  it.each(THROWN)('%s is %s', (_, failure, error) => {
    expect(classify({ error }).failure).toBe(failure);
  });

  it('quotes the server, without the key that it refused', () => {
    const body = { error: { message: 'Incorrect API key provided: sk-ant-abc***xyz.' } };
    expect(classify({ status: 401, body }).message).toBe(
      'The server answered 401: Incorrect API key provided: [key]',
    );
  });

  it('keeps HTML and endless messages out of its own', () => {
    expect(classify({ status: 502, body: '<html>' }).message).toBe('The server answered 502.');
    expect(classify({ status: 500, body: 'x'.repeat(5000) }).message.length).toBeLessThan(500);
  });

  it('survives errors whose causes go in circles', () => {
    const error = failed('Error', undefined, 'round');
    error.cause = error;
    expect(classify({ error })).toEqual({
      failure: 'transport',
      message: 'The connection failed: round',
    });
  });

  it.each([
    [{ 'retry-after': '2' }, 2000],
    [{ 'Retry-After': '0.5' }, 500],
    [{ 'retry-after-ms': '250', 'retry-after': '9' }, 250],
    [{ 'retry-after': ['3', '4'] }, 3000],
    [
      { 'retry-after': 'Fri, 01 Jan 2027 00:00:30 GMT', date: 'Fri, 01 Jan 2027 00:00:00 GMT' },
      30_000,
    ],
    [{ 'retry-after': 'Fri, 01 Jan 2027 00:00:00 GMT', date: 'Fri, 01 Jan 2027 00:00:30 GMT' }, 0],
    [{ 'retry-after': 'Fri, 01 Jan 2027 00:00:30 GMT' }, undefined],
    [{ 'retry-after': '999999999' }, 86_400_000],
    [{ 'retry-after': '-5' }, undefined],
    [{ 'retry-after': 'soon' }, undefined],
    [{}, undefined],
  ])('reads %o as %s ms', (headers, expected) => {
    expect(classify({ status: 429, headers, body: '' }).retryAfterMs).toBe(expected);
  });

  it('asks nobody to wait for a spent budget', () => {
    const body = anthropic('enforced_spend_limit_reached', 'Limit');
    expect(classify({ status: 429, headers: { 'retry-after': '5' }, body })).not.toHaveProperty(
      'retryAfterMs',
    );
  });
});
