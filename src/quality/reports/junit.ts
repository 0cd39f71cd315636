import imported from 'junit-report-builder';
import type { Builder, TestCase } from 'junit-report-builder';
import { ExitCode } from '../../core/errors.ts';
import { tellingOf } from '../kinds/tellings.ts';
import type { BaselineReport, TaskResult } from '../result.ts';
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
import { HEADLINES, latencyLine, strictLine, verdictSentence } from './words.ts';

interface JUnitOptions {
  /** The run exits with 0 on MARGINAL; the file is then green too. */
  allowMarginal?: boolean;
}

/**
 * The report as JUnit XML. It is red exactly when the run's exit code is not 0:
 * - suite `verdict` has one case. FAIL and MARGINAL are its failure, INCONCLUSIVE its error.
 * - one suite per category has one case per task of the candidate. A low score is no failure, since
 *   the gate judges the mean: scores are properties and system-out.
 * - a task that infrastructure kept from being graded is an error, or, when the verdict tolerates it,
 *   skipped.
 * A case has a `time` only if its answer was timed in this run.
 */
export function toJUnit(report: BaselineReport, options: JUnitOptions = {}): string {
  const green = exitCodeOf(report.verdict, options.allowMarginal ?? false) === ExitCode.Ok;
  const xml = newBuilder().name(text(`aqe-llm baseline ${report.run.suite}`));
  addVerdict(xml, report, green);
  for (const { category, members } of inCategories(pairTasks(report))) {
    const suite = xml.testSuite().name(text(category)).timestamp(text(report.run.startedAt));
    for (const pair of members) addTask(suite.testCase(), pair, report, green);
  }
  return `${xml.build()}\n`;
}

function addVerdict(xml: Builder, report: BaselineReport, green: boolean): void {
  const { verdict, run, candidate, reference } = report;
  const suite = xml.testSuite().name('verdict').timestamp(text(run.startedAt));
  const properties: Record<string, string> = {
    run: run.id,
    suite: run.suite,
    suiteHash: run.suiteHash,
    seed: String(run.seed),
    sandbox: run.sandbox,
    candidate: candidate.id,
    reference: reference.id,
    ...run.versions,
  };
  for (const [name, value] of Object.entries(properties)) suite.property(text(name), text(value));
  const lines = [
    verdictSentence(report),
    ...verdict.reasons,
    strictLine(verdict),
    `Mean score: candidate ${formatMean(candidate.meanScore)}, reference ${formatMean(reference.meanScore)}`,
    `Latency of the candidate: ${latencyLine(candidate)}`,
  ].map(text);
  const test = suite
    .testCase()
    .className('aqe-llm.verdict')
    .name('verdict')
    .property('state', verdict.state)
    .property('ratio', formatRatio(verdict.ratio))
    .property('lower', formatRatio(verdict.lower))
    .property('upper', formatRatio(verdict.upper));
  const message = text(`${HEADLINES[verdict.state]}: ${verdictSentence(report)}`);
  if (verdict.state === 'inconclusive') test.error(message, verdict.state, lines.join('\n'));
  else if (green) test.standardOutput(lines.join('\n'));
  else test.failure(message, verdict.state).stacktrace(lines.join('\n'));
}

function addTask(test: TestCase, pair: TaskPair, report: BaselineReport, green: boolean): void {
  const { candidate, reference, label } = pair;
  test
    .className(text(`${report.run.suite}.${candidate.category}.${candidate.complexity}`))
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
