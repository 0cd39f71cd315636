/**
 * Sums the samples of each metric over its labels. Lines of the text exposition format that are
 * comments, histograms' buckets or no numbers are left out.
 */
export function readMetrics(text: string): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const line of text.split('\n')) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{.*\})?\s+(\S+)/.exec(line);
    const [, name, number] = match ?? [];
    const value = Number(number);
    if (name === undefined || !Number.isFinite(value) || name.endsWith('_bucket')) continue;
    sums.set(name, (sums.get(name) ?? 0) + value);
  }
  return sums;
}
