import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { isModelFile } from '../../../config/catalogue.ts';
import { CONFIG_SCHEMA_URL } from '../../../config/json-schema.ts';
import { writeModelChoice } from '../../../config/write.ts';
import { ExitCode } from '../../../core/errors.ts';
import type { CommandContext } from '../../main.ts';
import { provideModel, runtimeFor } from '../../model.ts';

interface SetupFlags {
  model?: string;
  modelFile?: string;
}

/** `setup`: provides a model and writes its name into the configuration, leaving the rest of it as it is. */
export async function setupCommand(context: CommandContext, flags: SetupFlags): Promise<ExitCode> {
  const { host, output } = context;
  const runtime = await runtimeFor(context, { mayBeAbsent: true });
  const name = flags.model ?? runtime.config.embedded.model;
  const model = await provideModel(
    runtime,
    { name, modelFile: flags.modelFile },
    output,
    host.signal,
  );
  const { file } = runtime.config;
  const folder = path.dirname(file);
  // A file of the user's own is written down where it lies; a model of the catalogue by its name.
  const isOwnFile = flags.modelFile !== undefined || (name !== undefined && isModelFile(name));
  const relative = path.relative(folder, model.path);
  // A bare name would be looked up in the catalogue.
  const fileName = relative.includes(path.sep) ? relative : `.${path.sep}${relative}`;
  const written = isOwnFile ? fileName : model.id;
  await writeModelChoice(file, {
    model: written,
    schema: path.relative(folder, fileURLToPath(CONFIG_SCHEMA_URL)),
  });
  if (output.json) output.result(JSON.stringify({ model, config: file }));
  else output.result(`Model: ${model.id} (${model.path})\nConfiguration: ${file}`);
  return ExitCode.Ok;
}
