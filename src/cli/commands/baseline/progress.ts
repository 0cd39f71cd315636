import type { Clock } from '../../../core/clock.ts';
import { isLive, type BaselineEvent } from '../../../quality/baseline.ts';
import type { RunPlan, Side } from '../../../quality/run-store.ts';
import { formatWait, type ProgressLine } from '../../output/output.ts';

type ProgressEvent = Exclude<BaselineEvent, { type: 'finished' }>;

/** Tokens that an answer is taken to need before any has been seen whole. */
const FIRST_GUESS = 500;
/** Fewer tokens than this say nothing about the speed. */
const LEAST_TOKENS = 20;

/** Tells a run on the progress line: what is generated, how fast, and how long it may take. */
export class BaselineProgress {
  readonly #line: ProgressLine;
  readonly #clock: Clock;
  readonly #plan: RunPlan;
  /** Milliseconds that each live answer of this process took. */
  readonly #answers: number[] = [];
  /** Live answers that nobody has begun yet. */
  #waiting = 0;
  #current: { startedAt: number; firstAt: number; pieces: number } | undefined;
  #total = 0;

  constructor(line: ProgressLine, clock: Clock, plan: RunPlan) {
    this.#line = line;
    this.#clock = clock;
    this.#plan = plan;
  }

  show(event: ProgressEvent): void {
    switch (event.type) {
      case 'started':
        this.#total = event.total;
        this.#waiting = event.toGenerate;
        this.#line.log(
          event.done === 0
            ? `Run ${event.runId}: ${this.#plan.candidate} against ${this.#plan.reference}, ${this.#plan.taskIds.length} tasks`
            : `Run ${event.runId}: going on, ${event.done} of ${event.total} results are there`,
        );
        break;
      case 'loading':
        if (this.#isLive(event.side)) this.#line.update(`Loading ${this.#plan[event.side]}`);
        break;
      case 'generating':
        this.#settle();
        if (event.live) {
          this.#waiting -= 1;
          const now = this.#clock.monotonic();
          this.#current = { startedAt: now, firstAt: now, pieces: 0 };
          this.#line.update(`${event.taskId}: the model reads the task`);
        }
        break;
      case 'progress':
        if (this.#current !== undefined) {
          if (this.#current.pieces === 0) this.#current.firstAt = this.#clock.monotonic();
          this.#current.pieces = event.pieces;
          this.#line.update(
            `${event.taskId}: ${event.pieces} tokens in ${formatWait(event.elapsedMs)}${this.#remaining()}`,
          );
        }
        break;
      case 'graded': {
        const { result, side, done } = event;
        const outcome =
          result.state === 'graded'
            ? `${result.score.toFixed(2)} of 10`
            : `error: ${result.error.message}`;
        this.#line.log(`[${done}/${this.#total}] ${result.id} ${side}: ${outcome}`);
        break;
      }
    }
  }

  stop(): void {
    this.#line.stop();
  }

  #isLive(side: Side): boolean {
    return isLive(this.#plan[side]);
  }

  #settle(): void {
    if (this.#current !== undefined) {
      this.#answers.push(this.#clock.monotonic() - this.#current.startedAt);
    }
    this.#current = undefined;
  }

  #remaining(): string {
    const current = this.#current;
    if (current === undefined) return '';
    const now = this.#clock.monotonic();
    const perAnswer =
      this.#answers.length === 0
        ? guessFirst(current, now, Math.min(FIRST_GUESS, this.#plan.maxTokens))
        : this.#answers.reduce((sum, ms) => sum + ms, 0) / this.#answers.length;
    if (perAnswer === undefined) return '';
    const elapsed = now - current.startedAt;
    // The answer that is being written may already take longer than the others did.
    const rest = Math.max(0, perAnswer - elapsed) + perAnswer * this.#waiting;
    return rest > 0 ? `, about ${formatWait(rest)} left` : '';
  }
}

/** Milliseconds that the first answer may take: its reading time, and its speed since. */
function guessFirst(
  { startedAt, firstAt, pieces }: { startedAt: number; firstAt: number; pieces: number },
  now: number,
  tokens: number,
): number | undefined {
  if (pieces < LEAST_TOKENS) return undefined;
  return firstAt - startedAt + ((now - firstAt) / (pieces - 1)) * tokens;
}
