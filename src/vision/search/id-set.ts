/** A set of small non-negative integers: one bit for each up to the largest. */
export class IdSet {
  #bits = new Uint8Array(1024);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(id: number): boolean {
    return (((this.#bits[id >> 3] ?? 0) >> (id & 7)) & 1) === 1;
  }

  /** @throws RangeError when the id is there already, or is no integer of at most 31 bits */
  add(id: number): void {
    if (id < 0 || (id | 0) !== id) throw new RangeError(`An id is an integer of at most 31 bits, not ${id}.`);
    if (this.has(id)) throw new RangeError(`Id ${id} is already there.`);
    if (id >> 3 >= this.#bits.length) {
      const grown = new Uint8Array(2 ** Math.ceil(Math.log2((id >> 3) + 1)));
      grown.set(this.#bits);
      this.#bits = grown;
    }
    this.#bits[id >> 3]! |= 1 << (id & 7);
    this.#size += 1;
  }

  /** Forgets the id; false when it was not there. */
  remove(id: number): boolean {
    if (!this.has(id)) return false;
    this.#bits[id >> 3]! &= ~(1 << (id & 7));
    this.#size -= 1;
    return true;
  }
}
