import type { ServeCheckEvent } from '../../../serving/check.ts';
import type { ProgressLine } from '../../output/output.ts';
import { checkLine, formatRate } from './report/words.ts';

/** Tells a check on the progress line: what is looked at, and how far the load has come. */
export class ServeCheckProgress {
  readonly #line: ProgressLine;

  constructor(line: ProgressLine) {
    this.#line = line;
  }

  show(event: Exclude<ServeCheckEvent, { type: 'finished' }>): void {
    switch (event.type) {
      case 'target':
        this.#line.log(`Checking ${event.target.name}`);
        this.#line.update('Asking the server what it is');
        break;
      case 'check':
        this.#line.log(`  ${checkLine(event.check)}`);
        break;
      case 'step-started':
        this.#line.update(`${event.label}: warming up, then ${event.requests} requests`);
        break;
      case 'progress': {
        const failed = event.failed === 0 ? '' : `, ${event.failed} failed`;
        this.#line.update(`${event.label}: ${event.done} of ${event.requests} requests${failed}`);
        break;
      }
      case 'step':
        this.#line.log(
          `  ${event.label}: ${formatRate(event.figures.outputTokensPerSecond)} tokens/s, ${event.figures.answered} of ${event.figures.requests} answered`,
        );
        break;
    }
  }

  stop(): void {
    this.#line.stop();
  }
}
