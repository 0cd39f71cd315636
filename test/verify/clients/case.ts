/** A gateway in front of one real server. */
export interface Subject {
  server: 'llama-server' | 'Ollama' | 'vLLM';
  /** Of the gateway. */
  url: string;
  /** The server's model, as `<server>:<model>`. */
  model: string;
  /** Whether the server holds the model to a tool that must be called. */
  holdsToTools: boolean;
  /** Whether the server has embeddings. */
  embeds: boolean;
}

/** Something that a client does; throws where it does not get what its documents promise. */
export interface Case {
  name: string;
  /** What it returns is told beside it. */
  run: (subject: Subject) => Promise<string | void>;
}

/** Enough for a few words; models of this size say nothing worth more. */
export const FEW_TOKENS = 24;
/** Enough for the arguments of the tool. */
export const TOOL_TOKENS = 96;

export const QUESTION = 'Which city is the capital of France? Answer in one short sentence.';

export const TOOL = {
  name: 'get_weather',
  description: 'The weather of a city, now.',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string', enum: ['Paris', 'Rome'] } },
    required: ['city'],
    additionalProperties: false,
  },
} as const;

export function expect(holds: boolean, problem: string): asserts holds {
  if (!holds) throw new Error(problem);
}

/** @throws Error where a call is of no known tool or its arguments are no object */
export function judgeCalls(
  { holdsToTools }: Subject,
  calls: readonly { name: string; arguments: unknown }[],
  text: string,
): string {
  for (const call of calls) {
    expect(call.name === TOOL.name, `a call of ${call.name}`);
    const given: unknown = call.arguments;
    expect(typeof given === 'object' && given !== null, `arguments ${JSON.stringify(given)}`);
  }
  if (calls.length > 0) return 'called';
  expect(!holdsToTools, `no call, though the server holds the model to one: ${text.slice(0, 200)}`);
  expect(text !== '', 'neither a call nor a text');
  return 'answered in words';
}

/** Headers that tell who answered. */
export function judgeHeaders(headers: Headers, { model }: Subject): void {
  const names = ['request-id', 'tier', 'model', 'policy'];
  for (const name of names) expect(!!headers.get(`x-aqe-${name}`), `no header x-aqe-${name}`);
  expect(headers.get('x-aqe-model') === model, `x-aqe-model is ${headers.get('x-aqe-model')}`);
}

/** @throws Error unless the work fails as an error of that kind */
export async function fails(
  work: () => Promise<unknown>,
  isExpected: (error: unknown) => boolean,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (isExpected(error)) return;
    throw error;
  }
  throw new Error('it went well');
}
