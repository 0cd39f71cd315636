import type { Description, RouteRequest } from './decision.ts';

/** Between prose (about 4) and code (about 3) of today's tokenizers. */
const BYTES_PER_TOKEN = 3.5;

/** What is known of a request before anything is decided. What the caller said wins. Never throws. */
export function describe(request: RouteRequest): Description {
  const bytes = request.messages.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
  const { category = 'other', complexity = 'moderate' } = request;
  const said = request.category !== undefined && request.complexity !== undefined;
  return {
    category,
    complexity,
    confidence: said ? 1 : 0,
    promptTokens: Math.ceil(bytes / BYTES_PER_TOKEN),
    features: { bytes },
  };
}
