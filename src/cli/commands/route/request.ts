import type { Complexity, Priority, TaskCategory } from '../../../core/task.ts';
import type { RouteRequest, Source } from '../../../routing/decision.ts';
import { scopeOf } from '../../scope.ts';

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
  scope?: string[];
  maxTokens?: number;
  temperature?: number;
  seed?: number;
}

/**
 * What is asked of the router.
 * @throws AppError `usage.scope`
 */
export function requestOf(
  prompt: string,
  { system, scope, ...flags }: RequestFlags,
  source: Source,
): RouteRequest {
  return {
    ...flags,
    ...(scope === undefined ? {} : { scope: scopeOf(scope) }),
    messages: [
      ...(system === undefined ? [] : [{ role: 'system', content: system } as const]),
      { role: 'user', content: prompt },
    ],
    source,
  };
}
