/** Keeps the last bytes of a stream: what a process said before it failed. */
export class OutputTail {
  readonly #limit: number;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #dropped = false;

  constructor(limitBytes: number) {
    this.#limit = limitBytes;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes > 2 * this.#limit) this.#compact();
  }

  /** As UTF-8, what is not valid replaced; starts with `…` when earlier output was dropped. */
  text(): string {
    this.#compact();
    return `${this.#dropped ? '…' : ''}${Buffer.concat(this.#chunks).toString('utf8')}`;
  }

  #compact(): void {
    if (this.#bytes <= this.#limit) return;
    const kept = Buffer.concat(this.#chunks).subarray(this.#bytes - this.#limit);
    this.#chunks = [Buffer.from(kept)];
    this.#bytes = kept.length;
    this.#dropped = true;
  }
}
