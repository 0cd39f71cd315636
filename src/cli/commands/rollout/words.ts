import { formatWait } from '../../output/output.ts';
import type { LogEntry } from '../../../rollout/log.ts';
import type { RolloutState } from '../../../rollout/state.ts';

/** `canary at 50 %`. */
export function stateInWords(state: RolloutState): string {
  switch (state.state) {
    case 'draft':
      return 'a draft';
    case 'shadow':
      return 'in the shadow';
    case 'canary':
      return `canary at ${state.at.serve} %`;
    case 'paused':
      return `paused at ${state.at.serve} %${state.at.cautious ? ', cautious' : ''}`;
    case 'completed':
      return `completed at ${state.at.serve} %`;
    case 'rolled_back':
      return state.complete ? 'rolled back completely' : 'rolled back';
    case 'aborted':
      return 'aborted';
  }
}

/** What an entry of the log says happened. */
export function eventInWords({ event }: LogEntry): string {
  switch (event.type) {
    case 'stepped-down':
      return `stepped down to ${event.serve} %${event.cautious ? ', cautious' : ''}`;
    case 'rolled-back':
      return event.complete ? 'rolled back completely' : 'rolled back';
    case 'clock-jumped':
      return 'clock jumped';
    default:
      return event.type;
  }
}

/** `3 min`, `5 h`, `2 d 4 h`. */
export function formatSpan(ms: number): string {
  const hours = Math.floor(ms / 3_600_000);
  if (hours < 1) return formatWait(ms);
  const days = Math.floor(hours / 24);
  return days < 1 ? `${hours} h` : `${days} d ${hours % 24} h`;
}
