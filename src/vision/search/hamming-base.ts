import { type Hash, popcount32 } from '../fingerprint/hash.ts';
import { Arena, type Found, type NearestScan, type SharedMemory } from './arena.ts';
import { fromChunks } from './code-bits.ts';
import {
  BUCKETS,
  CHUNKS,
  CODE_BYTES,
  CODE_WORDS,
  LAYOUT,
  MASKS_WITHIN,
  MOST_PROBED_RADIUS,
  MOST_SLOTS,
} from './hamming-kernel.ts';
import type { IndexHit } from './hamming-index.ts';

/** An immutable set of codes with everything needed to search it, as it goes from thread to thread. */
export interface BaseParts {
  readonly memory: SharedMemory;
  /** Codes stored, dead ones too. */
  readonly count: number;
  /** Different codes among them. */
  readonly heads: number;
}

/** What a new base is made of: an old one without its dead codes (a bit set of slots as it was when
 * asked: the one in shared memory goes on changing), and codes in chunks, 16 uint16 each, with their ids. */
export interface BaseInput {
  readonly base: { readonly parts: BaseParts; readonly dead: Uint8Array } | undefined;
  readonly ids: Uint32Array;
  readonly chunks: Uint16Array;
  /** Make it of plain typed arrays even where WebAssembly is there. */
  readonly plain: boolean;
}

/** Addresses of a base's parts for so many codes. */
function addresses(count: number) {
  let end: number = LAYOUT.data;
  const place = (bytes: number) => {
    const at = end;
    end = Math.ceil((end + bytes) / 64) * 64;
    return at;
  };
  const bits = Math.ceil(count / 8);
  return {
    codes: place(count * CODE_BYTES),
    ids: place(count * 4),
    /** The next slot with the same code. */
    chain: place(count * 4),
    /** Bits: removed; not the first with its code. */
    dead: place(bits),
    duplicate: place(bits),
    starts: place((CHUNKS * BUCKETS + 1) * 4),
    // Vectors of 16 bytes are read beyond the last posting and the last code.
    next: place(CHUNKS * count * 2 + 16),
    slots: place(CHUNKS * count * 3 + 4),
    /** Only used while it is built. */
    temporary: place(Math.max(count * 8, 256)),
    end,
  };
}

/**
 * Builds a base: seconds for millions of codes, so a thread's work.
 *
 * @throws RangeError for more than 2^24 codes
 */
export function buildBase({ base, ids, chunks, plain }: BaseInput): BaseParts {
  const old = base === undefined ? undefined : new HammingBase(base.parts);
  const count = (old?.count ?? 0) - bitsIn(base?.dead ?? []) + ids.length;
  if (count > MOST_SLOTS) throw new RangeError(`An index holds ${MOST_SLOTS} codes at most, not ${count}.`);
  const at = addresses(count);
  const { memory, buffer, kernel } = Arena.create(at.end, plain);
  const merged = {
    ids: new Uint32Array(buffer, at.ids, count),
    codes: new Uint32Array(buffer, at.codes, count * CODE_WORDS),
  };
  const added = { ids, codes: new Uint32Array(chunks.buffer, chunks.byteOffset, chunks.length / 2) };
  mergeById(old, base?.dead, added, merged);
  // The table lies where the postings will be, which are larger.
  const tableSize = 2 ** Math.ceil(Math.log2(2 * count + 2));
  const heads = kernel.collapse(at.codes, count, at.chain, at.duplicate, at.next, tableSize);
  kernel.post(at.codes, count, at.duplicate, heads, at.starts, at.next, at.slots, at.temporary);
  return { memory, count, heads };
}

