import { Chalk } from 'chalk';
import type { RouteRequest } from '../../../routing/decision.ts';
import type { RouteAnswer } from '../../../routing/router.ts';
import type { CommandContext } from '../../main.ts';
import { wrap, wrapParts } from '../../output/layout.ts';
import type { OpenRoute } from './open.ts';
import { answerParts, eventText, failoverText } from './words.ts';

/** Asks and shows the answer as it comes, then what it took. */
export async function showAnswer(
  route: OpenRoute,
  request: RouteRequest,
  context: CommandContext,
  signal: AbortSignal,
): Promise<RouteAnswer> {
  const { output, flags } = context;
  const { router, progress } = route;
  const text = output.stream();
  const thinking = output.aside();
  let requestId: string | undefined;
  progress.update('Looking who is to answer');
  try {
    for await (const event of router.stream(request, { signal })) {
      switch (event.type) {
        case 'decided':
          requestId = event.requestId;
          progress.update(`Asking ${event.decision.ladder[0].spec}`);
          break;
        case 'committed':
        case 'tool-call':
          break;
        case 'thinking':
          if (flags.verbose === true) {
            progress.stop();
            thinking.write(event.text);
          } else progress.update('Thinking');
          break;
        case 'text':
          progress.stop();
          thinking.end();
          text.write(event.text);
          break;
        case 'finished':
          text.end();
          return event.answer;
      }
    }
    throw new Error('a stream of the router had no end');
  } finally {
    progress.stop();
    thinking.end();
    text.end();
    tellWhatHappened(route, requestId, context);
  }
}

/** Who failed before somebody answered, and what the router warned of. */
export function tellWhatHappened(
  route: OpenRoute,
  requestId: string | undefined,
  { output, flags }: CommandContext,
): void {
  const tell = (text: string): void => output.note(wrap(text, output.noteWidth).join('\n'));
  const recorded = requestId === undefined ? undefined : route.ledger.find(requestId);
  const failover = recorded && failoverText(recorded);
  if (failover !== undefined) tell(`failover: ${failover}`);
  for (const event of route.heard()) {
    const words = eventText(event, flags.verbose === true);
    if (words !== undefined) tell(words);
  }
}

/** The last lines: what is missing from the answer, what it took, and `more`. */
export function tellCosts(
  answer: RouteAnswer,
  more: readonly string[],
  { output }: CommandContext,
): void {
  const { dropped, completion } = answer;
  if (dropped > 0) {
    const messages = dropped === 1 ? '1 message' : `${dropped} messages`;
    output.note(`session: ${messages} of the conversation did not fit into the context any more`);
  }
  if (completion.finishReason === 'length') {
    output.note('The answer was cut off at its most tokens: --max-tokens allows more.');
  }
  const paint = new Chalk({ level: output.noteColor ? 1 : 0 });
  output.note(paint.dim(wrapParts([...answerParts(answer), ...more], output.noteWidth).join('\n')));
}
