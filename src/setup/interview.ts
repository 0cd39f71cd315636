import type { LoadedConfig } from '../config/load.ts';

import type { SetupAnswers } from './answers.ts';
import { formatAbout, formatBytes } from './bytes.ts';
import type { ListedModel } from './model-list.ts';
import type { KeyCheck } from './servers/anthropic-key.ts';
import type { ServerLook } from './servers/look.ts';
import type { SetupTools, Survey } from './setup-tools.ts';

export interface Choice<Value> {
  name: string;
  value: Value;
  /** Shown while the choice is under the cursor. */
  description?: string;
}

/** How questions are asked. */
export interface Prompts {
  select<Value>(message: string, choices: readonly Choice<Value>[]): Promise<Value>;
  confirm(message: string, preset: boolean): Promise<boolean>;
  /** @param complaint what is wrong with the text, if anything is */
  text(
    message: string,
    preset: string,
    complaint: (text: string) => string | undefined,
  ): Promise<string>;
  /** Says something between questions. */
  say(text: string): void;
}

export interface InterviewDeps {
  prompts: Prompts;
  tools: Pick<SetupTools, 'identify' | 'lookAtServer' | 'checkKey'>;
  survey: Survey;
  config: LoadedConfig;
  cores: number;
  /** Whether a variable of the environment is set. */
  isSet(variable: string): boolean;
}

type Local =
  | { kind: 'keep' }
  | { kind: 'file'; model: string }
  | { kind: 'served'; server: string; model: string }
  | { kind: 'fetch'; server: string }
  | { kind: 'address' };

/** Asks what is to be set up; the first choice of each question is the one that a reader in a hurry wants. */
export async function interview(deps: InterviewDeps): Promise<SetupAnswers> {
  deps.prompts.say(foundLines(deps.survey).join('\n'));
  const local = await askLocal(deps);
  const threads = local.embedded !== undefined ? await askThreads(deps) : {};
  return { ...local, ...threads, ...(await askCloud(deps)) };
}

function foundLines({ hardware, gpus, looks }: Survey): string[] {
  const { memory, cores } = hardware;
  const graphics = gpus.map(({ name, vramBytes }) => `${name} with ${formatBytes(vramBytes)}`);
  const servers = looks.map((look) => {
    const models = look.state === 'up' ? ` (models: ${look.models.length})` : '';
    return `${look.name} ${look.state}${models}`;
  });
  return [
    `This machine: ${cores} cores, ${formatBytes(memory.availableBytes)} of memory available, ${graphics.join(', ') || 'no GPU found'}`,
    `Servers: ${servers.join(' · ')}`,
  ];
}

async function askLocal(deps: InterviewDeps): Promise<SetupAnswers> {
  const { prompts, survey, config } = deps;
  const current = config.tiers.direct;
  const choices: Choice<Local>[] = [
    ...(current === undefined
      ? []
      : [
          {
            name: `Leave it: ${inWords(current)}`,
            value: { kind: 'keep' },
          } satisfies Choice<Local>,
        ]),
    ...survey.looks.flatMap(servedChoices),
    ...survey.models.filter(({ runs, fits }) => runs === 'file' && fits === true).map(fileChoice),
    ...survey.looks.filter(canFetch).map(({ name }): Choice<Local> => ({
      name: `${name}: fetch another model …`,
      value: { kind: 'fetch', server: name },
    })),
    { name: 'A server at another address …', value: { kind: 'address' } },
  ];
  const chosen = await prompts.select('Which model answers locally?', choices);
  switch (chosen.kind) {
    case 'keep':
      return {};
    case 'file':
      return { direct: 'embedded', embedded: { model: chosen.model } };
    case 'served':
      return { direct: `${chosen.server}:${chosen.model}` };
    case 'fetch':
      return { direct: `${chosen.server}:${await askModelToFetch(deps)}` };
    case 'address':
      return askAddress(deps);
  }
}

function servedChoices(look: ServerLook): Choice<Local>[] {
  if (look.state !== 'up') return [];
  return look.models.map(({ name, bytes }) => ({
    name: `${look.name}: ${name}${bytes === undefined ? '' : ` (${formatBytes(bytes)})`}`,
    value: { kind: 'served', server: look.name, model: name },
    description: `Served at ${look.url}`,
  }));
}

function fileChoice({ name, title, bytes, installed }: ListedModel): Choice<Local> {
  const state = installed.length > 0 ? 'on this machine' : `to fetch, ${formatBytes(bytes ?? 0)}`;
  return {
    name: `built in: ${title}, ${state}`,
    value: { kind: 'file', model: name },
    description: 'Runs inside this program; nothing else to install',
  };
}

function canFetch(look: ServerLook): boolean {
  return look.state === 'up' && look.kind === 'ollama';
}

const OTHER = Symbol('another name');

