import type { Keypoints } from '../fingerprint/keypoints.ts';
import { compileWasm, instantiateWasm, wasmMemory } from '../webassembly.ts';
import type { Transform } from './geometry.ts';
import { MATCHING_WASM } from './matching-wasm.ts';
import {
  CELL,
  type FoundPairs,
  GUIDED_DISTANCE,
  LEVELS,
  type MatchingKernel,
  type PairedOutput,
  type Side,
  type Sizes,
  descriptorsOf,
  plainMatchingKernel,
} from './plain-matching-kernel.ts';

/** More points than this, of a work or an output, are paired by the plain loops. */
const MOST_POINTS = 2_048;
const MOST_CELLS = 2_048;
const DESCRIPTOR_BYTES = 32;

/** Where things lie in the kernel's memory, in bytes. */
const MAP = 1_024;
const SIZES = MAP + 9 * 8 + 8;
const ANSWER = SIZES + 2 * LEVELS * 8;
const WORK_X = ANSWER + 16;
const WORK_Y = WORK_X + 4 * MOST_POINTS;
const WORK_LEVEL = WORK_Y + 4 * MOST_POINTS;
const WORK_DESCRIPTORS = WORK_LEVEL + MOST_POINTS;
const OUTPUT_X = WORK_DESCRIPTORS + DESCRIPTOR_BYTES * MOST_POINTS;
const OUTPUT_Y = OUTPUT_X + 4 * MOST_POINTS;
const OUTPUT_LEVEL = OUTPUT_Y + 4 * MOST_POINTS;
const STARTS = OUTPUT_LEVEL + MOST_POINTS;
const POINTS = STARTS + 4 * (MOST_CELLS + 1) + 12;
const USED = POINTS + 2 * MOST_POINTS;
const PAIRS = USED + MOST_POINTS;
const DISTANCES = PAIRS + 4 * MOST_POINTS;
const OUTPUT_DESCRIPTORS = DISTANCES + MOST_POINTS + 64;
const SIDES: readonly Side[] = ['keypoints', 'mirrored', 'inverted', 'both'];
const END = OUTPUT_DESCRIPTORS + SIDES.length * DESCRIPTOR_BYTES * MOST_POINTS;

interface Loops {
  guidedPairs(...addressesAndSizes: readonly number[]): number;
}

/** The loop compiled. One instance serves a whole thread; it keeps the last output and the last work. */
class CompiledMatchingKernel implements MatchingKernel {
  readonly #loops: Loops;
  readonly #buffer: ArrayBufferLike;
  readonly #results: DataView;
  readonly #map: Float64Array;
  readonly #sizes: Float64Array;
  #output: PairedOutput | undefined;
  #work: Keypoints | undefined;

  constructor(module: NonNullable<ReturnType<typeof compileWasm>>) {
    const memory = wasmMemory(END);
    this.#buffer = memory.buffer;
    this.#loops = instantiateWasm(module, memory) as Loops;
    this.#results = new DataView(this.#buffer as ArrayBuffer);
    this.#map = new Float64Array(this.#buffer, MAP, 9);
    this.#sizes = new Float64Array(this.#buffer, SIZES, 2 * LEVELS);
  }

  guidedPairs(work: Keypoints, output: PairedOutput, map: Transform, sizes: Sizes, side: Side): FoundPairs {
    const { keypoints: o, buckets } = output;
    if (Math.max(work.count, o.count) > MOST_POINTS || buckets.starts.length > MOST_CELLS) {
      return plainMatchingKernel.guidedPairs(work, output, map, sizes, side);
    }
    this.#bring(work, output);
    this.#map.set(map);
    this.#sizes.set(sizes.level);
    this.#sizes.set(sizes.size, LEVELS);
    const length = this.#loops.guidedPairs(
      MAP,
      SIZES,
      work.count,
      WORK_X,
      WORK_Y,
      WORK_LEVEL,
      WORK_DESCRIPTORS,
      o.count,
      o.width,
      o.height,
      OUTPUT_X,
      OUTPUT_Y,
      OUTPUT_LEVEL,
      OUTPUT_DESCRIPTORS + SIDES.indexOf(side) * DESCRIPTOR_BYTES * MOST_POINTS,
      buckets.columns,
      buckets.rows,
      CELL,
      STARTS,
      POINTS,
      USED,
      GUIDED_DISTANCE,
      PAIRS,
      DISTANCES,
      ANSWER,
    );
    return {
      length,
      points: new Uint16Array(this.#buffer, PAIRS, 2 * length).slice(),
      distance: new Uint8Array(this.#buffer, DISTANCES, length).slice(),
      possible: this.#results.getInt32(ANSWER, true),
    };
  }

  #bring(work: Keypoints, output: PairedOutput): void {
    if (this.#output !== output) {
      this.#output = output;
      const { keypoints, buckets } = output;
      this.#points(keypoints, OUTPUT_X, OUTPUT_Y, OUTPUT_LEVEL);
      new Int32Array(this.#buffer, STARTS).set(buckets.starts);
      new Uint16Array(this.#buffer, POINTS).set(buckets.points);
      for (const [i, side] of SIDES.entries()) {
        const at = OUTPUT_DESCRIPTORS + i * DESCRIPTOR_BYTES * MOST_POINTS;
        new Int32Array(this.#buffer, at).set(descriptorsOf(output, side));
      }
    }
    if (this.#work !== work) {
      this.#work = work;
      this.#points(work, WORK_X, WORK_Y, WORK_LEVEL);
      new Int32Array(this.#buffer, WORK_DESCRIPTORS).set(work.descriptors);
    }
  }

  #points({ x, y, level }: Keypoints, atX: number, atY: number, atLevel: number): void {
    new Float32Array(this.#buffer, atX).set(x);
    new Float32Array(this.#buffer, atY).set(y);
    new Uint8Array(this.#buffer, atLevel).set(level);
  }
}

let kernel: MatchingKernel | undefined;

/** This thread's loops: compiled ones where there can be. */
export function matchingKernel(): MatchingKernel {
  if (kernel === undefined) {
    const module = compileWasm(MATCHING_WASM);
    kernel = module === null ? plainMatchingKernel : new CompiledMatchingKernel(module);
  }
  return kernel;
}
