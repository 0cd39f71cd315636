import { lintSource } from '@secretlint/core';
import { creator } from '@secretlint/secretlint-rule-preset-recommend';

/** What stands in a secret's place. */
export const REDACTED = '[REDACTED]';

/** What secretlint's recommended rules leave: whole key blocks, and values under names that give them away. */
const HOUSE_RULES: readonly RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /\b(?:hf|sk|pk|rk|glpat|xox[abprs])[-_][A-Za-z0-9_-]{20,}/g,
  /(?<=\bBearer\s+)[A-Za-z0-9._~+/-]{16,}=*/g,
  /(?<=\b\w*(?:password|passwd|secret|token|api_?key|access_?key)\w*["']?\s*[:=]\s*["'])[^"'\s]{8,}(?=["'])/gi,
];

/** Replaces what looks like a secret by `[REDACTED]`; counts them. */
export async function scrub(text: string): Promise<{ text: string; secrets: number }> {
  const { messages } = await lintSource({
    source: { content: text, filePath: 'pattern.txt', ext: '.txt', contentType: 'text' },
    options: {
      config: {
        rules: [{ id: '@secretlint/secretlint-rule-preset-recommend', rule: creator, options: {} }],
      },
    },
  });
  const ranges = [
    ...messages.map(({ range: [from, to] }) => ({ from, to })),
    ...HOUSE_RULES.flatMap((rule) =>
      [...text.matchAll(rule)].map(({ index, 0: found }) => ({
        from: index,
        to: index + found.length,
      })),
    ),
  ].toSorted((a, b) => a.from - b.from || b.to - a.to);
  let clean = '';
  let end = 0;
  let secrets = 0;
  for (const { from, to } of ranges) {
    if (from >= end) {
      clean += text.slice(end, from) + REDACTED;
      secrets += 1;
    }
    end = Math.max(end, to);
  }
  return { text: clean + text.slice(end), secrets };
}
