import type { Test } from '@vitest/runner';
import type { Performance } from 'node:perf_hooks';

/** What the code inside a context is handed by the driver outside of it. */
export interface RealmHost {
  /** The test that runs now. */
  currentTest(): Test | undefined;
  /** Runs `check` when the test that runs now has finished; what it throws fails the test. */
  onTestFinished(check: () => void): void;
  /** Content of the snapshot file that earlier runs wrote; null when there is none. */
  snapshot: string | null;
  /** Path by which the test file goes. */
  testPath: string;
  /** Makes the next import of the subject evaluate it anew. */
  resetModules(): void;
  /** Milliseconds a test may take from now on, as `jest.setTimeout` and `vi.setConfig` ask. */
  setTestTimeout(ms: number): void;
  /** Node's own intrinsics by name (`TypeError`), whose instances must pass for the context's. */
  intrinsics: Readonly<Record<string, unknown>>;
  /** Copies a value into the context as `structuredClone` does. */
  clone(value: unknown, options: unknown): unknown;
  /** Node's globals that a context does not have by itself. */
  globals: Readonly<Record<string, unknown>>;
  performance: Performance;
  /** Node's process, to take harmless facts and functions from. */
  process: NodeJS.Process;
  /** Variables of the environment, as properties. */
  environment: PropertyDescriptorMap;
}
