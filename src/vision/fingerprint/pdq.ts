import { HASH_WORDS, hashFromWords } from './hash.ts';
import type { Hash } from './hash.ts';
import { nthSmallest } from './nth.ts';
import { COSINES, KERNEL_SIDE, type PictureKernel, pictureKernel } from './picture-kernel.ts';
import { assertRaster } from './raster.ts';
import type { Raster } from './raster.ts';

/**
 * PDQ, a 256-bit perceptual hash of a picture's structure in luminance.
 *
 * Published by Facebook: https://github.com/facebook/ThreatExchange/blob/main/hashing/hashing.pdf
 * Luma, two box-filter passes (Jarosz), 64x64 samples, a 16x16 block of their DCT, one bit a coefficient for "above
 * the median". Equals the C++ reference bit for bit on identical pixels; for that, each sum and product is rounded to
 * float32 in the reference's order, so neither running sums nor the DCT may be rearranged here.
 */

/** Side of the sampled luma, and of the coefficient block hashed. */
const SAMPLES = 64;
const COEFFICIENTS = 16;

/** Positions kept on an axis: those sampled and those sampled when it is mirrored. */
const KEPT = 2 * SAMPLES;

/** The reference hashes nothing smaller. */
export const PDQ_MIN_SIDE = 5;

/**
 * The eight ways to lay a picture down. An entry names what is done to the picture *before* it is hashed: rotN turns
 * it N degrees clockwise as seen on a screen; `mirrored` swaps left and right; `mirrored-rotN` mirrors first and then
 * turns. So `mirrored-rot180` is the picture upside down, `mirrored-rot270` its transpose (x and y swapped).
 *
 * If hash i of a query equals a work's upright hash, then doing ORIENTATIONS[i] to the query lays it like the work.
 */
export const ORIENTATIONS = [
  'upright',
  'rot90',
  'rot180',
  'rot270',
  'mirrored',
  'mirrored-rot90',
  'mirrored-rot180',
  'mirrored-rot270',
] as const;

export type Orientation = (typeof ORIENTATIONS)[number];

/**
 * Each orientation as mirrorings of the axes of the picture as it came in, after which, if `transpose`, x and y change
 * places (and so do the coefficients).
 */
const ORIENTATION_STEPS: Record<Orientation, { flipX: boolean; flipY: boolean; transpose: boolean }> = {
  upright: { flipX: false, flipY: false, transpose: false },
  rot90: { flipX: false, flipY: true, transpose: true },
  rot180: { flipX: true, flipY: true, transpose: false },
  rot270: { flipX: true, flipY: false, transpose: true },
  mirrored: { flipX: true, flipY: false, transpose: false },
  'mirrored-rot90': { flipX: true, flipY: true, transpose: true },
  'mirrored-rot180': { flipX: false, flipY: true, transpose: false },
  'mirrored-rot270': { flipX: false, flipY: false, transpose: true },
};

/** A hash with PDQ's quality: 0 (featureless) to 100, a capped sum of the steps between neighbouring samples. */
export interface PdqResult {
  readonly hash: Hash<'pdq'>;
  readonly quality: number;
}

/** Hashes of all eight orientations, in the order of ORIENTATIONS, with the one quality they share. */
export interface OrientedPdqResult {
  readonly hashes: readonly Hash<'pdq'>[];
  readonly quality: number;
}

/**
 * The PDQ hash of the picture as it lies.
 *
 * @param kernel compiled loops, or null for the plain ones: the same result, later
 * @throws RangeError for a malformed raster or one with a side under 5 pixels
 */
export function pdq(raster: Raster, kernel = pictureKernel()): PdqResult {
  const scratch = blur(raster, kernel);
  sample(scratch, false, false);
  const quality = qualityOf(scratch);
  cosineTransform(scratch);
  const { coefficients } = scratch;
  return { hash: hashOf(coefficients, medianOf(coefficients), false), quality };
}

