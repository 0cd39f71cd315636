import { Chalk } from 'chalk';
import { ExitCode } from '../../../core/errors.ts';
import type { Pattern } from '../../../patterns/pattern.ts';
import {
  REVIEW_ACTIONS,
  type Decision,
  type ReviewAction,
} from '../../../patterns/review/reviews.ts';
import type { PatternMatch, PatternStore } from '../../../patterns/store.ts';
import type { Patterns } from '../../../runtime/open-patterns.ts';
import { editText } from '../../editor.ts';
import { readLines, type Lines } from '../../lines.ts';
import type { CommandContext } from '../../main.ts';
import { reportError } from '../../output/error.ts';
import {
  drawDiff,
  drawExplanation,
  drawNeighbours,
  drawReviewed,
  drawWhole,
  HELP,
  KEYS,
  type Reviewed,
} from './review-screen.ts';

const NEIGHBOURS = 3;

export type Counts = Record<ReviewAction, number>;

/** One sitting. Every decision is on disk when the next pattern is shown. */
export class ReviewSession {
  readonly #context: CommandContext;
  readonly #patterns: Patterns;
  readonly #now: () => number;
  readonly #queue: string[];
  readonly #counts = noneYet();
  #exitCode: ExitCode = ExitCode.Ok;
  #lines: Lines;

  constructor(
    context: CommandContext,
    patterns: Patterns,
    now: () => number,
    ids: readonly string[],
  ) {
    this.#context = context;
    this.#patterns = patterns;
    this.#now = now;
    this.#queue = [...ids];
    this.#lines = this.#openLines();
  }

  async run(): Promise<ExitCode> {
    const { host } = this.#context;
    const leave = (): void => this.#lines.close();
    host.signal.addEventListener('abort', leave, { once: true });
    try {
      for (let id = this.#queue[0]; id !== undefined; id = this.#queue[0]) {
        const pattern = this.#patterns.store.find(id);
        if (pattern === undefined) this.#queue.shift();
        else if (!(await this.#review(pattern))) break;
      }
      host.signal.throwIfAborted();
      this.#conclude();
      return this.#exitCode;
    } finally {
      host.signal.removeEventListener('abort', leave);
      this.#lines.close();
    }
  }

  #openLines(): Lines {
    const lines = readLines(this.#context.host, (hadLine) => {
      if (!hadLine) lines.close();
    });
    return lines;
  }

