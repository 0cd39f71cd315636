import type { Description, RouteRequest } from './decision.ts';
import { featuresOf } from './describe/features.ts';
import { classify } from './describe/model.ts';

/** Between prose (about 4) and code (about 3) of today's tokenizers. */
const BYTES_PER_TOKEN = 3.5;

/**
 * What is known of a request before anything is decided. What the caller said wins; the rest is the
 * classifier's word (docs/describing.md). Pure, never throws, and looks at bounded parts of long
 * texts only.
 */
export function describe(request: RouteRequest): Description {
  const { weighed, shown } = featuresOf(request);
  const guess = classify(weighed);
  const category = sure(request.category) ?? guess.category;
  const complexity = sure(request.complexity) ?? guess.complexity;
  return {
    category: category.name,
    complexity: complexity.name,
    confidence: category.probability * complexity.probability,
    promptTokens: tokensOf(request),
    features: {
      ...shown,
      'certainty of the category': round(category.probability),
      'certainty of the complexity': round(complexity.probability),
    },
  };
}

function sure<Name>(said: Name | undefined): { name: Name; probability: number } | undefined {
  return said === undefined ? undefined : { name: said, probability: 1 };
}

function tokensOf({ messages, tools = [] }: RouteRequest): number {
  let bytes = 0;
  for (const message of messages) {
    bytes += Buffer.byteLength(message.content);
    if (message.role !== 'assistant') continue;
    for (const call of message.toolCalls ?? []) bytes += Buffer.byteLength(call.arguments);
  }
  for (const tool of tools) bytes += Buffer.byteLength(JSON.stringify(tool));
  return Math.ceil(bytes / BYTES_PER_TOKEN);
}

function round(probability: number): number {
  return Math.round(probability * 1000) / 1000;
}