async function askModelToFetch({ prompts, survey }: InterviewDeps): Promise<string> {
  const models = survey.models
    .filter(({ runs, fits, installed }) => runs === 'server' && fits && installed.length === 0)
    .toSorted((a, b) => Number(b.isRecommended) - Number(a.isRecommended));
  const choice = await prompts.select<string | typeof OTHER>('Which model is fetched?', [
    ...models.map((model) => ({
      name: `${model.name}, ${formatAbout(model.bytes ?? 0)}${model.isRecommended ? ' (recommended here)' : ''}`,
      value: model.name,
      ...(model.suits === undefined ? {} : { description: `For ${model.suits} work` }),
    })),
    { name: 'Another name …', value: OTHER },
  ]);
  return choice === OTHER
    ? prompts.text('Its name in Ollama’s library', '', (text) =>
        text ? undefined : 'A name, please.',
      )
    : choice;
}

async function askAddress(deps: InterviewDeps): Promise<SetupAnswers> {
  const { prompts, tools, config } = deps;
  const url = await prompts.text('Its address', 'http://127.0.0.1:8000', (text) =>
    isAddress(text) ? undefined : 'An http or https address, please, without /v1.',
  );
  const server = await tools.identify(url.replace(/\/+$/, ''));
  const look = server && (await tools.lookAtServer('', server));
  if (server === undefined || look?.state !== 'up' || look.models.length === 0) {
    prompts.say(`No model is served at ${url}${look === undefined ? '' : ` (${look.state})`}.`);
    return askLocal(deps);
  }
  const name = await prompts.text('What do you call this server?', 'server', (text) =>
    /^[a-z][a-z0-9-]*$/.test(text) && !(text in config.servers)
      ? undefined
      : 'Lower-case letters, digits and hyphens, and not the name of another server.',
  );
  const model = await prompts.select(
    'Which of its models?',
    look.models.map((served) => ({ name: served.name, value: served.name })),
  );
  return { servers: { [name]: server }, direct: `${name}:${model}` };
}

function isAddress(text: string): boolean {
  return /^https?:\/\/\S+$/.test(text) && URL.canParse(text);
}

async function askThreads({ prompts, config, cores }: InterviewDeps): Promise<SetupAnswers> {
  const usual = config.embedded.threads ?? Math.max(1, cores - 1);
  const text = await prompts.text(`Threads (${cores} cores)`, String(usual), (typed) =>
    /^[1-9]\d{0,2}$/.test(typed) ? undefined : 'A whole number from 1 on.',
  );
  const threads = Number(text);
  // The usual number need not be written down: it follows the machine.
  return threads === usual ? {} : { threads };
}

const CLOUD_MODELS = ['claude-sonnet-5-5', 'claude-haiku-4-5'];

async function askCloud(deps: InterviewDeps): Promise<SetupAnswers> {
  const { prompts, config } = deps;
  const current = config.tiers.cloud;
  const server = config.servers['anthropic'];
  if (server?.kind !== 'anthropic') return {};
  const hasKey = deps.isSet(server.apiKeyEnv);
  prompts.say(`${server.apiKeyEnv} is ${hasKey ? 'set' : 'not set'}.`);
  if (hasKey && (await prompts.confirm(`Check it at ${server.url}? That bills nothing.`, false))) {
    prompts.say(keySentence(server.apiKeyEnv, await deps.tools.checkKey(server)));
  }
  const none = {
    name: current === undefined ? 'None' : `Leave it: ${inWords(current)}`,
    value: '',
  };
  const models = CLOUD_MODELS.map((model) => ({ name: model, value: model }));
  const model = await prompts.select<string | typeof OTHER>(
    'Which Claude model is the cloud tier?',
    [
      // Without a key, or with a choice made before, nothing new is what most want.
      ...(hasKey && current === undefined ? [...models, none] : [none, ...models]),
      { name: 'Another …', value: OTHER },
    ],
  );
  const name =
    model === OTHER
      ? await prompts.text('Its id', '', (text) => (text ? undefined : 'An id, please.'))
      : model;
  return name === '' ? {} : { cloud: `anthropic:${name}` };
}

/** A tier as configured: one model, or one for each complexity. */
function inWords(tier: string | Readonly<Partial<Record<string, string>>>): string {
  if (typeof tier === 'string') return tier;
  return Object.entries(tier)
    .map(([complexity, spec]) => `${spec} for ${complexity} work`)
    .join(', ');
}

/** What checking a key has shown, in a sentence without the key. */
export function keySentence(variable: string, check: KeyCheck | undefined): string {
  switch (check?.state) {
    case undefined:
      return `${variable} is not set.`;
    case 'valid':
      return `${variable} is accepted.`;
    case 'refused':
      return `${variable} is refused (HTTP ${check.status}).`;
    case 'unclear':
      return `${variable} could not be checked (HTTP ${check.status}).`;
    case 'unreachable':
      return `${variable} could not be checked: nothing answers.`;
  }
}
