import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from '@typescript/typescript6';
import { describe, expect, it } from 'vitest';

/** Rooms from the top down; a room may import itself and what stands on lower floors, never a sibling. */
const FLOORS: readonly (readonly string[])[] = [
  ['index'],
  ['runtime'],
  ['quality', 'rollout', 'setup', 'serving'],
  ['routing'],
  ['patterns', 'learning', 'ledger'],
  ['providers', 'storage', 'telemetry'],
  ['config'],
  ['core'],
];
/** Whoever talks to the outside is built on the composition root; the command line starts the gateway. */
const FACES: readonly string[] = ['cli', 'gateway'];

const SRC = fileURLToPath(new URL('../../src/', import.meta.url));
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);

const roomOf = (file: string): string => file.split(path.sep)[0]?.replace(/\.ts$/, '') ?? '';
const floorOf = (room: string): number =>
  FACES.includes(room)
    ? FACES.indexOf(room) - FACES.length
    : FLOORS.findIndex((floor) => floor.includes(room));

/** Files and packages that a file names in its imports, types and dynamic imports included. */
function importsOf(file: string): string[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(path.join(SRC, file), 'utf8'));
  return importedFiles.map((imported) => imported.fileName);
}

function mayImport(from: string, to: string): boolean {
  return from === to || floorOf(from) < floorOf(to);
}

describe('import direction', () => {
  it('knows every room', () => {
    expect(
      [...new Set(files.map(roomOf))].filter((room) => floorOf(room) < 0 && !FACES.includes(room)),
    ).toEqual([]);
  });

  it('only goes down', () => {
    const wrong = files.flatMap((file) =>
      importsOf(file)
        .filter((imported) => imported.startsWith('.'))
        .map((imported) => path.join(path.dirname(file), imported))
        .filter((imported) => !mayImport(roomOf(file), roomOf(imported)))
        .map((imported) => `${file} imports ${imported}`),
    );
    expect(wrong).toEqual([]);
  });

  it('leaves core without packages of others that touch the outside', () => {
    const allowed = /^(\.|node:crypto$|pure-rand\/)/;
    const wrong = files
      .filter((file) => roomOf(file) === 'core')
      .flatMap((file) =>
        importsOf(file)
          .filter((imported) => !allowed.test(imported))
          .map((imported) => `${file} imports ${imported}`),
      );
    expect(wrong).toEqual([]);
  });

  it('tells a breach from an import that is allowed', () => {
    expect(mayImport('quality', 'providers')).toBe(true);
    expect(mayImport('providers', 'quality')).toBe(false);
    expect(mayImport('quality', 'setup')).toBe(false);
    expect(mayImport('cli', 'runtime')).toBe(true);
    expect(mayImport('cli', 'gateway')).toBe(true);
    expect(mayImport('gateway', 'cli')).toBe(false);
  });
});
