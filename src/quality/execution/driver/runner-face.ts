import {
  afterAll,
  afterEach,
  aroundAll,
  aroundEach,
  beforeAll,
  beforeEach,
  describe,
  it,
  onTestFailed,
  onTestFinished,
  suite,
  test,
} from '@vitest/runner';

/** What the driver uses of the test runner, bundled into one script that each run evaluates anew. */
export { getCurrentTest, startTests } from '@vitest/runner';
export { getTests } from '@vitest/runner/utils';

/** What test files use of it. */
export const api = {
  afterAll,
  afterEach,
  aroundAll,
  aroundEach,
  beforeAll,
  beforeEach,
  describe,
  it,
  onTestFailed,
  onTestFinished,
  suite,
  test,
};
