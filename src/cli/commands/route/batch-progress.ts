import type { Clock } from '../../../core/clock.ts';
import type { BatchEvent } from '../../../routing/batch.ts';
import type { BatchTally } from '../../../routing/batch/batch-file.ts';
import { formatWait, type ProgressLine } from '../../output/output.ts';

/** Tells a batch on the progress line: how far it is, how many requests run, and how long it may take. */
export class BatchProgress {
  readonly #line: ProgressLine;
  readonly #clock: Clock;
  #startedAt = 0;
  #total = 0;
  /** Lines that had their result before this run. */
  #earlier = 0;
  #failed = 0;

  constructor(line: ProgressLine, clock: Clock) {
    this.#line = line;
    this.#clock = clock;
  }

  show(event: Exclude<BatchEvent, { type: 'finished' }>): void {
    switch (event.type) {
      case 'started':
        this.#startedAt = this.#clock.monotonic();
        this.#total = event.total;
        this.#earlier = event.done;
        this.#line.log(
          event.done === 0
            ? `${count(event.total, 'line')} to answer`
            : `Going on: ${event.done} of ${count(event.total, 'line')} are there`,
        );
        break;
      case 'submitted': {
        const requests = count(event.requests, 'request');
        this.#line.log(
          event.earlier
            ? `${event.target}: ${requests} wait in batch ${event.batch}, sent earlier`
            : `${event.target}: ${requests} sent as batch ${event.batch}; it may take a day. Ctrl-C is safe: the same command looks for the answers later`,
        );
        break;
      }
      case 'waiting':
        this.#line.update(
          `Batch ${event.batch}: ${event.running} of ${count(event.requests, 'request')} not answered yet`,
        );
        break;
      case 'answered':
        if (!event.ok) this.#failed += 1;
        this.#line.update(this.#state(event.done, event.running));
    }
  }

  stopping(): void {
    this.#line.log('Stopping: what runs now may end, for ten seconds at most');
  }

  interrupted(done: number, total: number): void {
    this.#line.log(
      `${done} of ${count(total, 'line')} are there and kept: the same command goes on with the rest`,
    );
  }

  #state(done: number, running: number): string {
    const elapsed = this.#clock.monotonic() - this.#startedAt;
    const now = done - this.#earlier;
    const left = ((this.#total - done) * elapsed) / now;
    return [
      `${done} of ${count(this.#total, 'line')}`,
      ...(this.#failed === 0 ? [] : [`${this.#failed} failed`]),
      `${running} at once`,
      ...(left > 0 ? [`about ${formatWait(left)} left`] : []),
    ].join(', ');
  }
}

/** The last word on a batch. */
export function summaryText(
  { total, failed, merged, usd, elapsedMs }: BatchTally & { total: number; elapsedMs: number },
  file: string,
): string {
  const parts = [
    `${count(total, 'line')}: ${total - failed} answered`,
    ...(failed === 0 ? [] : [`${failed} failed`]),
    ...(merged === 0 ? [] : [`${merged} the same as others`]),
    `$${usd.toFixed(usd > 0 && usd < 0.01 ? 6 : 2)}`,
    formatWait(elapsedMs),
  ];
  const reasons = failed === 0 ? '' : `; a line with "ok":false says why it failed`;
  return `${parts.join(', ')}\n${file}${reasons}`;
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
