import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { COUNTERS, GAUGES, HISTOGRAMS } from '../../src/telemetry/names.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { writeStack } from '../../src/telemetry/stack.ts';
import { telemetryOptions, tellOneOfEach } from './one-of-each.ts';
import { locatePromtool, type PromtoolResult } from './promtool.ts';

const ASSETS = fileURLToPath(new URL('../../deploy/observability/', import.meta.url));
/** What model servers and Prometheus itself say: see docs/observability.md. */
const OTHERS = new Set([
  'up',
  'vllm:num_requests_running',
  'vllm:num_requests_waiting',
  'llamacpp:requests_processing',
  'llamacpp:requests_deferred',
]);

const promtool = await locatePromtool();
/** @throws Error where promtool found fault */
async function checked(args: readonly string[], options = {}): Promise<PromtoolResult> {
  const result = await promtool?.run(args, options);
  if (result?.exitCode !== 0) throw new Error(result?.output);
  return result;
}

const targetSchema = z.object({
  refId: z.string(),
  expr: z.string().min(1),
  datasource: z.object({ type: z.literal('prometheus'), uid: z.literal('${datasource}') }),
});
const panelSchema = z.object({
  id: z.int(),
  title: z.string().min(1),
  type: z.string(),
  description: z.string().optional(),
  targets: z.array(targetSchema).default([]),
  gridPos: z.object({ x: z.int(), y: z.int(), w: z.int(), h: z.int() }),
});
const dashboardSchema = z.object({
  uid: z.string(),
  title: z.string(),
  panels: z.array(panelSchema),
  templating: z.object({
    list: z.array(z.object({ name: z.string(), type: z.string(), query: z.string() })),
  }),
});
const rulesSchema = z.object({
  groups: z.array(z.object({ rules: z.array(z.object({ alert: z.string(), expr: z.string() })) })),
});

const dashboards = readdirSync(path.join(ASSETS, 'grafana/dashboards')).map((file) => ({
  file,
  dashboard: dashboardSchema.parse(
    JSON.parse(readFileSync(path.join(ASSETS, 'grafana/dashboards', file), 'utf8')),
  ),
}));
const alerts = rulesSchema
  .parse(parse(readFileSync(path.join(ASSETS, 'alerts.yml'), 'utf8')))
  .groups.flatMap(({ rules }) => rules);

/** As Grafana would put them in; a text box has its default. */
function substitute(expr: string, { templating }: z.infer<typeof dashboardSchema>): string {
  const variables: Record<string, string> = {
    __rate_interval: '5m',
    __interval: '1m',
    __range: '7d',
    ...Object.fromEntries(templating.list.map(({ name, query }) => [name, query])),
  };
  return expr.replaceAll(/\$(\w+)/g, (whole, name: string) => variables[name] ?? whole);
}

const KEYWORDS = new Set(
  'sum avg max min by rate increase histogram_quantile scalar vector or unless offset'.split(' '),
);
/** Names of metrics in an expression: what is no keyword, label, duration or number. */
function metricsIn(expr: string): string[] {
  const bare = expr
    .replaceAll(/\{[^}]*\}/g, '')
    .replaceAll(/\[[^\]]*\]/g, '')
    .replaceAll(/\bby \([^)]*\)/g, '')
    .replaceAll(/\boffset \w+/g, '');
  return [...bare.matchAll(/(?<![\w.])[a-zA-Z_:][\w:]*/g)]
    .map(([name]) => name)
    .filter((name) => !KEYWORDS.has(name));
}

/** Labels that an expression matches or groups by, beside the metrics it asks for. */
function labelsIn(expr: string): string[] {
  const matched = [...expr.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, label]) => label);
  const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list]) => list?.split(','));
  return [...matched, ...grouped].flatMap((label) => label?.trim() ?? []);
}

