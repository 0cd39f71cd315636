import imported from 'junit-report-builder';
import type { Builder, TestCase } from 'junit-report-builder';
import { ExitCode } from '../../core/errors.ts';
import { tellingOf } from '../kinds/tellings.ts';
import type { BaselineReport, CandidateReport, TaskResult } from '../result.ts';
import { exitCodeOf } from '../verdict.ts';
import {
  formatMean,
  formatPoints,
  formatRatio,
  formatScore,
  formatTally,
  printable,
} from './format.ts';
import { inCategories, marksOf, pairTasks, scoreOf } from './pairs.ts';
import type { TaskPair } from './pairs.ts';
import {
  costLine,
  gradedLine,
  HEADLINES,
  latencyLine,
  powerLines,
  strictLine,
  verdictSentence,
} from './words.ts';

interface JUnitOptions {
  /** The run exits with 0 on MARGINAL; the file is then green too. */
  allowMarginal?: boolean;
}

/**
 * The report as JUnit XML. It is red exactly when the run's exit code is not 0:
 * - suite `verdict` has one case a candidate. FAIL and MARGINAL are its failure, INCONCLUSIVE its error.
 * - one suite per category (and candidate, where there are several) has one case per task. A low score
 *   is no failure, since the gate judges the mean: scores are properties and system-out.
 * - a task that infrastructure kept from being graded is an error, or, when the verdict tolerates it,
 *   skipped.
 * A case has a `time` only if its answer was timed in this run.
 */
export function toJUnit(report: BaselineReport, options: JUnitOptions = {}): string {
  const { run, candidates, reference } = report;
  const allowMarginal = options.allowMarginal ?? false;
  const isGreen = ({ verdict }: CandidateReport): boolean =>
    exitCodeOf([verdict], allowMarginal) === ExitCode.Ok;
  const xml = newBuilder().name(text(`aqe-llm baseline ${run.suite}`));
  addVerdicts(xml, report, isGreen);
  for (const candidate of candidates) {
    const pairs = pairTasks(candidate, reference);
    for (const { category, members } of inCategories(pairs, (pair) => pair.candidate.category)) {
      const name = candidates.length > 1 ? `${category}, ${candidate.id}` : category;
      const suite = xml.testSuite().name(text(name)).timestamp(text(run.startedAt));
      for (const pair of members) addTask(suite.testCase(), pair, run.suite, isGreen(candidate));
    }
  }
  return `${xml.build()}\n`;
}

function addVerdicts(
  xml: Builder,
  report: BaselineReport,
  isGreen: (candidate: CandidateReport) => boolean,
): void {
  const { run, candidates, reference } = report;
  const suite = xml.testSuite().name('verdict').timestamp(text(run.startedAt));
  const properties: Record<string, string> = {
    run: run.id,
    suite: run.suite,
    suiteHash: run.suiteHash,
    seed: String(run.seed),
    repeats: String(run.repeats),
    ...(run.shard === null ? {} : { shard: `${run.shard.index}/${run.shard.of}` }),
    sandbox: run.sandbox,
    candidate: candidates.map(({ id }) => id).join(', '),
    reference: reference.id,
    ...run.versions,
  };
  for (const [name, value] of Object.entries(properties)) suite.property(text(name), text(value));
  for (const candidate of candidates) {
    const { verdict } = candidate;
    const lines = [
      verdictSentence(candidate, reference),
      ...verdict.reasons,
      strictLine(verdict),
      ...powerLines(verdict.power),
      `Graded: candidate ${gradedLine(candidate)}; reference ${gradedLine(reference)}`,
      `Mean score: candidate ${formatMean(candidate.meanScore)}, reference ${formatMean(reference.meanScore)}`,
      `Latency of the candidate: ${latencyLine(candidate)}`,
      `Cost of the candidate: ${costLine(candidate)}`,
    ].map(text);
    const test = suite
      .testCase()
      .className('aqe-llm.verdict')
      .name(candidates.length > 1 ? text(candidate.id) : 'verdict')
      .property('state', verdict.state)
      .property('ratio', formatRatio(verdict.ratio))
      .property('lower', formatRatio(verdict.lower))
      .property('upper', formatRatio(verdict.upper));
    for (const { category, ratio } of candidate.categories) {
      test.property(`ratio.${category}`, formatRatio(ratio));
    }
    const message = text(`${HEADLINES[verdict.state]}: ${verdictSentence(candidate, reference)}`);
    if (verdict.state === 'inconclusive') test.error(message, verdict.state, lines.join('\n'));
    else if (isGreen(candidate)) test.standardOutput(lines.join('\n'));
    else test.failure(message, verdict.state).stacktrace(lines.join('\n'));
  }
}

function addTask(test: TestCase, pair: TaskPair, suite: string, green: boolean): void {
  const { candidate, reference, label } = pair;
  test
    .className(text(`${suite}.${candidate.category}.${candidate.complexity}`))
    .name(text(label))
    .property('candidate.score', formatScore(scoreOf(candidate)))
    .property('reference.score', formatScore(scoreOf(reference)));
  if (candidate.state === 'graded') {
    if (!candidate.replayed && candidate.latencyMs !== null) test.time(candidate.latencyMs / 1000);
    test.standardOutput(text(taskLines(candidate, reference).join('\n')));
    return;
  }
  const message = text(`${candidate.error.code}: ${candidate.error.message}`);
  if (green) test.skipped().standardError(message);
  else test.error(message, text(candidate.error.code));
}

function taskLines(task: TaskResult, reference: TaskResult | undefined): string[] {
  if (task.state !== 'graded') return [];
  const telling = tellingOf(task.category);
  const parts = task.parts.map(({ name, points, max }) => `${name} ${formatPoints(points)}/${max}`);
  const tallies = telling.tallies.map(
    (column) => `${column.name} ${formatTally(column.of(task.evidence))}`,
  );
  return [
    `score ${formatScore(task.score)}, reference ${formatScore(scoreOf(reference))}`,
    parts.join(', '),
    tallies.join(', '),
    ...marksOf(task),
    ...telling
      .items(task.evidence)
      .filter(({ tone }) => tone !== 'good')
      .map(
        ({ name, state, message }) =>
          `${state}: ${name}${message === undefined ? '' : `: ${message}`}`,
      ),
  ];
}

/** Only what XML 1.0 can hold, inside a CDATA section too: the builder splits just the first end mark. */
function text(value: string): string {
  return printable(value).replaceAll(']]>', ']] >');
}

// The package's types speak of a default export, but what Node's import of CommonJS gives is the builder itself.
function newBuilder(): Builder {
  const loaded: unknown = imported;
  return isBuilder(loaded) ? loaded.newBuilder() : imported.default.newBuilder();
}

function isBuilder(value: unknown): value is Builder {
  return typeof value === 'object' && value !== null && 'newBuilder' in value;
}
