const newline = 0x0a;

/**
 * Bytes of a stream, handed out as lines when asked for: what was not taken yet costs its bytes and no more,
 * however short the lines are.
 */
export class LineQueue {
  #pending: Buffer[] = [];
  #current: Buffer = Buffer.alloc(0);
  #partial: Buffer[] = [];

  /** Adds bytes; true when they end a line. */
  push(chunk: Buffer): boolean {
    this.#pending.push(chunk);
    return chunk.includes(newline);
  }

  /** The next whole line without its newline, or undefined until more bytes come. */
  shift(): string | undefined {
    for (;;) {
      const end = this.#current.indexOf(newline);
      if (end >= 0) {
        const line = Buffer.concat([...this.#partial, this.#current.subarray(0, end)]).toString(
          'utf8',
        );
        this.#partial = [];
        this.#current = this.#current.subarray(end + 1);
        return line;
      }
      if (this.#current.length > 0) this.#partial.push(this.#current);
      const next = this.#pending.shift();
      this.#current = next ?? Buffer.alloc(0);
      if (next === undefined) return undefined;
    }
  }

  /** What follows the last newline, once `shift` has nothing more. */
  rest(): string {
    return Buffer.concat(this.#partial).toString('utf8');
  }
}
