import { isLoopback } from '../config/own-machine.ts';
import type { Config, ServerConfig } from '../config/schema.ts';
import {
  findServerModel,
  modelForComplexity,
  type ServerMachine,
} from '../config/server-models.ts';
import { AppError } from '../core/errors.ts';
import { COMPLEXITIES, type Complexity } from '../core/task.ts';
import type { Target, Tier } from './decision.ts';

/** What a model server has. */
export interface Inventory extends ServerMachine {
  /** Names as the server lists them. */
  installed: readonly string[];
}

export interface TargetSources {
  tiers: Config['tiers'];
  servers: Readonly<Record<string, ServerConfig>>;
  /** The id of the embedded model of that name; the machine's choice without a name. */
  embeddedModel: (name: string | undefined) => Promise<string>;
  /** `undefined` where the server does not answer. */
  askServer: (name: string) => Promise<Inventory | undefined>;
}

/** What stands for a server's models, chosen by complexity. */
const AUTO = 'auto';
const EMBEDDED = 'embedded';

interface Served {
  model: string;
  suits?: Complexity;
}

/**
 * Everyone who may be asked, by tier. Without configuration that is the embedded model; a local
 * tier that is not configured is as the other one.
 * @throws AppError `config.unknown-server`, or `config.no-auto` for a server that lists no models
 */
export async function resolveTargets(sources: TargetSources): Promise<Target[]> {
  const { orchestrated, direct, cloud } = sources.tiers;
  const tiers: [Tier, Config['tiers'][Tier]][] = [
    ['orchestrated', orchestrated ?? direct ?? EMBEDDED],
    ['direct', direct ?? orchestrated ?? EMBEDDED],
    ['cloud', cloud],
  ];
  const targets: Target[] = [];
  for (const [tier, setting] of tiers) {
    for (const [suits, spec] of specsOf(setting)) {
      for (const target of await targetsOf(spec, tier, sources)) {
        targets.push(suits === undefined ? target : { ...target, suits });
      }
    }
  }
  return targets;
}

/** Whether the tiers name models that only a server can tell. */
export function asksServers(tiers: Config['tiers']): boolean {
  return Object.values(tiers).some((setting) =>
    specsOf(setting).some(([, spec]) => splitSpec(spec).model === AUTO),
  );
}

/** What the tiers name, each once. */
export function specsOfTiers(tiers: Config['tiers']): string[] {
  const specs = Object.values(tiers).flatMap((setting) => specsOf(setting));
  return [...new Set(specs.map(([, spec]) => spec))];
}

/** Server and model of `<server>:<model>`; the model may hold colons of its own. */
export function splitSpec(spec: string): { server: string; model: string } {
  const colon = spec.indexOf(':');
  return colon < 0
    ? { server: spec, model: '' }
    : { server: spec.slice(0, colon), model: spec.slice(colon + 1) };
}

function specsOf(setting: Config['tiers'][Tier]): [Complexity | undefined, string][] {
  if (setting === undefined) return [];
  if (typeof setting === 'string') return [[undefined, setting]];
  return COMPLEXITIES.flatMap((complexity): [Complexity, string][] => {
    const spec = setting[complexity];
    return spec === undefined ? [] : [[complexity, spec]];
  });
}

async function targetsOf(
  spec: string,
  tier: Tier,
  { servers, embeddedModel, askServer }: TargetSources,
): Promise<Target[]> {
  const { server: name, model } = splitSpec(spec);
  if (name === EMBEDDED) {
    const id = await embeddedModel(model === '' ? undefined : model);
    return [{ tier, spec: `${EMBEDDED}:${id}`, maySeePrivate: true }];
  }
  const server = servers[name];
  if (server === undefined) {
    throw new AppError('config.unknown-server', `tiers.${tier} names no known server: ${spec}`, {
      hint: 'Define it under servers in the configuration.',
    });
  }
  const isPrivate = maySeePrivate(server, tier);
  if (model !== AUTO) return [{ tier, spec, maySeePrivate: isPrivate }];
  if (server.kind === 'anthropic') {
    throw new AppError('config.no-auto', `tiers.${tier}: ${name} chooses no model by itself.`, {
      hint: `Name one, as in ${name}:claude-sonnet-5-5.`,
    });
  }
  const inventory = await askServer(name);
  return modelsOf(inventory).map(({ model: served, ...work }) => ({
    tier,
    spec: `${name}:${served}`,
    maySeePrivate: isPrivate,
    ...work,
  }));
}

/** For each complexity the installed model that suits it; the first one there is where the catalogue knows none. */
function modelsOf(inventory: Inventory | undefined): Served[] {
  if (inventory === undefined) return [];
  const { installed } = inventory;
  const chosen = COMPLEXITIES.flatMap((suits): Served[] => {
    const choice = modelForComplexity(suits, inventory);
    const model =
      choice?.isInstalled === true
        ? installed.find((name) => findServerModel(name)?.id === choice.model.id)
        : undefined;
    return model === undefined ? [] : [{ model, suits }];
  });
  return chosen.length > 0 ? chosen : installed.slice(0, 1).map((model) => ({ model }));
}

/** A server of a tier that is called the cloud passes prompts on, wherever it listens itself. */
export function maySeePrivate(server: ServerConfig, tier: Tier): boolean {
  if (server.kind === 'anthropic') return false;
  return server.private ?? (tier !== 'cloud' && isLoopback(server.url));
}
