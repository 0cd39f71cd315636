import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CatalogueEntry } from '../../../src/config/catalogue.ts';
import { createPipRunner } from '../../../src/setup/provision/pip.ts';
import type { RunPip } from '../../../src/setup/provision/pip.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { zipOf } from './wheel-file.ts';

export interface FakePython {
  /** The executable. */
  command: string;
  run: RunPip;
  /** Requirements that were asked for, in order. */
  asked(): Promise<string[]>;
  /** Puts a package into the registry that this pip knows. */
  publish(name: string, members: Readonly<Record<string, Buffer>>): Promise<void>;
  /** Makes pip hang when it is asked for this package. */
  hangAt(name: string): Promise<void>;
}

const script = `
const { appendFileSync, copyFileSync, existsSync, mkdtempSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const [dashM, pip, command, ...rest] = process.argv.slice(2);
if (dashM !== '-m' || pip !== 'pip' || command !== 'download') process.exit(64);
const requirement = rest.at(-1);
const [name, version] = requirement.split('==');
const folder = rest[rest.indexOf('-d') + 1];
appendFileSync(join(REGISTRY, 'asked'), requirement + '\\n');
writeFileSync(join(REGISTRY, 'environment'), JSON.stringify(process.env));
mkdtempSync(join(process.env.TMPDIR, 'pip-unpack-'));
if (existsSync(join(REGISTRY, 'hang-' + name))) {
  writeFileSync(join(REGISTRY, 'pid'), String(process.pid));
  setInterval(() => {}, 1000);
} else {
  const wheel = name.replaceAll('-', '_') + '-' + version + '-py3-none-any.whl';
  if (existsSync(join(REGISTRY, wheel))) copyFileSync(join(REGISTRY, wheel), join(folder, wheel));
  else {
    process.stderr.write('Looking in indexes: http://user:pass@index.example/simple\\n');
    process.stderr.write('ERROR: No matching distribution found for ' + requirement + '\\n');
    process.exit(1);
  }
}
`;

/** An executable that speaks pip's command line over a folder of real wheels. */
export async function fakePython(
  env: Readonly<Record<string, string>> = {},
): Promise<FakePython & { registry: string }> {
  const registry = join(await temporaryFolder(), 'registry');
  await mkdir(registry);
  const command = join(registry, 'python3');
  await writeFile(
    command,
    `#!${process.execPath}\nconst REGISTRY = ${JSON.stringify(registry)};${script}`,
  );
  await chmod(command, 0o755);
  return {
    command,
    registry,
    run: createPipRunner([command], env),
    asked: async () =>
      (await readFile(join(registry, 'asked'), 'utf8').catch(() => '')).split('\n').slice(0, -1),
    publish: (name, members) =>
      writeFile(
        join(registry, `${name.replaceAll('-', '_')}-0.1.0-py3-none-any.whl`),
        zipOf(members),
      ),
    hangAt: (name) => writeFile(join(registry, `hang-${name}`), ''),
  };
}

/** Publishes the entry's content, cut into as many parts as it has packages. */
export async function publishParts(
  python: FakePython,
  entry: CatalogueEntry,
  content: Buffer,
): Promise<void> {
  const { pythonPackages } = entry;
  const step = Math.ceil(content.length / pythonPackages.length);
  for (const [index, { name, member }] of pythonPackages.entries()) {
    await python.publish(name, {
      [`${name}/__init__.py`]: Buffer.from('# data\n'),
      [member]: content.subarray(index * step, (index + 1) * step),
    });
  }
}
