import type { Command } from 'commander';
import type { Bind } from '../../main.ts';
import { doctorCommand } from './doctor.ts';
import { setupCommand } from './setup.ts';

const EXAMPLES = `
Examples:
  aqe-llm setup --yes
  aqe-llm setup --model qwen2.5-coder-0.5b-instruct
  aqe-llm setup --model-file ~/models/qwen2.5-coder-1.5b-instruct-q4_k_m.gguf
  aqe-llm setup doctor --json`;

/** Declares `setup` and its sub-commands. */
export function configure(command: Command, bind: Bind): void {
  command
    .option('-y, --yes', 'ask nothing')
    .option('--model <id>', 'a model of the catalogue, or a GGUF file of your own')
    .option(
      '--model-file <file>',
      'a copy of the catalogue’s model that you have: checked, used in place',
    )
    .addHelpText('after', EXAMPLES)
    .action(bind(setupCommand));
  command
    .command('doctor')
    .description('what this machine has and lacks')
    .action(bind(doctorCommand));
}
