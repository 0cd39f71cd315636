import { seededIndex } from '../../src/core/random.ts';
import type { TaskCategory } from '../../src/core/task.ts';

/** A prompt of a stream, and what it asks for: prompts of one meaning have one right answer. */
export interface StreamPrompt {
  prompt: string;
  meaning: string;
  category: TaskCategory;
  /** What it differs in from another prompt of the stream that is worded the same. */
  variant: 'first' | 'number' | 'name' | 'negation';
}

interface Intent {
  category: TaskCategory;
  /** Ways to ask for the same thing. `{n}` and `{name}` are filled in, `{not:a|b}` says a or, negated, b. */
  wordings: readonly string[];
  names: readonly [string, string, string];
  numbers: readonly [string, string];
}

const tests = 'test-generation';
const coverage = 'coverage-analysis';
const flaky = 'flaky-detection';
const review = 'code-review';

const INTENTS: readonly Intent[] = [
  {
    category: tests,
    wordings: [
      'Write {n} unit tests for the `{name}` function {not:with|without} mocks.',
      'Please generate {n} unit tests for `{name}`, {not:with|without} mocks.',
      'Create {n} unit tests for the function `{name}` {not:with|without} using mocks.',
      'Can you produce {n} unit tests for the `{name}` function {not:with|without} mocks?',
      'I need {n} unit tests for `{name}`, {not:with|without} any mocks please.',
    ],
    names: ['mergeIntervals', 'splitIntervals', 'parseDuration'],
    numbers: ['3', '5'],
  },
  {
    category: tests,
    wordings: [
      'Write vitest tests for the {name} module that {not:cover|do not cover} error paths, at most {n} cases.',
      'Generate vitest tests for the {name} module, at most {n} cases, that {not:cover|do not cover} the error paths.',
      'Vitest tests for the {name} module please: at most {n} cases, and they should {not:cover|not cover} error paths.',
      'Could you make vitest tests for our {name} module? At most {n} cases; {not:cover|do not cover} error paths.',
      'Create tests with vitest for the {name} module that {not:cover|do not cover} error paths (at most {n} cases).',
    ],
    names: ['cart', 'invoice', 'coupon'],
    numbers: ['6', '10'],
  },
  {
    category: tests,
    wordings: [
      'Generate property tests for {name} with {n} runs, {not:including|excluding} empty lists.',
      'Write property tests for {name}, {n} runs, {not:including|excluding} empty lists.',
      'Please write property tests of {name} with {n} runs {not:including|excluding} the empty lists.',
      'Make property tests for {name}: {n} runs, {not:including|excluding} empty lists.',
      'I want property tests for {name} with {n} runs, {not:including|excluding} empty lists.',
    ],
    names: ['stableSort', 'topologicalSort', 'binarySearch'],
    numbers: ['100', '1000'],
  },
  {
    category: tests,
    wordings: [
      'Write a test that checks that {name} retries {n} times and then {not:throws|does not throw}.',
      'Create a test which verifies that {name} retries {n} times and then {not:throws|does not throw}.',
      'Please write a test to check that {name} retries {n} times, then {not:throws|does not throw}.',
      'Generate a test ensuring that {name} retries {n} times and then {not:throws|does not throw}.',
      'A test is needed that checks {name} retries {n} times and then {not:throws|does not throw}.',
    ],
    names: ['fetchWithBackoff', 'sendWithBackoff', 'fetchWithTimeout'],
    numbers: ['2', '4'],
  },
  {
    category: tests,
    wordings: [
      'Write {n} edge case tests for src/{name}.ts, {not:async|sync} functions only.',
      'Generate {n} edge case tests for src/{name}.ts, only the {not:async|sync} functions.',
      'Please create {n} edge case tests for src/{name}.ts, {not:async|sync} functions only.',
      'I need {n} edge case tests for src/{name}.ts; only the {not:async|sync} functions.',
      'Could you write {n} edge case tests for src/{name}.ts ({not:async|sync} functions only)?',
    ],
    names: ['queue', 'scheduler', 'lock'],
    numbers: ['4', '8'],
  },
  {
    category: coverage,
    wordings: [
      'Which branches of src/{name}.ts are {not:covered|not covered} when the threshold is {n}%?',
      'Tell me which branches of src/{name}.ts are {not:covered|not covered} when the threshold is {n}%.',
      'Show the branches of src/{name}.ts that are {not:covered|not covered} when the threshold is {n}%.',
      'What branches of src/{name}.ts are {not:covered|not covered} when the threshold is {n}%?',
      'When the threshold is {n}%, which branches of src/{name}.ts are {not:covered|not covered}?',
    ],
    names: ['parser', 'tokenizer', 'printer'],
    numbers: ['80', '90'],
  },
  {
    category: coverage,
    wordings: [
      'Find the {n} {not:tested|untested} lines with the highest risk in the {name} package.',
      'Identify the {n} {not:tested|untested} lines with the highest risk in the {name} package.',
      'Please find the {n} {not:tested|untested} lines in the {name} package with the highest risk.',
      'Locate the {n} {not:tested|untested} lines with the highest risk in our {name} package.',
      'Detect the {n} {not:tested|untested} lines of highest risk in the {name} package.',
    ],
    names: ['billing', 'shipping', 'pricing'],
    numbers: ['10', '20'],
  },
  {
    category: coverage,
    wordings: [
      'Suggest {n} tests to raise the coverage of {name} {not:including|excluding} generated code.',
      'Recommend {n} tests to raise the coverage of {name}, {not:including|excluding} generated code.',
      'Propose {n} tests to increase coverage of {name} {not:including|excluding} the generated code.',
      'Please suggest {n} tests which raise the coverage of {name} {not:including|excluding} generated code.',
      'Can you suggest {n} tests to improve the coverage of {name}, {not:including|excluding} generated code?',
    ],
    names: ['OrderService', 'UserService', 'OrderStore'],
    numbers: ['5', '7'],
  },
  {
    category: coverage,
    wordings: [
      'Explain why line {n} of {name}.ts is {not:reached|never reached} by the suite.',
      'Please explain why line {n} of {name}.ts is {not:reached|never reached} by the suite.',
      'Why is line {n} of {name}.ts {not:reached|never reached} by the suite? Explain.',
      'Can you explain why the suite {not:reaches|never reaches} line {n} of {name}.ts?',
      'Describe why line {n} of {name}.ts is {not:reached|never reached} by the suite.',
    ],
    names: ['cache', 'pool', 'stream'],
    numbers: ['42', '87'],
  },
  {
    category: coverage,
    wordings: [
      'List the functions of {name} with line coverage {not:above|below} {n} percent.',
      'Please list the functions of {name} with line coverage {not:above|below} {n} percent.',
      'Show me the functions of {name} with line coverage {not:above|below} {n} percent, as a list.',
      'Which functions of {name} have line coverage {not:above|below} {n} percent? List them.',
      'Give a list of the functions of {name} with line coverage {not:above|below} {n} percent.',
    ],
    names: ['date_utils', 'money_utils', 'date_format'],
    numbers: ['60', '75'],
  },
  {
    category: flaky,
    wordings: [
      'The test of {name} fails {n} times in 100 runs; find the cause {not:with|without} rerunning it.',
      'Test of {name} fails {n} times in 100 runs: find the reason {not:with|without} rerunning it.',
      'Please find the cause: the test of {name} fails {n} times in 100 runs. Do it {not:with|without} rerunning it.',
      'Our test of {name} fails {n} times in 100 runs. Identify the cause {not:with|without} rerunning it.',
      'Detect the cause {not:with|without} rerunning it: the test of {name} fails {n} times in 100 runs.',
    ],
    names: ['websocketReconnect', 'websocketHandshake', 'httpReconnect'],
    numbers: ['3', '12'],
  },
  {
    category: flaky,
    wordings: [
      'Is the {name} test flaky if it {not:passes|does not pass} on {n} of 50 runs?',
      'If the {name} test {not:passes|does not pass} on {n} of 50 runs, is it flaky?',
      'Tell me if the {name} test is flaky: it {not:passes|does not pass} on {n} of 50 runs.',
      'The {name} test {not:passes|does not pass} on {n} of 50 runs. Is it flaky then?',
      'Would you say the {name} test is flaky if it {not:passes|does not pass} on {n} of 50 runs?',
    ],
    names: ['checkout', 'login', 'signup'],
    numbers: ['47', '44'],
  },
  {
    category: flaky,
    wordings: [
      'Fix the race in {name} {not:with|without} fake timers; the timeout is {n} ms.',
      'Please fix the race in {name} {not:with|without} fake timers. The timeout is {n} ms.',
      'Resolve the race in {name} {not:with|without} fake timers (the timeout is {n} ms).',
      'Can you fix the race in {name} {not:with|without} fake timers? The timeout is {n} ms.',
      'Repair the race in {name} {not:with|without} using fake timers; the timeout is {n} ms.',
    ],
    names: ['debounce.test.ts', 'throttle.test.ts', 'debounce.spec.ts'],
    numbers: ['200', '500'],
  },
  {
    category: flaky,
    wordings: [
      'Find tests in {name} that {not:depend|do not depend} on their order, seed {n}.',
      'Identify tests in {name} that {not:depend|do not depend} on their order, with seed {n}.',
      'Please find the tests in {name} which {not:depend|do not depend} on their order (seed {n}).',
      'Which tests in {name} {not:depend|do not depend} on their order? Find them, seed {n}.',
      'Spot the tests in {name} that {not:depend|do not depend} on their order; seed {n}.',
    ],
    names: ['packages/api', 'packages/web', 'packages/cli'],
    numbers: ['7', '11'],
  },
  {
    category: flaky,
    wordings: [
      'Explain why {name} times out after {n} seconds {not:only on|not on} CI.',
      'Please explain why {name} times out after {n} seconds {not:only on|not on} CI.',
      'Why does {name} time out after {n} seconds {not:only on|not on} CI? Please explain.',
      'Can you explain why {name} times out after {n} seconds {not:only on|not on} CI?',
      'Describe why {name} times out after {n} seconds {not:only on|not on} CI.',
    ],
    names: ['uploadWorker', 'downloadWorker', 'uploadQueue'],
    numbers: ['30', '60'],
  },
  {
    category: review,
    wordings: [
      'Review {name} for SQL injection {not:including|excluding} the {n} newest endpoints.',
      'Please review {name} for SQL injection {not:including|excluding} the {n} newest endpoints.',
      'Audit {name} for SQL injection, {not:including|excluding} the {n} newest endpoints.',
      'Can you inspect {name} for SQL injection {not:including|excluding} the {n} newest endpoints?',
      'Examine {name} for SQL injection {not:including|excluding} the {n} newest endpoints.',
    ],
    names: ['LoginHandler', 'ReportHandler', 'LoginController'],
    numbers: ['2', '3'],
  },
  {
    category: review,
    wordings: [
      'Find {n} bugs in this diff of the {name} class, {not:with|without} style remarks.',
      'Identify {n} bugs in this diff of the {name} class {not:with|without} style remarks.',
      'Please find {n} bugs in this patch of the {name} class, {not:with|without} style remarks.',
      'Spot {n} bugs in this diff of the class {name}, {not:with|without} style remarks.',
      'Look for {n} bugs in this diff of the {name} class, {not:with|without} style remarks.',
    ],
    names: ['LruCache', 'LfuCache', 'TtlCache'],
    numbers: ['3', '6'],
  },
  {
    category: review,
    wordings: [
      'Is it safe that {name} {not:catches|does not catch} errors of the first {n} callbacks?',
      'Tell me: is it safe that {name} {not:catches|does not catch} errors of the first {n} callbacks?',
      'Please tell me whether it is safe that {name} {not:catches|does not catch} errors of the first {n} callbacks.',
      'Is it okay and safe that {name} {not:catches|does not catch} the errors of the first {n} callbacks?',
      'Would it be safe that {name} {not:catches|does not catch} errors of the first {n} callbacks?',
    ],
    names: ['EventBus.emit', 'EventBus.once', 'TaskBus.emit'],
    numbers: ['4', '9'],
  },
  {
    category: review,
    wordings: [
      'Check that {name} closes its {n} file handles {not:before|after} it returns.',
      'Please check that {name} closes its {n} file handles {not:before|after} it returns.',
      'Verify that {name} closes its {n} file handles {not:before|after} it returns.',
      'Can you check that {name} closes its {n} file handles {not:before|after} it returns?',
      'Confirm that {name} closes its {n} file handles {not:before|after} it returns.',
    ],
    names: ['copyTree()', 'moveTree()', 'copyFile()'],
    numbers: ['2', '16'],
  },
  {
    category: review,
    wordings: [
      'Review the public API of {name} for version {n}, {not:breaking|nonbreaking} changes first.',
      'Please review the public API of {name} for version {n}, {not:breaking|nonbreaking} changes first.',
      'Assess the public API of {name} for version {n}: {not:breaking|nonbreaking} changes first.',
      'Can you review the public API of {name} for version {n}? {not:Breaking|Nonbreaking} changes first.',
      'Inspect the public API of {name} for version {n}, {not:breaking|nonbreaking} changes first.',
    ],
    names: ['@shop/client', '@shop/server', '@blog/client'],
    numbers: ['2.0', '3.0'],
  },
];

