import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { isModelFile } from '../../../config/catalogue.ts';
import { CONFIG_SCHEMA_URL } from '../../../config/json-schema.ts';
import { updateConfig } from '../../../config/write.ts';
import { AppError, ExitCode } from '../../../core/errors.ts';
import type { LocalModel, Runtime } from '../../../runtime.ts';
import {
  changesFor,
  modelStateOn,
  resolveSpec,
  type SetupAnswers,
} from '../../../setup/answers.ts';
import { interview, keySentence } from '../../../setup/interview.ts';
import type { CommandContext } from '../../main.ts';
import { provideModel, runtimeFor } from '../../model.ts';
import { canAsk, terminalPrompts } from './prompts.ts';
import { pullWithProgress } from './pull.ts';

interface SetupFlags {
  yes?: boolean;
  direct?: string;
  cloud?: string;
  model?: string;
  modelFile?: string;
  threads?: number;
  server?: { name: string; url: string };
  checkKey?: boolean;
}

/**
 * `setup`: asks or is told what answers locally and from afar, makes the model present and writes what
 * was chosen into the configuration, last, leaving the rest of it as it is.
 */
export async function setupCommand(context: CommandContext, flags: SetupFlags): Promise<ExitCode> {
  const { output } = context;
  const runtime = await runtimeFor(context, { mayBeAbsent: true });
  const { config } = runtime;
  if (flags.checkKey === true) await checkKey(runtime, context);
  const answers = await answersOf(runtime, context, flags);
  const model = await makePresent(runtime, context, answers, flags.modelFile);
  const written = model && writtenModel(model, isOwnFile(answers, config, flags), config.file);
  const changes = changesFor(answers, config, written);
  if (Object.keys(changes).length > 0) {
    const schema = path.relative(path.dirname(config.file), fileURLToPath(CONFIG_SCHEMA_URL));
    await updateConfig(config.file, changes, schema);
  }
  const { direct, cloud } = answers;
  if (output.json) output.result(JSON.stringify({ model, direct, cloud, config: config.file }));
  else {
    const lines = [
      ...(model ? [`Model: ${model.id} (${model.path})`] : []),
      ...(direct ? [`Local tier: ${direct}`] : []),
      ...(cloud ? [`Cloud tier: ${cloud}`] : []),
      Object.keys(changes).length > 0 ? `Configuration: ${config.file}` : 'Nothing was changed.',
    ];
    output.result(lines.join('\n'));
  }
  return ExitCode.Ok;
}

async function answersOf(
  runtime: Runtime,
  context: CommandContext,
  flags: SetupFlags,
): Promise<SetupAnswers> {
  const { host, output } = context;
  const { config, setup: tools, cores } = runtime;
  const { direct, cloud, threads, model, modelFile } = flags;
  const isTold = [direct, cloud, threads, model, modelFile, flags.server, flags.checkKey].some(
    (flag) => flag !== undefined,
  );
  if (!isTold && flags.yes !== true && !output.json && canAsk(host)) {
    const prompts = await terminalPrompts(host);
    const survey = await tools.survey();
    const isSet = (name: string): boolean => (host.env[name] ?? '') !== '';
    return interview({ prompts, tools, survey, config, cores, isSet });
  }
  const servers = flags.server && (await addedServer(runtime, flags.server));
  const all = { ...config.servers, ...servers };
  const local = direct === undefined ? undefined : resolveSpec(direct, all);
  const far = cloud === undefined ? undefined : resolveSpec(cloud, all);
  // Without any wish, and where one concerns the embedded model, there has to be one.
  const isEmbedded = !isTold || local?.name === 'embedded' || (model ?? modelFile) !== undefined;
  const name = model ?? (local?.name === 'embedded' && local.model ? local.model : undefined);
  return {
    ...(servers && { servers }),
    ...(local && { direct: local.name === 'embedded' ? 'embedded' : local.spec }),
    ...(far && { cloud: far.spec }),
    ...(threads && { threads }),
    ...(isEmbedded && { embedded: name === undefined ? {} : { model: name } }),
  };
}

async function addedServer(
  runtime: Runtime,
  { name, url }: { name: string; url: string },
): Promise<NonNullable<SetupAnswers['servers']>> {
  const server = await runtime.setup.identify(url);
  if (server !== undefined) return { [name]: server };
  throw new AppError('server.unreachable', `No known model server answers at ${url}.`, {
    hint: 'Start it, or write it into the configuration under servers by hand. Nothing was changed.',
  });
}

/** Fetches what the answers need; `undefined` where no embedded model is among it. */
async function makePresent(
  runtime: Runtime,
  context: CommandContext,
  answers: SetupAnswers,
  modelFile: string | undefined,
): Promise<LocalModel | undefined> {
  const { config, setup } = runtime;
  if (answers.embedded !== undefined) {
    const name = answers.embedded.model ?? config.embedded.model;
    return provideModel(runtime, { name, modelFile }, context.output, context.host.signal);
  }
  if (answers.direct === undefined) return undefined;
  const servers = { ...config.servers, ...answers.servers };
  const { server, name, model } = resolveSpec(answers.direct, servers);
  if (server === undefined || server.kind === 'anthropic') return undefined;
  const look = await setup.lookAtServer(name, server);
  if (modelStateOn(look, model) === 'to-fetch') {
    await pullWithProgress(runtime, { url: look.url, model }, context);
  }
  return undefined;
}

/** @throws AppError `key.missing`, `key.refused` or `key.unchecked`, with exit code 1 */
async function checkKey(runtime: Runtime, { output }: CommandContext): Promise<void> {
  const server = runtime.config.servers['anthropic'];
  if (server?.kind !== 'anthropic') return;
  const check = await runtime.setup.checkKey(server);
  const sentence = keySentence(server.apiKeyEnv, check);
  if (check?.state === 'valid') {
    output.note(sentence);
    return;
  }
  const code = { refused: 'key.refused', unclear: 'key.unchecked', unreachable: 'key.unchecked' };
  throw new AppError(check === undefined ? 'key.missing' : code[check.state], sentence, {
    hint:
      check === undefined || check.state === 'refused'
        ? `Set ${server.apiKeyEnv} in the environment to a valid key. Nothing was changed.`
        : `Check the network and the address ${server.url}. Nothing was changed.`,
    exitCode: ExitCode.GateFailed,
  });
}

function isOwnFile(
  { embedded }: SetupAnswers,
  config: Runtime['config'],
  { modelFile }: SetupFlags,
): boolean {
  const name = embedded?.model ?? config.embedded.model;
  return modelFile !== undefined || (name !== undefined && isModelFile(name));
}

/** A file of the user's own is written down where it lies; a model of the catalogue by its name. */
function writtenModel(model: LocalModel, isFile: boolean, configFile: string): string {
  if (!isFile) return model.id;
  const relative = path.relative(path.dirname(configFile), model.path);
  // A bare name would be looked up in the catalogue.
  return relative.includes(path.sep) ? relative : `.${path.sep}${relative}`;
}
