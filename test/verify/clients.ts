import path from 'node:path';
import Table from 'cli-table3';
import { startLlamaServer } from '../contracts/servers/llama-server.ts';
import { startOllama } from '../contracts/servers/ollama.ts';
import type { ServerProcess } from '../contracts/servers/process.ts';
import { writeWeights } from '../contracts/servers/training.ts';
import { startVllm } from '../contracts/servers/vllm.ts';
import type { ConfigFile } from '../../src/config/schema.ts';
import { messageOf } from '../../src/core/errors.ts';
import { ANTHROPIC_CASES } from './clients/anthropic.ts';
import type { Case, Subject } from './clients/case.ts';
import { OLLAMA_CASES } from './clients/ollama.ts';
import { OPENAI_CASES } from './clients/openai.ts';
import { inFolder } from './gateway/folder.ts';
import { startGateway } from './gateway/process.ts';
import provideModel from '../global-setup.ts';
import { createScorecard, type Mark, type Scorecard } from './gateway/scorecard.ts';

const MODEL = 'smollm2-135m';
const CLIENTS: Record<string, readonly Case[]> = {
  openai: OPENAI_CASES,
  '@anthropic-ai/sdk': ANTHROPIC_CASES,
  ollama: OLLAMA_CASES,
};

interface ServerKind extends Omit<Subject, 'url' | 'model'> {
  /** Tells where the server is; without it the server is skipped. */
  variable: string;
  kind: 'ollama' | 'openai-compatible';
  start(location: string, model: string, folder: string): Promise<ServerProcess>;
}

/** A template that shows a model its tools; that of the test model does not. */
const WITH_TOOLS = `TEMPLATE """{{ if .Tools }}<|im_start|>system
Tools: {{ .Tools }}<|im_end|>
{{ end }}{{ range .Messages }}<|im_start|>{{ .Role }}
{{ .Content }}{{ range .ToolCalls }}{"name": "{{ .Function.Name }}", "parameters": {{ .Function.Arguments }}}{{ end }}<|im_end|>
{{ end }}<|im_start|>assistant
"""`;

const SERVERS: readonly ServerKind[] = [
  {
    server: 'llama-server',
    variable: 'AQE_LLM_TEST_LLAMA_SERVER',
    kind: 'openai-compatible',
    holdsToTools: false,
    embeds: true,
    start: (binary, model) => startLlamaServer(binary, model, MODEL),
  },
  {
    server: 'Ollama',
    variable: 'AQE_LLM_TEST_OLLAMA',
    kind: 'ollama',
    holdsToTools: false,
    embeds: true,
    start: (binary, model) => startOllama(binary, model, MODEL, WITH_TOOLS),
  },
  {
    server: 'vLLM',
    variable: 'AQE_LLM_TEST_VLLM',
    kind: 'openai-compatible',
    holdsToTools: true,
    embeds: false,
    async start(venv, model, folder) {
      const weights = path.join(folder, 'weights');
      await writeWeights(venv, model, weights);
      return startVllm(venv, weights, MODEL);
    },
  },
];

/** The official clients, unmodified, before the gateway, before each real server as the direct tier. */
export async function run(out: (line: string) => void): Promise<boolean> {
  await provideModel();
  const card = createScorecard(out);
  const marks = new Map<string, Mark[]>();
  for (const [index, kind] of SERVERS.entries()) {
    const note = (row: string, mark: Mark): void => {
      const cells = marks.get(row) ?? SERVERS.map((): Mark => 'skipped');
      cells[index] = mark;
      marks.set(row, cells);
    };
    await inFolder((folder) => runServer(kind, folder, card, note));
  }
  const table = new Table({
    head: ['', ...SERVERS.map(({ server }) => server)],
    style: { head: [], border: [], compact: true },
  });
  for (const [row, cells] of marks) table.push([row, ...cells]);
  out(table.toString());
  return card.close();
}

async function runServer(
  kind: ServerKind,
  folder: string,
  card: Scorecard,
  note: (row: string, mark: Mark) => void,
): Promise<void> {
  const cases = Object.entries(CLIENTS).flatMap(([client, its]) =>
    its.map((it) => ({ row: `${client}: ${it.name}`, it })),
  );
  const location = process.env[kind.variable];
  const model = process.env['AQE_LLM_TEST_MODEL'];
  if (!location || !model) {
    const missing = location ? 'AQE_LLM_TEST_MODEL' : kind.variable;
    for (const { row } of cases)
      note(row, card.skip(`${kind.server}, ${row}`, `${missing} is not set`));
    return;
  }
  const server = await kind.start(location, model, folder).catch(async (error: unknown) => {
    await card.check(`${kind.server} starts`, () => Promise.reject(new Error(messageOf(error))));
  });
  if (server === undefined) return;
  try {
    const config: ConfigFile = {
      servers: { real: { kind: kind.kind, url: server.url } },
      tiers: { direct: `real:${MODEL}` },
    };
    const gateway = await startGateway({ folder, config });
    const subject = { ...kind, url: gateway.url, model: `real:${MODEL}` };
    try {
      for (const { row, it } of cases) {
        note(row, await card.check(`${kind.server}, ${row}`, () => it.run(subject)));
      }
    } finally {
      await gateway.stop();
    }
  } finally {
    await server.stop();
  }
}
