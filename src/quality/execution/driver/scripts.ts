import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';

/**
 * Most of what is evaluated here runs a few hundred times and ends: optimised as early as V8 would, a third of the
 * processor time went into the optimiser (`npm run bench -- grading`). What is truly hot still is.
 */
export function optimiseLater(): void {
  setFlagsFromString('--interrupt-budget=500000');
}

/** The body of a CommonJS module as a function of `parameters`. */
export function wrapped(body: string, parameters: string, name: string): Script {
  return new Script(`(function (${parameters}) { 'use strict';\n${body}\n})`, {
    filename: `${name}.js`,
  });
}

/** A bundled test file as an asynchronous function. */
export function testScript(body: string, fileName: string): Script {
  return new Script(
    `(async function (require, __filename, __dirname) { 'use strict';\n${body}\n})`,
    { filename: fileName },
  );
}

/** A script that lies beside the driver. */
export function scriptFile(name: string): Script {
  return new Script(readFileSync(join(__dirname, name), 'utf8'), { filename: name });
}
