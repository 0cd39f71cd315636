import { z } from 'zod';
import { priceFileSchema } from './prices/price-file.ts';
import { configSchema } from './schema.ts';

/** The generated schema's place in the package, from `src/` and from `dist/` alike. */
export const CONFIG_SCHEMA_URL = new URL('../../schema/config.schema.json', import.meta.url);

export const PRICES_SCHEMA_URL = new URL('../../schema/prices.schema.json', import.meta.url);

/** JSON Schema (2020-12) of a file of prices. */
export function pricesJsonSchema(): object {
  return z.toJSONSchema(priceFileSchema, { io: 'input' });
}

/** JSON Schema (2020-12) of `aqe-llm.config.json`, from the same source that checks it. */
export function configJsonSchema(): object {
  return z.toJSONSchema(configSchema, { io: 'input' });
}
