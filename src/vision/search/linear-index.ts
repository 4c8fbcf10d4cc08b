import { HASH_BITS, HASH_WORDS, hashFromWords, popcount32 } from '../fingerprint/hash.ts';
import type { Hash } from '../fingerprint/hash.ts';
import type { HammingIndex, IndexHit } from './hamming-index.ts';

/**
 * The plain scan: the reference that the faster index is tested against, simple enough to be seen to be right. All
 * codes lie in one array in no particular order; adding and removing take constant time.
 */
export class LinearIndex implements HammingIndex {
  readonly #slots = new Map<number, number>();
  #ids = new Uint32Array(64);
  #codes = new Uint32Array(64 * HASH_WORDS);

  get size(): number {
    return this.#slots.size;
  }

  add(id: number, code: Hash<'pdq'>): void {
    if (id >>> 0 !== id) throw new RangeError(`An id is an unsigned 32-bit integer, not ${id}.`);
    if (this.#slots.has(id)) throw new RangeError(`Id ${id} is already in the index.`);
    const slot = this.#slots.size;
    if (slot === this.#ids.length) this.#grow();
    this.#ids[slot] = id;
    this.#codes.set(code, slot * HASH_WORDS);
    this.#slots.set(id, slot);
  }

  remove(id: number): boolean {
    const slot = this.#slots.get(id);
    if (slot === undefined) return false;
    // The last code fills the gap.
    const last = this.#slots.size - 1;
    const lastId = this.#ids[last]!;
    this.#ids[slot] = lastId;
    this.#codes.copyWithin(slot * HASH_WORDS, last * HASH_WORDS, (last + 1) * HASH_WORDS);
    this.#slots.set(lastId, slot);
    this.#slots.delete(id);
    return true;
  }

  get(id: number): Hash<'pdq'> | undefined {
    const slot = this.#slots.get(id);
    if (slot === undefined) return undefined;
    return hashFromWords('pdq', this.#codes.slice(slot * HASH_WORDS, (slot + 1) * HASH_WORDS));
  }

  query(code: Hash<'pdq'>, radius: number): IndexHit[] {
    if (!Number.isInteger(radius) || radius < 0 || radius > HASH_BITS) {
      throw new RangeError(`A radius is an integer from 0 to ${HASH_BITS}, not ${radius}.`);
    }
    const hits: IndexHit[] = [];
    for (let slot = 0; slot < this.size; slot += 1) {
      const distance = distanceWithin(this.#codes, slot * HASH_WORDS, code, radius);
      if (distance <= radius) hits.push({ id: this.#ids[slot]!, distance });
    }
    return hits;
  }

  nearest(code: Hash<'pdq'>, k: number): IndexHit[] {
    if (!Number.isInteger(k) || k < 1) throw new RangeError(`k is a positive integer, not ${k}.`);
    // The bound falls as soon as k codes are known to lie within a smaller one, so that most codes are left early.
    const found: IndexHit[] = [];
    const atDistance = new Uint32Array(HASH_BITS + 1);
    let bound = HASH_BITS;
    let withinBound = 0;
    for (let slot = 0; slot < this.size; slot += 1) {
      const distance = distanceWithin(this.#codes, slot * HASH_WORDS, code, bound);
      if (distance > bound) continue;
      found.push({ id: this.#ids[slot]!, distance });
      atDistance[distance]! += 1;
      withinBound += 1;
      while (withinBound - atDistance[bound]! >= k) {
        withinBound -= atDistance[bound]!;
        bound -= 1;
      }
    }
    return found
      .filter((hit) => hit.distance <= bound)
      .toSorted((a, b) => a.distance - b.distance || a.id - b.id)
      .slice(0, k);
  }

  #grow(): void {
    const ids = new Uint32Array(this.#ids.length * 2);
    const codes = new Uint32Array(this.#codes.length * 2);
    ids.set(this.#ids);
    codes.set(this.#codes);
    this.#ids = ids;
    this.#codes = codes;
  }
}

/** The distance, or, once it is beyond the limit, some number beyond the limit: unlike codes differ by their third word. */
function distanceWithin(codes: Uint32Array, start: number, code: Uint32Array, limit: number): number {
  let distance = 0;
  for (let i = 0; i < HASH_WORDS && distance <= limit; i += 1) {
    distance += popcount32(codes[start + i]! ^ code[i]!);
  }
  return distance;
}
