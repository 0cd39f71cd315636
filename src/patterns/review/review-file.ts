import { z } from 'zod';
import { AppError, type Problem } from '../../core/errors.ts';
import { confidenceOf, type Pattern } from '../pattern.ts';
import type { PatternMatch, PatternStore } from '../store.ts';
import { reasonsFor } from './reasons.ts';
import { REVIEW_ACTIONS, type Decision } from './reviews.ts';

/** What a reviewer fills in: everything else in a line is there to be read. */
const lineSchema = z.looseObject({
  id: z.string().min(1),
  updatedAt: z.string().optional(),
  action: z.enum([...REVIEW_ACTIONS, '']).default(''),
  answer: z.string().optional(),
  rating: z.int().min(1).max(5).nullish(),
  note: z.string().nullish(),
});

/** A pattern as a line for reviewers who work elsewhere; they fill in `action`, `rating`, `note`, or change `answer`. */
export function reviewLine(
  pattern: Pattern,
  neighbours: readonly PatternMatch[],
  now: number,
): string {
  const { id, prompt, answer, category, belief, updatedAt } = pattern;
  return JSON.stringify({
    action: '',
    rating: null,
    note: null,
    id,
    category,
    prompt,
    answer,
    confidence: confidenceOf(belief),
    why: reasonsFor(pattern, now),
    neighbours: neighbours.map(({ pattern: near, similarity }) => ({
      id: near.id,
      similarity,
      prompt: near.prompt,
      answer: near.answer,
    })),
    updatedAt: new Date(updatedAt).toISOString(),
  });
}

/**
 * The decisions of a file that reviewers have filled in; lines without an action are passed over.
 * @throws AppError `patterns.bad-review` with every problem and its line
 */
export function readReview(
  text: string,
  file: string,
  store: PatternStore,
): { id: string; decision: Decision }[] {
  const problems: Problem[] = [];
  const decisions: { id: string; decision: Decision }[] = [];
  const seen = new Map<string, string>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const place = `${file}:${index + 1}`;
    const add = (message: string, field = ''): void =>
      void problems.push({ path: field === '' ? place : `${place} ${field}`, message });
    const value = jsonOf(line);
    if (value === undefined) {
      add('no JSON');
      continue;
    }
    const parsed = lineSchema.safeParse(value);
    if (!parsed.success) {
      for (const { path, message } of parsed.error.issues) add(message, path.join('.'));
      continue;
    }
    const { id, action, answer, rating, note, updatedAt } = parsed.data;
    if (action === '') continue;
    const pattern = store.find(id);
    const before = seen.get(id);
    if (before !== undefined) add(`${id} stands at ${before} already`, 'id');
    seen.set(id, place);
    if (pattern === undefined || pattern.id !== id) {
      add(`there is no pattern ${id}`, 'id');
      continue;
    }
    if (updatedAt !== undefined && updatedAt !== new Date(pattern.updatedAt).toISOString()) {
      add('the pattern has changed since the file was written: write a new one', 'updatedAt');
    }
    const isChanged = answer !== undefined && answer !== pattern.answer;
    const told = note === null || note === undefined || note === '' ? {} : { note };
    if (action === 'edit') {
      if (!isChanged || answer.trim() === '') add('is the same as before, or empty', 'answer');
      else decisions.push({ id, decision: { action, answer, ...told } });
    } else if (isChanged && action !== 'reject' && action !== 'skip') {
      add('was changed: the action for that is edit', 'answer');
    } else if (action !== 'rate') {
      decisions.push({ id, decision: { action, ...told } });
    } else if (rating === null || rating === undefined) {
      add('expected a whole number from 1 to 5', 'rating');
    } else {
      decisions.push({ id, decision: { action, rating, ...told } });
    }
  }
  if (problems.length > 0) {
    throw new AppError('patterns.bad-review', `Nothing was reviewed: ${file} has errors.`, {
      problems,
      hint: 'Mend these lines and give the file again. docs/curate.md says what a line holds.',
    });
  }
  return decisions;
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
