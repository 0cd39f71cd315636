import { createHash } from 'node:crypto';
import type { Message, ToolCall } from '../../core/request.ts';

/** A piece of a tool call; those of one index belong together, in the order they came. */
export interface ToolCallPiece {
  /** Which call of the answer, from 0. */
  index: number;
  id?: string | undefined;
  name?: string | undefined;
  /** Goes on with the arguments' JSON. */
  arguments?: string | undefined;
}

export interface ToolCallCollector {
  add(piece: ToolCallPiece): void;
  /** The whole calls, in the order of their indexes. */
  calls(): ToolCall[];
}

/**
 * Puts tool calls together.
 * @param messages the prompt: where a server names no ids they are made from it, so that no two
 * calls of a conversation share one and the same request gets the same ones again
 */
export function collectToolCalls(messages: readonly Message[]): ToolCallCollector {
  const found = new Map<number, ToolCall>();
  return {
    add({ index, id, name, arguments: more = '' }) {
      const call = found.get(index) ?? { id: '', name: '', arguments: '' };
      // Some servers repeat the id and the name with every piece.
      found.set(index, {
        id: call.id || (id ?? ''),
        name: call.name || (name ?? ''),
        arguments: call.arguments + more,
      });
    },
    calls: () =>
      [...found]
        .toSorted(([a], [b]) => a - b)
        .map(([index, call]) => ({
          id: call.id || `call_${digest(messages)}_${index}`,
          name: call.name,
          // A call without arguments often comes without a single piece of them.
          arguments: call.arguments.trim() === '' ? '{}' : call.arguments,
        })),
  };
}

function digest(messages: readonly Message[]): string {
  return createHash('sha256').update(JSON.stringify(messages)).digest('hex').slice(0, 16);
}

/**
 * A call's arguments for a server that takes nothing but objects. What the model wrote instead is
 * passed on under a name that tells the model what was wrong with it.
 */
export function argumentsObject(text: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) {
      return Object.fromEntries(Object.entries(parsed));
    }
  } catch {
    // What follows is for this case too.
  }
  return { INVALID_JSON: text };
}
