import { AppError } from '../core/errors.ts';

/**
 * The vector at length 1, as a copy.
 * @throws AppError `patterns.bad-vector` for another dimension, for values that are no finite numbers, and for a
 * vector without a direction
 */
export function unitVector(values: ArrayLike<number>, dimension: number): Float32Array {
  if (values.length !== dimension) {
    throw badVector(`has ${values.length} dimensions; the store's have ${dimension}`);
  }
  let squares = 0;
  for (let index = 0; index < dimension; index++) {
    const value = values[index];
    if (value === undefined || !Number.isFinite(value)) {
      throw badVector(`has ${String(value)} at place ${index}, which is no finite number`);
    }
    squares += value * value;
  }
  if (!(squares > 0) || !Number.isFinite(squares)) throw badVector('has no direction');
  const scale = 1 / Math.sqrt(squares);
  const unit = new Float32Array(dimension);
  for (let index = 0; index < dimension; index++) unit[index] = (values[index] ?? 0) * scale;
  return unit;
}

function badVector(what: string): AppError {
  return new AppError('patterns.bad-vector', `The vector ${what}.`, {
    hint: 'Vectors come from the embedder of the store; `aqe-llm curate list --json` names it.',
  });
}

/** Little-endian 32-bit floats, as the database holds them. */
export function vectorBytes(vector: Float32Array): Buffer {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
}

/** The floats of such bytes. */
export function vectorOf(bytes: Buffer): Float32Array {
  const copy = new Uint8Array(bytes);
  return new Float32Array(copy.buffer);
}
