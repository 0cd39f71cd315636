import { parse } from '../../extraction.ts';
import { piecesOf } from './mend.ts';
import { titlesIn } from './spec.ts';
import type { FlakyDetectionTask } from './task.ts';

/** The written answer: the verdicts as JSON, and what the mended spec has that the spec has not. */
export function goldAnswer({ specSource, counterpart, causes }: FlakyDetectionTask): string {
  const isFlaky = counterpart.kind === 'fixed';
  const entries = titlesIn(specSource).map((title, index) => {
    const cause = causes[title];
    return JSON.stringify({
      test: index + 1,
      flaky: isFlaky && cause !== undefined,
      cause: cause ?? 'none',
    });
  });
  const verdicts = `\`\`\`json\n{"tests": [\n  ${entries.join(',\n  ')}\n]}\n\`\`\`\n`;
  if (!isFlaky) return verdicts;
  return `${verdicts}\n\`\`\`ts\n${changes(specSource, counterpart.source)}\n\`\`\`\n`;
}

/** The statements of a mended spec that the spec has not. */
function changes(spec: string, mended: string): string {
  const textsOf = (source: string): string[] => {
    const file = parse(source);
    const { around, tests } = piecesOf(file);
    return [...around, ...tests.map(({ statement }) => statement)].map((each) =>
      each.getText(file),
    );
  };
  const known = new Set(textsOf(spec));
  return textsOf(mended)
    .filter((text) => !known.has(text))
    .join('\n\n');
}