/**
 * The PDQ hashes of all eight orientations for little more than the price of one, as they share the blurred picture.
 * The first equals `pdq(raster).hash`; the others equal the hash of the turned pixels but for rounding, which shows only
 * where coefficients are nearly tied: in 1,445 of 1,446 varied pictures at 512x512 no orientation was more than 10
 * bits away, in 99 % none. See MIRROR below for why they do not come from the upright coefficients alone.
 *
 * @param kernel compiled loops, or null for the plain ones: the same result, later
 * @throws RangeError for a malformed raster or one with a side under 5 pixels
 */
export function pdqOriented(raster: Raster, kernel = pictureKernel()): OrientedPdqResult {
  const scratch = blur(raster, kernel);
  const hashes: Hash<'pdq'>[] = [];
  let quality = 0;
  for (const flipX of [false, true]) {
    for (const flipY of [false, true]) {
      sample(scratch, flipX, flipY);
      if (!flipX && !flipY) quality = qualityOf(scratch);
      cosineTransform(scratch);
      const median = medianOf(scratch.coefficients);
      for (const [i, orientation] of ORIENTATIONS.entries()) {
        const steps = ORIENTATION_STEPS[orientation];
        if (steps.flipX === flipX && steps.flipY === flipY) {
          hashes[i] = hashOf(scratch.coefficients, median, steps.transpose);
        }
      }
    }
  }
  return { hashes, quality };
}

/** One side of the picture and how it is filtered and sampled. */
interface Axis {
  readonly length: number;
  /** Elements in the filter's window, and how many of them lie ahead of the one replaced (half, rounded down). */
  readonly window: number;
  readonly ahead: number;
  /** At each position, 1 / the number of elements in the window, which the ends cut off. */
  readonly reciprocals: Float64Array;
  readonly everyPosition: Int32Array;
  /** The positions sampled as the picture lies and those sampled when it is mirrored: 128, ascending. */
  readonly kept: Int32Array;
  /** For each of the 64 samples its place in `kept`; `backward` is the mirrored picture from its own start. */
  readonly forward: Int32Array;
  readonly backward: Int32Array;
}

/*
 * MIRROR. Mirroring negates every second DCT coefficient, so one transform seems enough for all orientations. But the
 * reference samples off centre (at 512 pixels by 1.5), and the mirrored picture's samples therefore lie elsewhere, 3
 * pixels away at 512. Over 1,446 pictures sign flips alone end 16 to 24 bits (median) from the hash of the mirrored
 * pixels, and beyond 31 bits for 6 to 23 % of them. Sampling the blurred picture a second time where the mirrored one
 * would be sampled costs little and brings the median to 0.
 */

function axisOf(length: number): Axis {
  // Half a sampled block, rounded up: two passes with it see the whole block.
  const window = Math.ceil(length / (2 * SAMPLES));
  const ahead = window >> 1;
  // The middles of 64 equal parts; they repeat below 64 pixels.
  const upright = Array.from({ length: SAMPLES }, (_, i) => Math.trunc(((i + 0.5) * length) / SAMPLES));
  // An even window reaches one further ahead than behind, so each of the two filters shifts by half a pixel.
  const shift = window % 2 === 0 ? 1 : 0;
  const mirrored = upright.map((position) => Math.max(0, length - 1 - position - 2 * shift));
  const kept = Int32Array.from([...upright, ...mirrored]).sort();
  return {
    length,
    window,
    ahead,
    reciprocals: Float64Array.from(
      { length },
      (_, i) => 1 / (Math.min(i + ahead, length - 1) - Math.max(i + ahead - window, -1)),
    ),
    everyPosition: Int32Array.from({ length }, (_, i) => i),
    kept,
    forward: Int32Array.from(upright, (position) => kept.indexOf(position)),
    backward: Int32Array.from(mirrored, (position) => kept.indexOf(position)),
  };
}

/**
 * A grid of floats amid zeros: element (x, y) is `data[origin + y * stride + x]`, and beyond each edge lie enough zeros
 * for the filter's window, which then needs no cases: adding zero changes no sum.
 */
interface Plane {
  readonly data: Float32Array;
  readonly origin: number;
  readonly stride: number;
}

function planeOf(width: number, height: number, x: Axis, y: Axis): Plane {
  // The margin to the right of a row is also that to the left of the next. At least one cache line, for rows a power
  // of two apart would share a few cache sets and evict each other.
  const stride = width + Math.max(16, x.window);
  const origin = y.window * stride + x.window;
  return { data: new Float32Array(origin + (height + y.window) * stride), origin, stride };
}

