import type { Clock } from '../../../core/clock.ts';
import type { BaselineEvent } from '../../../quality/baseline.ts';
import type { RunPlan, Side } from '../../../quality/run-store.ts';
import { formatWait, type ProgressLine } from '../../output/output.ts';

type ProgressEvent = Exclude<BaselineEvent, { type: 'finished' }>;

/** Share of the token limit that an answer is taken to need before any has been seen. */
const FIRST_GUESS = 0.4;

/** Tells a run on the progress line: what is generated, how fast, and how long it may take. */
export class BaselineProgress {
  readonly #line: ProgressLine;
  readonly #clock: Clock;
  readonly #plan: RunPlan;
  readonly #liveTasks: number;
  /** Milliseconds that each live answer of this process took. */
  readonly #answers: number[] = [];
  #liveDone = 0;
  #current: { startedAt: number; pieces: number } | undefined;
  #total = 0;

  constructor(line: ProgressLine, clock: Clock, plan: RunPlan) {
    this.#line = line;
    this.#clock = clock;
    this.#plan = plan;
    const live = [plan.reference, plan.candidate].filter((side) => !side.startsWith('replay:'));
    this.#liveTasks = live.length * plan.taskIds.length;
  }

  show(event: ProgressEvent): void {
    switch (event.type) {
      case 'started':
        this.#total = event.total;
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
          this.#current = { startedAt: this.#clock.monotonic(), pieces: 0 };
          this.#line.update(`${event.taskId}: the model reads the task`);
        }
        break;
      case 'progress':
        if (this.#current !== undefined) {
          this.#current.pieces = event.pieces;
          this.#line.update(
            `${event.taskId}: ${event.pieces} tokens in ${formatWait(event.elapsedMs)}${this.#remaining()}`,
          );
        }
        break;
      case 'graded': {
        const { result, side, done } = event;
        if (this.#isLive(side)) this.#liveDone += 1;
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
    return !this.#plan[side].startsWith('replay:');
  }

  #settle(): void {
    if (this.#current !== undefined) {
      this.#answers.push(this.#clock.monotonic() - this.#current.startedAt);
    }
    this.#current = undefined;
  }

  #remaining(): string {
    const current = this.#current;
    if (current === undefined || current.pieces === 0) return '';
    const elapsed = this.#clock.monotonic() - current.startedAt;
    const perAnswer =
      this.#answers.length === 0
        ? (elapsed / current.pieces) * this.#plan.maxTokens * FIRST_GUESS
        : this.#answers.reduce((sum, ms) => sum + ms, 0) / this.#answers.length;
    const tasksLeft = this.#liveTasks - this.#liveDone;
    const left = Math.max(0, perAnswer * tasksLeft - elapsed);
    return `, about ${formatWait(left)} left`;
  }
}
