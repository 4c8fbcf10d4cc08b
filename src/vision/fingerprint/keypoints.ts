import { keypointKernel } from './keypoint-kernel.ts';
import { CELLS, DESCRIPTOR_WORDS, type Extrema, type KeypointKernel } from './plain-keypoint-kernel.ts';
import { type Plane, lumaPlane } from './plane.ts';
import { type Raster, assertRaster } from './raster.ts';

/**
 * Distinctive points of a picture with descriptors that survive cropping, turning, scaling and moderate redrawing.
 *
 * Own design, in the spirit of SIFT (Lowe 2004): extrema of a difference of Gaussians on a pyramid, a dominant gradient
 * direction, a 4x4x8 histogram of gradient directions around the point. The histogram is stored as 256 bits: one says
 * "above a low threshold", one "above a high threshold" of each of the 128 cells, so that Hamming distance follows
 * the difference of the histograms. Mirroring and inverting a picture only permute the bits (see transformDescriptors).
 */

export { DESCRIPTOR_WORDS };

/** Each pyramid level is smaller than the one before it by this factor. */
export const LEVEL_FACTOR = 1.3;

const MAX_LEVELS = 9;
/** Shorter side of the smallest level, pixels. */
const MIN_LEVEL_SIDE = 36;

/** Points of one picture. Coordinates in pixels of the raster they were found in; angles in radians; all arrays in step. */
export interface Keypoints {
  /** Size of the raster they were found in. */
  readonly width: number;
  readonly height: number;
  readonly count: number;
  readonly x: Float32Array;
  readonly y: Float32Array;
  /** Pyramid level 0..; the point's size is LEVEL_FACTOR ** level. */
  readonly level: Uint8Array;
  /** Direction of the strongest gradient, 0..2 pi. */
  readonly angle: Float32Array;
  /** DESCRIPTOR_WORDS words a point. */
  readonly descriptors: Int32Array;
}

export interface KeypointOptions {
  /** At most so many points. */
  readonly limit: number;
  /** Share of points by level: a level gets LEVEL_FACTOR ** -falloff of the one before. */
  readonly falloff: number;
}

/** What is stored of a work: few points, coarse ones well represented, for works are found pasted small. */
export const WORK_KEYPOINTS: KeypointOptions = { limit: 400, falloff: 0.8 };
/** What is looked for in an output: many points, fine ones above all. */
export const OUTPUT_KEYPOINTS: KeypointOptions = { limit: 800, falloff: 1.5 };

/** |difference of Gaussians| below this is noise (luma levels). */
const MIN_CONTRAST = 0.8;
/** Share of the limit that is picked as places; the rest is for their second directions. */
const ONE_DIRECTION = 0.84;

/** @throws RangeError for a malformed raster */
export function extractKeypoints(raster: Raster, options: KeypointOptions): Keypoints {
  assertRaster(raster);
  return keypointsOf(lumaPlane(raster), options);
}

/** @param loops which loops; those for a picture of this size by default */
export function keypointsOf(
  luma: Plane,
  options: KeypointOptions,
  loops: KeypointKernel = keypointKernel(luma),
): Keypoints {
  const found: Extrema[] = [];
  const levels: Plane[] = [];
  let plane = loops.smooth(loops.begin(luma));
  let wanted = 1;
  const shares: number[] = [];
  for (let level = 0; level < MAX_LEVELS; level += 1) {
    if (Math.min(plane.width, plane.height) < MIN_LEVEL_SIDE && level > 0) break;
    const blurred = loops.smooth(plane);
    levels.push(plane);
    found.push(loops.extrema(plane, blurred, MIN_CONTRAST));
    shares.push(wanted);
    wanted *= LEVEL_FACTOR ** -options.falloff;
    const shrink = LEVEL_FACTOR ** (level + 1);
    plane = loops.resample(
      blurred,
      Math.max(8, Math.round(luma.width / shrink)),
      Math.max(8, Math.round(luma.height / shrink)),
    );
  }
  const picked = distribute(found, levels, shares, Math.round(options.limit * ONE_DIRECTION));
  return describe(picked, levels, luma, options.limit, loops);
}

interface Picked {
  readonly level: number;
  readonly x: number;
  readonly y: number;
}

/** The strongest points, spread over levels by share and within a level over a grid, so that no corner takes all. */
function distribute(found: Extrema[], levels: Plane[], shares: number[], limit: number): Picked[] {
  const picked: Picked[] = [];
  // From the coarsest: what a level cannot fill, the finer ones may.
  let room = limit;
  let shareLeft = shares.reduce((a, b) => a + b, 0);
  for (let level = found.length - 1; level >= 0; level -= 1) {
    const quota = Math.round((room * shares[level]!) / shareLeft);
    shareLeft -= shares[level]!;
    const { points } = found[level]!;
    const chosen = spread(found[level]!, levels[level]!, quota);
    for (const i of chosen) picked.push({ level, x: points[3 * i]!, y: points[3 * i + 1]! });
    room -= chosen.length;
  }
  return picked;
}

const GRID = 8;

