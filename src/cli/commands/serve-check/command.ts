import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Bind } from '../../main.ts';
import { serveCheckCommand } from './run.ts';

const EXAMPLES = `
Examples:
  aqe-llm serve-check
  aqe-llm serve-check --url http://127.0.0.1:8000 --slo ttft=2s,e2e=5s
  aqe-llm serve-check --concurrency 1,8 --requests 100 --html speed.html --compare last
  aqe-llm serve-check --rate 2.5 --requests 200
  aqe-llm serve-check --soak 1000 --max-tokens 16 --json
  aqe-llm serve-check --no-load

Without --url it checks the tiers of the configuration; without tiers, every server that answers
at a usual address, and the embedded model. A cloud tier gets no load: it costs money.

Exit codes: 0 ready · 1 not ready, or the objective of --slo missed · 2 usage, configuration or
  internal failure · 4 too few requests to judge the objective · 130 interrupted`;

/** Declares `serve-check`. */
export function configure(command: Command, bind: Bind): void {
  command
    .option('--url <address>', 'this server only, whichever kind it is', address)
    .option('--model <name>', 'the model, as the server names it; needs --url')
    .addOption(
      new Option('--concurrency <n,…>', 'requests at once, step by step (default: 1,4,16)')
        .argParser(ladder)
        .conflicts('rate'),
    )
    .option('--rate <req/s>', 'Poisson arrivals at this rate in place of the steps', rate)
    .option(
      '--requests <n>',
      'requests of each step (default: 20, and at least two for each at once)',
      wholeNumber,
    )
    .option('--max-tokens <n>', 'most tokens of one answer (default: 64)', wholeNumber)
    .option('--slo <limits>', 'what 95 % of the requests must keep, as in ttft=2s,tpot=80ms,e2e=5s')
    .option('--soak <n>', 'a long last step: errors, memory, drift', wholeNumber)
    .option('--html <file>', 'write a page with plots')
    .addOption(
      new Option('--compare <check>', 'say what changed since the last check').choices(['last']),
    )
    .option('--no-load', 'look, send no load')
    .addHelpText('after', EXAMPLES)
    .action(bind(serveCheckCommand));
}

const MOST = 100_000;

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1 || value > MOST) {
    throw new InvalidArgumentError(`expected a whole number from 1 to ${MOST}`);
  }
  return value;
}

function ladder(text: string): number[] {
  const steps = text.split(',').map(Number);
  if (!steps.every((step) => Number.isSafeInteger(step) && step >= 1 && step <= 1024)) {
    throw new InvalidArgumentError('expected whole numbers from 1 to 1024, as in 1,4,16');
  }
  return [...new Set(steps)].sort((a, b) => a - b);
}

function rate(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 10_000)) {
    throw new InvalidArgumentError('expected requests per second, from above 0 to 10000');
  }
  return value;
}

function address(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new InvalidArgumentError('expected an address as in http://127.0.0.1:8000');
  }
  return text.replace(/\/+$/, '').replace(/\/v1$/, '');
}
