import { HASH_BITS, HASH_WORDS, complement, hashFromWords, popcount32 } from '../fingerprint/hash.ts';
import type { Hash } from '../fingerprint/hash.ts';
import {
  type HammingIndex,
  type IndexHit,
  type NearestQuestion,
  byDistance,
  checkedQuestion,
  checkedRadius,
} from './hamming-index.ts';

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
    checkedRadius(radius);
    const hits: IndexHit[] = [];
    for (let slot = 0; slot < this.size; slot += 1) {
      const distance = distanceWithin(this.#codes, slot * HASH_WORDS, code, radius);
      if (distance <= radius) hits.push({ id: this.#ids[slot]!, distance });
    }
    return hits;
  }

  nearest(codes: readonly Hash<'pdq'>[], question: NearestQuestion): IndexHit[] {
    const { k, radius, negatives } = checkedQuestion(codes, question);
    const nearest = new Map<number, number>();
    for (const code of codes.flatMap((each) => (negatives ? [each, complement(each)] : [each]))) {
      for (const { id, distance } of this.query(code, radius)) {
        nearest.set(id, Math.min(distance, nearest.get(id) ?? HASH_BITS));
      }
    }
    return [...nearest]
      .map(([id, distance]) => ({ id, distance }))
      .toSorted(byDistance)
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
