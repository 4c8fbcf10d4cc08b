/**
 * Memory and inner loops of the Hamming index. Codes are stored with their bits permuted (see code-bits.ts) as sixteen
 * 16-bit chunks. Everything lies in one block of shared memory, so that another thread can build what this one reads;
 * the loops exist twice, as WebAssembly SIMD (assembly/hamming.ts) and in plain TypeScript (plain-kernel.ts), and answer
 * alike.
 */

export const CHUNKS = 16;
/** Values of a chunk. */
export const BUCKETS = 65_536;
export const CODE_BYTES = 32;
export const CODE_WORDS = 8;

/** Slots are stored in three bytes. */
export const MOST_SLOTS = 2 ** 24;

/** The largest radius that `plan` has room for. */
export const MOST_PROBED_RADIUS = 64;

/** Where the working memory of a query lies, in bytes. assembly/hamming.ts knows the same numbers. */
export const LAYOUT = {
  /** The code asked for: 16 chunks of 16 bits. */
  query: 0,
  /** For each chunk how many bits it may differ in, as int16; -1 is not looked up. */
  reach: 64,
  /** For each chunk how many bits it and the next one around the ring may differ in together, as int16. */
  pairReach: 96,
  /**
   * Int32: where to go on, or postings planned. For `scanNearest` then bound, number within it, codes asked for, and
   * whether their complements are asked for too.
   */
  state: 128,
  /** Hits so far at each distance, 257 uint32, for `scanNearest`. */
  counts: 192,
  /** All masks of 16 bits with at most 4 set, fewest first. */
  masks: 1280,
  /** Planned look-ups: first posting, number, chunk << 8 | bits left for the next chunk. */
  ranges: 8192,
  /** There `scanNearest` has the codes asked for. */
  asked: 8192,
  /** Found: slot and distance. */
  hits: 164_096,
  mostHits: 4096,
  /** Where an index may put its own things. */
  data: 196_864,
} as const;

/** Masks with at most 0..4 bits set. */
export const MASKS_WITHIN = [1, 17, 137, 697, 2517] as const;

/**
 * Addresses are in bytes and divisible by 64. The functions that write hits stop early when their room runs out; then
 * `state` says where to go on.
 */
export interface HammingKernel {
  /**
   * Lists the non-empty buckets to look into for the query, by the reaches. Writes the sum of their postings to `state`.
   *
   * @returns how many buckets
   */
  plan(starts: number): number;

  /**
   * Goes through the planned buckets: a posting whose next chunk passes is compared in full. Every code within the
   * radius is written once, if the reaches add up as `setReaches` makes them.
   *
   * @returns hits written; `state` is the next range and posting, `ranges` when all is done
   */
  probe(
    codes: number,
    next: number,
    slots: number,
    ranges: number,
    radius: number,
    fromRange: number,
    fromPosting: number,
  ): number;

  /**
   * Compares with every code. `dead` is a bit set of slots to leave out, 0 for none.
   *
   * @returns hits written; `state` is the next slot, `count` when all is done
   */
  scan(codes: number, dead: number, count: number, radius: number, from: number): number;

  /**
   * Compares with every code and writes those within the bound of any code asked for, which falls as soon as `k` lie
   * within a smaller one. The caller sets `state` and `asked` and clears `counts` before the first call.
   */
  scanNearest(codes: number, dead: number, count: number, k: number, from: number): number;

  /**
   * Links equal codes: `chain` (zeros) gets for each slot the next one with its code, 0 at the end; `duplicate` (zeros)
   * a bit for all but the first of them. `table` is working memory for `tableSize` uint32, a power of two over `count`.
   *
   * @returns the number of different codes
   */
  collapse(
    codes: number,
    count: number,
    chain: number,
    duplicate: number,
    table: number,
    tableSize: number,
  ): number;

  /**
   * Writes the postings of every code that is no duplicate, chunk by chunk, bucket by bucket: `starts` the first
   * posting of each bucket (uint32), `next` the value of the chunk after (uint16), `slots` (three bytes). `temporary`
   * has room for 8 bytes a code.
   */
  post(
    codes: number,
    count: number,
    duplicate: number,
    heads: number,
    starts: number,
    next: number,
    slots: number,
    temporary: number,
  ): void;
}