/** Slots go by ascending id, so that an id is found by bisection and needs no map. */
function mergeById(
  old: HammingBase | undefined,
  dead: Uint8Array | undefined,
  { ids, codes }: { ids: Uint32Array; codes: Uint32Array },
  to: { ids: Uint32Array; codes: Uint32Array },
): void {
  const order = ids.some((id, i) => i > 0 && id < ids[i - 1]!)
    ? Uint32Array.from(ids, (_, i) => i).sort((a, b) => ids[a]! - ids[b]!)
    : undefined;
  let slot = 0;
  const put = (id: number, from: Uint32Array, word: number) => {
    to.ids[slot] = id;
    for (let i = 0; i < CODE_WORDS; i += 1) to.codes[slot * CODE_WORDS + i] = from[word + i]!;
    slot += 1;
  };
  let next = 0;
  const putNewBelow = (limit: number) => {
    for (; next < ids.length; next += 1) {
      const i = order?.[next] ?? next;
      if (ids[i]! >= limit) return;
      put(ids[i]!, codes, i * CODE_WORDS);
    }
  };
  for (let i = 0; i < (old?.count ?? 0); i += 1) {
    if (hasBit(dead!, i)) continue;
    const id = old!.ids[i]!;
    putNewBelow(id);
    put(id, old!.words, i * CODE_WORDS);
  }
  putNewBelow(Infinity);
}

function bitsIn(bytes: Iterable<number>): number {
  let bits = 0;
  for (const byte of bytes) bits += popcount32(byte);
  return bits;
}

function hasBit(bits: Uint8Array, at: number): boolean {
  return ((bits[at >> 3]! >> (at & 7)) & 1) === 1;
}

/** What parts of a search cost, to choose between probing and scanning. Only the proportions matter. */
export interface SearchCosts {
  readonly scannedCode: number;
  /** A bucket looked up, and one that is not empty gone into: mostly a walk to memory. */
  readonly plannedBucket: number;
  readonly visitedBucket: number;
  readonly visitedPosting: number;
  /** A code fetched and compared because its posting passed. */
  readonly verifiedCode: number;
}

/** In units of about two nanoseconds. */
const COSTS: SearchCosts = {
  scannedCode: 1,
  plannedBucket: 10,
  visitedBucket: 25,
  visitedPosting: 1,
  verifiedCode: 100,
};

/** A base opened in this thread: search and removal. */
export class HammingBase {
  readonly parts: BaseParts;
  /** Ids by slot, ascending. */
  readonly ids: Uint32Array;
  /** Codes by slot, 8 words each, in chunks. */
  readonly words: Uint32Array;
  readonly #arena: Arena;
  readonly #at: ReturnType<typeof addresses>;
  readonly #chain: Uint32Array;
  readonly #dead: Uint8Array;
  readonly #starts: Uint32Array;
  readonly #costs: SearchCosts;
  #living: number;

