import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';

/** Where a line stands in its file, in bytes, without its line end. */
export interface Place {
  at: number;
  length: number;
}

const CHUNK_BYTES = 65_536;
const LINE_END = 10;

/**
 * A file of lines that grows at its end. Each line is on its way to the disk when `append` returns,
 * and outlives the process. Every method throws what `node:fs` throws.
 */
export class LineFile {
  readonly #file: number;
  #size: number;

  /** Opens the file, or makes an empty one. */
  constructor(path: string) {
    this.#file = openSync(path, 'a+');
    this.#size = fstatSync(this.#file).size;
  }

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  /** The whole lines from the beginning; the torn one at the end that a killed process left is cut off. */
  *readAll(): Generator<{ text: string; place: Place }> {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let pieces: Buffer[] = [];
    let begin = 0;
    for (let at = 0; at < this.#size;) {
      const read = readSync(this.#file, chunk, 0, CHUNK_BYTES, at);
      if (read === 0) break;
      let from = 0;
      for (let end = chunk.indexOf(LINE_END); end !== -1 && end < read;) {
        const bytes = Buffer.concat([...pieces, chunk.subarray(from, end)]);
        pieces = [];
        yield { text: bytes.toString(), place: { at: begin, length: bytes.length } };
        from = end + 1;
        begin = at + from;
        end = chunk.indexOf(LINE_END, from);
      }
      pieces.push(Buffer.from(chunk.subarray(from, read)));
      at += read;
    }
    if (begin < this.#size) this.cut(begin);
  }

  read({ at, length }: Place): string {
    const bytes = Buffer.alloc(length);
    let done = 0;
    while (done < length) {
      const read = readSync(this.#file, bytes, done, length - done, at + done);
      if (read === 0) throw new Error('A line that was written is not there any more.');
      done += read;
    }
    return bytes.toString();
  }

  /** A line that cannot be written whole is taken back, as far as the disk lets it. */
  append(text: string): Place {
    const bytes = Buffer.from(`${text}\n`);
    const at = this.#size;
    try {
      let done = 0;
      while (done < bytes.length) done += writeSync(this.#file, bytes, done);
    } catch (error) {
      this.cut(at);
      throw error;
    }
    this.#size += bytes.length;
    return { at, length: bytes.length - 1 };
  }

  /** Removes what stands from this byte on. */
  cut(at: number): void {
    ftruncateSync(this.#file, at);
    this.#size = at;
  }

  /** Waits until the disk has everything. */
  sync(): void {
    fdatasyncSync(this.#file);
  }

  close(): void {
    closeSync(this.#file);
  }
}
