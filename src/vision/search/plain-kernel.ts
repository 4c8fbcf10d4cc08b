import { HASH_BITS, popcount32 } from '../fingerprint/hash.ts';
import { BUCKETS, CHUNKS, CODE_WORDS, type HammingKernel, LAYOUT, MASKS_WITHIN } from './hamming-kernel.ts';

const RANGE_WORDS = 3;
const QUERY = LAYOUT.query / 2;
const QUERY_WORDS = LAYOUT.query / 4;
const REACH = LAYOUT.reach / 2;
const PAIR_REACH = LAYOUT.pairReach / 2;
const STATE = LAYOUT.state / 4;
const COUNTS = LAYOUT.counts / 4;
const ASKED_WORDS = LAYOUT.asked / 4;
const MASKS = LAYOUT.masks / 2;
const RANGES = LAYOUT.ranges / 4;
const HITS = LAYOUT.hits / 4;

/** The loops in plain TypeScript: for where WebAssembly is switched off, and what its results are held against. */
export class PlainKernel implements HammingKernel {
  readonly #bytes: Uint8Array;
  readonly #shorts: Uint16Array;
  readonly #signed: Int16Array;
  readonly #words: Uint32Array;

  constructor(buffer: SharedArrayBuffer) {
    this.#bytes = new Uint8Array(buffer);
    this.#shorts = new Uint16Array(buffer);
    this.#signed = new Int16Array(buffer);
    this.#words = new Uint32Array(buffer);
  }

  plan(starts: number): number {
    const words = this.#words;
    const shorts = this.#shorts;
    let ranges = 0;
    let postings = 0;
    for (let chunk = 0; chunk < CHUNKS; chunk += 1) {
      const reach = this.#signed[REACH + chunk]!;
      if (reach < 0) continue;
      const pairReach = this.#signed[PAIR_REACH + chunk]!;
      const value = shorts[QUERY + chunk]!;
      const first = starts / 4 + chunk * BUCKETS;
      for (let m = 0; m < MASKS_WITHIN[reach]!; m += 1) {
        const mask = shorts[MASKS + m]!;
        const left = pairReach - popcount32(mask);
        if (left < 0) break;
        const start = words[first + (value ^ mask)]!;
        const count = words[first + (value ^ mask) + 1]! - start;
        if (count === 0) continue;
        const range = RANGES + ranges * RANGE_WORDS;
        words[range] = start;
        words[range + 1] = count;
        words[range + 2] = (chunk << 8) | left;
        postings += count;
        ranges += 1;
      }
    }
    words[STATE] = postings;
    return ranges;
  }

