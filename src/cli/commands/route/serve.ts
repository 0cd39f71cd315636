import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Command } from 'commander';
import { AppError, ExitCode } from '../../../core/errors.ts';
import { createGateway, type Gateway } from '../../../gateway/gateway.ts';
import { createLog, type Log } from '../../../gateway/log.ts';
import { startRetention } from '../../../ledger/retention.ts';
import type { Router } from '../../../routing/router.ts';
import { sharePatterns, type SharedPatterns } from '../../../runtime/share-patterns.ts';
import type { Runtime } from '../../../runtime.ts';
import type { Telemetry } from '../../../telemetry/telemetry.ts';
import type { Bind, CommandContext } from '../../main.ts';
import { runtimeFor } from '../../model.ts';
import type { Output } from '../../output/output.ts';
import { wholeNumber } from './options.ts';

interface ServeFlags {
  host?: string;
  port?: number;
}

const EXAMPLES = `
Examples:
  aqe-llm route serve
  aqe-llm route serve --port 11434        in the place of Ollama
  aqe-llm route serve --json > gateway.log

It listens on this machine alone; any other address needs a key, in the variable that
gateway.apiKeyEnv of the configuration names. SIGTERM or Ctrl-C lets what runs end; a second one
ends it at once.`;

/** Declares `route serve`. */
export function configureServe(command: Command, bind: Bind): void {
  command
    .description('the gateway: OpenAI’s, Anthropic’s and Ollama’s APIs in front of the router')
    .option('--port <n>', 'where to listen, 0 for any free port', wholeNumber(0, 65_535))
    .option('--host <address>', 'the address to listen on')
    .addHelpText('after', EXAMPLES)
    .action(bind(serveCommand));
}

/** `route serve`: runs until it is told to stop. */
export async function serveCommand(
  context: CommandContext,
  { host, port }: ServeFlags,
): Promise<ExitCode> {
  const { output } = context;
  const runtime = await runtimeFor(context);
  const { gateway: configured } = runtime.config;
  const settings = {
    ...configured,
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
  };
  const apiKey = keyFrom(settings.apiKeyEnv, context.host.env);
  const log = createLog(
    output.json ? (lines) => output.result(lines) : (lines) => output.note(lines.trimEnd()),
  );
  const tell = (event: object): void =>
    log.write({ at: new Date(runtime.clock.now()).toISOString(), ...event });
  const telemetry = await runtime.openTelemetry({
    prometheus: true,
    warn: (message) => tell({ type: 'trouble', message }),
  });
  const shared = sharePatterns(runtime, (message) => tell({ type: 'trouble', message }));
  const router = await runtime.openRouter({
    onEvent: tell,
    telemetry,
    busy: true,
    openPatterns: shared.open,
  });
  const rollouts = runtime.openRollouts();
  try {
    const gateway = createGateway({
      router,
      rollout: rollouts.view,
      openPatterns: shared.service,
      settings,
      apiKey,
      log: log.write,
      telemetry,
      clock: runtime.clock,
      version: runtime.version,
      newId: randomUUID,
    });
    await serve(gateway, runtime, tell, context);
  } finally {
    await end(router, shared, telemetry, log);
    rollouts.close();
  }
  return ExitCode.Ok;
}

async function serve(
  gateway: Gateway,
  { openLedger, clock, config }: Runtime,
  tell: (event: object) => void,
  { host: { signal }, output }: CommandContext,
): Promise<void> {
  const ledger = openLedger();
  ledger.markInterrupted(isAlive);
  const url = await gateway.listen();
  const retention = startRetention({
    ledger,
    clock,
    settings: { ...config.routing, attemptDays: config.costs.retentionDays },
    onFailure: (error) => tell({ type: 'trouble', message: `retention: ${String(error)}` }),
  });
  try {
    announce(url, output);
    if (!signal.aborted) await once(signal, 'abort');
    output.note('Stopping: what runs may end. Again to stop at once.');
  } finally {
    await Promise.all([gateway.close(), retention.stop()]);
  }
}

function announce(url: string, output: Output): void {
  output.result(
    output.json
      ? JSON.stringify({ url })
      : `Listening on ${url} — OPENAI_BASE_URL=${url}/v1, ANTHROPIC_BASE_URL=${url}, OLLAMA_HOST=${url}`,
  );
}

async function end(
  router: Router,
  patterns: SharedPatterns,
  telemetry: Telemetry,
  log: Log,
): Promise<void> {
  await router.close();
  await patterns.close();
  await telemetry.shutdown();
  log.flush();
}

/** @throws AppError `gateway.key-missing` */
function keyFrom(variable: string | undefined, env: NodeJS.ProcessEnv): string | undefined {
  if (variable === undefined) return undefined;
  const key = env[variable];
  if (key !== undefined && key !== '') return key;
  throw new AppError('gateway.key-missing', `${variable} holds no key.`, {
    hint: 'Set it, or take gateway.apiKeyEnv out of the configuration.',
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process is one all the same.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
