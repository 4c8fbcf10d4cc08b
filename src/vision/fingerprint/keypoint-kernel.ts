import { compileWasm, instantiateWasm, wasmMemory } from '../webassembly.ts';
import { KEYPOINTS_WASM } from './keypoints-wasm.ts';
import {
  BINS,
  CELLS,
  CELL_OF,
  CELL_SHARE,
  DESCRIPTOR_WORDS,
  type Described,
  EDGE_RATIO,
  type Extrema,
  HIGH_THRESHOLD,
  type KeypointKernel,
  LOW_THRESHOLD,
  PEAKS,
  PEAK_RADIUS,
  PEAK_WEIGHTS,
  PlainKeypointKernel,
  SAMPLES,
  SAMPLE_WEIGHTS,
  SECOND_PEAK,
  SPACING,
  TURN,
} from './plain-keypoint-kernel.ts';
import { type Plane, sampling } from './plane.ts';

/** Pictures of at most so many pixels a side are computed by the compiled loops. */
export const KERNEL_LONGEST = 512;
const MOST_PIXELS = KERNEL_LONGEST ** 2;
/** Vectors read and write up to three numbers beyond a plane's end. */
const SPARE = 64;
/** A point is the largest of its 3 x 3: no more than a quarter of the pixels are maxima, as many minima. */
const MOST_EXTREMA = MOST_PIXELS / 2;

const CELL_COUNT = (CELLS + 2) * (CELLS + 2) * BINS;

/** Where things lie in the kernel's memory, in bytes. */
const PEAK_WEIGHTS_AT = 2_048;
const PEAKS_AT = PEAK_WEIGHTS_AT + PEAK_WEIGHTS.byteLength;
const ANGLES_AT = PEAKS_AT + 2 * PEAKS * 4;
const DESCRIPTORS_AT = ANGLES_AT + 2 * 8;
const TABLES_AT = DESCRIPTORS_AT + 2 * DESCRIPTOR_WORDS * 4;
const CELLS_AT = TABLES_AT + 2 * SAMPLES * 4 + SAMPLE_WEIGHTS.byteLength;
const COLUMNS_AT = CELLS_AT + CELL_COUNT * 4;
const LINES_AT = COLUMNS_AT + 2 * KERNEL_LONGEST * 4;
const ROW_AT = LINES_AT + 2 * KERNEL_LONGEST * 4;
const COUNTS_AT = ROW_AT + KERNEL_LONGEST * 4 + SPARE;
const FOUND_AT = COUNTS_AT + 2_048 * 4;
const SORTED_AT = FOUND_AT + MOST_EXTREMA * 12;
const KEYS_AT = SORTED_AT + MOST_EXTREMA * 12;
const SCRATCH_AT = KEYS_AT + 2 * MOST_EXTREMA * 8;
const PLANES_AT = SCRATCH_AT + MOST_PIXELS * 4 + SPARE;
/** Two planes a level and the picture itself; levels shrink by more than a third. */
const END = PLANES_AT + 7 * (MOST_PIXELS * 4 + SPARE);

interface Loops {
  smooth(from: number, rows: number, to: number, width: number, height: number): void;
  resample(
    from: number,
    width: number,
    height: number,
    to: number,
    toWidth: number,
    toHeight: number,
    columns: number,
    lines: number,
    row: number,
  ): void;
  extrema(
    plane: number,
    blurred: number,
    difference: number,
    width: number,
    height: number,
    minContrast: number,
    edgeRatio: number,
    found: number,
  ): number;
  strongestFirst(found: number, count: number, keys: number, counts: number, sorted: number): void;
  describe(
    plane: number,
    width: number,
    height: number,
    px: number,
    py: number,
    radius: number,
    weights: number,
    bins: number,
    peaks: number,
    second: number,
    turn: number,
    spacing: number,
    tables: number,
    cells: number,
    cellBytes: number,
    low: number,
    high: number,
    angles: number,
    descriptors: number,
  ): number;
}

/** The loops compiled (assembly/keypoints.ts). One instance serves a whole thread, one picture after the other. */
class CompiledKeypointKernel implements KeypointKernel {
  readonly #loops: Loops;
  readonly #buffer: ArrayBufferLike;
  readonly #angles: Float64Array;
  readonly #descriptors: Int32Array;
  #next = PLANES_AT;

