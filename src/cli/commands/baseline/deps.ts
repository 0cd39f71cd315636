import { createHash } from 'node:crypto';
import type { Message } from '../../../core/request.ts';
import type { KindDeps } from '../../../quality/kinds/kind.ts';
import type { BaselineDeps } from '../../../quality/run/events.ts';
import type { RunStore } from '../../../quality/run/run-store.ts';
import { describe } from '../../../routing/describe.ts';
import type { LocalModel, Runtime } from '../../../runtime.ts';
import type { Metered } from '../../../runtime/open-meter.ts';
import { provideModel } from '../../model.ts';
import type { Output } from '../../output/output.ts';

/**
 * What grading needs.
 * @throws AppError `sandbox.unavailable` where nothing may be run
 */
export async function openKindDeps(
  runtime: Runtime,
  flags: { allowUnsafeExec?: boolean },
  output: Output,
): Promise<KindDeps & { instrumenterVersion: string }> {
  const sandbox = await runtime.openSandbox(flags.allowUnsafeExec === true);
  if (sandbox.tier === 'unsafe')
    output.note('warning: answers run without a sandbox (--allow-unsafe-exec)');
  const executor = await runtime.createExecutor(sandbox);
  const typeCheck = await runtime.createTypeChecker();
  return { executor, typeCheck, sandbox, instrumenterVersion: executor.instrumenterVersion };
}

/** Everything that a run is given; models of live sides are fetched where they are missing. */
export function openBaselineDeps(
  runtime: Runtime,
  store: RunStore,
  { instrumenterVersion, ...kinds }: KindDeps & { instrumenterVersion: string },
  openProvider: BaselineDeps['openProvider'],
): BaselineDeps {
  return {
    store,
    kinds,
    money: runtime.openBaselineMoney(),
    clock: runtime.clock,
    sandbox: kinds.sandbox.tier,
    versions: {
      'aqe-llm': runtime.version,
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
      'mutant instrumenter': instrumenterVersion,
    },
    cores: runtime.cores,
    openProvider,
  };
}

/**
 * Opens live sides; the embedded models among them are fetched first. What they are asked is in the
 * ledger, equal questions to several sides as pairs.
 */
export async function sideOpener(
  { runId, specs }: { runId: string; specs: readonly string[] },
  runtime: Runtime,
  output: Output,
  signal: AbortSignal,
): Promise<BaselineDeps['openProvider']> {
  const metered: Metered = {
    purpose: 'baseline',
    session: runId,
    categoryOf: (request) => describe(request).category,
    pairOf: ({ messages, repeat }) => `${runId} ${hashOf(messages)} ${repeat}`,
    onTrouble: (message) => output.note(`warning: not in the ledger: ${message}`),
  };
  const models = new Map<string, LocalModel>();
  for (const spec of specs) {
    if (!spec.startsWith('embedded:')) continue;
    const name = spec.slice('embedded:'.length);
    models.set(spec, await provideModel(runtime, { name }, output, signal));
  }
  return async (spec) => {
    const model = models.get(spec);
    return model === undefined
      ? runtime.openSteady(spec, metered)
      : runtime.meter(runtime.openEmbedded(model), metered);
  };
}

function hashOf(messages: readonly Message[]): string {
  return createHash('sha256').update(JSON.stringify(messages)).digest('hex').slice(0, 16);
}
