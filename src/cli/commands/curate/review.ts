import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { AppError, ExitCode, messageOf } from '../../../core/errors.ts';
import { readReview, reviewLine } from '../../../patterns/review/review-file.ts';
import { plural } from '../../../quality/reports/format.ts';
import type { Patterns } from '../../../runtime/open-patterns.ts';
import type { CommandContext } from '../../main.ts';
import { writeWhole } from '../../write-whole.ts';
import { filterOf, type FilterFlags } from './filter.ts';
import { withPatterns } from './open.ts';
import { inWords, neighboursOf, noneYet, ReviewSession } from './review-session.ts';

interface ReviewFlags extends FilterFlags {
  to?: string;
  from?: string;
}

/** Less confident patterns are reviewed, unless the options say which. */
const LOW_CONFIDENCE = 0.7;

/** `curate review`: a person looks at what memory is unsure of. */
export async function reviewCommand(
  context: CommandContext,
  { to, from, ...flags }: ReviewFlags,
): Promise<ExitCode> {
  const filter = { belowConfidence: LOW_CONFIDENCE, ...filterOf(flags) };
  if (to !== undefined && from !== undefined) {
    throw new AppError('usage.review', '--to and --from cannot be given together.');
  }
  const { host } = context;
  if (from !== undefined) return reviewFrom(context, from);
  if (to === undefined && !(host.stdin.isTTY && host.stderr.isTTY)) {
    throw new AppError('usage.no-terminal', 'A review needs a terminal.', {
      hint: 'Write the patterns to a file with --to, fill in what you decide, and give it with --from.',
    });
  }
  return withPatterns(context, async (patterns, { clock }) => {
    const ids = patterns.reviews.waiting(filter);
    const now = (): number => clock.now();
    if (to !== undefined) return reviewTo(context, to, ids, patterns, now());
    return new ReviewSession(context, patterns, now, ids).run();
  });
}

/** Writes what waits for a review elsewhere. */
async function reviewTo(
  { host, output }: CommandContext,
  file: string,
  ids: readonly string[],
  { store }: Patterns,
  now: number,
): Promise<ExitCode> {
  const lines: string[] = [];
  for (const id of ids) {
    host.signal.throwIfAborted();
    const pattern = store.find(id);
    if (pattern === undefined) continue;
    lines.push(reviewLine(pattern, await neighboursOf(store, pattern), now));
  }
  if (file === '-') for (const line of lines) output.result(line);
  else await writeWhole(path.resolve(host.cwd, file), file, lines, host.signal);
  if (file !== '-') {
    output.result(
      output.json
        ? JSON.stringify({ file, patterns: lines.length })
        : `${plural(lines.length, 'pattern')} in ${file}. Fill in the actions, then: aqe-llm curate review --from ${file}`,
    );
  }
  return ExitCode.Ok;
}

/** Takes in what was decided elsewhere, all or nothing. */
async function reviewFrom(context: CommandContext, file: string): Promise<ExitCode> {
  const { host, output } = context;
  const name = file === '-' ? 'standard input' : file;
  let content: string;
  try {
    content =
      file === '-' ? await text(host.stdin) : await readFile(path.resolve(host.cwd, file), 'utf8');
  } catch (error) {
    throw new AppError('patterns.no-file', `${file} cannot be read: ${messageOf(error)}`, {
      hint: 'Write one with: aqe-llm curate review --to review.jsonl',
      cause: error,
    });
  }
  return withPatterns(context, async ({ store, reviews }) => {
    const counts = noneYet();
    reviews.together(() => {
      for (const { id, decision } of readReview(content, name, store)) {
        reviews.decide(id, decision);
        counts[decision.action] += 1;
      }
    });
    const { length: left } = reviews.waiting({ belowConfidence: LOW_CONFIDENCE });
    output.result(
      output.json ? JSON.stringify({ file: name, ...counts, left }) : `${inWords(counts)}.`,
    );
    return ExitCode.Ok;
  });
}
