import type { Hash } from '../fingerprint/hash.ts';
import { Arena } from './arena.ts';
import { fromChunks, toChunks } from './code-bits.ts';
import type { IndexHit } from './hamming-index.ts';
import { CHUNKS, CODE_BYTES, LAYOUT } from './hamming-kernel.ts';

const FIRST_CAPACITY = 1024;

/** Codes in no order, compared one by one: those added since the base was built. */
export class HammingDelta {
  readonly #plain: boolean;
  readonly #slots = new Map<number, number>();
  #ids: Uint32Array = new Uint32Array(FIRST_CAPACITY);
  #arena: Arena | undefined;
  #chunks: Uint16Array = new Uint16Array(0);

  /** @param plain use the plain loops even where WebAssembly is there */
  constructor(plain: boolean) {
    this.#plain = plain;
  }

  get size(): number {
    return this.#slots.size;
  }

  has(id: number): boolean {
    return this.#slots.has(id);
  }

  /** The id must be new. */
  add(id: number, code: Hash<'pdq'>): void {
    const slot = this.size;
    if ((slot + 1) * CHUNKS > this.#chunks.length) this.#grow();
    this.#ids[slot] = id;
    toChunks(code, this.#chunks, slot * CHUNKS);
    this.#slots.set(id, slot);
  }

  /** Forgets the id; false when it was not there. */
  remove(id: number): boolean {
    const slot = this.#slots.get(id);
    if (slot === undefined) return false;
    // The last code fills the gap.
    const last = this.size - 1;
    const lastId = this.#ids[last]!;
    this.#ids[slot] = lastId;
    this.#chunks.copyWithin(slot * CHUNKS, last * CHUNKS, (last + 1) * CHUNKS);
    this.#slots.set(lastId, slot);
    this.#slots.delete(id);
    return true;
  }

  get(id: number): Hash<'pdq'> | undefined {
    const slot = this.#slots.get(id);
    return slot === undefined ? undefined : fromChunks(this.#chunks, slot * CHUNKS);
  }

  /** Adds every code within the radius to `hits`. */
  query(code: Uint16Array, radius: number, hits: IndexHit[]): void {
    this.#arena?.ask(code);
    this.#arena?.scan(this.#scanned, radius, (slot, distance) => {
      hits.push({ id: this.#ids[slot]!, distance });
    });
  }

  /** Adds the `k` nearest codes to `hits`, and perhaps others, but none beyond `bound`. */
  nearest(code: Uint16Array, k: number, bound: number, hits: IndexHit[]): void {
    this.#arena?.ask(code);
    this.#arena?.scanNearest(this.#scanned, k, bound, (slot, distance) => {
      hits.push({ id: this.#ids[slot]!, distance });
    });
  }

  /** Copies of all ids and their codes in chunks. */
  snapshot(): { ids: Uint32Array; chunks: Uint16Array } {
    // Out of the shared memory: what is handed to a thread must not change under it.
    return {
      ids: this.#ids.slice(0, this.size),
      chunks: new Uint16Array(this.#chunks.subarray(0, this.size * CHUNKS)),
    };
  }

  get #scanned() {
    return { codes: LAYOUT.data, dead: 0, count: this.size };
  }

  #grow(): void {
    const capacity = Math.max(FIRST_CAPACITY, (this.#chunks.length / CHUNKS) * 2);
    // Eight codes are read at once, also at the end.
    const arena = Arena.create(LAYOUT.data + (capacity + 8) * CODE_BYTES, this.#plain);
    const chunks = new Uint16Array(arena.buffer, LAYOUT.data, capacity * CHUNKS);
    chunks.set(this.#chunks);
    const ids = new Uint32Array(capacity);
    ids.set(this.#ids.subarray(0, this.size));
    [this.#arena, this.#chunks, this.#ids] = [arena, chunks, ids];
  }
}
