import { InvalidArgumentError, type Command } from 'commander';
import type { Bind } from '../../main.ts';
import { doctorCommand } from './doctor.ts';
import { modelsCommand } from './models.ts';
import { observabilityCommand } from './observability.ts';
import { setupCommand } from './setup.ts';

const EXAMPLES = `
Examples:
  aqe-llm setup
  aqe-llm setup --yes
  aqe-llm setup --direct ollama:qwen2.5-coder:7b --cloud anthropic:claude-sonnet-5-5
  aqe-llm setup --server gpu=http://10.0.0.5:8000 --direct gpu:Qwen/Qwen2.5-Coder-7B-Instruct
  aqe-llm setup --model-file ~/models/qwen2.5-coder-1.5b-instruct-q4_k_m.gguf
  aqe-llm setup models
  aqe-llm setup models rnj-1 qwen2.5-coder-1.5b-instruct
  aqe-llm setup doctor --json
  aqe-llm setup observability --out deploy/observability

On a terminal, without an option that says what to set up, it asks. With one, it changes just that.`;

/** Declares `setup` and its sub-commands. */
export function configure(command: Command, bind: Bind): void {
  command
    .option('-y, --yes', 'ask nothing; without more, provide a model that runs inside this program')
    .option(
      '--direct <spec>',
      'the local tier: embedded or <server>:<model>, fetched where missing',
    )
    .option('--cloud <spec>', 'the cloud tier, as in anthropic:claude-sonnet-5-5')
    .option('--model <id>', 'a model of the catalogue, or a GGUF file of your own')
    .option(
      '--model-file <file>',
      'a copy of the catalogue’s model that you have: checked, used in place',
    )
    .option('--threads <n>', 'threads of the embedded engine', threads)
    .option('--server <name=url>', 'add a model server at this address', server)
    .option('--check-key', 'ask Anthropic whether the key in the environment is accepted')
    .addHelpText('after', EXAMPLES)
    .action(bind(setupCommand));
  command
    .command('models')
    .argument('[names...]', 'models to fetch: through Ollama, or GGUF files of the catalogue')
    .description('list the models that fit and those that are here, or fetch some')
    .option('--on <server>', 'the Ollama server that fetches (default: ollama)')
    .action(bind(modelsCommand));
  command
    .command('doctor')
    .description('what this machine has and lacks')
    .action(bind(doctorCommand));
  command
    .command('observability')
    .description('write what Prometheus and Grafana need: compose file, dashboards, alerts')
    .option('--out <folder>', 'where to', 'observability')
    .option('--force', 'replace files that were changed since they were written')
    .action(bind(observabilityCommand));
}

function threads(text: string): number {
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected a whole number from 1 to 999');
}

function server(text: string): { name: string; url: string } {
  const [, name, url] = /^([a-z][a-z0-9-]*)=(https?:\/\/\S+?)\/*$/.exec(text) ?? [];
  if (name !== undefined && url !== undefined && URL.canParse(url)) return { name, url };
  throw new InvalidArgumentError('expected a name and an address, as in gpu=http://10.0.0.5:8000');
}
