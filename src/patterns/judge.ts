import type { TaskCategory } from '../core/task.ts';

/** An answer that somebody is asked to judge. */
export interface JudgedAnswer {
  prompt: string;
  answer: string;
  category: TaskCategory;
}

/** `unknown` where it cannot be told. */
export type Judgement = 'right' | 'wrong' | 'unknown';

/** Says whether an answer is right for a prompt by running it; never by another model's opinion. */
export type Judge = (judged: JudgedAnswer, signal?: AbortSignal) => Promise<Judgement>;
