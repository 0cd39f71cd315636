import { createHash } from 'node:crypto';
import type { Problem } from '../../core/errors.ts';
import { AppError, messageOf } from '../../core/errors.ts';
import type { TaskCategory } from '../../core/task.ts';
import type { Embedder } from '../embedders/embedder.ts';
import { scopeKey } from '../pattern.ts';
import type { NewPattern, PatternStore } from '../store.ts';
import { unitVector } from '../vector.ts';
import { patternOf, type PatternLine } from './line.ts';
import { badImport, type PlacedLine } from './read.ts';

export interface ImportOptions {
  lines: readonly PlacedLine[];
  /** The file's name. */
  file: string;
  store: PatternStore;
  embedder: Embedder;
  /** The category of a prompt that comes without one. */
  categoryOf: (prompt: string) => TaskCategory;
  now: number;
  signal: AbortSignal;
}

export type ImportEvent =
  | { type: 'embedded'; done: number; of: number }
  | { type: 'finished'; added: number; known: number };

/** Texts that are embedded between two reports of progress. */
const SLICE = 64;

/**
 * Adds all patterns of a file, or none. Those that are there already, by their id, stay as they are.
 * A pattern without an id gets one from what it says, so that the same file adds nothing twice.
 * @throws AppError `patterns.bad-import` where a vector is bad or another embedder's
 */
export async function* importPatterns(options: ImportOptions): AsyncGenerator<ImportEvent> {
  const { lines, file, store, embedder, categoryOf, now, signal } = options;
  const dimension = await embedder.dimension();
  const space = { embedder: embedder.id, dimension };
  const vectors = givenVectors(lines, file, space);
  const ids = idsOf(lines);
  const missing = lines.filter((line) => !vectors.has(line));
  for (let from = 0; from < missing.length; from += SLICE) {
    signal.throwIfAborted();
    const slice = missing.slice(from, from + SLICE);
    const found = await embedder.embed(
      slice.map(({ line }) => line.prompt),
      signal,
    );
    for (const [index, line] of slice.entries()) {
      const vector = found[index];
      if (vector !== undefined) vectors.set(line, vector);
    }
    yield { type: 'embedded', done: from + slice.length, of: missing.length };
  }
  const patterns = lines.map((placed, index): NewPattern => {
    const { line, place } = placed;
    const category = line.category ?? categoryOf(line.prompt);
    const pattern = patternOf(line, { id: ids[index] ?? '', category, origin: place, now });
    return { pattern, vector: vectors.get(placed) ?? [] };
  });
  signal.throwIfAborted();
  yield { type: 'finished', ...store.add(patterns, space) };
}

function givenVectors(
  lines: readonly PlacedLine[],
  file: string,
  { embedder, dimension }: { embedder: string; dimension: number },
): Map<PlacedLine, Float32Array> {
  const problems: Problem[] = [];
  const vectors = new Map<PlacedLine, Float32Array>();
  for (const placed of lines) {
    const { embedding } = placed.line;
    if (embedding === undefined) continue;
    if (embedding.embedder !== embedder) {
      const message = `a vector of ${embedding.embedder}; this store's are of ${embedder}: leave the vectors out to have them made`;
      problems.push({ path: `${placed.place} embedding.embedder`, message });
      continue;
    }
    try {
      vectors.set(placed, unitVector(embedding.vector, dimension));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      problems.push({ path: `${placed.place} embedding.vector`, message: messageOf(error) });
    }
  }
  if (problems.length > 0) throw badImport(file, problems);
  return vectors;
}

/** Equal lines of one file are told apart by their number among the equal ones. */
function idsOf(lines: readonly PlacedLine[]): string[] {
  const seen = new Map<string, number>();
  return lines.map(({ line }) => {
    if (line.id !== undefined) return line.id;
    const content = contentOf(line);
    const before = seen.get(content) ?? 0;
    seen.set(content, before + 1);
    return createHash('sha256').update(content).update(String(before)).digest('hex').slice(0, 20);
  });
}

function contentOf({ prompt, answer, category, scope }: PatternLine): string {
  return JSON.stringify([prompt, answer, category, scopeKey(scope ?? {})]);
}