  probe(
    codes: number,
    next: number,
    slots: number,
    ranges: number,
    radius: number,
    fromRange: number,
    fromPosting: number,
  ): number {
    const words = this.#words;
    const nexts = this.#shorts.subarray(next / 2);
    let hits = 0;
    for (let r = fromRange; r < ranges; r += 1) {
      const range = RANGES + r * RANGE_WORDS;
      const start = words[range]!;
      const end = start + words[range + 1]!;
      const chunk = words[range + 2]! >>> 8;
      const left = words[range + 2]! & 255;
      const wanted = this.#shorts[QUERY + ((chunk + 1) & 15)]!;
      for (let p = start + (r === fromRange ? fromPosting : 0); p < end; p += 1) {
        if (popcount32(nexts[p]! ^ wanted) > left) continue;
        if (hits === LAYOUT.mostHits) {
          words[STATE] = r;
          words[STATE + 1] = p - start;
          return hits;
        }
        const slot = this.#slotAt(slots + p * 3);
        const distance = this.#distance(codes, slot, radius);
        if (distance > radius || this.#firstPassing(codes, slot) !== chunk) continue;
        this.#put(hits, slot, distance);
        hits += 1;
      }
    }
    words[STATE] = ranges;
    return hits;
  }

  scan(codes: number, dead: number, count: number, radius: number, from: number): number {
    let hits = 0;
    for (let slot = from; slot < count; slot += 1) {
      const distance = this.#distance(codes, slot, radius);
      if (distance > radius || this.#has(dead, slot)) continue;
      if (hits === LAYOUT.mostHits) {
        this.#words[STATE] = slot;
        return hits;
      }
      this.#put(hits, slot, distance);
      hits += 1;
    }
    this.#words[STATE] = count;
    return hits;
  }

  scanNearest(codes: number, dead: number, count: number, k: number, from: number): number {
    const words = this.#words;
    let bound = words[STATE + 1]!;
    let within = words[STATE + 2]!;
    let hits = 0;
    let slot = from;
    for (; slot < count && hits < LAYOUT.mostHits; slot += 1) {
      const distance = this.#leastDistance(codes, slot, bound);
      if (distance > bound || this.#has(dead, slot)) continue;
      this.#put(hits, slot, distance);
      hits += 1;
      words[COUNTS + distance]! += 1;
      within += 1;
      while (within - words[COUNTS + bound]! >= k) {
        within -= words[COUNTS + bound]!;
        bound -= 1;
      }
    }
    words[STATE] = slot;
    words[STATE + 1] = bound;
    words[STATE + 2] = within;
    return hits;
  }

  collapse(
    codes: number,
    count: number,
    chain: number,
    duplicate: number,
    table: number,
    tableSize: number,
  ): number {
    const words = this.#words;
    const [first, links, entries] = [codes / 4, chain / 4, table / 4];
    words.fill(0, entries, entries + tableSize);
    let heads = 0;
    for (let slot = 0; slot < count; slot += 1) {
      const code = first + slot * CODE_WORDS;
      let mixed = 0;
      for (let i = 0; i < CODE_WORDS; i += 1) {
        mixed = Math.imul(mixed ^ words[code + i]!, 0x9e3779b1);
        mixed ^= mixed >>> 15;
      }
      for (let at = mixed & (tableSize - 1); ; at = (at + 1) & (tableSize - 1)) {
        const head = words[entries + at]! - 1;
        if (head < 0) {
          words[entries + at] = slot + 1;
          heads += 1;
          break;
        }
        if (!this.#equal(code, first + head * CODE_WORDS)) continue;
        words[links + slot] = words[links + head]!;
        words[links + head] = slot;
        this.#bytes[duplicate + (slot >> 3)]! |= 1 << (slot & 7);
        break;
      }
    }
    return heads;
  }

  post(
    codes: number,
    count: number,
    duplicate: number,
    heads: number,
    starts: number,
    next: number,
    slots: number,
  ): void {
    const words = this.#words;
    const shorts = this.#shorts;
    for (let chunk = 0; chunk < CHUNKS; chunk += 1) {
      const positions = words.subarray(starts / 4 + chunk * BUCKETS, starts / 4 + (chunk + 1) * BUCKETS);
      const own = codes / 2 + chunk;
      const after = codes / 2 + ((chunk + 1) & 15);
      for (let slot = 0; slot < count; slot += 1) {
        if (!this.#has(duplicate, slot)) positions[shorts[own + slot * CHUNKS]!]! += 1;
      }
      let end = chunk * heads;
      for (let bucket = 0; bucket < BUCKETS; bucket += 1) positions[bucket] = end += positions[bucket]!;
      // Backwards, so that each position ends as the first of its bucket, and slots ascend.
      for (let slot = count - 1; slot >= 0; slot -= 1) {
        if (this.#has(duplicate, slot)) continue;
        const posting = (positions[shorts[own + slot * CHUNKS]!]! -= 1);
        shorts[next / 2 + posting] = shorts[after + slot * CHUNKS]!;
        this.#bytes[slots + posting * 3] = slot;
        this.#bytes[slots + posting * 3 + 1] = slot >> 8;
        this.#bytes[slots + posting * 3 + 2] = slot >> 16;
      }
    }
    words[starts / 4 + CHUNKS * BUCKETS] = CHUNKS * heads;
  }

  #put(hits: number, slot: number, distance: number): void {
    this.#words[HITS + 2 * hits] = slot;
    this.#words[HITS + 2 * hits + 1] = distance;
  }

  #has(bits: number, slot: number): boolean {
    return bits !== 0 && ((this.#bytes[bits + (slot >> 3)]! >> (slot & 7)) & 1) !== 0;
  }

  #slotAt(at: number): number {
    return this.#bytes[at]! | (this.#bytes[at + 1]! << 8) | (this.#bytes[at + 2]! << 16);
  }

  #equal(a: number, b: number): boolean {
    for (let i = 0; i < CODE_WORDS; i += 1) if (this.#words[a + i] !== this.#words[b + i]) return false;
    return true;
  }

  /** The distance, or some number beyond the limit when it is beyond it. */
  #distance(codes: number, slot: number, limit: number, from = QUERY_WORDS): number {
    const words = this.#words;
    const code = codes / 4 + slot * CODE_WORDS;
    let distance = 0;
    for (let i = 0; i < CODE_WORDS && distance <= limit; i += 1) {
      distance += popcount32(words[code + i]! ^ words[from + i]!);
    }
    return distance;
  }

  /** To the nearest of the codes asked for; some number beyond the limit when it is beyond it. */
  #leastDistance(codes: number, slot: number, limit: number): number {
    const asked = this.#words[STATE + 3]!;
    const negatives = this.#words[STATE + 4] !== 0;
    let least = HASH_BITS + 1;
    for (let i = 0; i < asked; i += 1) {
      const atMost = negatives ? HASH_BITS : Math.min(limit, least);
      const distance = this.#distance(codes, slot, atMost, ASKED_WORDS + i * CODE_WORDS);
      least = Math.min(least, negatives ? Math.min(distance, HASH_BITS - distance) : distance);
    }
    return least;
  }

  #firstPassing(codes: number, slot: number): number {
    const code = codes / 2 + slot * CHUNKS;
    const apart = (chunk: number) =>
      popcount32(this.#shorts[code + (chunk & 15)]! ^ this.#shorts[QUERY + (chunk & 15)]!);
    for (let chunk = 0; chunk < CHUNKS; chunk += 1) {
      const own = apart(chunk);
      if (own > this.#signed[REACH + chunk]!) continue;
      if (own + apart(chunk + 1) <= this.#signed[PAIR_REACH + chunk]!) return chunk;
    }
    return -1;
  }
}
