import { Chalk } from 'chalk';
import { ExitCode } from '../../../core/errors.ts';
import { plural } from '../../../quality/reports/format.ts';
import type { RouteAnswer } from '../../../routing/router.ts';
import type { CommandContext } from '../../main.ts';
import { readLines, readMessage } from '../../lines.ts';
import { reportError } from '../../output/error.ts';
import type { Output } from '../../output/output.ts';
import { showAnswer, tellCosts } from './answer.ts';
import { answerJson } from './answer-json.ts';

import { drawRequest } from './draw-request.ts';
import { openRoute, type OpenRoute } from './open.ts';
import { requestOf, type RequestFlags } from './request.ts';
import { readDecision } from './stored-decision.ts';
import { formatTokens, formatUsd } from './words.ts';

const HELP = `/model <name>   who answers from now on; /model alone lists the models
/private        keep what follows on servers that may see private prompts, or no longer
/explain        how the last answer came about
/new            begin a new conversation
/exit           leave, as Ctrl-D does
A line that ends with \\ goes on with the next, and so does everything between lines of \`\`\`.
Ctrl-C stops an answer.`;

/** A conversation as it stands. */
interface Chat {
  flags: RequestFlags & { session: string };
  answers: RouteAnswer[];
}

/** `aqe-llm route chat`: a conversation, line by line. */
export async function chatCommand(context: CommandContext, flags: RequestFlags): Promise<ExitCode> {
  const { host, output } = context;
  const route = await openRoute(context);
  const chat: Chat = { flags: { ...flags, session: flags.session ?? route.newId() }, answers: [] };
  let answering: AbortController | undefined;
  let wasInterrupted = false;
  const lines = readLines(host, (hadLine) => {
    if (!hadLine && wasInterrupted) leave();
    else if (!hadLine && answering === undefined) lines.say('Ctrl-C again leaves.');
    wasInterrupted = !hadLine;
    answering?.abort();
  });
  const leave = (): void => {
    answering?.abort();
    lines.close();
  };
  host.signal.addEventListener('abort', leave, { once: true });
  try {
    if (lines.isTyped) output.note(`Session ${chat.flags.session} · /help says what there is`);
    while (!host.signal.aborted) {
      const message = (await readMessage(lines, promptOf(chat, context)))?.trim();
      if (message === undefined || message === '/exit') break;
      if (message === '') continue;
      wasInterrupted = false;
      if (/^\/[a-z]+(\s|$)/.test(message)) {
        await obey(message, chat, route, context);
        continue;
      }
      answering = new AbortController();
      await say(message, chat, {
        route,
        context,
        isTyped: lines.isTyped,
        signal: answering.signal,
      });
      answering = undefined;
    }
    conclude(chat, context);
    return host.signal.aborted ? ExitCode.Interrupted : ExitCode.Ok;
  } finally {
    host.signal.removeEventListener('abort', leave);
    lines.close();
    await route.close();
  }
}

interface Turn {
  route: OpenRoute;
  context: CommandContext;
  /** Somebody who types can try again; a file cannot. */
  isTyped: boolean;
  signal: AbortSignal;
}

async function say(
  message: string,
  chat: Chat,
  { route, context, isTyped, signal }: Turn,
): Promise<void> {
  const { host, output, flags } = context;
  const request = requestOf(message, chat.flags, 'chat');
  try {
    if (output.json) {
      chat.answers.push(await route.router.complete(request, { signal }));
      return;
    }
    const answer = await showAnswer(route, request, context, signal);
    chat.answers.push(answer);
    tellCosts(answer, [], context);
    if (answer.completion.finishReason === 'cancelled') {
      output.note('Stopped: what was said last is not part of the conversation.');
    }
  } catch (error) {
    if (!isTyped) throw error;
    reportError(error, host, { ...flags, json: false });
  }
}

/** A line that begins with a slash. */
async function obey(
  line: string,
  chat: Chat,
  route: OpenRoute,
  { output }: CommandContext,
): Promise<void> {
  const [command = '', ...rest] = line.split(/\s+/);
  const word = rest.join(' ');
  switch (command) {
    case '/help':
      return output.note(HELP);
    case '/new':
      chat.flags.session = route.newId();
      return output.note(`Session ${chat.flags.session}`);
    case '/private':
      chat.flags.private = chat.flags.private !== true;
      return output.note(chat.flags.private ? 'Private from now on.' : 'Not private any more.');
    case '/model':
      return output.note(await chooseModel(word, chat, route));
    case '/explain':
      return output.note(explainLast(chat, route, output));
    default:
      return output.note(`There is no ${command}: /help says what there is.`);
  }
}

/** Sets the model, or lists what there is; gives what to say of it. */
async function chooseModel(name: string, chat: Chat, { router }: OpenRoute): Promise<string> {
  const models = await router.models();
  const isKnown = ({ id }: { id: string }): boolean => id === name || id.endsWith(`:${name}`);
  if (name === 'auto' || models.some(isKnown)) {
    chat.flags.model = name;
    return `${name} answers from now on.`;
  }
  const listed = models.map(({ id, tier }) => `  ${id} (${tier})`);
  const now = chat.flags.model ?? 'auto';
  const head = name === '' ? `${now} answers. There are:` : `There is no ${name}. There are:`;
  return [head, '  auto', ...listed].join('\n');
}

function explainLast(chat: Chat, { ledger }: OpenRoute, { color, width }: Output): string {
  const last = chat.answers.at(-1);
  const request = last && ledger.find(last.requestId);
  if (request === undefined) return 'There is no answer yet.';
  const decision = readDecision(request.decision);
  return drawRequest({ request, decision, events: [] }, { color, width }).trimEnd();
}

function promptOf({ flags }: Chat, { output }: CommandContext): string {
  const paint = new Chalk({ level: output.noteColor ? 1 : 0 });
  return paint.cyan(flags.private === true ? 'private › ' : '› ');
}

/** The totals, and how to go on. */
function conclude({ flags, answers }: Chat, { output }: CommandContext): void {
  const usd = answers.every((it) => it.usd !== undefined)
    ? answers.reduce((sum, it) => sum + (it.usd ?? 0), 0)
    : undefined;
  if (output.json) {
    const { session } = flags;
    output.result(JSON.stringify({ session, turns: answers.map(answerJson), usd: usd ?? null }));
    return;
  }
  if (answers.length === 0) return;
  const total = (name: 'inputTokens' | 'outputTokens'): number =>
    answers.reduce((sum, { completion }) => sum + (completion.usage[name] ?? 0), 0);
  const usage = { inputTokens: total('inputTokens'), outputTokens: total('outputTokens') };
  output.note(
    `${plural(answers.length, 'turn')} · ${formatTokens(usage)} · ${formatUsd(usd)}\n` +
      `Go on with: aqe-llm route chat --session ${flags.session}`,
  );
}
