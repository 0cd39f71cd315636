import { randomBytes, randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { availableParallelism, homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { catalogue, findModel, isModelFile } from './config/catalogue.ts';
import { loadPrices } from './config/prices/load-prices.ts';
import { loadConfig, type ConfigFlags, type LoadedConfig } from './config/load.ts';
import type { Clock } from './core/clock.ts';
import { AppError } from './core/errors.ts';
import { createEmbeddedProvider } from './providers/embedded/embedded-provider.ts';
import { openServer, type ServedModel } from './providers/open-server.ts';
import type { Provider } from './providers/provider.ts';
import type { Executor } from './quality/execution/index.ts';
import type { Judge } from './patterns/judge.ts';
import type { Money } from './quality/run/budget.ts';
import { createRunStore, type RunStore } from './quality/run/run-store.ts';
import { openSandbox } from './quality/sandbox/open-sandbox.ts';
import { probeSandbox } from './quality/sandbox/probe.ts';
import type { Sandbox } from './quality/sandbox/sandbox.ts';
import type { TypeChecker } from './quality/type-check.ts';
import { createValidationStore, type ValidationStore } from './quality/validate/store.ts';
import { examine, type ConfiguredModel, type DoctorDeps } from './setup/doctor/doctor.ts';
import type { Finding } from './setup/doctor/finding.ts';
import { machineOf, readGpus } from './setup/gpu.ts';
import { freeDiskBytes, readHardware } from './setup/hardware.ts';
import { chooseModel, type ModelChoice } from './setup/model-choice.ts';
import { modelFolder, modelSettings } from './setup/model-folder.ts';
import { ensureModel, locateModel, type ProvisionOptions } from './setup/provision/ensure-model.ts';
import { createPipRunner } from './setup/provision/pip.ts';
import type { ProvisionEvent } from './setup/provision/provision-event.ts';
import { createSetupTools, type SetupTools } from './setup/setup-tools.ts';
import { createCircuitBreaker } from './routing/circuit-breaker.ts';
import { createResilientProvider } from './routing/attempt.ts';
import type { Ledger } from './ledger/ledger.ts';
import { createCharges, type Charges } from './ledger/charge.ts';
import { createLedger } from './ledger/sqlite-ledger.ts';
import type { BatchOptions } from './routing/batch.ts';
import type { Router } from './routing/router.ts';
import type { RouterEvent } from './routing/walk.ts';
import { specsOfTiers } from './routing/targets.ts';
import { createBaselineMoney } from './runtime/baseline-money.ts';
import { gradeApart } from './runtime/grade-thread.ts';
import { openConvenience } from './runtime/open-convenience.ts';
import { openMeter, type Metered } from './runtime/open-meter.ts';
import { openPatterns, type Patterns } from './runtime/open-patterns.ts';
import { openRouter } from './runtime/open-router.ts';
import { openRollouts, type Rollouts } from './runtime/open-rollouts.ts';
import { withStandIn, type StandIn } from './runtime/stand-in.ts';
import { SYSTEM_CLOCK } from './runtime/system-clock.ts';
import { openDatabase } from './storage/database.ts';
import { createTelemetry, type Telemetry } from './telemetry/telemetry.ts';

export interface RuntimeOptions {
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  flags: ConfigFlags;
}

/** A model file that a provider can open. */
export interface LocalModel {
  /** Its name in reports: an id of the catalogue, or the file's name. */
  id: string;
  path: string;
}

/** A model that is wanted: of the catalogue, perhaps not here yet, or a file. */
export type WantedModel =
  | { kind: 'catalogue'; id: string; choice: ModelChoice }
  | { kind: 'file'; id: string; path: string };

/** Everything that the rooms are given, built in one place. Nothing slow happens before it is asked for. */
export interface Runtime {
  config: LoadedConfig;
  version: string;
  clock: Clock;
  cores: number;
  /** The suite that comes with the package. */
  builtInSuite: string;
  newRunId: () => string;
  openStore: () => RunStore;
  /** @throws AppError `prices.*` */
  openBaselineMoney: () => Money;
  openSandbox: (allowUnsafe: boolean) => Promise<Sandbox>;
  /** Loads the compilers that grading needs, which nothing else has to pay for. */
  createExecutor: (sandbox: Sandbox) => Promise<Executor>;
  createTypeChecker: () => Promise<TypeChecker>;
  /** @param name an id of the catalogue or a GGUF file; the machine chooses when absent */
  wantModel: (name: string | undefined) => Promise<WantedModel>;
  provideModel: (
    model: Extract<WantedModel, { kind: 'catalogue' }>,
    options: ProvisionOptions,
  ) => AsyncIterable<ProvisionEvent>;
  openEmbedded: (model: LocalModel) => Provider;
  /** A model of a server as it is: nothing is retried. */
  openServer: (served: ServedModel) => Promise<Provider>;
  /**
   * A model of a configured server (`<server>:<model>`) for work that must get done: retried, and
   * left alone while its circuit breaker is open. Equal requests get equal texts where the server can.
   * A slow first token alone opens no breaker: nothing else could answer.
   */
  openSteady: (spec: string, metered?: Metered) => Promise<Provider>;
  /** The provider, with each of its calls in the ledger. */
  meter: (provider: Provider, metered: Metered) => Provider;
  /**
   * The router of the configuration. Its telemetry is the environment's unless one is given. `busy`
   * where many requests are to be answered at once.
   * @throws AppError `storage.*`
   */
  openRouter: (options: {
    onEvent: (event: RouterEvent) => void;
    telemetry?: Telemetry;
    busy?: boolean;
    /** Where somebody else has them open; they stay open then. */
    openPatterns?: () => Promise<Patterns>;
    /** Answers in place of every target; what is recorded goes into a state folder of its own. */
    standIn?: StandIn;
  }) => Promise<Router>;
  /** @throws AppError `storage.*` */
  openLedger: () => Ledger;
  /** @throws AppError `storage.*` */
  openValidations: () => ValidationStore;
  /** @throws AppError `storage.*` */
  openRollouts: () => Rollouts;
  /** What everything costs. @throws AppError `prices.*` */
  charges: () => Charges;
  /**
   * What is remembered, and the embedder it is found by.
   * @throws AppError `storage.*`, `config.unknown-server`
   */
  openPatterns: (onTrouble: (message: string) => void) => Promise<Patterns>;
  /**
   * Judges answers by running them; the compilers are loaded with the first one.
   * @throws AppError `sandbox.unavailable`, `execution.failed`
   */
  judge: Judge;
  /** @throws AppError `storage.*` */
  openConvenience: () => Omit<BatchOptions['convenience'], 'enabled'>;
  /** @param options.prometheus whether somebody is going to ask for the metrics */
  openTelemetry: (options: {
    prometheus: boolean;
    warn: (problem: string) => void;
  }) => Promise<Telemetry>;
  examine: () => Promise<Finding[]>;
  setup: SetupTools;
}

/** @throws AppError `config.invalid` */
export async function createRuntime({ cwd, env, flags }: RuntimeOptions): Promise<Runtime> {
  const config = await loadConfig({ cwd, env, flags });
  const settings = modelSettings(env, homedir());
  const clock = SYSTEM_CLOCK;
  const sandboxDeps = {
    platform: process.platform,
    node: { path: process.execPath, version: process.versions.node },
    environment: env,
    tmpDir: tmpdir(),
    clock,
  };
  const wantModel = async (name: string | undefined): Promise<WantedModel> => {
    if (name !== undefined && isModelFile(name)) {
      return { kind: 'file', id: path.basename(name, '.gguf'), path: path.resolve(cwd, name) };
    }
    if (name !== undefined) {
      const entry = findModel(name);
      return { kind: 'catalogue', id: entry.id, choice: { entry, passedOver: [] } };
    }
    const present = new Set<string>();
    for (const entry of catalogue) {
      if ((await locateModel(entry, settings)) !== undefined) present.add(entry.id);
    }
    const choice = chooseModel(await readHardware(modelFolder(settings)), catalogue, present);
    return { kind: 'catalogue', id: choice.entry.id, choice };
  };
  const { model, threads, contextTokens, gpu } = config.embedded;
  const setup = createSetupTools({ servers: config.servers, settings, env, fetch, clock });
  const serverDeps = { deadlines: config.deadlines, env, clock };
  const version = packageVersion();
  const openEmbedded: Runtime['openEmbedded'] = ({ id, path: modelPath }) =>
    createEmbeddedProvider({
      modelId: id,
      modelPath,
      threads,
      contextTokens,
      gpu,
      environment: env,
      clock,
    });
  const targets = async (): Promise<string[]> => {
    const named = specsOfTiers(config.tiers);
    const chosen = named.length === 0 || named.includes('embedded');
    return chosen ? [...named, `embedded:${(await wantModel(model)).id}`] : named;
  };
  const openTelemetry: Runtime['openTelemetry'] = ({ prometheus, warn }) =>
    createTelemetry({
      env,
      clock,
      version,
      prometheus,
      targets,
      servers: config.servers,
      warn,
    });
  let known: Charges | undefined;
  const charges = (): Charges =>
    (known ??= createCharges(config.servers, loadPrices(config.costs.prices)));
  const openLedger = (): Ledger => createLedger(openDatabase(config.state));
  const metered = openMeter({ config, clock, ledger: openLedger, charges });
  const openSteady: Runtime['openSteady'] = async (spec, about) => {
    const bare = await openServer({ ...servedModel(spec, config), cachePrompt: false }, serverDeps);
    const provider = about === undefined ? bare : metered(bare, about);
    const breaker = createCircuitBreaker({
      database: openDatabase(config.state),
      id: provider.id,
      settings: { ...config.breaker, latencyMs: Infinity },
      clock,
    });
    const { totalMs } = config.deadlines;
    return createResilientProvider(provider, { breaker, clock, random: randomInt, totalMs });
  };
  const patterns: Runtime['openPatterns'] = (onTrouble) =>
    openPatterns({
      config,
      clock,
      openEmbedded: (wanted) => metered(openEmbedded(wanted), { purpose: 'embedding', onTrouble }),
      openSteady: (spec) => openSteady(spec, { purpose: 'embedding', onTrouble }),
      onTrouble,
    });
  const createJudge = async (): Promise<Judge> => {
    const { createAnswerJudge } = await import('./quality/judge-answer.ts');
    const { createExecutor } = await import('./quality/execution/index.ts');
    const sandbox = openSandbox(sandboxDeps, await probeSandbox(sandboxDeps), {
      allowUnsafe: false,
    });
    return createAnswerJudge(createExecutor({ sandbox }));
  };
  let answerJudge: Promise<Judge> | undefined;
  const judge: Judge = async (...judged) => (await (answerJudge ??= createJudge()))(...judged);
  const { clock: _, ...sandboxed } = sandboxDeps;
  const grade = gradeApart({ ...sandboxed, environment: { ...env }, allowUnsafe: false });
  const newRunId = (): string => {
    const time = new Date(clock.now()).toISOString().replaceAll(/[-:]|\..*/g, '');
    return `${time.replace('T', '-')}-${randomBytes(2).toString('hex')}`;
  };
  return {
    config,
    version,
    clock,
    cores: availableParallelism(),
    builtInSuite: fileURLToPath(new URL('../fixtures/suites/qe-100', import.meta.url)),
    newRunId,
    openStore: () => createRunStore(openDatabase(config.state)),
    openBaselineMoney: () => createBaselineMoney(config.servers, charges(), clock),
    openSandbox: async (allowUnsafe) =>
      openSandbox(sandboxDeps, await probeSandbox(sandboxDeps), { allowUnsafe }),
    createExecutor: async (sandbox) => {
      const { createExecutor } = await import('./quality/execution/index.ts');
      return createExecutor({ sandbox });
    },
    createTypeChecker: async () => {
      const { createTypeChecker } = await import('./quality/type-check.ts');
      return createTypeChecker();
    },
    wantModel,
    provideModel: ({ choice }, options) =>
      ensureModel(
        choice.entry,
        {
          settings,
          fetch,
          clock,
          runPip: createPipRunner(['python3', 'python'], env),
          freeDiskBytes,
        },
        options,
      ),
    openEmbedded,
    openServer: (served) => openServer(served, serverDeps),
    openSteady,
    meter: metered,
    openRouter: async ({ onEvent, telemetry, busy = false, openPatterns: shared, standIn }) => {
      const warn = (message: string): void => onEvent({ type: 'trouble', message });
      const own = telemetry ?? (await openTelemetry({ prometheus: false, warn }));
      const routed = standIn === undefined ? config : withStandIn(config, standIn);
      const router = openRouter({
        config: routed,
        clock,
        random: randomInt,
        telemetry: own,
        charges:
          standIn === undefined
            ? charges()
            : createCharges(routed.servers, loadPrices(config.costs.prices)),
        onEvent,
        busy,
        wantModel,
        locate: async ({ choice }) => (await locateModel(choice.entry, settings))?.path,
        openEmbedded,
        openServer: async (spec) =>
          standIn?.provider ?? openServer(servedModel(spec, config), serverDeps),
        openPatterns: patterns,
        ...(shared === undefined ? {} : { sharedPatterns: shared }),
        judge,
        grade,
        askServer: async (name) => {
          const server = config.servers[name];
          if (server === undefined || server.kind === 'anthropic') return undefined;
          const look = await setup.lookAtServer(name, server);
          if (look.state !== 'up') return undefined;
          const machine = machineOf(await readHardware(modelFolder(settings)), await readGpus(env));
          return { ...machine, installed: look.models.map((served) => served.name) };
        },
      });
      if (telemetry !== undefined) return router;
      return {
        ...router,
        close: async () => {
          await router.close();
          await own.shutdown();
        },
      };
    },
    openLedger,
    openValidations: () => createValidationStore(openDatabase(config.state)),
    openRollouts: () => openRollouts(config, { clock, newId: newRunId }),
    charges,
    openPatterns: patterns,
    judge,
    openConvenience: () =>
      openConvenience(config, {
        ...serverDeps,
        random: randomInt,
        ledger: openLedger(),
        charges: charges(),
      }),
    openTelemetry,
    examine: async () => {
      const deps: DoctorDeps = {
        nodeVersion: process.version,
        env,
        settings,
        hardware: await readHardware(modelFolder(settings)),
        gpus: await readGpus(env),
        lookAtServers: () => setup.lookAtServers(),
        probeSandbox: async () =>
          openSandbox(sandboxDeps, await probeSandbox(sandboxDeps), { allowUnsafe: false }).tier,
      };
      if (model !== undefined) deps.model = await configuredModel(model, wantModel);
      return examine(deps);
    },
    setup,
  };
}

/** @throws AppError `config.unknown-server` */
function servedModel(spec: string, { servers }: LoadedConfig): ServedModel {
  const [name = '', ...rest] = spec.split(':');
  const server = servers[name];
  if (server === undefined || rest.length === 0) {
    throw new AppError('config.unknown-server', `There is no provider called ${spec}.`, {
      hint: `Servers are ${Object.keys(servers).join(', ')}, each as <server>:<model>; others are named under "servers" in the configuration.`,
    });
  }
  return { name, server, model: rest.join(':') };
}

async function configuredModel(
  name: string,
  wantModel: Runtime['wantModel'],
): Promise<ConfiguredModel> {
  const wanted = await wantModel(name);
  return wanted.kind === 'file' ? { path: wanted.path } : { entry: wanted.choice.entry };
}

function packageVersion(): string {
  const manifest: unknown = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  );
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) {
    return String(manifest.version);
  }
  throw new AppError('internal', 'package.json has no version.');
}
