import { confidenceOf, type Pattern } from '../pattern.ts';

/** Why a pattern is trusted as far as it is, the weightiest first; each a sentence. */
export function reasonsFor(pattern: Pattern, now: number): string[] {
  const { belief, outcomes, verified, quarantine, expiresAt, provenance, uses } = pattern;
  const { good, bad } = outcomes;
  const alpha = belief.alpha - good;
  const beta = belief.beta - bad;
  const seen = good + bad;
  const weight = alpha + beta;
  const by = provenance.target === undefined ? '' : ` (${provenance.target})`;
  return [
    ...(quarantine === undefined ? [] : [`It is kept from use: ${quarantine}.`]),
    verified === 'no'
      ? 'Nobody has verified the answer, neither by running it nor in a review.'
      : `The answer was verified ${verified === 'review' ? 'in a review' : 'by running it'}.`,
    weight > 0
      ? `It came from ${provenance.source}${by} with a confidence of ${(alpha / weight).toFixed(2)}, worth ${Math.round(weight)} observations.`
      : `It came from ${provenance.source}${by}.`,
    seen === 0
      ? `Uses: ${uses}; nobody knows how they went.`
      : `Outcomes that were observed: ${good} good, ${bad} bad; ${confidenceOf(belief).toFixed(2)} together.`,
    ...(expiresAt !== undefined && expiresAt <= now ? ['Its time is over: it is not used.'] : []),
  ];
}
