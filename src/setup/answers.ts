import type { LoadedConfig } from '../config/load.ts';
import type { ServerConfig } from '../config/schema.ts';
import type { ConfigChanges } from '../config/write.ts';
import { AppError } from '../core/errors.ts';
import { ollamaTagOf } from './model-list.ts';
import type { ServerLook } from './servers/look.ts';

/** What is to be set up, by questions or flags; what is absent stays as it is. */
export interface SetupAnswers {
  /** Servers that are not configured yet. */
  servers?: Record<string, ServerConfig>;
  /** What answers locally: `embedded` or `<server>:<model>`. */
  direct?: string;
  /** Present where a model file is wanted: one of the catalogue or a GGUF file; the configured one, or the machine's choice, when it is not named. */
  embedded?: { model?: string };
  threads?: number;
  /** What answers from afar, as in `anthropic:claude-sonnet-5-5`. */
  cloud?: string;
}

/**
 * What the answers change in the configuration.
 * @param model how the embedded model is to be written, where one was provided
 */
export function changesFor(
  answers: SetupAnswers,
  config: Pick<LoadedConfig, 'tiers' | 'baseline'>,
  model: string | undefined,
): ConfigChanges {
  const { servers, direct, cloud, threads } = answers;
  // `baseline` judges the local tier unless the user has it judge something else.
  const follows = config.baseline.candidate === (config.tiers.direct ?? 'embedded');
  const embedded = { ...(model && { model }), ...(threads && { threads }) };
  const tiers = { ...(direct && { direct }), ...(cloud && { cloud }) };
  return {
    ...(Object.keys(embedded).length > 0 && { embedded }),
    ...(servers && { servers }),
    ...(Object.keys(tiers).length > 0 && { tiers }),
    ...(direct && follows && { baseline: { candidate: direct } }),
  };
}

/** `ollama:qwen2.5-coder:7b` → server and model. */
export function splitSpec(spec: string): { server: string; model: string } {
  const at = spec.indexOf(':');
  return at < 0
    ? { server: spec, model: '' }
    : { server: spec.slice(0, at), model: spec.slice(at + 1) };
}

/**
 * Whether the server has the model, or can fetch it.
 * @throws AppError `server.unreachable`, `model.not-served`
 */
export function modelStateOn(look: ServerLook, model: string): 'present' | 'to-fetch' {
  if (look.state !== 'up') {
    const reason = {
      loading: 'is still loading its model, or unwell,',
      refused: 'asks for a key',
      stranger: 'is something else',
      absent: 'does not answer',
    }[look.state];
    throw new AppError('server.unreachable', `The server ${look.name} ${reason} at ${look.url}.`, {
      hint: 'Start it, or correct its address under servers in the configuration. Nothing was changed.',
    });
  }
  const names = look.models.map(({ name }) => name);
  if (names.includes(model) || names.includes(`${model}:latest`)) return 'present';
  if (look.kind === 'ollama') return 'to-fetch';
  throw new AppError('model.not-served', `The server ${look.name} does not serve ${model}.`, {
    hint: `It serves: ${names.join(', ') || 'nothing'}. Start it with the model, or choose one of these.`,
  });
}

/**
 * The spec with the name that its server knows.
 * @throws AppError `setup.unknown-server`
 */
export function resolveSpec(
  spec: string,
  servers: Readonly<Record<string, ServerConfig>>,
): { spec: string; server?: ServerConfig; name: string; model: string } {
  const { server: name, model } = splitSpec(spec);
  if (name === 'embedded') return { spec, name, model };
  const server = servers[name];
  if (server === undefined || model === '') {
    throw new AppError('setup.unknown-server', `"${spec}" names no known server and model.`, {
      hint: `Write <server>:<model> with one of these servers: ${Object.keys(servers).join(', ')}; or embedded. --server <name>=<address> adds one.`,
    });
  }
  const known = server.kind === 'ollama' ? ollamaTagOf(model) : model;
  return { spec: `${name}:${known}`, server, name, model: known };
}
