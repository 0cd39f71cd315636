import { readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { runCli } from './run-cli.ts';
import { TemporaryFolders } from './temporary-folders.ts';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

const FILES = [
  'alerts.test.yml',
  'alerts.yml',
  'docker-compose.yml',
  'grafana/dashboards/executive.json',
  'grafana/dashboards/orchestration.json',
  'grafana/provisioning/dashboards/aqe-llm.yml',
  'grafana/provisioning/datasources/prometheus.yml',
  'otel-collector.yml',
  'prometheus.yml',
  'targets/gateway.json',
  'targets/model-servers.json',
];

const resultSchema = z.strictObject({
  folder: z.string(),
  files: z.array(
    z.strictObject({ path: z.string(), state: z.enum(['new', 'updated', 'unchanged']) }),
  ),
});
const composeSchema = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string(),
      volumes: z.array(z.string()),
      command: z.array(z.string()).default([]),
    }),
  ),
  volumes: z.record(z.string(), z.unknown()),
});
const targetsSchema = z.array(
  z.object({ targets: z.array(z.string()), labels: z.record(z.string(), z.string()) }),
);

async function setup(cwd: string, ...args: string[]) {
  const result = await runCli(['setup', 'observability', ...args, '--json'], { cwd });
  const written = result.exitCode === 0 ? resultSchema.parse(JSON.parse(result.stdout)) : undefined;
  return { ...result, written };
}

const statesOf = (written: z.infer<typeof resultSchema> | undefined): Set<string> =>
  new Set(written?.files.map(({ state }) => state));

describe('setup observability', () => {
  it('has Prometheus send the key that the gateway asks for', async () => {
    const cwd = await folders.make();
    const config = { gateway: { apiKeyEnv: 'GATEWAY_KEY' } };
    await writeFile(path.join(cwd, 'aqe-llm.config.json'), JSON.stringify(config));
    await setup(cwd, '--out', 'o');
    const scraping = z
      .object({ scrape_configs: z.array(z.looseObject({ job_name: z.string() })) })
      .parse(parse(await readFile(path.join(cwd, 'o', 'prometheus.yml'), 'utf8')));
    expect(scraping.scrape_configs[0]).toMatchObject({
      job_name: 'aqe-llm',
      authorization: { credentials_file: 'gateway.key' },
    });
    expect(scraping.scrape_configs[1]).not.toHaveProperty('authorization');
    const told = await runCli(['setup', 'observability', '--out', 'p'], { cwd });
    expect(told.stdout).toContain('put the key of GATEWAY_KEY into gateway.key');
  });

  it('writes everything, and nothing more the second time', async () => {
    const cwd = await folders.make();
    const first = await setup(cwd, '--out', 'see it');
    expect(first.written?.folder).toBe(path.join(cwd, 'see it'));
    expect(first.written?.files.map((file) => file.path)).toEqual(FILES);
    expect(statesOf(first.written)).toEqual(new Set(['new']));
    expect(await readdir(path.join(cwd, 'see it'), { recursive: true })).toEqual(
      expect.arrayContaining(FILES.map((file) => path.normalize(file))),
    );
    const second = await setup(cwd, '--out', 'see it');
    expect(statesOf(second.written)).toEqual(new Set(['unchanged']));
  });

  it('says what to do next', async () => {
    const cwd = await folders.make();
    const { stdout, exitCode } = await runCli(['setup', 'observability'], { cwd });
    expect(exitCode).toBe(0);
    expect(stdout).toContain(path.join(cwd, 'observability'));
    expect(stdout).toContain('docker compose up -d');
  });

  it('asks the gateway and the model servers of the configuration', async () => {
    const cwd = await folders.make();
    await writeFile(
      path.join(cwd, 'aqe-llm.config.json'),
      JSON.stringify({
        gateway: { host: '0.0.0.0', port: 4242, apiKeyEnv: 'KEY' },
        servers: { gpu: { kind: 'openai-compatible', url: 'https://gpu.example/vllm' } },
      }),
    );
    await setup(cwd);
    const read = async (file: string) =>
      targetsSchema.parse(
        JSON.parse(await readFile(path.join(cwd, 'observability/targets', file), 'utf8')),
      );
    expect(await read('gateway.json')).toEqual([{ targets: ['127.0.0.1:4242'], labels: {} }]);
    expect(await read('model-servers.json')).toContainEqual({
      targets: ['gpu.example:443'],
      labels: { server: 'gpu', __scheme__: 'https', __metrics_path__: '/vllm/metrics' },
    });
  });

  it('follows a changed configuration without being forced', async () => {
    const cwd = await folders.make();
    await setup(cwd);
    await writeFile(
      path.join(cwd, 'aqe-llm.config.json'),
      JSON.stringify({ gateway: { port: 4242 } }),
    );
    const { written } = await setup(cwd);
    expect(written?.files.filter(({ state }) => state !== 'unchanged')).toEqual([
      { path: 'targets/gateway.json', state: 'updated' },
    ]);
  });

  it('replaces nothing that was edited, unless it is told to', async () => {
    const cwd = await folders.make();
    await setup(cwd);
    const edited = path.join(cwd, 'observability/alerts.yml');
    await writeFile(edited, '# mine\n');
    const refused = await setup(cwd);
    expect(refused.exitCode).toBe(2);
    expect(JSON.parse(refused.stdout)).toMatchObject({
      error: {
        code: 'setup.files-changed',
        problems: [{ path: 'alerts.yml', message: 'is not as it was written' }],
      },
    });
    expect(await readFile(edited, 'utf8')).toBe('# mine\n');
    const forced = await setup(cwd, '--force');
    expect(forced.written?.files).toContainEqual({ path: 'alerts.yml', state: 'updated' });
    expect(await readFile(edited, 'utf8')).toContain('QualityDegradation');
  });

  it('says why where it cannot write', async () => {
    const cwd = await folders.make();
    await writeFile(path.join(cwd, 'file'), '');
    const { exitCode, stdout } = await setup(cwd, '--out', 'file/below');
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'setup.not-written' } });
  });

  it('pins the images, keeps 90 days and mounts files that are there', async () => {
    const cwd = await folders.make();
    await setup(cwd);
    const folder = path.join(cwd, 'observability');
    const compose = composeSchema.parse(
      parse(await readFile(path.join(folder, 'docker-compose.yml'), 'utf8')),
    );
    expect(Object.keys(compose.services)).toEqual(['prometheus', 'grafana', 'otel-collector']);
    for (const { image, volumes } of Object.values(compose.services)) {
      expect(image).toMatch(/:v?\d+\.\d+\.\d+$/);
      for (const volume of volumes) {
        const [source = ''] = volume.split(':');
        if (source.startsWith('.')) {
          const last = path.basename(path.resolve(folder, source));
          expect(await readdir(path.dirname(path.resolve(folder, source)))).toContain(last);
        } else expect(Object.keys(compose.volumes)).toContain(source);
      }
    }
    expect(compose.services['prometheus']?.command).toContain('--storage.tsdb.retention.time=90d');
    const collector = await readFile(path.join(folder, 'otel-collector.yml'), 'utf8');
    expect(parse(collector)).toHaveProperty('service.pipelines.traces.receivers', ['otlp']);
    for (const file of FILES.filter((name) => name.includes('provisioning'))) {
      expect(parse(await readFile(path.join(folder, file), 'utf8'))).toMatchObject({
        apiVersion: 1,
      });
    }
  });
});
