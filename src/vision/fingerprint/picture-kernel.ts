import { compileWasm, instantiateWasm, wasmMemory } from '../webassembly.ts';
import { PICTURE_WASM } from './picture-wasm.ts';

/** Pictures of this many pixels a side are computed by the kernel. */
export const KERNEL_SIDE = 512;

const PIXEL_BYTES = KERNEL_SIDE * KERNEL_SIDE * 3;
const FILTER_WINDOW = 4;

/** Where things lie in the kernel's memory, in bytes. assembly/picture.ts knows the same numbers. */
const AT = {
  pixels: 0,
  grid: 786_496,
  samples: 852_032,
  cosines: 868_416,
  cosinesBySample: 872_512,
  coefficients: 876_608,
  blocks: 881_728,
  lengths: 882_752,
  end: 901_440 + 40 * (KERNEL_SIDE * 4 + 64) + 2_048 + (KERNEL_SIDE + 4) * (128 * 4 + 64),
} as const;

interface Loops {
  blur(): void;
  sumOfSteps(): number;
  cosineTransform(): void;
  blockSums(): void;
}

/**
 * The inner loops of PDQ and blockhash, compiled (assembly/picture.ts), for pictures of 512x512 pixels, which almost all
 * are. Equal to the plain ones bit for bit. One instance serves a whole thread: every call overwrites what the last
 * one left.
 */
export class PictureKernel {
  /** What may be sampled after `blur`, 128x128. */
  readonly grid: Float32Array;
  /** What `sumOfSteps` and `cosineTransform` take, 64x64. */
  readonly samples: Float32Array;
  /** What it gives, 16x16. */
  readonly coefficients: Float32Array;
  readonly #pixels: Uint8Array;
  readonly #blocks: Uint32Array;
  readonly #loops: Loops;

  /** @param cosines row u holds the cosine of frequency u + 1 at the 64 samples */
  constructor(module: NonNullable<ReturnType<typeof compileWasm>>, cosines: Float32Array) {
    const memory = wasmMemory(AT.end);
    const buffer = memory.buffer;
    this.#pixels = new Uint8Array(buffer, AT.pixels, PIXEL_BYTES);
    this.grid = new Float32Array(buffer, AT.grid, 128 * 128);
    this.samples = new Float32Array(buffer, AT.samples, 64 * 64);
    this.coefficients = new Float32Array(buffer, AT.coefficients, 16 * 16);
    this.#blocks = new Uint32Array(buffer, AT.blocks, 256);
    this.#loops = instantiateWasm(module, memory) as Loops;
    new Float32Array(buffer, AT.cosines, cosines.length).set(cosines);
    new Float32Array(buffer, AT.cosinesBySample, cosines.length).set(
      cosines.map((_, i) => cosines[(i % 16) * 64 + Math.trunc(i / 16)]!),
    );
    // How many elements the filter's window has at each position; the ends cut it off.
    new Float32Array(buffer, AT.lengths, KERNEL_SIDE).set(
      Float32Array.from({ length: KERNEL_SIDE }, (_, i) => {
        const last = Math.min(i + FILTER_WINDOW / 2, KERNEL_SIDE - 1);
        return last - Math.max(i - FILTER_WINDOW / 2, -1);
      }),
    );
  }

  /** RGB pixels -> `grid`. */
  blur(pixels: Uint8Array): void {
    this.#pixels.set(pixels);
    this.#loops.blur();
  }

  /** `samples` -> how much neighbours differ, in whole hundredths of the full range, all added up. */
  sumOfSteps(): number {
    return this.#loops.sumOfSteps();
  }

  /** `samples` -> `coefficients`. */
  cosineTransform(): void {
    this.#loops.cosineTransform();
  }

  /** RGB pixels -> for each of 16x16 blocks the sum of all channels after averaging 2x2 pixels. */
  blockSums(pixels: Uint8Array): Uint32Array {
    this.#pixels.set(pixels);
    this.#loops.blockSums();
    return this.#blocks;
  }
}

/** Row u holds the cosine of frequency u + 1 at the 64 samples; the constant term is left out. */
export const COSINES = cosineMatrix();

function cosineMatrix(): Float32Array {
  const scale = Math.fround(Math.sqrt(2 / 64));
  const matrix = new Float32Array(16 * 64);
  for (let u = 0; u < 16; u += 1) {
    for (let k = 0; k < 64; k += 1) {
      matrix[u * 64 + k] = scale * Math.cos((Math.PI / 2 / 64) * (u + 1) * (2 * k + 1));
    }
  }
  return matrix;
}

let opened: PictureKernel | null | undefined;

/** This thread's kernel; null where WebAssembly or its SIMD is missing, and the plain loops must do. */
export function pictureKernel(): PictureKernel | null {
  if (opened === undefined) {
    const module = compileWasm(PICTURE_WASM);
    opened = module === null ? null : new PictureKernel(module, COSINES);
  }
  return opened;
}
