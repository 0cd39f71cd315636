import { open, readFile } from 'node:fs/promises';

const UINT32_TYPE = 4;
const MEAN_POOLING = 1;
const ALIGNMENT = 32;

/**
 * Writes a copy of a GGUF model that claims to pool its tokens into one vector per text, as embedding
 * models do. The tensors stay where they are relative to the end of the header.
 */
export async function writePooledModel(
  from: string,
  to: string,
  architecture: string,
): Promise<void> {
  const model = await readFile(from);
  const entries = model.readBigUInt64LE(16);
  const name = Buffer.from(`${architecture}.pooling_type`);
  const entry = Buffer.alloc(8 + name.length + 8);
  entry.writeBigUInt64LE(BigInt(name.length), 0);
  name.copy(entry, 8);
  entry.writeUInt32LE(UINT32_TYPE, 8 + name.length);
  entry.writeUInt32LE(MEAN_POOLING, 12 + name.length);
  // The header ends at a multiple of the alignment, so a header longer by another multiple keeps the
  // padding: the entry is blown up to one by a key that nobody reads.
  const filler = Buffer.alloc(ALIGNMENT - ((entry.length + 8 + 8) % ALIGNMENT), 'x');
  const fillerEntry = Buffer.alloc(8 + filler.length + 8);
  fillerEntry.writeBigUInt64LE(BigInt(filler.length), 0);
  filler.copy(fillerEntry, 8);
  fillerEntry.writeUInt32LE(UINT32_TYPE, 8 + filler.length);

  const head = Buffer.from(model.subarray(0, 24));
  head.writeBigUInt64LE(entries + 2n, 16);
  const file = await open(to, 'w');
  try {
    await file.writev([head, entry, fillerEntry, model.subarray(24)]);
  } finally {
    await file.close();
  }
}
