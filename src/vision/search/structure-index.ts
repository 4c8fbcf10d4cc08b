import { popcount32 } from '../fingerprint/hash.ts';

const WORDS = 8;

/** Works by their structure hashes (see structureHashes), compared one by one: they are too far apart for anything better. */
export class StructureIndex {
  #ids = new Float64Array(64);
  #codes = new Int32Array(64 * WORDS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Stores a code; one id may have several. */
  add(id: number, code: Int32Array): void {
    if (this.#size === this.#ids.length) this.#grow();
    this.#ids[this.#size] = id;
    this.#codes.set(code, this.#size * WORDS);
    this.#size += 1;
  }

  /** Forgets all codes of the id. */
  remove(id: number): void {
    for (let i = this.#size - 1; i >= 0; i -= 1) {
      if (this.#ids[i] !== id) continue;
      // The last code fills the gap.
      this.#size -= 1;
      this.#ids[i] = this.#ids[this.#size]!;
      this.#codes.copyWithin(i * WORDS, this.#size * WORDS, (this.#size + 1) * WORDS);
    }
  }

  /** The `k` ids with a code closest to any of those asked for, closest first, equally close ones by ascending id. */
  nearest(codes: readonly Int32Array[], k: number): { id: number; distance: number }[] {
    const best: { id: number; distance: number }[] = [];
    for (let i = 0; i < this.#size; i += 1) {
      let bound = best.length < k ? Infinity : best.at(-1)!.distance + 1;
      const before = bound;
      for (const code of codes) bound = Math.min(bound, this.#distance(i, code, bound));
      if (bound < before) place(best, { id: this.#ids[i]!, distance: bound }, k);
    }
    return best;
  }

  /** The distance, or something not below the limit. */
  #distance(i: number, code: Int32Array, limit: number): number {
    let distance = 0;
    for (let w = 0, at = i * WORDS; w < WORDS && distance < limit; w += 1) {
      distance += popcount32(this.#codes[at + w]! ^ code[w]!);
    }
    return distance;
  }

  #grow(): void {
    const ids = new Float64Array(this.#ids.length * 2);
    const codes = new Int32Array(this.#codes.length * 2);
    ids.set(this.#ids);
    codes.set(this.#codes);
    this.#ids = ids;
    this.#codes = codes;
  }
}

/** Puts a hit where it belongs among the best, one an id. */
function place(best: { id: number; distance: number }[], hit: { id: number; distance: number }, k: number) {
  const own = best.findIndex((each) => each.id === hit.id);
  if (own >= 0) {
    if (best[own]!.distance <= hit.distance) return;
    best.splice(own, 1);
  }
  const after = best.findIndex(
    (each) => each.distance > hit.distance || (each.distance === hit.distance && each.id > hit.id),
  );
  best.splice(after === -1 ? best.length : after, 0, hit);
  if (best.length > k) best.pop();
}
