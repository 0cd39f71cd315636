import { createHash } from 'node:crypto';
import type { Config } from '../config/schema.ts';
import type { RandomIndex } from '../core/random.ts';
import type { CompletionRequest } from '../core/request.ts';
import type { NewRequest } from '../ledger/ledger.ts';
import type { Decision, RouteRequest } from './decision.ts';

/** Crockford's base 32: no letters that are read as digits. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const ID_LENGTH = 12;
const SEEDS = 2 ** 31 - 1;
/** Where the request says none: the baseline's. */
const TEMPERATURE = 0.2;

/** Twelve letters and digits, 60 bits: the first few usually tell requests apart. */
export function newRequestId(random: RandomIndex): string {
  return Array.from({ length: ID_LENGTH }, () => ALPHABET[random(ALPHABET.length)]).join('');
}

/** What is asked of every target, with what the request leaves out. */
export function completionRequest(
  request: RouteRequest,
  { maxTokens }: Pick<Config['routing'], 'maxTokens'>,
  random: RandomIndex,
): CompletionRequest {
  const { topP, stop, tools, toolChoice, responseFormat } = request;
  return {
    messages: request.messages,
    maxTokens: request.maxTokens ?? maxTokens,
    temperature: request.temperature ?? TEMPERATURE,
    seed: request.seed ?? random(SEEDS),
    repeat: 0,
    ...(topP === undefined ? {} : { topP }),
    ...(stop === undefined ? {} : { stop }),
    ...(tools === undefined ? {} : { tools }),
    ...(toolChoice === undefined ? {} : { toolChoice }),
    ...(responseFormat === undefined ? {} : { responseFormat }),
  };
}

/** The first row of a request. */
export function recordOf(
  id: string,
  at: number,
  request: RouteRequest,
  decision: Decision,
): NewRequest {
  const { session, agent } = request;
  const { description, policy, ladder } = decision;
  return {
    id,
    at,
    source: request.source ?? 'library',
    ...(session === undefined ? {} : { session }),
    ...(agent === undefined ? {} : { agent }),
    priority: request.priority ?? 'medium',
    private: request.private === true,
    category: description.category,
    complexity: description.complexity,
    promptSha256: createHash('sha256').update(JSON.stringify(request.messages)).digest('hex'),
    promptTokensEstimate: description.promptTokens,
    policy,
    tier: ladder[0].tier,
    target: ladder[0].spec,
    decision,
  };
}
