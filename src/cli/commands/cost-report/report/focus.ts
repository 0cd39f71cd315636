import type { ServerConfig } from '../../../../config/schema.ts';
import type { FocusCharge } from '../../../../ledger/report/focus.ts';
import { csvOf } from './csv.ts';

export interface FocusDeps {
  account: { id: string; name: string };
  servers: Readonly<Record<string, ServerConfig>>;
}

type Cell = string | number | null;

/** Who provides and bills what a machine of one's own does. */
const OWN = 'Self-hosted';

const METERS = {
  input: 'Input Tokens',
  cacheRead: 'Cache Read Tokens',
  cacheWrite: 'Cache Write Tokens, 5 Minutes',
  cacheWriteHour: 'Cache Write Tokens, 1 Hour',
  output: 'Output Tokens',
  reasoning: 'Reasoning Tokens',
} as const;

/** The columns of FOCUS 1.4 that every data set has, those that hold where there are unit prices, and ours. */
const COLUMNS: readonly [name: string, of: (charge: FocusCharge, deps: FocusDeps) => Cell][] = [
  ['BilledCost', ({ billedUsd }) => billedUsd],
  ['BillingAccountId', (_, { account }) => account.id],
  ['BillingAccountName', (_, { account }) => account.name],
  ['BillingCurrency', () => 'USD'],
  ['BillingPeriodEnd', ({ month }) => instant(month.until)],
  ['BillingPeriodStart', ({ month }) => instant(month.since)],
  ['ChargeCategory', () => 'Usage'],
  ['ChargeClass', () => null],
  ['ChargeDescription', (charge) => description(charge)],
  ['ChargePeriodEnd', ({ day }) => instant(day.until)],
  ['ChargePeriodStart', ({ day }) => instant(day.since)],
  ['ConsumedQuantity', ({ tokens }) => tokens],
  ['ConsumedUnit', () => 'Tokens'],
  ['ContractedCost', ({ billedUsd }) => billedUsd],
  ['ContractedUnitPrice', ({ unitUsd }) => unitUsd],
  ['EffectiveCost', ({ effectiveUsd }) => effectiveUsd],
  ['HostProviderName', (charge, deps) => providerName(charge, deps)],
  ['InvoiceIssuerName', (charge, deps) => providerName(charge, deps)],
  ['ListCost', ({ billedUsd }) => billedUsd],
  ['ListUnitPrice', ({ unitUsd }) => unitUsd],
  ['PricingCategory', () => 'Standard'],
  ['PricingQuantity', ({ tokens }) => tokens / 1e6],
  ['PricingUnit', () => '1000000 Tokens'],
  ['ServiceCategory', () => 'AI and Machine Learning'],
  ['ServiceName', (charge, deps) => serviceName(charge, deps)],
  ['ServiceProviderName', (charge, deps) => providerName(charge, deps)],
  ['SkuId', (charge) => skuId(charge)],
  ['SkuMeter', ({ of }) => (of === null ? 'Tokens' : METERS[of])],
  ['SkuPriceId', (charge) => `${skuId(charge)} ${charge.kind.priceVersion}`],
  ['x_Agent', ({ kind }) => orNull(kind.agent)],
  ['x_Category', ({ kind }) => orNull(kind.category)],
  ['x_Model', ({ kind }) => kind.model],
  ['x_Outcome', ({ kind }) => kind.outcome],
  ['x_PriceVersion', ({ kind }) => kind.priceVersion],
  ['x_Purpose', ({ kind }) => kind.purpose],
  ['x_Server', ({ kind }) => kind.provider],
  ['x_Tier', ({ kind }) => kind.tier],
];

/** FOCUS 1.4, Cost and Usage. A null is an empty field. */
export function toFocus(charges: readonly FocusCharge[], deps: FocusDeps): string {
  return csvOf([
    COLUMNS.map(([name]) => name),
    ...charges.map((charge) => COLUMNS.map(([, of]) => of(charge, deps))),
  ]);
}

/** `2026-11-24T00:00:00Z`. */
function instant(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}

function providerName({ kind }: FocusCharge, { servers }: FocusDeps): string {
  if (kind.selfHosted) return OWN;
  return servers[kind.provider]?.kind === 'anthropic' ? 'Anthropic' : kind.provider;
}

function serviceName(charge: FocusCharge, deps: FocusDeps): string {
  const { kind } = charge;
  if (kind.selfHosted) return 'Local Inference';
  return providerName(charge, deps) === 'Anthropic' ? 'Claude API' : `${kind.provider} API`;
}

function description(charge: FocusCharge): string {
  const { kind, of } = charge;
  const meter = of === null ? 'Tokens' : METERS[of];
  return `${meter} of ${kind.target}${kind.batch ? ' in batches' : ''} (${kind.purpose})`;
}

function skuId({ kind, of }: FocusCharge): string {
  return [kind.target, of ?? 'tokens', ...(kind.batch ? ['batch'] : [])].join('/');
}

function orNull(text: string): string | null {
  return text === '' ? null : text;
}