  constructor(module: NonNullable<ReturnType<typeof compileWasm>>) {
    const memory = wasmMemory(END);
    this.#buffer = memory.buffer;
    this.#loops = instantiateWasm(module, memory, {
      keypoints: { cos: Math.cos, sin: Math.sin },
    }) as Loops;
    this.#angles = new Float64Array(this.#buffer, ANGLES_AT, 2);
    this.#descriptors = new Int32Array(this.#buffer, DESCRIPTORS_AT, 2 * DESCRIPTOR_WORDS);
    new Float32Array(this.#buffer, PEAK_WEIGHTS_AT).set(PEAK_WEIGHTS);
    new Int32Array(this.#buffer, TABLES_AT).set(CELL_OF);
    new Float32Array(this.#buffer, TABLES_AT + SAMPLES * 4).set(CELL_SHARE);
    new Float32Array(this.#buffer, TABLES_AT + 2 * SAMPLES * 4).set(SAMPLE_WEIGHTS);
  }

  begin(luma: Plane): Plane {
    this.#next = PLANES_AT;
    const plane = this.#plane(luma.width, luma.height);
    plane.data.set(luma.data);
    return plane;
  }

  smooth({ width, height, data }: Plane): Plane {
    const to = this.#plane(width, height);
    this.#loops.smooth(data.byteOffset, SCRATCH_AT, to.data.byteOffset, width, height);
    return to;
  }

  resample({ width, height, data }: Plane, toWidth: number, toHeight: number): Plane {
    const to = this.#plane(toWidth, toHeight);
    for (const [at, from, size] of [
      [COLUMNS_AT, width, toWidth],
      [LINES_AT, height, toHeight],
    ] as const) {
      const { first, share } = sampling(from, size);
      new Int32Array(this.#buffer, at).set(first);
      new Float32Array(this.#buffer, at + size * 4).set(share);
    }
    this.#loops.resample(
      data.byteOffset,
      width,
      height,
      to.data.byteOffset,
      toWidth,
      toHeight,
      COLUMNS_AT,
      LINES_AT,
      ROW_AT,
    );
    return to;
  }

  extrema({ width, height, data }: Plane, blurred: Plane, minContrast: number): Extrema {
    const count = this.#loops.extrema(
      data.byteOffset,
      blurred.data.byteOffset,
      SCRATCH_AT,
      width,
      height,
      minContrast,
      EDGE_RATIO,
      FOUND_AT,
    );
    this.#loops.strongestFirst(FOUND_AT, count, KEYS_AT, COUNTS_AT, SORTED_AT);
    return { count, points: new Float32Array(this.#buffer, SORTED_AT, count * 3).slice() };
  }

  describe({ width, height, data }: Plane, px: number, py: number): Described {
    const count = this.#loops.describe(
      data.byteOffset,
      width,
      height,
      px,
      py,
      PEAK_RADIUS,
      PEAK_WEIGHTS_AT,
      PEAKS,
      PEAKS_AT,
      SECOND_PEAK,
      TURN,
      SPACING,
      TABLES_AT,
      CELLS_AT,
      CELL_COUNT * 4,
      LOW_THRESHOLD,
      HIGH_THRESHOLD,
      ANGLES_AT,
      DESCRIPTORS_AT,
    );
    return { count, angles: this.#angles, descriptors: this.#descriptors };
  }

  #plane(width: number, height: number): Plane {
    const data = new Float32Array(this.#buffer, this.#next, width * height);
    this.#next += (data.byteLength + SPARE) & ~15;
    return { width, height, data };
  }
}

const plain = new PlainKeypointKernel();
let compiled: CompiledKeypointKernel | null | undefined;

/** This thread's loops for a picture of this size: compiled ones where there can be. */
export function keypointKernel({ width, height }: { width: number; height: number }): KeypointKernel {
  if (compiled === undefined) {
    const module = compileWasm(KEYPOINTS_WASM);
    compiled = module === null ? null : new CompiledKeypointKernel(module);
  }
  return compiled === null || Math.max(width, height) > KERNEL_LONGEST || Math.min(width, height) < 8
    ? plain
    : compiled;
}