  constructor(parts: BaseParts, costs = COSTS) {
    this.parts = parts;
    this.#costs = costs;
    this.#arena = new Arena(parts.memory);
    this.#at = addresses(parts.count);
    const { buffer } = this.#arena;
    this.ids = new Uint32Array(buffer, this.#at.ids, parts.count);
    this.words = new Uint32Array(buffer, this.#at.codes, parts.count * CODE_WORDS);
    this.#chain = new Uint32Array(buffer, this.#at.chain, parts.count);
    this.#dead = new Uint8Array(buffer, this.#at.dead, Math.ceil(parts.count / 8));
    this.#starts = new Uint32Array(buffer, this.#at.starts, CHUNKS * BUCKETS + 1);
    this.#living = parts.count - bitsIn(this.#dead);
  }

  /** Codes stored, dead ones too. */
  get count(): number {
    return this.parts.count;
  }

  /** Codes not removed. */
  get living(): number {
    return this.#living;
  }

  isDead(slot: number): boolean {
    return hasBit(this.#dead, slot);
  }

  /** A copy of the bit set of removed slots. */
  deadSlots(): Uint8Array {
    return new Uint8Array(this.#dead);
  }

  /** The slot of an id that was not removed, or -1. */
  slotOf(id: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.ids[middle]! < id) low = middle + 1;
      else high = middle;
    }
    return low < this.count && this.ids[low] === id && !this.isDead(low) ? low : -1;
  }

  remove(slot: number): void {
    this.#dead[slot >> 3]! |= 1 << (slot & 7);
    this.#living -= 1;
  }

  /** Adds every living code within the radius to `hits`. */
  query(code: Uint16Array, radius: number, hits: IndexHit[]): void {
    if (this.#probe(code, radius, hits, this.count)) return;
    this.#arena.ask(code);
    this.#arena.scan(this.#scanned, radius, this.#putOne(hits));
  }

  /** Adds the codes that `scan` asks for to `hits`, some perhaps more than once, and perhaps others within its bound. */
  nearest(scan: NearestScan, hits: IndexHit[]): void {
    // Further away than buckets pay, one scan does for all that are left, and for their complements at no cost.
    const left = scan.codes.filter((code) => {
      const both = scan.negatives ? [code, code.map((chunk) => ~chunk)] : [code];
      return !both.every((each) => this.#probe(each, scan.bound, hits, this.count / both.length));
    });
    if (left.length > 0) this.#arena.scanNearest(this.#scanned, { ...scan, codes: left }, this.#putOne(hits));
  }

  codeAt(slot: number): Hash<'pdq'> {
    return fromChunks(new Uint16Array(this.#arena.buffer, this.#at.codes + slot * CODE_BYTES, CHUNKS), 0);
  }

  get #scanned() {
    return { codes: this.#at.codes, dead: this.#at.dead, count: this.count };
  }

  #putOne(hits: IndexHit[]): Found {
    return (slot, distance) => hits.push({ id: this.ids[slot]!, distance });
  }

  /** Only the first of several equal codes has postings. */
  #putAll(hits: IndexHit[]): Found {
    return (head, distance) => {
      let slot = head;
      do {
        if (!this.isDead(slot)) hits.push({ id: this.ids[slot]!, distance });
        slot = this.#chain[slot]!;
      } while (slot !== 0);
    };
  }

  /** Does what `query` does, unless comparing with so many codes would cost less: then nothing, and it answers false. */
  #probe(code: Uint16Array, radius: number, hits: IndexHit[], atMost: number): boolean {
    const ranges = this.#plan(code, radius, atMost);
    if (ranges !== undefined) this.#arena.probe(this.#at, ranges, radius, this.#putAll(hits));
    return ranges !== undefined;
  }

  /** How many buckets to look into, or undefined where comparing with `atMost` codes costs less. */
  #plan(code: Uint16Array, radius: number, atMost: number): number | undefined {
    if (radius > MOST_PROBED_RADIUS) return undefined;
    const { scannedCode, plannedBucket, visitedBucket, visitedPosting, verifiedCode } = this.#costs;
    const scanned = atMost * scannedCode;
    const least = Math.floor((radius + 1) / CHUNKS) - 1;
    if (CHUNKS * (MASKS_WITHIN[least] ?? 0) * plannedBucket >= scanned) return undefined;
    const reaches = this.#reaches(code, radius);
    const planned = reaches.reduce((sum, reach) => sum + (MASKS_WITHIN[reach] ?? 0), 0) * plannedBucket;
    if (planned >= scanned) return undefined;
    this.#arena.ask(code);
    const { ranges, postings } = this.#arena.plan(reaches, this.#at.starts);
    // Most postings are as far away as they may be, which leaves the next chunk one bit more than its reach.
    const left = Math.min(Math.max(...reaches) + 1, MASKS_WITHIN.length - 1);
    const verified = (postings * MASKS_WITHIN[left]!) / BUCKETS;
    const probed = ranges * visitedBucket + postings * visitedPosting + verified * verifiedCode;
    return planned + probed < scanned ? ranges : undefined;
  }

  /**
   * How many bits each chunk may differ in. Pigeonhole: a code within the radius is within its reach in some chunk if
   * all reaches, plus one each, add up to the radius plus one. What does not divide evenly goes where buckets are small.
   */
  #reaches(code: Uint16Array, radius: number): number[] {
    const all = radius + 1;
    const reaches = Array.from({ length: CHUNKS }, () => Math.floor(all / CHUNKS) - 1);
    if (all % CHUNKS === 0) return reaches;
    const sizes = reaches.map((_, chunk) => {
      const bucket = chunk * BUCKETS + code[chunk]!;
      return { chunk, size: this.#starts[bucket + 1]! - this.#starts[bucket]! };
    });
    sizes.sort((a, b) => a.size - b.size);
    for (const { chunk } of sizes.slice(0, all % CHUNKS)) reaches[chunk]! += 1;
    return reaches;
  }
}
