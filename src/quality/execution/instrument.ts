import { transform } from 'esbuild';
import { Instrumenter } from '@stryker-mutator/instrumenter';
import { createInstrumenter } from 'istanbul-lib-instrument';
import type { BranchArm, Mutant } from './execution.ts';
import { messageOf } from '../../core/errors.ts';
import type { Region } from './region.ts';

/** A subject, made ready to be run and measured. */
export interface PreparedSubject {
  /** CommonJS bodies: with istanbul's counters, with every mutant behind a switch. */
  counted: string;
  switched: string;
  /** Line of each statement (`s3`), from 1. */
  lines: ReadonlyMap<string, number>;
  /** Every way that a branch can go, in the order of the source. */
  arms: readonly BranchArm[];
  /** Where each statement (`s3`) and each arm of a branch (`b2.1`) stands. */
  regions: ReadonlyMap<string, Region>;
  mutants: readonly Mutant[];
  /** Stryker's number of each mutant. */
  numbers: ReadonlyMap<string, string>;
}

/** A piece of source that cannot be parsed or instrumented; the message is for the reader of a report. */
export class SourceError extends Error {
  override name = 'SourceError';
}

const PARSER_PLUGINS = ['decorators', 'importAttributes', 'explicitResourceManagement'];

function isTypeScript(fileName: string): boolean {
  return fileName.endsWith('ts');
}

function strip(fileName: string, code: string): Promise<{ code: string }> {
  return transform(code, {
    loader: isTypeScript(fileName) ? 'ts' : 'js',
    format: 'cjs',
    target: 'node20',
    logLevel: 'silent',
    tsconfigRaw: '{}',
  });
}

async function count(
  fileName: string,
  source: string,
): Promise<{
  code: string;
  lines: Map<string, number>;
  regions: Map<string, Region>;
  arms: BranchArm[];
}> {
  const instrumenter = createInstrumenter({
    esModules: true,
    compact: false,
    coverageVariable: 'counters',
    coverageGlobalScope: 'aqeScope',
    coverageGlobalScopeFunc: false,
    parserPlugins: isTypeScript(fileName) ? ['typescript', ...PARSER_PLUGINS] : PARSER_PLUGINS,
  });
  const { code } = await strip(fileName, instrumenter.instrumentSync(source, fileName));
  const { statementMap, branchMap } = instrumenter.lastFileCoverage();
  const lines = new Map<string, number>();
  for (const [id, range] of Object.entries(statementMap)) {
    lines.set(`s${id}`, range.start.line);
  }
  const regions = new Map<string, Region>(
    Object.entries(statementMap).map(([id, range]) => [`s${id}`, range]),
  );
  for (const [key, region] of armRegions(branchMap)) regions.set(key, region);
  return { code, lines, regions, arms: armsOf(branchMap) };
}

type BranchMap = ReturnType<ReturnType<typeof createInstrumenter>['lastFileCoverage']>['branchMap'];

function armRegions(branches: BranchMap): [key: string, region: Region][] {
  return Object.entries(branches).flatMap(([id, { loc, locations }]) =>
    locations.map((place, arm): [string, Region] => {
      // An `else` that is not there stands nowhere.
      const { start, end }: Partial<Region> = place;
      const isPlace = start?.line !== undefined && end?.line !== undefined;
      return [`b${id}.${arm}`, isPlace ? place : loc];
    }),
  );
}

function armsOf(branches: BranchMap): BranchArm[] {
  const arms = Object.entries(branches).flatMap(([id, { type, loc, locations }]) =>
    locations.map(({ start }, index) => ({
      key: `b${id}.${index}`,
      type,
      index,
      // Cases stand in lines of their own; an `else` that is not there stands nowhere.
      line: (type === 'switch' ? start : loc.start).line,
      column: (type === 'switch' ? start : loc.start).column,
    })),
  );
  return arms
    .sort((a, b) => a.line - b.line || a.column - b.column || a.index - b.index)
    .map(({ key, type, index, line }) => ({ key, type, index, line }));
}

const silent = (): void => undefined;
const disabled = (): boolean => false;
const LOGGER = {
  trace: silent,
  debug: silent,
  info: silent,
  warn: silent,
  error: silent,
  fatal: silent,
  isTraceEnabled: disabled,
  isDebugEnabled: disabled,
  isInfoEnabled: disabled,
  isWarnEnabled: disabled,
  isErrorEnabled: disabled,
  isFatalEnabled: disabled,
};

interface Position {
  line: number;
  column: number;
}

/** Offset of a position: lines from 0, as Stryker's API has them. */
function offsetOf(starts: readonly number[], { line, column }: Position): number {
  return (starts[line] ?? 0) + column;
}

async function mutate(
  fileName: string,
  source: string,
): Promise<{
  code: string;
  mutants: Mutant[];
  numbers: Map<string, string>;
}> {
  const result = await new Instrumenter(LOGGER).instrument(
    [{ name: fileName, mutate: true, content: source }],
    { plugins: null, excludedMutations: [], ignorers: [], noHeader: true },
  );
  const starts = [0];
  for (const match of source.matchAll(/\r\n|[\n\r\u2028\u2029]/g))
    starts.push(match.index + match[0].length);
  const mutants: Mutant[] = [];
  const numbers = new Map<string, string>();
  for (const { id, location, mutatorName, replacement } of result.mutants) {
    const { start, end } = location;
    const range = `${start.line + 1}:${start.column}-${end.line + 1}:${end.column}`;
    const name = `${range} ${mutatorName} ${replacement}`;
    let unique = name;
    for (let nth = 2; numbers.has(unique); nth++) unique = `${name} #${nth}`;
    numbers.set(unique, id);
    mutants.push({
      id: unique,
      mutator: mutatorName,
      line: start.line + 1,
      original: source.slice(offsetOf(starts, start), offsetOf(starts, end)),
      replacement,
    });
  }
  const { code } = await strip(fileName, result.files[0]?.content ?? '');
  return { code, mutants, numbers };
}

/**
 * Instruments a subject twice: for coverage and for mutants.
 * @throws SourceError when it cannot be parsed
 */
export async function prepareSubject(subject: {
  fileName: string;
  source: string;
}): Promise<PreparedSubject> {
  const { fileName, source } = subject;
  try {
    const [counted, switched] = await Promise.all([
      count(fileName, source),
      mutate(fileName, source),
    ]);
    return {
      counted: counted.code,
      switched: switched.code,
      lines: counted.lines,
      arms: counted.arms,
      regions: counted.regions,
      mutants: switched.mutants,
      numbers: switched.numbers,
    };
  } catch (error) {
    throw new SourceError(`${fileName} cannot be instrumented: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
