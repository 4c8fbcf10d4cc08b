import { HASH_BITS, popcount32 } from '../fingerprint/hash.ts';
import { type WasmMemory, compileWasm, instantiateWasm, sharedWasmMemory } from '../webassembly.ts';
import { BUCKETS, CHUNKS, CODE_BYTES, type HammingKernel, LAYOUT, MASKS_WITHIN } from './hamming-kernel.ts';
import { HAMMING_WASM } from './hamming-wasm.ts';
import { PlainKernel } from './plain-kernel.ts';

/** What another thread must be handed to work in the same memory. */
export type SharedMemory = WasmMemory | SharedArrayBuffer;

/** What a loop found: a slot and the distance of its code. */
export type Found = (slot: number, distance: number) => void;

/** Codes to compare one by one: addresses of the codes and of a bit set of slots to leave out (0 for none). */
export interface Scanned {
  readonly codes: number;
  readonly dead: number;
  readonly count: number;
}

/** The nearest of several codes at once. */
export interface NearestScan {
  /** In chunks, 128 at most. */
  readonly codes: readonly Uint16Array[];
  /** The codes' complements are asked for too. */
  readonly negatives: boolean;
  readonly k: number;
  /** No further than this. */
  readonly bound: number;
}

/** Compiled once a thread, when first needed. */
let compiled: ReturnType<typeof compileWasm> | undefined;
const hammingModule = () => (compiled === undefined ? (compiled = compileWasm(HAMMING_WASM)) : compiled);

/** A block of shared memory with the loops that work in it. */
export class Arena {
  readonly memory: SharedMemory;
  readonly buffer: SharedArrayBuffer;
  readonly kernel: HammingKernel;
  readonly #query: Uint16Array;
  readonly #reach: Int16Array;
  readonly #pairReach: Int16Array;
  readonly #state: Uint32Array;
  readonly #counts: Uint32Array;
  readonly #hits: Uint32Array;

  /** Opens memory that was made here or in another thread. */
  constructor(memory: SharedMemory) {
    this.memory = memory;
    if (memory instanceof SharedArrayBuffer) {
      this.buffer = memory;
      this.kernel = new PlainKernel(memory);
    } else {
      this.buffer = memory.buffer as SharedArrayBuffer;
      this.kernel = instantiateWasm(hammingModule()!, memory) as HammingKernel;
    }
    this.#query = new Uint16Array(this.buffer, LAYOUT.query, CHUNKS);
    this.#reach = new Int16Array(this.buffer, LAYOUT.reach, CHUNKS);
    this.#pairReach = new Int16Array(this.buffer, LAYOUT.pairReach, CHUNKS);
    this.#state = new Uint32Array(this.buffer, LAYOUT.state, 5);
    this.#counts = new Uint32Array(this.buffer, LAYOUT.counts, HASH_BITS + 1);
    this.#hits = new Uint32Array(this.buffer, LAYOUT.hits, LAYOUT.mostHits * 2);
  }

  /**
   * Memory of at least this size, zeros.
   *
   * @param plain use the plain loops even where WebAssembly is there
   */
  static create(bytes: number, plain = false): Arena {
    const memory =
      plain || hammingModule() === null
        ? new SharedArrayBuffer(Math.ceil(bytes / 64) * 64)
        : sharedWasmMemory(bytes);
    const arena = new Arena(memory);
    new Uint16Array(arena.buffer, LAYOUT.masks, MASKS.length).set(MASKS);
    return arena;
  }

  /** The code that everything below asks for, in chunks. */
  ask(code: Uint16Array): void {
    this.#query.set(code);
  }

  /**
   * Plans which buckets to look into.
   *
   * The ring: take from each chunk's difference its reach plus one. Within the radius the sum is negative, so going
   * around from some chunk every partial sum is: the chunk is within its reach, it and the next one within theirs and
   * one more, and so on. Two are tested. After Qin and Xiao, "Pigeonring", VLDB 2018.
   *
   * @param reaches bits that each chunk may differ in; plus one each, they add up to the radius plus one
   * @param starts address of the buckets' first postings
   * @returns buckets that are not empty, and the number of their postings
   */
  plan(reaches: readonly number[], starts: number): { ranges: number; postings: number } {
    this.#reach.set(reaches);
    this.#pairReach.set(reaches.map((reach, chunk) => reach + reaches[(chunk + 1) % CHUNKS]! + 1));
    const ranges = this.kernel.plan(starts);
    return { ranges, postings: this.#state[0]! };
  }

  /** Everything within the radius that is in the planned buckets. */
  probe(
    { codes, next, slots }: { codes: number; next: number; slots: number },
    ranges: number,
    radius: number,
    found: Found,
  ): void {
    let [range, posting] = [0, 0];
    while (range < ranges) {
      this.#report(this.kernel.probe(codes, next, slots, ranges, radius, range, posting), found);
      [range, posting] = [this.#state[0]!, this.#state[1]!];
    }
  }

  /** Everything within the radius. */
  scan({ codes, dead, count }: Scanned, radius: number, found: Found): void {
    for (let from = 0; from < count; from = this.#state[0]!) {
      this.#report(this.kernel.scan(codes, dead, count, radius, from), found);
    }
  }

  /** The `k` nearest within the bound, and some that are not. */
  scanNearest({ codes, dead, count }: Scanned, scan: NearestScan, found: Found): void {
    for (const [i, code] of scan.codes.entries()) {
      new Uint16Array(this.buffer, LAYOUT.asked + i * CODE_BYTES, CHUNKS).set(code);
    }
    this.#counts.fill(0);
    this.#state.set([0, scan.bound, 0, scan.codes.length, scan.negatives ? 1 : 0]);
    for (let from = 0; from < count; from = this.#state[0]!) {
      this.#report(this.kernel.scanNearest(codes, dead, count, scan.k, from), found);
    }
  }

  #report(hits: number, found: Found): void {
    for (let i = 0; i < hits; i += 1) found(this.#hits[2 * i]!, this.#hits[2 * i + 1]!);
  }
}

const MASKS = masksByBits();

function masksByBits(): Uint16Array {
  const byBits: number[][] = MASKS_WITHIN.map(() => []);
  for (let mask = 0; mask < BUCKETS; mask += 1) byBits[popcount32(mask)]?.push(mask);
  return Uint16Array.from(byBits.flat());
}