function spread({ count, points }: Extrema, { width, height }: Plane, quota: number): number[] {
  if (count <= quota) return Array.from({ length: count }, (_, i) => i);
  // Strongest first, but no cell more than two and a half times its share while others still have points.
  const cap = Math.max(2, Math.ceil((2.5 * quota) / (GRID * GRID)));
  const taken = new Uint16Array(GRID * GRID);
  const chosen: number[] = [];
  const rest: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const column = Math.floor((points[3 * i]! / width) * GRID);
    const cell = column + GRID * Math.floor((points[3 * i + 1]! / height) * GRID);
    if (taken[cell]! < cap) {
      taken[cell]! += 1;
      chosen.push(i);
      if (chosen.length === quota) return chosen;
    } else rest.push(i);
  }
  return chosen.concat(rest.slice(0, quota - chosen.length));
}

function describe(
  picked: Picked[],
  levels: Plane[],
  { width, height }: Plane,
  limit: number,
  loops: KeypointKernel,
): Keypoints {
  const room = limit;
  const x = new Float32Array(room);
  const y = new Float32Array(room);
  const level = new Uint8Array(room);
  const angle = new Float32Array(room);
  const descriptors = new Int32Array(room * DESCRIPTOR_WORDS);
  let count = 0;
  for (const point of picked) {
    const plane = levels[point.level]!;
    const described = loops.describe(plane, point.x, point.y);
    for (let i = 0; i < described.count && count < limit; i += 1) {
      x[count] = ((point.x + 0.5) * width) / plane.width - 0.5;
      y[count] = ((point.y + 0.5) * height) / plane.height - 0.5;
      level[count] = point.level;
      angle[count] = described.angles[i]!;
      for (let word = 0; word < DESCRIPTOR_WORDS; word += 1) {
        descriptors[count * DESCRIPTOR_WORDS + word] = described.descriptors[i * DESCRIPTOR_WORDS + word]!;
      }
      count += 1;
    }
  }
  return {
    width,
    height,
    count,
    x: x.slice(0, count),
    y: y.slice(0, count),
    level: level.slice(0, count),
    angle: angle.slice(0, count),
    descriptors: descriptors.slice(0, count * DESCRIPTOR_WORDS),
  };
}

/**
 * What the descriptors would be in the mirrored picture (rows change places, directions change sense) or in its
 * negative (every gradient turns by half a turn and with it the neighbourhood), or both. The points' coordinates and
 * angles stay those of the picture as it is; matching/verify.ts knows what that means.
 */
export function transformDescriptors(
  from: Int32Array,
  how: { mirrored: boolean; inverted: boolean },
): Int32Array {
  const to = new Int32Array(from.length);
  for (let at = 0; at < from.length; at += DESCRIPTOR_WORDS) {
    for (let row = 0; row < CELLS; row += 1) {
      for (let half = at; half <= at + CELLS; half += CELLS) {
        let word = from[half + row]!;
        let target = row;
        if (how.mirrored) {
          target = CELLS - 1 - target;
          word = reverseDirections(word);
        }
        if (how.inverted) {
          target = CELLS - 1 - target;
          word = reverseBytes(word);
        }
        to[half + target] = word;
      }
    }
  }
  return to;
}

/** In each byte, bit o moves to bit (8 - o) & 7. */
function reverseDirections(w: number): number {
  const fixed = w & 0x11111111;
  return (
    fixed |
    ((w & 0x02020202) << 6) |
    ((w >>> 6) & 0x02020202) |
    ((w & 0x04040404) << 4) |
    ((w >>> 4) & 0x04040404) |
    ((w & 0x08080808) << 2) |
    ((w >>> 2) & 0x08080808)
  );
}

function reverseBytes(w: number): number {
  return (w << 24) | ((w & 0xff00) << 8) | ((w >>> 8) & 0xff00) | (w >>> 24);
}

/** Bits in which the descriptors at words `i` of `a` and `j` of `b` differ, 0..256. */
export function descriptorDistance(a: Int32Array, i: number, b: Int32Array, j: number): number {
  // Counts of two words fit into the same nibbles, those of eight into the same bytes.
  const sum =
    bytes(nibbles(a[i]! ^ b[j]!) + nibbles(a[i + 1]! ^ b[j + 1]!)) +
    bytes(nibbles(a[i + 2]! ^ b[j + 2]!) + nibbles(a[i + 3]! ^ b[j + 3]!)) +
    bytes(nibbles(a[i + 4]! ^ b[j + 4]!) + nibbles(a[i + 5]! ^ b[j + 5]!)) +
    bytes(nibbles(a[i + 6]! ^ b[j + 6]!) + nibbles(a[i + 7]! ^ b[j + 7]!));
  return (sum & 0xff) + ((sum >>> 8) & 0xff) + ((sum >>> 16) & 0xff) + (sum >>> 24);
}

/** Bit counts of each four bits. */
export function nibbles(v: number): number {
  const pairs = v - ((v >>> 1) & 0x55555555);
  return (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
}

/** Adds the counts in neighbouring nibbles. */
export function bytes(v: number): number {
  return (v & 0x0f0f0f0f) + ((v >>> 4) & 0x0f0f0f0f);
}
