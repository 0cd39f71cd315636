import { USUAL_SERVERS, type Config, type ServerConfig } from '../../../config/schema.ts';
import { AppError } from '../../../core/errors.ts';
import type { Runtime } from '../../../runtime.ts';
import { findServers } from '../../../serving/check.ts';
import type { Target } from '../../../serving/target.ts';

interface TargetFlags {
  url?: string;
  model?: string;
}

/** What is checked: the address that was named, else the tiers, else what answers on this machine. */
export async function targetsOf(
  runtime: Runtime,
  env: Readonly<Record<string, string | undefined>>,
  flags: TargetFlags,
  signal: AbortSignal,
): Promise<Target[]> {
  const { tiers, servers } = runtime.config;
  if (flags.url !== undefined) {
    const { url } = flags;
    const known = Object.values(servers).find((server) => server.url.replace(/\/+$/, '') === url);
    return [{ tier: 'url', name: url, url, apiKey: keyOf(known, env), model: flags.model ?? null }];
  }
  if (flags.model !== undefined) {
    throw new AppError('usage.model-without-url', '--model needs --url.', {
      hint: 'The model of a tier is part of the tier: set tiers.direct in the configuration.',
    });
  }
  const targets = [
    ...specsOf(tiers.orchestrated).map((spec) => tierOf('direct', spec, servers, env)),
    ...specsOf(tiers.direct).map((spec) => tierOf('direct', spec, servers, env)),
    ...specsOf(tiers.cloud).map((spec) => tierOf('cloud', spec, servers, env)),
  ];
  if (targets.length > 0) return [...new Map(targets.map((it) => [it.name, it])).values()];
  const usual = Object.entries({ ...USUAL_SERVERS, ...servers }).flatMap(([name, server]) =>
    server.kind === 'anthropic' ? [] : [[name, server.url]],
  );
  const found = await findServers(
    Object.fromEntries(usual),
    { fetch, clock: runtime.clock },
    signal,
  );
  return [...found, { tier: 'found', name: 'embedded', url: null, model: null }];
}

/** The targets of a tier: one, or one for each complexity. */
function specsOf(tier: Config['tiers']['direct']): string[] {
  if (tier === undefined) return [];
  return typeof tier === 'string' ? [tier] : Object.values(tier);
}

function tierOf(
  tier: 'direct' | 'cloud',
  spec: string,
  servers: Readonly<Record<string, ServerConfig>>,
  env: Readonly<Record<string, string | undefined>>,
): Target {
  const colon = spec.indexOf(':');
  const name = colon < 0 ? spec : spec.slice(0, colon);
  const model = colon < 0 ? null : spec.slice(colon + 1);
  if (name === 'embedded') return { tier, name: spec, url: null, model };
  const server = servers[name] ?? USUAL_SERVERS[name];
  if (server === undefined) {
    throw new AppError('config.unknown-server', `tiers.${tier} names no known server: ${spec}`, {
      hint: 'Define it under servers in the configuration.',
    });
  }
  // What is billed gets no load, whichever tier it was given.
  const costs = tier === 'cloud' || server.kind === 'anthropic';
  return {
    tier: costs ? 'cloud' : tier,
    name: spec,
    url: server.url,
    apiKey: keyOf(server, env),
    model,
  };
}

function keyOf(
  server: ServerConfig | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  return server !== undefined && 'apiKeyEnv' in server && server.apiKeyEnv !== undefined
    ? env[server.apiKeyEnv]
    : undefined;
}
