import { compileWasm, instantiateWasm, wasmMemory } from '../webassembly.ts';
import type { Raster } from './raster.ts';
import { REDUCE_WASM } from './reduce-wasm.ts';
import type { Taps } from './taps.ts';

/** The largest result and the widest picture that the kernel has room for, in pixels. */
const RESULT_SIDE = 512;
const PICTURE_WIDTH = 10_922;
/** Rows of the result that are made in one call. */
const BAND = 16;
const SOURCE_BYTES = 1 << 20;
const ROW_WEIGHTS = 2_048;
const COLUMN_WEIGHTS = 32_768;

const BLENDED = BAND * 8 + RESULT_SIDE * 8 + 2 * (ROW_WEIGHTS + COLUMN_WEIGHTS);
const REDUCED = BLENDED + 65_536 + 64;

/** Where things lie in the kernel's memory, in bytes. assembly/reduce.ts knows the same numbers. */
const AT = {
  rows: 0,
  columns: BAND * 8,
  rowWeights: BAND * 8 + RESULT_SIDE * 8,
  columnWeights: BAND * 8 + RESULT_SIDE * 8 + 2 * ROW_WEIGHTS,
  reduced: REDUCED,
  source: REDUCED + BAND * RESULT_SIDE * 3 + 64,
} as const;

interface Loops {
  reduce(count: number, stride: number, width: number): void;
}

/**
 * The inner loops of reducing pictures, compiled (assembly/reduce.ts). Equal to the plain ones bit for bit. One instance
 * serves a whole thread: every call overwrites what the last one left.
 */
export class ReduceKernel {
  readonly #rows: Uint32Array;
  readonly #columns: Uint32Array;
  readonly #rowWeights: Int16Array;
  readonly #columnWeights: Int16Array;
  readonly #reduced: Uint8Array;
  readonly #source: Uint8Array;
  readonly #loops: Loops;

  constructor(module: NonNullable<ReturnType<typeof compileWasm>>) {
    // Pairs and whole vectors are read past the last sample, and weigh nothing there.
    const memory = wasmMemory(AT.source + SOURCE_BYTES + 2 * 3 * PICTURE_WIDTH);
    const { buffer } = memory;
    this.#rows = new Uint32Array(buffer, AT.rows, BAND * 2);
    this.#columns = new Uint32Array(buffer, AT.columns, RESULT_SIDE * 2);
    this.#rowWeights = new Int16Array(buffer, AT.rowWeights, ROW_WEIGHTS);
    this.#columnWeights = new Int16Array(buffer, AT.columnWeights, COLUMN_WEIGHTS);
    this.#reduced = new Uint8Array(buffer, AT.reduced, BAND * RESULT_SIDE * 3);
    this.#source = new Uint8Array(buffer, AT.source, SOURCE_BYTES);
    this.#loops = instantiateWasm(module, memory) as Loops;
  }

  /** See reduce; null for a picture or a result of a size that it is not made for. */
  reduce({ width, height, data }: Raster, rows: Taps, columns: Taps): Uint8Array | null {
    const [across, down] = [columns.first.length, rows.first.length];
    const bytes = width * 3;
    const most = Math.min(Math.floor(SOURCE_BYTES / bytes), ROW_WEIGHTS / BAND - 1);
    const tallest = Math.ceil(height / down) + 1;
    if (across > RESULT_SIDE || width > PICTURE_WIDTH || tallest > most) return null;
    put(columns, 0, across, 6, this.#columns, this.#columnWeights);
    const result = new Uint8Array(down * across * 3);
    for (let y = 0; y < down;) {
      const top = rows.first[y]!;
      let end = y + 1;
      while (end < down && end < y + BAND && endOf(rows, end) - top <= most) end += 1;
      this.#source.set(data.subarray(top * bytes, endOf(rows, end - 1) * bytes));
      put(rows, y, end, bytes, this.#rows, this.#rowWeights);
      this.#loops.reduce(end - y, bytes, across);
      result.set(this.#reduced.subarray(0, (end - y) * across * 3), y * across * 3);
      y = end;
    }
    return result;
  }
}

function endOf({ first, from }: Taps, i: number): number {
  return first[i]! + from[i + 1]! - from[i]!;
}

/**
 * Writes down the samples and weights of some of the result, the first sample of the first one being the first there is.
 *
 * @param step from one sample to the next, in bytes
 */
function put(
  { first, from, weights }: Taps,
  begin: number,
  end: number,
  step: number,
  places: Uint32Array,
  pairs: Int16Array,
): void {
  let at = 0;
  for (let i = begin; i < end; i += 1) {
    const count = Math.ceil((from[i + 1]! - from[i]!) / 2);
    places[2 * (i - begin)] = (first[i]! - first[begin]!) * step;
    places[2 * (i - begin) + 1] = count;
    pairs[at + 2 * count - 1] = 0;
    for (let k = from[i]!, to = at; k < from[i + 1]!; k += 1, to += 1) pairs[to] = weights[k]!;
    at += 2 * count;
  }
}

let opened: ReduceKernel | null | undefined;

/** This thread's kernel; null where WebAssembly or its SIMD is missing, and the plain loops must do. */
export function reduceKernel(): ReduceKernel | null {
  if (opened === undefined) {
    const module = compileWasm(REDUCE_WASM);
    opened = module === null ? null : new ReduceKernel(module);
  }
  return opened;
}
