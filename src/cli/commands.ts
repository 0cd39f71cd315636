import type { Command } from 'commander';
import type { Bind } from './main.ts';

export interface CommandModule {
  /** Declares the command's options and sub-commands, and what each does. */
  configure(command: Command, bind: Bind): void;
}

interface RegisteredCommand {
  name: string;
  summary: string;
  load: () => Promise<CommandModule>;
}

/** The seven commands. A command's module is loaded when it is the one that runs. */
export const COMMANDS: readonly RegisteredCommand[] = [
  {
    name: 'setup',
    summary: 'find or fetch a local model, write the configuration, examine the machine',
    load: () => import('./commands/setup/command.ts'),
  },
  {
    name: 'serve-check',
    summary: 'is every tier ready and fast enough',
    load: () => import('./commands/serve-check/command.ts'),
  },
  {
    name: 'route',
    summary: 'answer through the right tier',
    load: () => import('./commands/route/command.ts'),
  },
  {
    name: 'baseline',
    summary: 'the quality gate: grade a candidate against a reference by execution',
    load: () => import('./commands/baseline/command.ts'),
  },
  {
    name: 'cost-report',
    summary: 'what was spent, what it would have cost',
    load: () => import('./commands/cost-report/command.ts'),
  },
  {
    name: 'curate',
    summary: 'tend the learned patterns',
    load: () => import('./commands/curate/command.ts'),
  },
  {
    name: 'rollout',
    summary: 'move traffic from the cloud step by step, on evidence, with a way back',
    load: () => import('./commands/rollout/command.ts'),
  },
];
