import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { AppError, messageOf, type Problem } from '../core/errors.ts';
import { isModelFile } from './catalogue.ts';
import {
  CONFIG_FILE,
  configSchema,
  USUAL_SERVERS,
  type Config,
  type ServerConfig,
} from './schema.ts';

export interface ConfigFlags {
  config?: string | undefined;
  state?: string | undefined;
  threads?: number | undefined;
  /** The named file is about to be written and may be absent. */
  mayBeAbsent?: boolean;
}

interface ConfigSources {
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  /** Options of the command line; they win over the environment, which wins over the file. */
  flags: ConfigFlags;
}

export interface LoadedConfig extends Config {
  /** Absolute; the file that was read, or the one that would be. */
  file: string;
  /** Absolute. */
  state: string;
}

const environmentSchema = z.object({
  AQE_LLM_CONFIG: z.string().optional(),
  AQE_LLM_STATE: z.string().optional(),
  AQE_LLM_MODEL: z.string().optional(),
  OLLAMA_HOST: z.string().optional(),
  AQE_LLM_THREADS: z.coerce.number().int().min(1).max(1024).optional(),
});

/**
 * Resolves file, environment and flags into one configuration, once.
 * A file that was not named may be absent; one that was named may not.
 * @throws AppError `config.invalid` with every problem and its dotted path
 */
export async function loadConfig({ cwd, env, flags }: ConfigSources): Promise<LoadedConfig> {
  const problems: Problem[] = [];
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const environment = environmentSchema.safeParse(set);
  if (!environment.success) problems.push(...problemsOf(environment.error));
  const variables: z.infer<typeof environmentSchema> = environment.data ?? {};

  const named = flags.config ?? variables.AQE_LLM_CONFIG;
  const file = path.resolve(cwd, named ?? CONFIG_FILE);
  const text = await readConfig(file, named !== undefined && flags.mayBeAbsent !== true);
  const parsed = configSchema.safeParse(text === undefined ? {} : parseJson(text, file, problems));
  if (!parsed.success) problems.push(...problemsOf(parsed.error));
  if (!parsed.success || problems.length > 0) {
    throw new AppError(
      'config.invalid',
      text === undefined ? 'The environment has errors.' : `The configuration has errors: ${file}`,
      {
        problems,
        hint: 'docs/configuration.md lists every key; an editor that reads $schema completes them.',
      },
    );
  }
  const config = parsed.data;
  const base = path.dirname(file);
  const model =
    variables.AQE_LLM_MODEL === undefined
      ? config.embedded.model && resolveModel(base, config.embedded.model)
      : resolveModel(cwd, variables.AQE_LLM_MODEL);
  const { suite, candidate, reference } = config.baseline;
  const threads = flags.threads ?? variables.AQE_LLM_THREADS ?? config.embedded.threads;
  const state = flags.state ?? variables.AQE_LLM_STATE;
  return {
    ...config,
    file,
    state: state === undefined ? path.resolve(base, config.state) : path.resolve(cwd, state),
    servers: { ...usualServers(variables.OLLAMA_HOST), ...config.servers },
    embedded: {
      ...config.embedded,
      ...(model === undefined ? {} : { model }),
      ...(threads === undefined ? {} : { threads }),
    },
    costs: {
      ...config.costs,
      ...(config.costs.prices === undefined
        ? {}
        : { prices: path.resolve(base, config.costs.prices) }),
    },
    patterns: { ...config.patterns, embedder: resolveSide(base, config.patterns.embedder) },
    baseline: {
      ...config.baseline,
      candidate: resolveSide(base, candidate),
      reference: resolveSide(base, reference),
      ...(suite === undefined ? {} : { suite: path.resolve(base, suite) }),
    },
  };
}

/** OLLAMA_HOST is what Ollama's own client reads: an address with or without scheme and port. */
function usualServers(ollamaHost: string | undefined): Record<string, ServerConfig> {
  if (ollamaHost === undefined) return { ...USUAL_SERVERS };
  const url = URL.parse(ollamaHost.includes('://') ? ollamaHost : `http://${ollamaHost}`);
  if (url === null) return { ...USUAL_SERVERS };
  if (url.port === '' && !ollamaHost.includes('://')) url.port = '11434';
  // A server listens on every address under 0.0.0.0; a client cannot ask there.
  if (url.hostname === '0.0.0.0') url.hostname = '127.0.0.1';
  return { ...USUAL_SERVERS, ollama: { kind: 'ollama', url: url.origin } };
}

/** A name of the catalogue stays as it is; a file becomes absolute. */
function resolveModel(base: string, model: string): string {
  return isModelFile(model) ? path.resolve(base, model) : model;
}

function resolveSide(base: string, spec: string): string {
  const [kind, ...rest] = spec.split(':');
  return kind === 'embedded' && rest.length > 0
    ? `embedded:${resolveModel(base, rest.join(':'))}`
    : spec;
}

async function readConfig(file: string, mustExist: boolean): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (missing && !mustExist) return undefined;
    throw new AppError(
      'config.unreadable',
      `The configuration cannot be read: ${messageOf(error)}`,
      {
        hint: 'Name another file with --config, or write one with `aqe-llm setup`.',
        cause: error,
      },
    );
  }
}

function parseJson(text: string, file: string, problems: Problem[]): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    problems.push({ path: path.basename(file), message: `not JSON: ${messageOf(error)}` });
    return {};
  }
}

/** Each issue with its dotted path; an unknown key is named where it stands. */
function problemsOf(error: z.ZodError): Problem[] {
  return error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        path: [...issue.path, key].join('.'),
        message: 'there is no such key',
      }));
    }
    return { path: issue.path.join('.') || '(root)', message: issue.message };
  });
}
