import path from 'node:path';
import { ExitCode } from '../../../core/errors.ts';
import { KEY_FILE, writeStack, type StackFile } from '../../../telemetry/stack.ts';
import type { CommandContext } from '../../main.ts';
import { runtimeFor } from '../../model.ts';

interface ObservabilityFlags {
  out: string;
  force?: boolean;
}

const MARKS: Record<StackFile['state'], string> = { new: '+', updated: '~', unchanged: ' ' };

/** `setup observability`: writes Prometheus, Grafana, dashboards and alerts for this configuration. */
export async function observabilityCommand(
  context: CommandContext,
  { out, force = false }: ObservabilityFlags,
): Promise<ExitCode> {
  const { host, output } = context;
  const { config } = await runtimeFor(context);
  const folder = path.resolve(host.cwd, out);
  const { gateway, servers } = config;
  const files = await writeStack({ folder, force, gateway, servers });
  if (output.json) {
    output.result(JSON.stringify({ folder, files }));
    return ExitCode.Ok;
  }
  output.result(
    [
      folder,
      ...files.map((file) => `  ${MARKS[file.state]} ${file.path}`),
      '',
      'Start it:   docker compose up -d   (in that folder; on Docker Desktop see docker-compose.yml)',
      ...(gateway.apiKeyEnv === undefined
        ? []
        : [
            `First:      put the key of ${gateway.apiKeyEnv} into ${KEY_FILE} there, for Prometheus`,
          ]),
      'Grafana:    http://127.0.0.1:3000   user admin, password admin or $GRAFANA_PASSWORD',
      'Prometheus: http://127.0.0.1:9090',
    ].join('\n'),
  );
  return ExitCode.Ok;
}
