import type { CostReport, Dimension, Figures } from '../../../../ledger/report/result.ts';
import {
  basisText,
  formatBilled,
  formatRange,
  formatShare,
  formatShort,
  formatUsd,
  negated,
  partOf,
} from './words.ts';

const MOST_ROWS = 50;

/** The report for a page that shows Markdown, as the summary of a CI job. */
export function toMarkdown(report: CostReport): string {
  const { by, total, rows, savings, budget, advice, notes } = report;
  const lines = [
    `## Cost, ${report.since.slice(0, 10)} to ${report.until.slice(0, 16)} (${report.timezone})`,
    '',
    `**${formatUsd(total.usd)} billed**${total.hardwareUsd === null ? '' : `, ${formatUsd(total.hardwareUsd)} for own machines`}, ${formatShort(total.attempts)} attempts${total.unpriced > 0 ? `, **${total.unpriced} of unknown cost**` : ''}.`,
    '',
  ];
  if (savings.state === 'estimated' && savings.savedUsd.upper < 0) {
    lines.push(
      `**${formatRange(negated(savings.savedUsd))} more than Claude alone.** ${cellOf(basisText(savings))}`,
      '',
    );
  } else if (savings.state === 'estimated') {
    const share = savings.savedShare;
    lines.push(
      `**Saved ${formatRange(savings.savedUsd)}**${share === null ? '' : ` (${formatShare(share.lower)} to ${formatShare(share.upper)})`} against Claude alone. ${cellOf(basisText(savings))}`,
      '',
    );
  } else {
    lines.push(`Savings: ${cellOf(savings.why)}`, '');
  }
  if (budget !== null) {
    lines.push(
      `Budget: ${budget.over ? '**over**, ' : ''}${formatUsd(budget.spentUsd)} of ${formatUsd(budget.limitUsd)} a ${budget.unit} (${formatShare(budget.share)})${budget.forecastUsd === null ? '' : `, forecast ${formatUsd(budget.forecastUsd.estimate)}`}.`,
      '',
    );
  }
  const heads = [
    'attempts',
    'input',
    'cache read',
    'write 5m',
    'write 1h',
    'output',
    'hardware',
    'billed',
  ];
  const keys: readonly Dimension[] = by;
  lines.push(
    line([...(keys.length === 0 ? [''] : keys), ...heads]),
    line([...(keys.length === 0 ? ['---'] : keys.map(() => '---')), ...heads.map(() => '---:')]),
    ...(keys.length === 0
      ? []
      : rows
          .slice(0, MOST_ROWS)
          .map((row) => line([...keys.map((key) => cellOf(partOf(row, key))), ...figuresOf(row)]))),
    line([
      ...(keys.length === 0 ? [''] : keys).map((_, index) => (index === 0 ? '**all**' : '')),
      ...figuresOf(total),
    ]),
    '',
  );
  if (rows.length > MOST_ROWS) lines.push(`… and ${rows.length - MOST_ROWS} more rows.`, '');
  if (advice.length > 0) {
    lines.push('### What to change', '');
    for (const { title, detail, action, savedPerMonthUsd: saved, effort } of advice) {
      const worth = saved === null ? '' : ` (${formatRange(saved)} a month)`;
      lines.push(
        `- **${cellOf(title)}**${worth}, effort ${effort}. ${cellOf(detail)} ${cellOf(action)}`,
      );
    }
    lines.push('');
  }
  for (const { message } of notes) lines.push(`> ${cellOf(message)}`, '');
  return lines.join('\n');
}

function figuresOf(of: Figures): string[] {
  return [
    formatShort(of.attempts),
    formatShort(of.inputTokens),
    formatShort(of.cacheReadTokens),
    formatShort(of.cacheWriteTokens),
    formatShort(of.cacheWriteHourTokens),
    formatShort(of.outputTokens),
    formatUsd(of.hardwareUsd),
    formatBilled(of),
  ];
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

/** Text from outside: it neither ends a cell nor becomes a link, a tag or an image. */
function cellOf(text: string): string {
  return text.replaceAll(/[\\`*_[\]<>|!]/g, String.raw`\$&`).replaceAll('\n', ' ');
}
