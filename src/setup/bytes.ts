/** Bytes for people, in decimal units as disks are sold: `1.12 GB`, `491 MB`, `12 kB`. */
export function formatBytes(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(2)} GB`;
  if (bytes >= 1e6) return `${Math.round(bytes / 1e6)} MB`;
  if (bytes >= 1e3) return `${Math.round(bytes / 1e3)} kB`;
  return `${bytes} bytes`;
}

/** Bytes that are known roughly, with two figures: `~19 GB`, `~5.1 GB`, `~400 MB`. */
export function formatAbout(bytes: number): string {
  const [unit, size] = bytes >= 1e9 ? ['GB', bytes / 1e9] : ['MB', bytes / 1e6];
  return `~${Number(size.toPrecision(2))} ${unit}`;
}
