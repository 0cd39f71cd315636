import { chai, equals, iterableEquality, subsetEquality } from '@vitest/expect';
import type { ChaiPlugin } from '@vitest/expect';
import type { Test } from '@vitest/runner';
import {
  addSerializer,
  SnapshotClient,
  SnapshotState,
  stripSnapshotIndentation,
} from '@vitest/snapshot';
import type { SnapshotEnvironment, SnapshotStateOptions } from '@vitest/snapshot';
import type { RealmHost } from './host.ts';

/** Snapshots of one run: nothing touches a disk, the driver carries the file from run to run. */
export interface Snapshots {
  plugin: ChaiPlugin;
  /** Begins the run. */
  open(): Promise<void>;
  /** Forgets what a try of a test matched, before the next try. */
  clearTest(test: Test): void;
  /** Ends the run and gives the snapshot file's content, null if there is none. */
  close(): Promise<string | null>;
}

function memory(read: () => string | null, write: (content: string) => void): SnapshotEnvironment {
  return {
    getVersion: () => '1',
    getHeader: () => '// Vitest Snapshot v1',
    resolvePath: (path) => Promise.resolve(`${path}.snap`),
    resolveRawPath: (_, path) => Promise.resolve(path),
    readSnapshotFile: () => Promise.resolve(read()),
    saveSnapshotFile: (_, content) => Promise.resolve(write(content)),
    removeSnapshotFile: () => Promise.resolve(),
  };
}

function fullName(test: Test): string {
  const names: string[] = [];
  for (let task: Test['suite'] | Test = test; task; task = task.suite) names.unshift(task.name);
  return names.join(' > ');
}

function thrownBy(received: unknown, promise: unknown): unknown {
  if (typeof received !== 'function') {
    if (promise === undefined || promise === '') {
      throw new Error(`expected must be a function, received ${typeof received}`);
    }
    return received;
  }
  try {
    received();
  } catch (error) {
    return error;
  }
  throw new Error("snapshot function didn't throw");
}

/** @param onChange called when a test changes how snapshots are written, for good */
export function createSnapshots(host: RealmHost, onChange: () => void): Snapshots {
  let file: string | null = null;
  const environment = memory(
    () => file,
    (content) => {
      file = content;
    },
  );
  const options: SnapshotStateOptions = { updateSnapshot: 'new', snapshotEnvironment: environment };
  const open = (): SnapshotClient =>
    new SnapshotClient({
      isEqual: (received, expected) =>
        equals(received, expected, [iterableEquality, subsetEquality]),
    });
  let client = open();

  /** Inline text is compared as if it stood in a snapshot file of its own. */
  function compareInline(received: unknown, inline: string): ReturnType<SnapshotState['match']> {
    const text = inline.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${');
    // Its constructor is declared private; the public factory is asynchronous, a matcher is not.
    const state: SnapshotState = Reflect.construct(SnapshotState, [
      host.testPath,
      host.testPath,
      `exports[\`inline 1\`] = \`${text}\`;`,
      { updateSnapshot: 'none', snapshotEnvironment: environment },
    ]);
    return state.match({ testId: 'inline', testName: 'inline', received, isInline: false });
  }

  interface Comparison {
    received: unknown;
    properties?: unknown;
    hint?: string | undefined;
    inline?: string | undefined;
  }

  function check(assertion: Chai.AssertionStatic, comparison: Comparison): void {
    const flag = (name: string): unknown => chai.util.flag(assertion, name);
    if (flag('negate') === true) throw new Error('Snapshots cannot be used with "not"');
    const test = host.currentTest();
    if (!test) throw new Error('Snapshots cannot be used outside of a test');
    const { received, properties, hint, inline } = comparison;
    const name = fullName(test);
    let result: { pass: boolean; message: () => string };
    if (inline === undefined) {
      result = client.match({
        filepath: host.testPath,
        name,
        testId: test.id,
        received,
        ...(hint === undefined ? {} : { message: hint }),
        ...(typeof properties === 'object' && properties !== null ? { properties } : {}),
      });
    } else {
      if (
        typeof properties === 'object' &&
        properties !== null &&
        !equals(received, properties, [iterableEquality, subsetEquality])
      ) {
        throw new chai.AssertionError('Snapshot properties mismatched');
      }
      const { pass, key } = compareInline(
        typeof properties === 'object' && properties !== null
          ? merged(received, properties)
          : received,
        stripSnapshotIndentation(inline),
      );
      result = { pass, message: () => `Snapshot \`${name} ${key}\` mismatched` };
    }
    if (!result.pass) throw new chai.AssertionError(result.message());
  }

  const plugin: ChaiPlugin = (_, utils) => {
    const add = (
      name: string,
      prepare: (assertion: object, args: unknown[]) => Comparison,
    ): void => {
      utils.addMethod(
        chai.Assertion.prototype,
        name,
        function matcher(this: Chai.AssertionStatic, ...args: unknown[]) {
          utils.flag(this, '_name', name);
          check(this, prepare(this, args));
        },
      );
    };
    const object = (assertion: object): unknown => utils.flag(assertion, 'object');
    const thrown = (assertion: object): unknown =>
      thrownBy(object(assertion), utils.flag(assertion, 'promise'));
    const text = (value: unknown): string | undefined =>
      typeof value === 'string' ? value : undefined;
    const stored = (received: unknown, [first, second]: unknown[]): Comparison => ({
      received,
      properties: first,
      hint: text(first) ?? text(second),
    });
    // An inline snapshot that is not written yet is kept as a stored one would be.
    const inline = (received: unknown, [first, second]: unknown[]): Comparison => ({
      received,
      properties: first,
      inline: text(first) ?? text(second),
    });
    for (const name of ['matchSnapshot', 'toMatchSnapshot']) {
      add(name, (assertion, args) => stored(object(assertion), args));
    }
    add('toMatchInlineSnapshot', (assertion, args) => inline(object(assertion), args));
    add('toThrowErrorMatchingSnapshot', (assertion, args) => stored(thrown(assertion), args));
    add('toThrowErrorMatchingInlineSnapshot', (assertion, args) => inline(thrown(assertion), args));
    add('toMatchFileSnapshot', () => {
      throw new Error('toMatchFileSnapshot is not available: tests have no files');
    });
    utils.addMethod(chai.expect, 'addSnapshotSerializer', (serializer: never) => {
      onChange();
      addSerializer(serializer);
    });
  };

  return {
    plugin,
    open: () => {
      file = host.snapshot;
      client = open();
      return client.setup(host.testPath, options);
    },
    clearTest: (test) => client.clearTest(host.testPath, test.id),
    close: async () => {
      await client.finish(host.testPath);
      return file;
    },
  };
}

/** The received object with the matchers of `properties` in place of what they matched. */
function merged(received: unknown, properties: object): unknown {
  if (typeof received !== 'object' || received === null) return received;
  const result: Record<string, unknown> = { ...received };
  for (const [key, value] of Object.entries(properties)) {
    const own = result[key];
    const nested =
      typeof value === 'object' &&
      value !== null &&
      !('asymmetricMatch' in value) &&
      !Array.isArray(value);
    result[key] = nested ? merged(own, value) : value;
  }
  return result;
}
