import { Arena, type NearestScan } from './arena.ts';
import type { IndexHit } from './hamming-index.ts';
import { CHUNKS, CODE_BYTES, LAYOUT } from './hamming-kernel.ts';

const FIRST_CAPACITY = 1024;
/** Removed codes are still compared; so many more than this share of the others are worth moving all the rest. */
const DEAD_SHARE = 1 / 4;
const LEAST_DEAD = 1024;

/** Codes of 256 bits by id, compared one by one: 36 bytes a code. Ids in ascending order are added at once, others move what lies behind. */
export class CodeTable {
  readonly #plain: boolean;
  #arena: Arena | undefined;
  #capacity = 0;
  /** Slots in use, dead ones too; their ids ascend. */
  #count = 0;
  #deadCount = 0;
  #ids: Uint32Array = new Uint32Array(0);
  #chunks: Uint16Array = new Uint16Array(0);
  /** A bit a slot: removed. */
  #dead: Uint8Array = new Uint8Array(0);

  /** @param plain use the plain loops even where WebAssembly is there */
  constructor(plain = false) {
    this.#plain = plain;
  }

  /** Codes not removed. */
  get size(): number {
    return this.#count - this.#deadCount;
  }

  has(id: number): boolean {
    return this.#slotOf(id) >= 0;
  }

  /**
   * @param id an unsigned 32-bit integer
   * @param code in chunks (see code-bits.ts), copied
   * @throws RangeError when the id is already stored
   */
  add(id: number, code: Uint16Array): void {
    if (this.has(id)) throw new RangeError(`Id ${id} is already in the index.`);
    let slot = this.#firstFrom(id);
    if (slot < this.#count && this.#ids[slot] === id) {
      this.#dead[slot >> 3]! &= ~(1 << (slot & 7));
      this.#deadCount -= 1;
    } else {
      if (slot < this.#count && this.#deadCount > 0) {
        this.#compact();
        slot = this.#firstFrom(id);
      }
      if (this.#count === this.#capacity) this.#grow();
      this.#ids.copyWithin(slot + 1, slot, this.#count);
      this.#chunks.copyWithin((slot + 1) * CHUNKS, slot * CHUNKS, this.#count * CHUNKS);
      this.#ids[slot] = id;
      this.#count += 1;
    }
    this.#chunks.set(code, slot * CHUNKS);
  }

  /** Forgets the id; false when it was not there. */
  remove(id: number): boolean {
    const slot = this.#slotOf(id);
    if (slot < 0) return false;
    this.#dead[slot >> 3]! |= 1 << (slot & 7);
    this.#deadCount += 1;
    if (this.#deadCount > LEAST_DEAD + this.size * DEAD_SHARE) this.#compact();
    return true;
  }

  /** The code in chunks; not to be written to. */
  get(id: number): Uint16Array | undefined {
    const slot = this.#slotOf(id);
    return slot < 0 ? undefined : this.#chunks.subarray(slot * CHUNKS, (slot + 1) * CHUNKS);
  }

  /** Adds every code within the radius to `hits`. */
  query(code: Uint16Array, radius: number, hits: IndexHit[]): void {
    this.#arena?.ask(code);
    this.#arena?.scan(this.#scanned, radius, (slot, distance) => {
      hits.push({ id: this.#ids[slot]!, distance });
    });
  }

  /** Adds the codes that `scan` asks for to `hits`, and perhaps others within its bound. */
  nearest(scan: NearestScan, hits: IndexHit[]): void {
    this.#arena?.scanNearest(this.#scanned, scan, (slot, distance) => {
      hits.push({ id: this.#ids[slot]!, distance });
    });
  }

  /** Copies of all ids and their codes in chunks. */
  snapshot(): { ids: Uint32Array; chunks: Uint16Array } {
    if (this.#deadCount > 0) this.#compact();
    // Out of the shared memory: what is handed to a thread must not change under it.
    return {
      ids: this.#ids.slice(0, this.#count),
      chunks: new Uint16Array(this.#chunks.subarray(0, this.#count * CHUNKS)),
    };
  }

  get #scanned() {
    const dead = this.#deadCount === 0 ? 0 : this.#dead.byteOffset;
    return { codes: LAYOUT.data, dead, count: this.#count };
  }

  #isDead(slot: number): boolean {
    return ((this.#dead[slot >> 3]! >> (slot & 7)) & 1) === 1;
  }

  #slotOf(id: number): number {
    const slot = this.#firstFrom(id);
    return slot < this.#count && this.#ids[slot] === id && !this.#isDead(slot) ? slot : -1;
  }

  /** The first slot whose id is not smaller. */
  #firstFrom(id: number): number {
    // New ids mostly are the largest.
    if (this.#count === 0 || this.#ids[this.#count - 1]! < id) return this.#count;
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ids[middle]! < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Moves what is left together. */
  #compact(): void {
    let to = 0;
    for (let from = 0; from < this.#count; from += 1) {
      if (this.#isDead(from)) continue;
      if (from !== to) {
        this.#ids[to] = this.#ids[from]!;
        this.#chunks.copyWithin(to * CHUNKS, from * CHUNKS, (from + 1) * CHUNKS);
      }
      to += 1;
    }
    this.#dead.fill(0);
    this.#count = to;
    this.#deadCount = 0;
  }

  #grow(): void {
    const capacity = Math.max(FIRST_CAPACITY, this.#capacity * 2);
    // Eight codes are read at once, also at the end.
    const deadAt = LAYOUT.data + (capacity + 8) * CODE_BYTES;
    const arena = Arena.create(deadAt + capacity / 8, this.#plain);
    const ids = new Uint32Array(capacity);
    const chunks = new Uint16Array(arena.buffer, LAYOUT.data, capacity * CHUNKS);
    const dead = new Uint8Array(arena.buffer, deadAt, capacity / 8);
    ids.set(this.#ids);
    chunks.set(this.#chunks);
    dead.set(this.#dead);
    this.#capacity = capacity;
    [this.#arena, this.#ids, this.#chunks, this.#dead] = [arena, ids, chunks, dead];
  }
}
