import { homedir } from 'node:os';
import type { ServerConfig } from '../../../config/schema.ts';
import { AppError } from '../../../core/errors.ts';
import type { Runtime } from '../../../runtime.ts';
import type { OpenTarget, Target } from '../../../serving/target.ts';
import { modelSettings } from '../../../setup/model-folder.ts';
import { locateModel } from '../../../setup/provision/ensure-model.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Opens what is checked. A model for the embedded engine is looked for, never fetched. */
export function openTarget(runtime: Runtime, env: Environment): OpenTarget {
  return async (target, kind, model) => {
    if (kind === 'embedded') return openEmbedded(runtime, env, target.model);
    const { servers } = runtime.config;
    const name = target.tier === 'url' ? kind : (target.name.split(':')[0] ?? kind);
    const server = servers[name] ?? serverAt(target, kind);
    // An address that was named wins over what the configuration says of a server of that name.
    const url = target.url ?? server.url;
    return runtime.openServer({ name, server: { ...server, url }, model });
  };
}

function serverAt({ url, name }: Target, kind: string): ServerConfig {
  if (url === null) throw new AppError('internal', `${name} has no address.`);
  return kind === 'ollama' ? { kind, url } : { kind: 'openai-compatible', url };
}

async function openEmbedded(runtime: Runtime, env: Environment, model: string | null) {
  const wanted = await runtime.wantModel(model ?? runtime.config.embedded.model);
  if (wanted.kind === 'file') return runtime.openEmbedded(wanted);
  const found = await locateModel(wanted.choice.entry, modelSettings(env, homedir()));
  if (found === undefined) {
    throw new AppError('model.absent', `${wanted.id} is not on this machine.`, {
      hint: `Fetch it with: aqe-llm setup --model ${wanted.id}`,
    });
  }
  return runtime.openEmbedded({ id: wanted.id, path: found.path });
}
