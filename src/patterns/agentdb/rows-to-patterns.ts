import { createHash } from 'node:crypto';
import { TASK_CATEGORIES, type TaskCategory } from '../../core/task.ts';
import { beliefFrom, nameOf, type Pattern } from '../pattern.ts';
import type { AgentDbRow } from './agentdb-file.ts';

/**
 * A row of AgentDB as a pattern, which nobody has verified: AgentDB's own word on success is no
 * proof. A reasoning pattern's prompt is the text that AgentDB embeds for it. `undefined` for a row
 * in which there is nothing to remember.
 */
export function patternFrom(
  source: AgentDbRow,
  categoryOf: (prompt: string) => TaskCategory,
  now: number,
): Pattern | undefined {
  const { prompt, answer, confidence, uses, kind } = textsOf(source);
  if (prompt.trim() === '' || answer.trim() === '') return undefined;
  const { id, ts } = source.row;
  const table = source.kind === 'pattern' ? 'reasoning_patterns' : 'episodes';
  const at = typeof ts === 'number' && ts > 0 ? Math.round(ts * 1000) : now;
  return {
    id: `agentdb-${createHash('sha256').update(`${table}:${id}:${source.content}`).digest('hex').slice(0, 16)}`,
    name: nameOf(prompt),
    prompt,
    answer,
    category: TASK_CATEGORIES.find((category) => category === kind) ?? categoryOf(prompt),
    scope: {},
    belief: beliefFrom(clamp(confidence), uses, 'no'),
    uses,
    outcomes: { good: 0, bad: 0 },
    verified: 'no',
    provenance: { source: 'agentdb', origin: `${table}:${id}` },
    createdAt: at,
    updatedAt: now,
  };
}

interface Texts {
  prompt: string;
  answer: string;
  confidence: number;
  uses: number;
  /** What AgentDB calls the task. */
  kind?: string;
}

function textsOf(source: AgentDbRow): Texts {
  if (source.kind === 'pattern') {
    const { task_type: kind, approach, success_rate: rate, uses } = source.row;
    return {
      prompt: `${kind}: ${approach}`,
      answer: approach,
      confidence: rate ?? 0,
      uses: Math.max(0, Math.round(uses ?? 0)),
      kind,
    };
  }
  const { task, input, output, critique, reward, success } = source.row;
  const given = reward ?? 0;
  return {
    prompt: input === null || input === undefined || input === '' ? task : `${task}\n\n${input}`,
    answer: output ?? critique ?? '',
    // What it calls a failure is none of its rewards' business.
    confidence: success === 1 ? given : Math.min(given, 0.3),
    uses: 1,
  };
}

function clamp(value: number): number {
  return Number.isFinite(value) ? Math.min(1, Math.max(0, value)) : 0;
}