/** Every prompt once: each intent in each wording, with another number, another name, or turned round. */
export function allPrompts(): StreamPrompt[] {
  return INTENTS.flatMap(({ category, wordings, names, numbers }, intent) =>
    wordings.flatMap((wording) =>
      names.flatMap((name, nameAt) =>
        numbers.flatMap((number, numberAt) =>
          [false, true].map((negated): StreamPrompt => {
            const changed = [
              ...(negated ? (['negation'] as const) : []),
              ...(nameAt > 0 ? (['name'] as const) : []),
              ...(numberAt > 0 ? (['number'] as const) : []),
            ];
            return {
              prompt: filled(wording, name, number, negated),
              meaning: `${intent} ${name} ${number} ${negated ? 'not' : ''}`,
              category,
              variant: changed[0] ?? 'first',
            };
          }),
        ),
      ),
    ),
  );
}

function filled(wording: string, name: string, number: string, negated: boolean): string {
  return wording
    .replaceAll('{n}', number)
    .replaceAll('{name}', name)
    .replaceAll(/\{not:([^|}]*)\|([^}]*)\}/g, (_, plain: string, turned: string) =>
      negated ? turned : plain,
    );
}

/** What people and agents put around what they ask. */
const OPENINGS = ['', '', 'Hi. ', 'Hello, ', 'Please help: ', 'Quick: ', 'Hey, '];
const CLOSINGS = ['', '', '', ' Thanks!', ' Thank you.', ' Thanks a lot.'];

