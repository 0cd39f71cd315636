import { formatWait } from './output.ts';

const BAR_WIDTH = 24;
const MEGA = 1_000_000;

/** Bytes that have come, of how many. */
interface Transfer {
  doneBytes: number;
  totalBytes: number;
}

/** Draws how far a download has come, how fast it goes, and how long it will take. */
export function transferLine(now: () => number): (transfer: Transfer) => string {
  let since: { at: number; bytes: number } | undefined;
  return (transfer) => {
    const at = now();
    // Bytes that were there before the first report came at no speed.
    if (since === undefined || transfer.doneBytes < since.bytes) {
      since = { at, bytes: transfer.doneBytes };
    }
    return `${bar(transfer)} ${pace(transfer, since, at)}`;
  };
}

function bar({ doneBytes, totalBytes }: Transfer): string {
  const filled = Math.round((doneBytes / totalBytes) * BAR_WIDTH);
  const percent = Math.floor((doneBytes / totalBytes) * 100);
  return `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${percent} %`;
}

function pace(
  { doneBytes, totalBytes }: Transfer,
  since: { at: number; bytes: number },
  now: number,
): string {
  const sizes = `${Math.round(doneBytes / MEGA)} of ${Math.round(totalBytes / MEGA)} MB`;
  const seconds = (now - since.at) / 1000;
  const perSecond = (doneBytes - since.bytes) / seconds;
  if (seconds < 1 || !(perSecond > 0)) return sizes;
  const left = formatWait(((totalBytes - doneBytes) / perSecond) * 1000);
  return `${sizes}, ${(perSecond / MEGA).toFixed(1)} MB/s, about ${left} left`;
}
