import { createRequire } from 'node:module';
import { Imprint, objectsIn } from './imprint.ts';

const nodeRequire = createRequire(__filename);

/** Modules of Node that could reach the process that measures, or leave it. */
const REFUSED = new Set(
  'child_process cluster worker_threads vm v8 inspector inspector/promises repl module sea wasi test test/reporters diagnostics_channel trace_events'.split(
    ' ',
  ),
);

/** What was handed out, as it was before a test had it. */
const handedOut = new Map<string, { module: unknown; imprint: Imprint }>();

/**
 * A module of Node for tests; all contexts share it.
 * @throws when tests must not have it
 */
export function nodeModule(specifier: string): unknown {
  const name = specifier.replace(/^node:/, '');
  const known = handedOut.get(name);
  if (known) return known.module;
  if (REFUSED.has(name)) throw new Error(`The module "${specifier}" is not available to tests`);
  const module: unknown = nodeRequire(`node:${name}`);
  handedOut.set(name, { module, imprint: new Imprint(partsOf(module)) });
  return module;
}

/** Undoes what tests have done to modules of Node. */
export function restoreModules(): void {
  for (const { imprint } of handedOut.values()) imprint.restore();
}

/** The module itself and what it exports. */
function partsOf(module: unknown): object[] {
  const [whole] = objectsIn([module]);
  if (whole === undefined) return [];
  const members = Object.values(Object.getOwnPropertyDescriptors(whole));
  return objectsIn([whole, ...members.map(({ value }): unknown => value)]);
}
