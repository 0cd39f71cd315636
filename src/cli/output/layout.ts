/** Breaks at spaces; a word longer than a line is cut into lines. */
export function wrap(text: string, width: number): string[] {
  return fill(
    text.split(' ').flatMap((word) => pieces(word, width)),
    ' ',
    width,
  );
}

/** Puts parts on lines, ` · ` between them; a part stays whole where a line holds it. */
export function wrapParts(parts: readonly string[], width: number): string[] {
  return fill(
    parts.flatMap((part) => pieces(part, width)),
    ' · ',
    width,
  );
}

function fill(parts: readonly string[], separator: string, width: number): string[] {
  const lines: string[] = [];
  let line: string | undefined;
  for (const part of parts) {
    if (line === undefined) line = part;
    else if (line.length + separator.length + part.length <= width) line += separator + part;
    else {
      lines.push(line);
      line = part;
    }
  }
  return [...lines, line ?? ''];
}

function pieces(word: string, width: number): string[] {
  const size = Math.max(10, width);
  if (word.length <= size) return [word];
  const count = Math.ceil(word.length / size);
  return Array.from({ length: count }, (_, index) => word.slice(index * size, (index + 1) * size));
}