interface Scratch {
  /** Transforms, if there is one; samples and coefficients are then in its memory. */
  readonly kernel: PictureKernel | null;
  /** The kernel blurs too: then of the planes only the grid is there, in its memory. */
  readonly isKernelSize: boolean;
  readonly x: Axis;
  readonly y: Axis;
  readonly luma: Plane;
  readonly blurred: Plane;
  /** All rows at the kept columns, before the last filter. */
  readonly narrow: Plane;
  /** The kept rows and columns of the blurred picture. */
  readonly grid: Plane;
  readonly sums: Float32Array;
  /** 64x64, of the picture in one of its mirrorings. */
  readonly samples: Float32Array;
  readonly halfTransformed: Float32Array;
  readonly coefficients: Float32Array;
}

// Kept from call to call because almost every picture comes in one size and 2 MB are slow to allocate and to clear.
// No result refers to it, so the functions above stay pure.
// Those that the kernel blurs and the others apart: a picture's trimmed view is smaller than the whole.
let lastScratch: Scratch | undefined;
let lastKernelScratch: Scratch | undefined;

function scratchFor(width: number, height: number, kernel: PictureKernel | null): Scratch {
  if (kernel !== null && width === KERNEL_SIDE && height === KERNEL_SIDE) {
    if (lastKernelScratch?.kernel === kernel) return lastKernelScratch;
    return (lastKernelScratch = kernelScratch(axisOf(width), axisOf(height), kernel));
  }
  const last = lastScratch;
  if (last?.kernel === kernel && last.x.length === width && last.y.length === height) return last;
  return (lastScratch = plainScratch(axisOf(width), axisOf(height), kernel));
}

function plainScratch(x: Axis, y: Axis, kernel: PictureKernel | null): Scratch {
  return {
    kernel,
    isKernelSize: false,
    x,
    y,
    luma: planeOf(x.length, y.length, x, y),
    blurred: planeOf(x.length, y.length, x, y),
    narrow: planeOf(KEPT, y.length, x, y),
    grid: { data: new Float32Array(KEPT * KEPT), origin: 0, stride: KEPT },
    sums: new Float32Array(Math.max(x.length, KEPT)),
    samples: kernel?.samples ?? new Float32Array(SAMPLES * SAMPLES),
    halfTransformed: new Float32Array(COEFFICIENTS * SAMPLES),
    coefficients: kernel?.coefficients ?? new Float32Array(COEFFICIENTS * COEFFICIENTS),
  };
}

function kernelScratch(x: Axis, y: Axis, kernel: PictureKernel): Scratch {
  const none = new Float32Array(0);
  const nothing: Plane = { data: none, origin: 0, stride: 0 };
  return {
    kernel,
    isKernelSize: true,
    x,
    y,
    luma: nothing,
    blurred: nothing,
    narrow: nothing,
    grid: { data: kernel.grid, origin: 0, stride: KEPT },
    sums: none,
    samples: kernel.samples,
    halfTransformed: none,
    coefficients: kernel.coefficients,
  };
}

const RED = lumaTable(0.299);
const GREEN = lumaTable(0.587);
const BLUE = lumaTable(0.114);

/** The float32 product of a luma weight and each byte value, held as doubles because they load faster. */
function lumaTable(weight: number): Float64Array {
  return Float64Array.from({ length: 256 }, (_, value) => Math.fround(Math.fround(weight) * value));
}

function fillLuma(data: Uint8Array, scratch: Scratch): void {
  const { data: luma, origin, stride } = scratch.luma;
  const width = scratch.x.length;
  const height = scratch.y.length;
  let p = 0;
  for (let y = 0; y < height; y += 1) {
    const start = origin + y * stride;
    for (let x = 0; x < width; x += 1, p += 3) {
      luma[start + x] = Math.fround(RED[data[p]!]! + GREEN[data[p + 1]!]!) + BLUE[data[p + 2]!]!;
    }
  }
}

/**
 * Raster -> luma -> two box filters along each axis -> grid, in the scratch. The last two filters write only what may
 * be sampled; their running sums still visit every pixel, as the reference's rounding demands.
 */