  #show(words: string): void {
    this.#context.host.stderr.write(words.endsWith('\n') ? words : `${words}\n`);
  }

  get #canvas(): { width: number; color: boolean } {
    const { noteColor: color, noteWidth: width } = this.#context.output;
    return { width: Math.min(width, 100), color };
  }

  /** @returns whether to go on */
  async #review(pattern: Pattern): Promise<boolean> {
    const neighbours = await neighboursOf(this.#patterns.store, pattern);
    const done = Object.values(this.#counts).reduce((sum, count) => sum + count, 0);
    const place = `${done + 1} of ${done + this.#queue.length}`;
    const reviewed: Reviewed = { pattern, neighbours, place };
    this.#show(`\n${drawReviewed(reviewed, this.#now(), this.#canvas)}\n`);
    const paint = new Chalk({ level: this.#canvas.color ? 1 : 0 });
    while (!this.#context.host.signal.aborted) {
      const line = await this.#lines.next(`${paint.dim(KEYS)}\n${paint.cyan('› ')}`);
      if (line === undefined) return false;
      const [key = '', ...rest] = line.trim().split(/\s+/);
      const next = await this.#obey(key, rest.join(' '), reviewed);
      if (next !== 'same') return next === 'next';
    }
    return false;
  }

  async #obey(key: string, words: string, reviewed: Reviewed): Promise<'next' | 'same' | 'leave'> {
    const { pattern } = reviewed;
    const note = words === '' ? {} : { note: words };
    switch (key) {
      case 'a':
        return this.#decide(pattern, { action: 'approve', ...note });
      case 'e':
        return this.#edit(pattern);
      case '1':
      case '2':
      case '3':
      case '4':
      case '5':
        return this.#decide(pattern, { action: 'rate', rating: Number(key), ...note });
      case 'r':
        return this.#decide(pattern, { action: 'reject', ...note });
      case 's':
        return this.#decide(pattern, { action: 'skip', ...note });
      case 'u':
        return this.#undo();
      case 'q':
        return 'leave';
      default:
        this.#show(this.#answer(key, words, reviewed));
        return 'same';
    }
  }

  /** To what only asks. */
  #answer(key: string, words: string, reviewed: Reviewed): string {
    const { pattern, neighbours } = reviewed;
    switch (key) {
      case 'x':
        return drawExplanation(reviewed, this.#now(), this.#canvas);
      case 'n':
        return drawNeighbours(reviewed, this.#canvas);
      case 'v':
        return drawWhole(reviewed, this.#canvas);
      case 'd': {
        const number = words === '' ? 1 : Number(words);
        const near = neighbours[number - 1]?.pattern;
        if (near === undefined) return `There is no neighbour ${words || 1}.`;
        return (['prompt', 'answer'] as const)
          .map((part) =>
            drawDiff(
              { name: `${part} of this one`, text: pattern[part] },
              { name: `${part} of neighbour ${number}`, text: near[part] },
              this.#canvas,
            ),
          )
          .join('\n');
      }
      case '?':
        return HELP;
      default:
        return key === '' ? HELP : `There is no ${key}: ? says what there is.`;
    }
  }

  #decide({ id }: Pattern, decision: Decision): 'next' {
    this.#patterns.reviews.decide(id, decision);
    this.#counts[decision.action] += 1;
    this.#queue.shift();
    return 'next';
  }

  #undo(): 'next' | 'same' {
    const undone = this.#patterns.reviews.undo();
    if (undone === undefined) {
      this.#show('There is nothing to take back.');
      return 'same';
    }
    const { pattern, action } = undone;
    this.#counts[action] = Math.max(0, this.#counts[action] - 1);
    const others = this.#queue.filter((id) => id !== pattern);
    this.#queue.splice(0, this.#queue.length, pattern, ...others);
    this.#show(`Taken back: ${action} of ${pattern}.`);
    return 'next';
  }

  async #edit(pattern: Pattern): Promise<'next' | 'same'> {
    const { host, flags } = this.#context;
    // The editor has the terminal to itself.
    this.#lines.close();
    try {
      const answer = await editText(pattern.answer, 'answer.md', host.env);
      this.#lines = this.#openLines();
      return await this.#keepEdited(pattern, answer);
    } catch (error) {
      this.#exitCode = ExitCode.Usage;
      reportError(error, host, { ...flags, json: false });
      this.#lines = this.#openLines();
      return 'same';
    }
  }

  async #keepEdited(pattern: Pattern, answer: string): Promise<'next' | 'same'> {
    if (answer === pattern.answer || answer.trim() === '') {
      this.#show(answer.trim() === '' ? 'An empty answer is not kept.' : 'Nothing was changed.');
      return 'same';
    }
    const before = { name: 'before', text: pattern.answer };
    this.#show(drawDiff(before, { name: 'after', text: answer }, this.#canvas));
    const said = await this.#lines.next('Keep it? y/n › ');
    if (said?.trim().toLowerCase() !== 'y') {
      this.#show('Not kept.');
      return 'same';
    }
    return this.#decide(pattern, { action: 'edit', answer });
  }

  #conclude(): void {
    const { output } = this.#context;
    const left = this.#queue.length + this.#counts.skip;
    if (output.json) {
      output.result(JSON.stringify({ ...this.#counts, left }));
      return;
    }
    const goOn = left === 0 ? '' : ` Go on with: aqe-llm curate review`;
    output.result(`${inWords(this.#counts)}; ${left} left.${goOn}`);
  }
}

export function noneYet(): Counts {
  return { approve: 0, edit: 0, rate: 0, reject: 0, skip: 0 };
}

const PAST: Readonly<Record<ReviewAction, string>> = {
  approve: 'approved',
  edit: 'edited',
  rate: 'rated',
  reject: 'rejected',
  skip: 'skipped',
};

export function inWords(counts: Counts): string {
  const parts = REVIEW_ACTIONS.filter((action) => counts[action] > 0);
  if (parts.length === 0) return 'Nothing was decided';
  return parts.map((action) => `${counts[action]} ${PAST[action]}`).join(', ');
}

/** The patterns nearest to one, without itself. */
export async function neighboursOf(store: PatternStore, { id }: Pattern): Promise<PatternMatch[]> {
  const vector = store.vectorOf(id);
  if (vector === undefined) return [];
  const found = await store.search(vector, NEIGHBOURS + 1);
  return found.filter(({ pattern }) => pattern.id !== id).slice(0, NEIGHBOURS);
}
