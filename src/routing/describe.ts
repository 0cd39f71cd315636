import type { Description, RouteRequest } from './decision.ts';

const BYTES_PER_TOKEN = 3.5;

/** What is known of a request before anything is decided. */
export function describe(request: RouteRequest): Description {
  const bytes = request.messages.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
  return {
    category: request.category ?? 'other',
    complexity: request.complexity ?? 'moderate',
    confidence: request.category !== undefined && request.complexity !== undefined ? 1 : 0.5,
    promptTokens: Math.ceil(bytes / BYTES_PER_TOKEN),
    features: { bytes },
  };
}
