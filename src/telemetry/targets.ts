import type { TelemetryOptions } from './telemetry.ts';

/** A target as labels and attributes know it. */
export interface TargetNames {
  /** As GenAI conventions name it: the kind of server, or the server's name where the kind says too little. */
  system: string;
  /** The server's name in the configuration, as `ollama`. */
  provider: string;
  model: string;
  /** Absent for the embedded engine. */
  address?: string;
  port?: number;
}

const OTHER = 'other';

/**
 * Names of targets, `<server>:<model>`. Only those of the configuration have a model: a caller may
 * pin any model of a server, and labels must not grow with what callers think of.
 */
export function targetNames({
  targets,
  servers,
}: Pick<TelemetryOptions, 'servers'> & { targets: readonly string[] }): (
  target: string,
) => TargetNames {
  const known = new Map(targets.map((target) => [target, namesOf(target, servers)]));
  const others = new Map(
    [...Object.keys(servers), 'embedded', 'memory'].map((name) => [
      name,
      namesOf(`${name}:${OTHER}`, servers),
    ]),
  );
  return (target) =>
    known.get(target) ??
    others.get(target.split(':')[0] ?? '') ?? { system: OTHER, provider: OTHER, model: OTHER };
}

function namesOf(target: string, servers: TelemetryOptions['servers']): TargetNames {
  const [provider = '', ...model] = target.split(':');
  const server = servers[provider];
  const system =
    server === undefined || server.kind === 'openai-compatible' ? provider : server.kind;
  const names: TargetNames = { system, provider, model: model.join(':') || provider };
  if (server === undefined || !URL.canParse(server.url)) return names;
  const { hostname, port, protocol } = new URL(server.url);
  return {
    ...names,
    address: hostname,
    port: Number(port) || (protocol === 'https:' ? 443 : 80),
  };
}
