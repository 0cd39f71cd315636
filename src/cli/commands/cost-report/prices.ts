import { existsSync } from 'node:fs';
import path from 'node:path';
import { Chalk } from 'chalk';
import Table from 'cli-table3';
import { fromLiteLlm } from '../../../config/prices/litellm.ts';
import { jsonOf, loadPrices } from '../../../config/prices/load-prices.ts';
import type { Price } from '../../../config/prices/price-book.ts';
import { period, readPrices } from '../../../config/prices/price-file.ts';
import { AppError, ExitCode } from '../../../core/errors.ts';
import { missingPrices } from '../../../ledger/report/price-check.ts';
import { NO_BORDERS, NONE, oneLine, plural } from '../../../quality/reports/format.ts';
import { TIERS } from '../../../routing/decision.ts';
import { specsOfTiers } from '../../../routing/targets.ts';
import { openDatabase } from '../../../storage/database.ts';
import type { CommandContext } from '../../main.ts';
import { runtimeFor } from '../../model.ts';
import { writeWhole } from '../../write-whole.ts';

const RATES = ['input', 'cacheRead', 'cacheWrite', 'cacheWriteHour', 'output'] as const;
const HEADS = ['input', 'cache read', 'write 5m', 'write 1h', 'output'];

/** `aqe-llm cost-report prices`: shows all prices, and names what has none. */
export async function pricesCommand(context: CommandContext): Promise<ExitCode> {
  const { output } = context;
  const runtime = await runtimeFor(context);
  const { config, clock } = runtime;
  const { prices } = loadPrices(config.costs.prices);
  const targets = TIERS.flatMap((tier) =>
    specsOfTiers({ [tier]: config.tiers[tier] })
      .filter((target) => !/^[^:]+(:auto)?$/.test(target))
      .map((target) => ({ target, tier })),
  );
  const problems = missingPrices({
    database: openDatabase(config.state),
    charges: runtime.charges(),
    targets,
    now: clock.now(),
  });
  if (output.json) {
    output.result(
      JSON.stringify({ currency: 'USD', prices: prices.map(priceJson), problems }, null, 2),
    );
  } else {
    const paint = new Chalk({ level: output.color ? 1 : 0 });
    const table = new Table({
      head: ['model', ...HEADS, 'batch', 'holds', 'version'].map((head) => paint.dim(head)),
      colAligns: ['left', ...HEADS.map(() => 'right' as const), 'right', 'left', 'left'],
      style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2, compact: true },
      chars: NO_BORDERS,
    });
    for (const price of prices) {
      for (const cells of rowsOf(price)) table.push(cells);
    }
    output.result(
      [
        'US dollars per million tokens; your own first.',
        '',
        table.toString().replaceAll(/[ ]+$/gm, ''),
        ...problems.map(
          ({ path: what, message }) => `${paint.red('missing')} ${oneLine(what)}: ${message}`,
        ),
      ].join('\n'),
    );
  }
  return problems.length === 0 ? ExitCode.Ok : ExitCode.Usage;
}

function rowsOf(price: Price): string[][] {
  const { provider, model, usdPerMTok, longPrompts = [], batchShare, version, isOwn } = price;
  const { from = -Infinity, until = Infinity } = price;
  const rates = (of: Price['usdPerMTok']): string[] =>
    RATES.map((rate) => (of[rate] === undefined ? NONE : String(of[rate])));
  return [
    [
      oneLine(`${provider}:${model}`),
      ...rates(usdPerMTok),
      batchShare === undefined ? NONE : `× ${batchShare}`,
      period(from, until),
      oneLine(isOwn ? `${version} (yours)` : version),
    ],
    ...longPrompts.map(({ aboveTokens, usdPerMTok: long }) => [
      `  above ${aboveTokens.toLocaleString('en-US')} tokens`,
      ...rates(long),
      '',
      '',
      '',
    ]),
  ];
}

function priceJson({ from, until, ...price }: Price): object {
  return {
    ...price,
    from: from === undefined ? null : new Date(from).toISOString(),
    until: until === undefined ? null : new Date(until).toISOString(),
  };
}

export interface ImportFlags {
  provider?: string[];
  priceVersion?: string;
  force?: boolean;
}

/**
 * `aqe-llm cost-report prices import`: prices in LiteLLM's shape become a file of one's own, whole or
 * not at all.
 */
export async function importPricesCommand(
  context: CommandContext,
  source: string,
  out: string,
  { provider = [], priceVersion, force = false }: ImportFlags,
): Promise<ExitCode> {
  const { host, output } = context;
  if (!force && existsSync(path.resolve(host.cwd, out))) {
    throw new AppError('prices.exists', `${out} is there already.`, {
      hint: 'Name another file, or write over it with --force.',
    });
  }
  const runtime = await runtimeFor(context);
  const today = new Date(runtime.clock.now()).toISOString().slice(0, 10);
  const version = priceVersion ?? `litellm-${today}`;
  const { file, problems, passedOver } = fromLiteLlm(
    jsonOf(path.resolve(host.cwd, source), source),
    version,
    provider,
  );
  const checked = readPrices(file);
  const wrong = [...problems, ...(checked.ok ? [] : checked.problems)];
  if (wrong.length > 0) {
    throw new AppError('prices.invalid', `The prices have errors: ${source}`, {
      problems: wrong,
      hint: 'Nothing was written. --provider takes those of one provider alone.',
    });
  }
  if (file.prices.length === 0) {
    throw new AppError('prices.none', `There are no prices of tokens in ${source}.`, {
      hint: 'It is to be in the shape of LiteLLM: an object by model with input_cost_per_token and output_cost_per_token.',
    });
  }
  await writeWhole(
    path.resolve(host.cwd, out),
    out,
    [JSON.stringify(file, null, 2)],
    host.signal,
    'costs.unwritable',
  );
  if (output.json) {
    output.result(JSON.stringify({ file: out, version, prices: file.prices.length, passedOver }));
  } else {
    output.result(
      `${plural(file.prices.length, 'price')} of version ${version} in ${out}; ${passedOver} without prices of tokens passed over.`,
    );
    output.note(`Name it in the configuration: { "costs": { "prices": ${JSON.stringify(out)} } }`);
  }
  return ExitCode.Ok;
}