let text: string;
let folder: string;
beforeAll(async () => {
  const telemetry = await createTelemetry(telemetryOptions({ prometheus: true }));
  tellOneOfEach(telemetry);
  text = await telemetry.prometheus();
  await telemetry.shutdown();
  folder = await mkdtemp(path.join(tmpdir(), 'aqe-llm-prometheus-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function emitted(): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const [, name = '', labels = ''] of text.matchAll(/^([a-z_]\w*)(?:\{(.*)\})? /gm)) {
    const known = found.get(name) ?? new Set();
    for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) known.add(label);
    found.set(name, known);
  }
  return found;
}

describe('the Prometheus text', () => {
  it('has every metric of names.ts, as Prometheus names it', () => {
    const found = emitted();
    const prometheus = (name: string): string => name.replaceAll('.', '_');
    for (const { name } of Object.values(HISTOGRAMS)) {
      expect([...found.keys()]).toContain(`${prometheus(name)}_bucket`);
    }
    for (const { name } of Object.values(COUNTERS)) {
      expect([...found.keys()]).toContain(`${prometheus(name)}_total`);
    }
    for (const { name } of Object.values(GAUGES)) {
      expect([...found.keys()]).toContain(prometheus(name));
    }
    expect(text).not.toMatch(/req-\d|qe-test-generator/);
  });

  it.skipIf(promtool === undefined)('passes promtool check metrics without a remark', async () => {
    const { output } = await checked(['check', 'metrics'], { input: text });
    expect(output).toBe('');
  });
});

describe('dashboards and alerts', () => {
  const exprs = [
    ...dashboards.flatMap(({ dashboard }) =>
      dashboard.panels.flatMap(({ title, targets }) =>
        targets.map(({ expr }) => ({ from: title, expr: substitute(expr, dashboard) })),
      ),
    ),
    ...alerts.map(({ alert, expr }) => ({ from: alert, expr })),
  ];

  it('ask only for metrics and labels that are there', () => {
    const found = emitted();
    for (const { from, expr } of exprs) {
      const metrics = metricsIn(expr);
      const own = metrics.filter((name) => !OTHERS.has(name));
      for (const name of own) expect([...found.keys()], `${from}: ${expr}`).toContain(name);
      const labels = new Set(own.flatMap((name) => [...(found.get(name) ?? [])]));
      if (own.length === metrics.length) {
        for (const label of labelsIn(expr))
          expect([...labels], `${from}: ${expr}`).toContain(label);
      }
    }
  });

  it('show every metric of ours somewhere', () => {
    const asked = new Set(exprs.flatMap(({ expr }) => metricsIn(expr)));
    const unseen = [...emitted().keys()].filter(
      (name) =>
        name !== 'target_info' &&
        !asked.has(name) &&
        !asked.has(name.replace(/_(bucket|sum|count)$/, '_bucket')) &&
        !asked.has(name.replace(/_(bucket|sum|count)$/, '_count')),
    );
    expect(unseen).toEqual([]);
  });

  it('have panels with ids of their own, that say what they show and do not overlap', () => {
    for (const { dashboard } of dashboards) {
      const { panels, templating } = dashboard;
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
      expect(templating.list[0]).toMatchObject({ name: 'datasource', type: 'datasource' });
      const taken = new Set<string>();
      for (const { title, description, type, gridPos } of panels) {
        if (type !== 'row') expect(description, title).toBeTruthy();
        expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
            expect(taken.has(`${x},${y}`), title).toBe(false);
            taken.add(`${x},${y}`);
          }
        }
      }
    }
    expect(new Set(dashboards.map(({ dashboard }) => dashboard.uid)).size).toBe(dashboards.length);
  });

  it.skipIf(promtool === undefined)('have expressions that Prometheus understands', async () => {
    const rules = exprs.map(({ expr }, index) => ({ record: `checked:expr:${index}`, expr }));
    const file = path.join(folder, 'exprs.json');
    await writeFile(file, JSON.stringify({ groups: [{ name: 'exprs', rules }] }));
    const { output } = await checked(['check', 'rules', file]);
    expect(output).toContain(`${exprs.length} rules found`);
    await writeFile(
      file,
      JSON.stringify({ groups: [{ name: 'exprs', rules: [{ record: 'a', expr: 'sum(' }] }] }),
    );
    await expect(checked(['check', 'rules', file])).rejects.toThrow('parse error');
  });

  it.skipIf(promtool === undefined)('pass promtool as they are written', async () => {
    await writeStack({
      folder,
      force: false,
      gateway: { host: '0.0.0.0', port: 4141 },
      servers: { vllm: { kind: 'openai-compatible', url: 'https://gpu.example/vllm/' } },
    });
    await checked(['check', 'config', 'prometheus.yml'], { cwd: folder });
    await checked(['check', 'rules', 'alerts.yml'], { cwd: folder });
    const { output } = await checked(['test', 'rules', 'alerts.test.yml'], { cwd: folder });
    expect(output).toContain('SUCCESS');
  });

  it('have a test for each alert', () => {
    const tests = readFileSync(path.join(ASSETS, 'alerts.test.yml'), 'utf8');
    for (const { alert } of alerts) {
      expect(tests, alert).toMatch(new RegExp(`alertname: ${alert}\\n +exp_alerts:`));
    }
  });
});
