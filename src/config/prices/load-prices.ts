import { readFileSync } from 'node:fs';
import { AppError, messageOf } from '../../core/errors.ts';
import { createPriceBook, type PriceBook } from './price-book.ts';
import { readPrices, type PriceFile } from './price-file.ts';

const PACKAGED = new URL('../../../prices/prices.json', import.meta.url);

/**
 * The package's prices, and those of a file of the user's before them.
 * @throws AppError `prices.unreadable`; `prices.invalid` with every problem of the file
 */
export function loadPrices(own: string | undefined): PriceBook {
  return createPriceBook(
    priceFileOf(PACKAGED, 'The prices of the package'),
    own === undefined ? undefined : priceFileOf(own, own),
  );
}

function priceFileOf(file: string | URL, name: string): PriceFile {
  const read = readPrices(jsonOf(file, name));
  if (read.ok) return read.file;
  throw new AppError('prices.invalid', `The prices have errors: ${name}`, {
    problems: read.problems,
    hint: 'Nothing was priced. docs/prices.md has the format; `aqe-llm cost-report prices` checks it.',
  });
}

/** @throws AppError `prices.unreadable` */
export function jsonOf(file: string | URL, name: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new AppError('prices.unreadable', `${name} cannot be read: ${messageOf(error)}`, {
      hint: 'costs.prices of the configuration names the file; it holds JSON.',
      cause: error,
    });
  }
}
