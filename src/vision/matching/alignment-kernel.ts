import type { Thumbnail } from '../fingerprint/thumbnail.ts';
import { compileWasm, instantiateWasm, wasmMemory } from '../webassembly.ts';
import { ALIGNMENT_WASM } from './alignment-wasm.ts';
import {
  type Alignment,
  type AlignmentKernel,
  type Look,
  OUTLINE_SLACK,
  type OutlineSide,
  PLAIN_STEP,
  type Place,
  type Size,
  levelsOf,
  plainAlignmentKernel,
  samplingOf,
  shareOfBusy,
  surroundingsLevel,
} from './plain-alignment-kernel.ts';

/** Larger thumbnails are compared by the plain loops. */
const WORK_SIDE = 80;
const OUTPUT_SIDE = 256;
const OUTLINE_SIDES = 4;

const WORK_PIXELS = WORK_SIDE ** 2;
const OUTPUT_PIXELS = OUTPUT_SIDE ** 2;

/** Where things lie in the kernel's memory, in bytes. assembly/alignment.ts knows the same numbers. */
const MAP = 1_024;
const OUTLINE = MAP + 80;
const RESULTS = OUTLINE + OUTLINE_SIDES * 32;
const WORK_LUMA = RESULTS + 192 + 4_096;
const WORK_CB = WORK_LUMA + WORK_PIXELS;
const WORK_CR = WORK_CB + WORK_PIXELS / 16;
const OUTPUT_LUMA = WORK_CR + WORK_PIXELS / 16;
const OUTPUT_CB = OUTPUT_LUMA + OUTPUT_PIXELS;
const OUTPUT_CR = OUTPUT_CB + OUTPUT_PIXELS / 16;
const PYRAMID = OUTPUT_CR + OUTPUT_PIXELS / 16;
/** What lies behind is the loops' own. */
const END = 2 ** 21;

/** Size of the grid, address and size of a level of the pyramid, then what Sampling tells. */
type Layout = [number, number, number, number, number, number, number, number, number];

interface Loops {
  bringWork(width: number, height: number): void;
  bringOutput(width: number, height: number): void;
  look(...layout: Layout): void;
  align(...layout: Layout): void;
  compareChroma(...sizes: readonly number[]): void;
  surroundings(level: number, width: number, height: number, margin: number, step: number): void;
}

/** The loops compiled. One instance serves a whole thread; it keeps the last output and the last work. */
class CompiledAlignmentKernel implements AlignmentKernel {
  readonly #loops: Loops;
  readonly #bytes: Uint8Array;
  readonly #map: Float64Array;
  readonly #outline: Float64Array;
  readonly #results: Float64Array;
  #work: Thumbnail | undefined;
  #output: Thumbnail | undefined;
  /** Of the output's pyramid. */
  #levels: readonly (Size & { readonly address: number })[] = [];

  constructor(module: NonNullable<ReturnType<typeof compileWasm>>) {
    const memory = wasmMemory(END);
    this.#loops = instantiateWasm(module, memory, {
      alignment: { log: Math.log },
    }) as Loops;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#map = new Float64Array(memory.buffer, MAP, 9);
    this.#outline = new Float64Array(memory.buffer, OUTLINE, 4 * OUTLINE_SIDES);
    this.#results = new Float64Array(memory.buffer, RESULTS, 16);
  }

  look(work: Thumbnail, output: Thumbnail, place: Place): Look {
    if (!fits(work, output)) return plainAlignmentKernel.look(work, output, place);
    this.#bring(work, output);
    this.#loops.look(...this.#layout({ width: work.width >> 1, height: work.height >> 1 }, output, place));
    const [structure, elastic] = this.#results as unknown as [number, number];
    return { structure, elastic };
  }

  align(work: Thumbnail, output: Thumbnail, place: Place): Alignment {
    if (!fits(work, output)) return plainAlignmentKernel.align(work, output, place);
    this.#bring(work, output);
    this.#loops.align(...this.#layout(work, output, place));
    this.#loops.compareChroma(
      place.work.width,
      place.work.height,
      work.chromaWidth,
      work.chromaHeight,
      place.output.width,
      place.output.height,
      output.chromaWidth,
      output.chromaHeight,
    );
    const [structure, elastic, evenness, confirmed, explained, parts, tone, toneResidual] = this
      .#results as unknown as number[];
    const [detail, roughness, strength, lightness, inside, texture, colour, chromaResidual] =
      this.#results.subarray(8) as unknown as number[];
    return {
      structure: structure!,
      elastic: elastic!,
      evenness: evenness!,
      confirmed: confirmed!,
      explained: explained!,
      parts: parts!,
      tone: tone!,
      detail: detail!,
      colour: colour!,
      chromaResidual: chromaResidual!,
      toneResidual: toneResidual!,
      lightness: lightness!,
      inside: inside!,
      texture: texture!,
      strength: strength!,
      roughness: roughness!,
    };
  }

  surroundings(output: Thumbnail, outline: readonly OutlineSide[]): number {
    if (longerSide(output) > OUTPUT_SIDE || outline.length !== OUTLINE_SIDES) {
      return plainAlignmentKernel.surroundings(output, outline);
    }
    this.#bringOutput(output);
    this.#outline.set(outline.flatMap(({ nx, ny, from, inwards }) => [nx, ny, from, inwards]));
    const level = this.#levels[surroundingsLevel(this.#levels)]!;
    const { address, width, height } = level;
    this.#loops.surroundings(address, width, height, OUTLINE_SLACK / width, PLAIN_STEP);
    return shareOfBusy(level, this.#results[0]!, this.#results[1]!);
  }

  #bring(work: Thumbnail, output: Thumbnail): void {
    this.#bringOutput(output);
    if (this.#work === work) return;
    this.#work = work;
    this.#bytes.set(work.luma, WORK_LUMA);
    this.#bytes.set(work.cb, WORK_CB);
    this.#bytes.set(work.cr, WORK_CR);
    this.#loops.bringWork(work.width, work.height);
  }

  #bringOutput(output: Thumbnail): void {
    if (this.#output === output) return;
    this.#output = output;
    this.#bytes.set(output.luma, OUTPUT_LUMA);
    this.#bytes.set(output.cb, OUTPUT_CB);
    this.#bytes.set(output.cr, OUTPUT_CR);
    this.#loops.bringOutput(output.width, output.height);
    let address = PYRAMID;
    this.#levels = levelsOf(output).map(({ width, height }) => {
      const level = { width, height, address };
      address += 4 * width * height;
      return level;
    });
  }

  #layout(grid: Size, output: Thumbnail, place: Place): Layout {
    this.#map.set(place.map);
    const { level, kx, ky, lx, ly } = samplingOf(grid, output, place);
    const { address, width, height } = this.#levels[level]!;
    return [grid.width, grid.height, address, width, height, kx, ky, lx, ly];
  }
}

function fits(work: Size, output: Size): boolean {
  return longerSide(work) <= WORK_SIDE && longerSide(output) <= OUTPUT_SIDE;
}

function longerSide({ width, height }: Size): number {
  return Math.max(width, height);
}

let kernel: AlignmentKernel | undefined;

/** This thread's loops: compiled ones where there can be. */
export function alignmentKernel(): AlignmentKernel {
  if (kernel === undefined) {
    const module = compileWasm(ALIGNMENT_WASM);
    kernel = module === null ? plainAlignmentKernel : new CompiledAlignmentKernel(module);
  }
  return kernel;
}