/**
 * A stream as a fleet asks: some meanings often and most seldom (Zipf), in any wording, exact
 * repeats among them.
 */
export function promptStream(length: number, seed: number): StreamPrompt[] {
  const random = seededIndex(seed);
  const byMeaning = new Map<string, StreamPrompt[]>();
  for (const prompt of allPrompts()) {
    byMeaning.set(prompt.meaning, [...(byMeaning.get(prompt.meaning) ?? []), prompt]);
  }
  const shuffled = [...byMeaning.values()]
    .map((prompts) => ({ prompts, at: random(2 ** 30) }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ prompts }) => prompts);
  const weights = shuffled.map((_, rank) => 1 / (rank + 1) ** 0.7);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return Array.from({ length }, () => {
    let left = (random(2 ** 30) / 2 ** 30) * total;
    let at = 0;
    while (at < weights.length - 1 && left >= (weights[at] ?? 0)) {
      left -= weights[at] ?? 0;
      at += 1;
    }
    const prompts = shuffled[at] ?? [];
    const chosen = prompts[random(Math.max(1, prompts.length))];
    if (chosen === undefined) throw new Error('The stream has no prompts.');
    const opening = OPENINGS[random(OPENINGS.length)] ?? '';
    const closing = CLOSINGS[random(CLOSINGS.length)] ?? '';
    return { ...chosen, prompt: `${opening}${chosen.prompt}${closing}` };
  });
}
