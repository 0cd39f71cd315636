import { formatMs, formatPercent } from '../../../quality/reports/format.ts';
import type { Decision, Rung } from '../../../routing/decision.ts';
import type { Drawing } from '../../output/draw.ts';
import { formatCount, formatUsd } from './words.ts';

/** Columns of a tier's name. */
const TIER = 13;

/** Draws what a request is, who decided and who is asked. `become` says what there is to know of a rung. */
export function drawDecision(
  drawing: Drawing,
  decision: Decision,
  become: (rung: Rung) => { mark: string; note: string },
): void {
  drawDescription(drawing, decision);
  drawPolicies(drawing, decision);
  drawLadder(drawing, decision, become);
  drawNeighbours(drawing, decision);
}

function drawDescription(drawing: Drawing, { description }: Decision): void {
  const { category, complexity, confidence, promptTokens, features } = description;
  drawing.title('What it is');
  drawing.field('work', `${category}, ${complexity}, ${formatPercent(confidence)} sure`);
  drawing.field('prompt', `about ${formatCount(promptTokens)} tokens`);
  const seen = Object.entries(features).filter(([, value]) => value !== 0);
  drawing.field('seen in it', seen.map(([name, value]) => `${name} ${short(value)}`).join(' · '));
}

function drawPolicies(drawing: Drawing, decision: Decision): void {
  const { policy, narrowedBy, strategy, confidence, reasons } = decision;
  const { estimatedLatencyMs: ms, estimatedUsd: usd } = decision;
  drawing.title('Who decided');
  drawing.field('policy', `${policy}, ${formatPercent(confidence)} sure`);
  drawing.field('walls', narrowedBy.join(', '));
  drawing.field('strategy', strategy);
  for (const [index, reason] of reasons.entries()) {
    drawing.field(index === 0 ? 'because' : '', reason);
  }
  const expected = [
    ...(ms === undefined ? [] : [`about ${formatMs(ms)}`]),
    ...(usd === undefined ? [] : [`about ${formatUsd(usd)}`]),
  ];
  drawing.field('expected', expected.join(', '));
}

function drawLadder(
  drawing: Drawing,
  { ladder, rejected }: Decision,
  become: Parameters<typeof drawDecision>[2],
): void {
  const { paint } = drawing;
  drawing.title('Who is asked');
  for (const [index, rung] of ladder.entries()) {
    const { mark, note } = become(rung);
    const words = [
      rung.spec,
      ...(note === '' ? [] : [note]),
      ...(rung.suits === undefined ? [] : [`for ${rung.suits} work`]),
      ...(rung.emergencyOnly === true ? ['in emergencies only'] : []),
    ];
    const lead = `${index + 1} ${mark} ${rung.tier.padEnd(TIER)}`;
    drawing.item(lead, paintOf(mark, drawing), words.join(' · '));
  }
  for (const { tier, target, why } of rejected) {
    drawing.item(`– ✗ ${tier.padEnd(TIER)}`, paint.dim, `${target} · ${why}`);
  }
}

function drawNeighbours(drawing: Drawing, { neighbours }: Decision): void {
  if (neighbours.length === 0) return;
  drawing.title('Requests like it');
  for (const { id, similarity, target, quality } of neighbours) {
    const words = `${target}, quality ${formatPercent(quality)} (${id})`;
    drawing.item(`${similarity.toFixed(2)} `, drawing.paint.dim, words);
  }
}

function paintOf(mark: string, { paint }: Drawing): (text: string) => string {
  if (mark === '✓') return paint.green;
  return mark === '✗' ? paint.red : paint.dim;
}

/** Whole where it is, else two decimals. */
function short(value: number): string {
  return Number.isInteger(value) ? formatCount(value) : value.toFixed(2);
}