function blur(raster: Raster, kernel: PictureKernel | null): Scratch {
  assertRaster(raster);
  if (Math.min(raster.width, raster.height) < PDQ_MIN_SIDE) {
    throw new RangeError(
      `PDQ needs ${PDQ_MIN_SIDE} pixels a side; this is ${raster.width}x${raster.height}.`,
    );
  }
  const scratch = scratchFor(raster.width, raster.height, kernel);
  if (scratch.isKernelSize) {
    scratch.kernel!.blur(raster.data);
    return scratch;
  }
  const { x, y, luma, blurred, narrow, grid, sums } = scratch;
  fillLuma(raster.data, scratch);
  if (x.length === SAMPLES && y.length === SAMPLES) {
    // The reference takes a 64x64 picture as already sampled.
    for (let row = 0; row < KEPT; row += 1) {
      const start = luma.origin + y.kept[row]! * luma.stride;
      for (let column = 0; column < KEPT; column += 1) {
        grid.data[row * KEPT + column] = luma.data[start + x.kept[column]!]!;
      }
    }
    return scratch;
  }
  blurRows(luma, y.length, x, x.everyPosition, blurred);
  blurColumns(blurred, x.length, y, y.everyPosition, luma, sums);
  blurRows(luma, y.length, x, x.kept, narrow);
  blurColumns(narrow, KEPT, y, y.kept, grid, sums);
  return scratch;
}

/*
 * The box filter replaces an element by the mean of the window around it. Both functions below write only the elements
 * at the positions in `keep` (ascending, possibly repeated), one after the other.
 *
 * A mean is the sum times a double reciprocal. Rounded to float32 that is the reference's quotient: no quotient of a
 * float32 and a small integer lies halfway between two float32, and none so near to it that a double could err.
 */

/** Box filter along each row. Needs 4 rows. */
function blurRows(from: Plane, rows: number, axis: Axis, keep: Int32Array, to: Plane): void {
  const { data: input, stride } = from;
  const { data: output, stride: outStride } = to;
  const { window, ahead, reciprocals } = axis;
  // Four rows at once, because a running sum must wait for its own last rounding. The last four may overlap those
  // before them and are then simply written again.
  for (let block = 0; block < rows; block += 4) {
    const row = Math.min(block, rows - 4);
    let entering = from.origin + row * stride;
    let written = to.origin + row * outStride;
    let sum0 = 0;
    let sum1 = 0;
    let sum2 = 0;
    let sum3 = 0;
    let next = -ahead;
    for (let k = 0; k < keep.length; k += 1, written += 1) {
      const position = keep[k]!;
      for (; next <= position; next += 1, entering += 1) {
        const e1 = entering + stride;
        const e2 = e1 + stride;
        const e3 = e2 + stride;
        sum0 = Math.fround(Math.fround(sum0 + input[entering]!) - input[entering - window]!);
        sum1 = Math.fround(Math.fround(sum1 + input[e1]!) - input[e1 - window]!);
        sum2 = Math.fround(Math.fround(sum2 + input[e2]!) - input[e2 - window]!);
        sum3 = Math.fround(Math.fround(sum3 + input[e3]!) - input[e3 - window]!);
      }
      const reciprocal = reciprocals[position]!;
      output[written] = sum0 * reciprocal;
      output[written + outStride] = sum1 * reciprocal;
      output[written + 2 * outStride] = sum2 * reciprocal;
      output[written + 3 * outStride] = sum3 * reciprocal;
    }
  }
}

/** Box filter along each column, all columns abreast; `sums` has room for a running sum each. */
function blurColumns(
  from: Plane,
  columns: number,
  axis: Axis,
  keep: Int32Array,
  to: Plane,
  sums: Float32Array,
): void {
  const { data: input, stride } = from;
  const { data: output, stride: outStride } = to;
  const { window, ahead, reciprocals } = axis;
  let entering = from.origin;
  let written = to.origin;
  let next = -ahead;
  sums.fill(0);
  for (const position of keep) {
    for (; next <= position; next += 1, entering += stride) {
      const leaving = entering - window * stride;
      for (let x = 0; x < columns; x += 1) {
        sums[x] = Math.fround(sums[x]! + input[entering + x]!) - input[leaving + x]!;
      }
    }
    const reciprocal = reciprocals[position]!;
    for (let x = 0; x < columns; x += 1) output[written + x] = sums[x]! * reciprocal;
    written += outStride;
  }
}

