import type { RouteRequest } from '../decision.ts';
import { SIGNALS_OF, type Signal } from './signals.ts';
import { add, addTerms, count, type Counts, nothing, STRUCTURE } from './text.ts';

/** A system prompt or an agent's name says what work is usual there, not what is asked now. */
const SYSTEM_WEIGHT = 0.25;
const AGENT_WEIGHT = 1;
/** What was asked before, where the last message can stand for itself. */
const HISTORY_WEIGHT = 0.15;
/** A last message of fewer words, as `go on`, leans on the one before it. */
const SHORT_WORDS = 6;
/** Messages of the history that are looked at, the newest first. */
const HISTORY_MESSAGES = 4;

/** Sizes at which a request becomes another kind of request; lengths alone are no straight line. */
const STEPS = [
  ['words', [10, 20, 30, 45, 70]],
  ['codeLines', [1, 4, 10, 25, 50]],
  ['listMarks', [2, 4, 7, 10]],
  ['questions', [1, 2]],
  ['concurrentLines', [1, 4]],
] as const;

/** What the model weighs, and what people are shown of it. */
export interface Features {
  /** By the names of the weights: a word, a signal or a measure, mostly from 0 to 3. */
  weighed: Map<string, number>;
  /** Plain counts. */
  shown: Record<string, number>;
}

export function featuresOf(request: RouteRequest): Features {
  const counts = countRequest(request);
  const signals = signalsIn(counts);
  const tools = request.tools?.length ?? 0;
  const json = request.responseFormat === undefined ? 0 : 1;
  const weighed = new Map<string, number>();
  for (const [term, n] of counts.terms) weighed.set(`word ${term}`, 0.7 * Math.min(n, 1));
  for (const [signal, n] of signals) weighed.set(`signal ${signal}`, Math.min(Math.log2(1 + n), 3));
  for (const [name, value] of sharesOf(signals)) weighed.set(`share ${name}`, value);
  for (const name of STRUCTURE) {
    weighed.set(`measure ${name}`, Math.min(Math.log2(1 + counts.structure[name]), 9) / 3);
  }
  for (const [name, steps] of STEPS) {
    const value = counts.structure[name];
    for (const step of steps) if (value >= step) weighed.set(`measure ${name} from ${step}`, 0.7);
  }
  weighed.set('measure tools', Math.min(Math.log2(1 + tools), 5) / 3);
  weighed.set('measure json', json);
  return { weighed, shown: shownOf(counts, signals, tools, json) };
}

/** The last message of the user, with what surrounds it as weaker evidence. */
function countRequest({ messages, agent }: RouteRequest): Counts {
  const counts: Counts = { terms: new Map(), structure: nothing() };
  const last = messages.findLastIndex(({ role }) => role === 'user');
  const asked = messages[last];
  if (asked !== undefined) add(counts, count(asked.content), 1);
  const short = Math.max(0, 1 - counts.structure.words / SHORT_WORDS);
  const before = messages.slice(0, Math.max(last, 0));
  const history = before
    .filter(({ role }) => role === 'user')
    .slice(-HISTORY_MESSAGES)
    .reverse();
  for (const [age, message] of history.entries()) {
    const weight = Math.max(HISTORY_WEIGHT, age === 0 ? short : 0) / (age + 1);
    if (age === 0 && short > 0) add(counts, count(message.content), weight);
    else addTerms(counts, count(message.content), weight);
  }
  const system = messages.find(({ role }) => role === 'system');
  if (system !== undefined) addTerms(counts, count(system.content), SYSTEM_WEIGHT);
  if (agent !== undefined) addTerms(counts, count(agent.replaceAll(/[-_]/g, ' ')), AGENT_WEIGHT);
  return counts;
}

function signalsIn(counts: Counts): Map<string, number> {
  const found = new Map<string, number>();
  for (const [term, n] of counts.terms) {
    for (const signal of SIGNALS_OF.get(term) ?? [])
      found.set(signal, (found.get(signal) ?? 0) + n);
  }
  return found;
}

/** Signals that speak for a category each; what matters is which of them speaks louder. */
const RIVALS: Readonly<Record<string, readonly Signal[]>> = {
  tests: ['tests asked for', 'test framework'],
  coverage: ['coverage', 'coverage gap'],
  flakiness: ['flakiness', 'failing runs'],
  review: ['review'],
  production: ['production work', 'everyday life'],
};
/** A text that says little of anything has no loud voice. */
const SILENCE = 1;
const LOUD = 2;

function sharesOf(signals: ReadonlyMap<string, number>): Map<string, number> {
  const voices = Object.entries(RIVALS).map(([name, its]): [string, number] => [
    name,
    its.reduce((sum, signal) => sum + (signals.get(signal) ?? 0), 0),
  ]);
  const total = voices.reduce((sum, [, voice]) => sum + voice, SILENCE);
  return new Map(voices.map(([name, voice]) => [name, (LOUD * voice) / total]));
}

function shownOf(
  { structure }: Counts,
  signals: ReadonlyMap<string, number>,
  tools: number,
  json: number,
): Record<string, number> {
  const round = (value: number): number => Math.round(value * 100) / 100;
  const shown: Record<string, number> = {
    words: round(structure.words),
    'lines of code': round(structure.codeLines),
    'depth of the code': round(structure.nesting),
    'lines that wait, lock or send': round(structure.concurrentLines),
    files: round(structure.files),
    'commas and colons': round(structure.listMarks),
    questions: round(structure.questions),
    tools,
    'JSON wanted': json,
  };
  for (const [signal, n] of signals) shown[`words of ${signal}`] = round(n);
  return shown;
}
