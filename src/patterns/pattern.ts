import { createHash } from 'node:crypto';
import type { TaskCategory } from '../core/task.ts';

/** Where a pattern holds. A key that is absent does not matter. */
export interface Scope {
  tenant?: string | undefined;
  repository?: string | undefined;
  commit?: string | undefined;
  /** Model family, as in `qwen2.5-coder`. */
  model?: string | undefined;
}
export const SCOPE_KEYS = ['tenant', 'repository', 'commit', 'model'] as const;

/** Where a pattern comes from. */
export interface Provenance {
  source: 'import' | 'route' | 'review' | 'api' | 'agentdb';
  /** File and line, table and row, or address. */
  origin?: string | undefined;
  /** Who wrote the answer, as `<server>:<model>`. */
  target?: string | undefined;
  requestId?: string | undefined;
  agent?: string | undefined;
}

/** Beta distribution of the probability that the answer is right. Both above 0. */
export interface Belief {
  alpha: number;
  beta: number;
}

/** Who says that an answer is right. */
export const VERIFIERS = ['no', 'execution', 'review'] as const;
export type Verified = (typeof VERIFIERS)[number];

/** A prompt that was answered, and how far the answer can be trusted. Times are milliseconds since the Unix epoch. */
export interface Pattern {
  id: string;
  /** What it is about, in a line. */
  name: string;
  prompt: string;
  answer: string;
  category: TaskCategory;
  scope: Scope;
  belief: Belief;
  /** How often it was reused or put into a prompt. */
  uses: number;
  /** How often that went well, and how often not. */
  outcomes: { good: number; bad: number };
  verified: Verified;
  /** The tier that wrote the answer. */
  tier?: string;
  provenance: Provenance;
  createdAt: number;
  updatedAt: number;
  /** Not used from then on. */
  expiresAt?: number;
  /** Why it is kept from use. */
  quarantine?: string;
}

/** Mean of the posterior. */
export function confidenceOf({ alpha, beta }: Belief): number {
  return alpha / (alpha + beta);
}

/** Observations that somebody's word on a confidence is worth. */
const WORD_WEIGHT = 8;
/** What nobody has verified is never sure. */
export const MOST_UNVERIFIED = 0.95;

/**
 * The belief behind a confidence that came without its counts: as if seen in `uses` observations,
 * at least eight. Unverified, it is capped at 0.95.
 * @param confidence from 0 to 1
 */
export function beliefFrom(confidence: number, uses: number, verified: Verified): Belief {
  const most = verified === 'no' ? MOST_UNVERIFIED : 0.999;
  const mean = Math.min(most, Math.max(0.001, confidence));
  const weight = Math.max(uses, WORD_WEIGHT);
  return { alpha: mean * weight, beta: (1 - mean) * weight };
}

/** The same for scopes that say the same, whatever the order of their keys. */
export function scopeKey(scope: Scope): string {
  return JSON.stringify(
    Object.fromEntries(
      SCOPE_KEYS.flatMap((key) => (scope[key] === undefined ? [] : [[key, scope[key]]])),
    ),
  );
}

/** Whether a pattern holds for a request: each key that the pattern names must be the request's. */
export function isInScope(pattern: Scope, request: Scope): boolean {
  return SCOPE_KEYS.every((key) => pattern[key] === undefined || pattern[key] === request[key]);
}

/** What exact recall compares: the prompt without what never changes its meaning, trailing blanks and line ends. */
export function promptHash(prompt: string): Buffer {
  const normal = prompt
    .normalize('NFC')
    .replaceAll('\r\n', '\n')
    .replaceAll(/[ \t]+$/gm, '')
    .trim();
  return createHash('sha256').update(normal).digest();
}

/** A short line for a prompt that has no name. */
export function nameOf(prompt: string): string {
  const [line = ''] = prompt.trim().split('\n');
  return line.length <= 80 ? line : `${line.slice(0, 79)}…`;
}
