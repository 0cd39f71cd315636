import { AppError, ExitCode } from '../../../core/errors.ts';
import type { RecordedRequest } from '../../../ledger/ledger.ts';
import { createCircuitBreaker, type CircuitBreaker } from '../../../routing/circuit-breaker.ts';
import type { Decision, RouteRequest } from '../../../routing/decision.ts';
import type { Runtime } from '../../../runtime.ts';
import { openDatabase } from '../../../storage/database.ts';
import type { CommandContext } from '../../main.ts';
import { runtimeFor } from '../../model.ts';
import { Drawing } from '../../output/draw.ts';
import { drawDecision } from './draw-decision.ts';
import { drawRequest } from './draw-request.ts';
import { readPrompt } from './read-prompt.ts';
import { requestOf, type RequestFlags } from './request.ts';
import { readDecision } from './stored-decision.ts';

/** What may be the beginning of a request's id, and what can hardly be anything else. */
const MAYBE_ID = /^[0-9a-hjkmnp-tv-z]{4,12}$/;
const SURELY_ID = /\d/;

/** `aqe-llm route explain`: why a request went where it went, or where a prompt would go now. */
export async function explainCommand(
  context: CommandContext,
  asked: string | undefined,
  { file = [], ...flags }: RequestFlags & { file?: string[] },
): Promise<ExitCode> {
  const runtime = await runtimeFor(context);
  if (asked !== undefined && file.length === 0 && MAYBE_ID.test(asked)) {
    const request = runtime.openLedger().find(asked);
    if (request !== undefined) return explainRecorded(runtime, request, context);
    if (SURELY_ID.test(asked)) throw unknownRequest(asked);
  }
  const prompt = await readPrompt(asked, file, context.host);
  return explainPrompt(runtime, requestOf(prompt, flags, 'cli'), context);
}

function explainRecorded(
  runtime: Runtime,
  request: RecordedRequest,
  { output }: CommandContext,
): ExitCode {
  const events = runtime
    .openLedger()
    .events(request.at)
    .filter(({ requestId }) => requestId === request.id);
  if (output.json) {
    output.result(JSON.stringify({ request, events }));
  } else {
    const decision = readDecision(request.decision);
    output.result(drawRequest({ request, decision, events }, output));
  }
  return ExitCode.Ok;
}

/** Nothing is sent, nothing recorded. */
async function explainPrompt(
  runtime: Runtime,
  request: RouteRequest,
  { output }: CommandContext,
): Promise<ExitCode> {
  const router = await runtime.openRouter({ onEvent: () => {} });
  try {
    const decision = await router.explain(request);
    const breakers = breakersOf(runtime, decision);
    if (output.json) {
      output.result(JSON.stringify({ decision, breakers }));
      return ExitCode.Ok;
    }
    const drawing = new Drawing(output);
    drawDecision(drawing, decision, ({ spec }) => {
      const { state = 'closed', opened } = breakers[spec] ?? {};
      if (state === 'closed') return { mark: '·', note: '' };
      const why = opened === undefined ? '' : `, by ${opened}`;
      return { mark: state === 'open' ? '✗' : '·', note: `its breaker is ${state}${why}` };
    });
    output.result(drawing.toString());
    return ExitCode.Ok;
  } finally {
    await router.close();
  }
}

/** What a call of each target would meet now. */
function breakersOf(
  runtime: Runtime,
  { ladder }: Decision,
): Record<string, ReturnType<CircuitBreaker['outlook']>> {
  const { config, clock } = runtime;
  const database = openDatabase(config.state);
  const settings = config.breaker;
  return Object.fromEntries(
    ladder.map(({ spec }) => [
      spec,
      createCircuitBreaker({ database, id: spec, settings, clock }).outlook(),
    ]),
  );
}

function unknownRequest(id: string): AppError {
  return new AppError('route.unknown-request', `No single recorded request has an id like ${id}.`, {
    hint: 'aqe-llm route history lists them. A prompt that looks like an id can come from standard input.',
  });
}
