import { compileWasm, instantiateWasm, wasmMemory } from '../../../vision/webassembly.ts';
import {
  BLOCK,
  MANNERS,
  PlainWatermarkKernel,
  type Reading,
  type Sums,
  type WatermarkKernel,
} from './plain-kernel.ts';
import { WATERMARK_WASM } from './watermark-wasm.ts';

/** Wider pictures are read by the plain loops. Blocks. */
const MOST_COLUMNS = 2_048;
/** Four blocks are computed at a time: vectors reach beyond the last one. */
const SPARE = 8;
const MOST_READINGS = 16;
const MOST_BITS = 1_024;

/** Of a bit's sums, of one block's pixels and of what is computed of one block on the way, in bytes. */
const SUM_BYTES = 24;
const PIXEL_BYTES = BLOCK * BLOCK * 4;
const LANE_BYTES = 96;
/** Arrays of i32 that hold a row of blocks. */
const ARRAYS = 8;

/** Where things lie in the kernel's memory, in bytes. */
const READINGS = 1_024;
const LANES = READINGS + MOST_READINGS * 16;
const SAID = LANES + 4 * LANE_BYTES;
const VOTES = SAID + (MOST_COLUMNS + SPARE) * 16;
const ROWS = VOTES + (MOST_COLUMNS + SPARE) * 8;
const PIXELS = ROWS + 3 * ARRAYS * (MOST_COLUMNS + SPARE) * 4;
const SUMS = PIXELS + (MOST_COLUMNS + SPARE) * PIXEL_BYTES;
const END = SUMS + MOST_BITS * SUM_BYTES;

interface Loops {
  measure(...addressesAndSizes: readonly number[]): void;
  hearRow(...addressesAndSizes: readonly number[]): void;
}

/** The loops compiled (assembly/watermark.ts). One instance serves a whole thread, one picture after the other. */
class CompiledWatermarkKernel implements WatermarkKernel {
  readonly #loops: Loops;
  readonly #buffer: ArrayBufferLike;
  readonly #pixels: Uint8Array;
  #columns = 0;
  #readings = 0;
  /** Bytes from one array of a row of blocks to the next. */
  #span = 0;
  /** The last row measured is the last of these addresses. */
  #rows: [above: number, row: number, below: number] = [ROWS, ROWS, ROWS];

  constructor(module: NonNullable<ReturnType<typeof compileWasm>>) {
    const memory = wasmMemory(END);
    this.#buffer = memory.buffer;
    this.#loops = instantiateWasm(module, memory) as Loops;
    this.#pixels = new Uint8Array(this.#buffer, PIXELS, (MOST_COLUMNS + 1) * PIXEL_BYTES);
  }

  begin(columns: number, readings: readonly Reading[]): Sums[] {
    this.#columns = columns;
    this.#readings = readings.length;
    this.#span = 4 * (columns + SPARE);
    this.#rows = [ROWS, ROWS + ARRAYS * this.#span, ROWS + 2 * ARRAYS * this.#span];
    let at = SUMS;
    const table = new Uint32Array(this.#buffer, READINGS, 4 * MOST_READINGS);
    return readings.map(({ manner, bits: { length } }, i) => {
      table.set([MANNERS.indexOf(manner), length, at], 4 * i);
      const levels = new Float64Array(this.#buffer, at, 2 * length).fill(0);
      const votes = new Uint32Array(this.#buffer, at + levels.byteLength, 2 * length).fill(0);
      at += SUM_BYTES * length;
      return { votes, levels };
    });
  }

  measure(pixels: Uint8Array, channels: number): void {
    const [next, above, row] = this.#rows;
    this.#rows = [above, row, next];
    this.#pixels.set(pixels);
    const stride = pixels.length / BLOCK;
    this.#loops.measure(PIXELS, stride, channels, this.#columns, next, this.#span, LANES);
  }

  hear(first: number): void {
    const [above, row, below] = this.#rows;
    this.#loops.hearRow(
      above,
      row,
      below,
      this.#span,
      this.#columns,
      first,
      READINGS,
      this.#readings,
      SAID,
      VOTES,
    );
  }
}

let compiled: CompiledWatermarkKernel | null | undefined;

/** Loops for a picture so many blocks wide: this thread's compiled ones where there can be. */
export function watermarkKernel(columns: number): WatermarkKernel {
  if (compiled === undefined) {
    const module = compileWasm(WATERMARK_WASM);
    compiled = module === null ? null : new CompiledWatermarkKernel(module);
  }
  return compiled === null || columns > MOST_COLUMNS ? new PlainWatermarkKernel() : compiled;
}
