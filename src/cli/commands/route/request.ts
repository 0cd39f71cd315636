import type { Complexity, Priority, TaskCategory } from '../../../core/task.ts';
import type { RouteRequest, Source } from '../../../routing/decision.ts';

/** The options that say how a request is to be answered. */
export interface RequestFlags {
  model?: string;
  private?: boolean;
  session?: string;
  system?: string;
  category?: TaskCategory;
  complexity?: Complexity;
  priority?: Priority;
  agent?: string;
  maxTokens?: number;
  temperature?: number;
  seed?: number;
}

/** What is asked of the router. */
export function requestOf(
  prompt: string,
  { system, ...flags }: RequestFlags,
  source: Source,
): RouteRequest {
  return {
    ...flags,
    messages: [
      ...(system === undefined ? [] : [{ role: 'system', content: system } as const]),
      { role: 'user', content: prompt },
    ],
    source,
  };
}
