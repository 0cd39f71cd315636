import type { Clock } from '../../../core/clock.ts';
import { formatUsd } from '../../../quality/reports/format.ts';
import type { SideEstimate } from '../../../quality/run/estimate.ts';
import type { BaselineEvent, Step } from '../../../quality/run/events.ts';
import { isLive, REFERENCE, sidesOf, type RunPlan, type Side } from '../../../quality/run/plan.ts';
import { formatWait, type ProgressLine } from '../../output/output.ts';

type ProgressEvent = Exclude<BaselineEvent, { type: 'finished' }>;

/** Tokens that an answer is taken to need before any has been seen whole. */
const FIRST_GUESS = 500;
/** Fewer tokens than this say nothing about the speed. */
const LEAST_TOKENS = 20;

/** An answer that is being written. */
interface Current {
  startedAt: number;
  firstAt: number;
  pieces: number;
}

/** Tells a run on the progress line: what is generated, how fast, and how long it may take. */
export class BaselineProgress {
  readonly #line: ProgressLine;
  readonly #clock: Clock;
  readonly #plan: RunPlan;
  readonly #titles: ReadonlyMap<Side, string>;
  /** When each live answer of the side that is asked now was there. */
  #answeredAt: number[] = [];
  #side: Side = REFERENCE;
  /** Live answers of each side that nobody has begun yet. */
  readonly #waiting = new Map<Side, number>();
  readonly #current = new Map<string, Current>();
  #total = 0;

  constructor(line: ProgressLine, clock: Clock, plan: RunPlan) {
    this.#line = line;
    this.#clock = clock;
    this.#plan = plan;
    this.#titles = new Map(sidesOf(plan).map(({ side, title }) => [side, title]));
  }

  show(event: ProgressEvent): void {
    switch (event.type) {
      case 'started':
        this.#total = event.total;
        this.#line.log(
          event.done === 0
            ? `Run ${event.runId}: ${this.#plan.candidates.join(', ')} against ${this.#plan.reference}, ${questions(this.#plan)}`
            : `Run ${event.runId}: going on, ${event.done} of ${event.total} results are there`,
        );
        for (const estimate of event.estimates) {
          this.#waiting.set(estimate.side, estimate.answers);
          if (estimate.answers > 0) this.#line.log(estimateLine(estimate));
        }
        break;
      case 'loading':
        this.#side = event.side;
        this.#answeredAt = [];
        this.#current.clear();
        if (this.#isLive(event.side)) this.#line.update(`Loading ${this.#specOf(event.side)}`);
        break;
      case 'generating':
        if (event.live) {
          const left = (this.#waiting.get(event.side) ?? 1) - 1;
          this.#waiting.set(event.side, left);
          const now = this.#clock.monotonic();
          this.#current.set(keyOf(event), { startedAt: now, firstAt: now, pieces: 0 });
          this.#line.update(`${event.taskId}: the model reads the task`);
        }
        break;
      case 'progress': {
        const current = this.#current.get(keyOf(event));
        if (current === undefined) break;
        if (current.pieces === 0) current.firstAt = this.#clock.monotonic();
        current.pieces = event.pieces;
        this.#line.update(
          `${event.taskId}: ${event.pieces} tokens in ${formatWait(event.elapsedMs)}${this.#beside()}${this.#remaining(current)}`,
        );
        break;
      }
      case 'graded': {
        const { result, side, done } = event;
        if (this.#current.delete(keyOf(event))) this.#answeredAt.push(this.#clock.monotonic());
        const outcome =
          result.state === 'graded'
            ? `${result.score.toFixed(2)} of 10`
            : `error: ${result.error.message}`;
        const repeat = this.#plan.repeats > 1 ? ` #${result.repeat + 1}` : '';
        this.#line.log(
          `[${done}/${this.#total}] ${result.id}${repeat} ${this.#titles.get(side) ?? side}: ${outcome}`,
        );
        break;
      }
    }
  }

  stop(): void {
    this.#line.stop();
  }

  #specOf(side: Side): string {
    return side === REFERENCE ? this.#plan.reference : side;
  }

  #isLive(side: Side): boolean {
    return isLive(this.#specOf(side));
  }

  #beside(): string {
    const others = this.#current.size - 1;
    return others > 0 ? `, ${others} more under way` : '';
  }

  #remaining(current: Current): string {
    const now = this.#clock.monotonic();
    const [first] = this.#answeredAt;
    const answers = this.#answeredAt.length;
    const waiting = this.#waiting.get(this.#side) ?? 0;
    const perAnswer =
      first === undefined || answers < 2
        ? guessFirst(current, now, Math.min(FIRST_GUESS, this.#plan.maxTokens))
        : ((this.#answeredAt.at(-1) ?? now) - first) / (answers - 1);
    if (perAnswer === undefined) return '';
    const elapsed = now - current.startedAt;
    // The answer that is being written may already take longer than the others did.
    const rest = Math.max(0, perAnswer - elapsed) + perAnswer * waiting;
    return rest > 0 ? `, about ${formatWait(rest)} left` : '';
  }
}

function keyOf({ side, taskId, repeat }: Step): string {
  return `${side} ${repeat} ${taskId}`;
}

/** `40 tasks`, `40 tasks 3 times`, `10 tasks (shard 2/4)`. */
function questions({ taskIds, repeats, shard }: RunPlan): string {
  const times = repeats > 1 ? ` ${repeats} times` : '';
  const part = shard === null ? '' : ` (shard ${shard.index}/${shard.of})`;
  return `${taskIds.length} tasks${times}${part}`;
}

/** `ollama:m: 40 answers to generate, about 35 min (from 41 answers before), no cost` */
export function estimateLine({ spec, answers, mostUsd, ms, measured }: SideEstimate): string {
  const time =
    ms === null
      ? 'time unknown (nothing measured yet)'
      : `about ${formatWait(ms)} (from ${measured} answers before)`;
  const cost =
    mostUsd === null
      ? 'cost unknown (no price known)'
      : mostUsd === 0
        ? 'no cost'
        : `at most ${formatUsd(mostUsd)}`;
  return `${spec}: ${answers} answers to generate, ${time}, ${cost}`;
}

/** Milliseconds that the first answer may take: its reading time, and its speed since. */
function guessFirst(
  { startedAt, firstAt, pieces }: Current,
  now: number,
  tokens: number,
): number | undefined {
  if (pieces < LEAST_TOKENS) return undefined;
  return firstAt - startedAt + ((now - firstAt) / (pieces - 1)) * tokens;
}