/** Grid -> 64x64 samples of the picture as it lies or mirrored along either axis. */
function sample({ x, y, grid, samples }: Scratch, flipX: boolean, flipY: boolean): void {
  const columns = flipX ? x.backward : x.forward;
  const rows = flipY ? y.backward : y.forward;
  for (let row = 0; row < SAMPLES; row += 1) {
    const start = rows[row]! * KEPT;
    for (let column = 0; column < SAMPLES; column += 1) {
      samples[row * SAMPLES + column] = grid.data[start + columns[column]!]!;
    }
  }
}

/**
 * Only steps of more than 2.55 levels between neighbouring samples count: many tiny ones (noise, a soft gradient) are
 * no features.
 */
function qualityOf({ kernel, samples }: Scratch): number {
  return Math.min(100, Math.trunc((kernel?.sumOfSteps() ?? sumOfSteps(samples)) / 90));
}

function sumOfSteps(samples: Float32Array): number {
  let sum = 0;
  for (let y = 0; y < SAMPLES; y += 1) {
    for (let x = 0; x < SAMPLES; x += 1) {
      const at = y * SAMPLES + x;
      if (y + 1 < SAMPLES) sum += step(samples[at]!, samples[at + SAMPLES]!);
      if (x + 1 < SAMPLES) sum += step(samples[at]!, samples[at + 1]!);
    }
  }
  return sum;
}

/** The difference of two samples in whole hundredths of the full range. */
function step(a: number, b: number): number {
  return Math.abs(Math.trunc(Math.fround(Math.fround(Math.fround(a - b) * 100) / 255)));
}

/** coefficients = C · samples · Cᵀ, each sum in ascending order. */
function cosineTransform({ kernel, samples, halfTransformed, coefficients }: Scratch): void {
  if (kernel !== null) {
    kernel.cosineTransform();
    return;
  }
  // Whole rows are accumulated at once, so that a sum's rounding is not waited for; each sum keeps its order.
  halfTransformed.fill(0);
  for (let u = 0; u < COEFFICIENTS; u += 1) {
    const row = u * SAMPLES;
    for (let k = 0; k < SAMPLES; k += 1) {
      const cosine = COSINES[row + k]!;
      const from = k * SAMPLES;
      for (let x = 0; x < SAMPLES; x += 1) {
        halfTransformed[row + x]! += Math.fround(cosine * samples[from + x]!);
      }
    }
  }
  coefficients.fill(0);
  for (let u = 0; u < COEFFICIENTS; u += 1) {
    for (let k = 0; k < SAMPLES; k += 1) {
      const value = halfTransformed[u * SAMPLES + k]!;
      for (let v = 0; v < COEFFICIENTS; v += 1) {
        coefficients[u * COEFFICIENTS + v]! += Math.fround(value * COSINES[v * SAMPLES + k]!);
      }
    }
  }
}

const shuffled = new Float32Array(COEFFICIENTS * COEFFICIENTS);

/** The lower of the two middle values, which is what Torben's method, used by the reference, arrives at. */
function medianOf(coefficients: Float32Array): number {
  shuffled.set(coefficients);
  return nthSmallest(shuffled, shuffled.length / 2 - 1);
}

/** One bit a coefficient, row by row from bit 0 (column by column if transposed): set when it is above the median. */
function hashOf(coefficients: Float32Array, median: number, transpose: boolean): Hash<'pdq'> {
  const words = new Uint32Array(HASH_WORDS);
  for (let k = 0; k < coefficients.length; k += 1) {
    if (coefficients[k]! <= median) continue;
    const bit = transpose ? (k % COEFFICIENTS) * COEFFICIENTS + Math.trunc(k / COEFFICIENTS) : k;
    words[bit >> 5]! |= 1 << (bit & 31);
  }
  return hashFromWords('pdq', words);
}
