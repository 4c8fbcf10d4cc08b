import { type Plane, lumaPlane, resample, smooth } from './plane.ts';
import { type Raster, assertRaster } from './raster.ts';

/**
 * Distinctive points of a picture with descriptors that survive cropping, turning, scaling and moderate redrawing.
 *
 * Own design, in the spirit of SIFT (Lowe 2004): extrema of a difference of Gaussians on a pyramid, a dominant gradient
 * direction, a 4x4x8 histogram of gradient directions around the point. The histogram is stored as 256 bits: one says
 * "above a low threshold", one "above a high threshold" of each of the 128 cells, so that Hamming distance follows
 * the difference of the histograms. Mirroring and inverting a picture only permute the bits (see transformDescriptors).
 */

/** Descriptor length in 32-bit words. */
export const DESCRIPTOR_WORDS = 8;

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
/** Ratio of principal curvatures above which a point lies on an edge. */
const EDGE_RATIO = 12;
/** Points nearer to the border of their level than this have no stable neighbourhood. Pixels of the level. */
const MARGIN = 4;
/** A second gradient direction this strong gives a second point. */
const SECOND_PEAK = 0.8;
/** Share of the limit that is picked as places; the rest is for their second directions. */
const ONE_DIRECTION = 0.84;

/** @throws RangeError for a malformed raster */
export function extractKeypoints(raster: Raster, options: KeypointOptions): Keypoints {
  assertRaster(raster);
  return keypointsOf(lumaPlane(raster), options);
}

export function keypointsOf(luma: Plane, options: KeypointOptions): Keypoints {
  const found: Found[] = [];
  const levels: Plane[] = [];
  let plane = smooth(luma);
  let wanted = 1;
  const shares: number[] = [];
  for (let level = 0; level < MAX_LEVELS; level += 1) {
    if (Math.min(plane.width, plane.height) < MIN_LEVEL_SIDE && level > 0) break;
    const blurred = smooth(plane);
    levels.push(plane);
    found.push(extrema(plane, blurred));
    shares.push(wanted);
    wanted *= LEVEL_FACTOR ** -options.falloff;
    const shrink = LEVEL_FACTOR ** (level + 1);
    plane = resample(
      blurred,
      Math.max(8, Math.round(luma.width / shrink)),
      Math.max(8, Math.round(luma.height / shrink)),
    );
  }
  const picked = distribute(found, levels, shares, Math.round(options.limit * ONE_DIRECTION));
  return describe(picked, levels, luma, options.limit);
}

/** Points of one level before selection, unordered. */
interface Found {
  readonly x: number[];
  readonly y: number[];
  readonly strength: number[];
}

// Kept from call to call, for large arrays are slow to allocate; no result refers to it.
let difference = new Float32Array(0);

function extrema(plane: Plane, blurred: Plane): Found {
  const { width, height } = plane;
  if (difference.length < plane.data.length) difference = new Float32Array(plane.data.length);
  const d = difference;
  for (let i = 0; i < plane.data.length; i += 1) d[i] = plane.data[i]! - blurred.data[i]!;
  const found = { x: [] as number[], y: [] as number[], strength: [] as number[] };
  for (let y = MARGIN; y < height - MARGIN; y += 1) {
    for (let i = y * width + MARGIN, end = y * width + width - MARGIN; i < end; i += 1) {
      const v = d[i]!;
      if (v > MIN_CONTRAST) {
        if (v < d[i - 1]! || v <= d[i + 1]! || v < d[i - width]! || v <= d[i + width]!) continue;
        if (
          v < d[i - width - 1]! ||
          v < d[i - width + 1]! ||
          v <= d[i + width - 1]! ||
          v <= d[i + width + 1]!
        )
          continue;
      } else if (v < -MIN_CONTRAST) {
        if (v > d[i - 1]! || v >= d[i + 1]! || v > d[i - width]! || v >= d[i + width]!) continue;
        if (
          v > d[i - width - 1]! ||
          v > d[i - width + 1]! ||
          v >= d[i + width - 1]! ||
          v >= d[i + width + 1]!
        )
          continue;
      } else continue;
      const dxx = d[i + 1]! + d[i - 1]! - 2 * v;
      const dyy = d[i + width]! + d[i - width]! - 2 * v;
      const dxy = (d[i + width + 1]! - d[i + width - 1]! - d[i - width + 1]! + d[i - width - 1]!) / 4;
      const det = dxx * dyy - dxy * dxy;
      if (det <= 0 || (dxx + dyy) ** 2 * EDGE_RATIO > (EDGE_RATIO + 1) ** 2 * det) continue;
      const dx = (d[i - 1]! - d[i + 1]!) / (2 * dxx);
      const dy = (d[i - width]! - d[i + width]!) / (2 * dyy);
      found.x.push(i - y * width + Math.max(-0.5, Math.min(0.5, dx)));
      found.y.push(y + Math.max(-0.5, Math.min(0.5, dy)));
      found.strength.push(Math.abs(v));
    }
  }
  return found;
}

interface Picked {
  readonly level: number;
  readonly x: number;
  readonly y: number;
}

/** The strongest points, spread over levels by share and within a level over a grid, so that no corner takes all. */
function distribute(found: Found[], levels: Plane[], shares: number[], limit: number): Picked[] {
  const picked: Picked[] = [];
  // From the coarsest: what a level cannot fill, the finer ones may.
  let room = limit;
  let shareLeft = shares.reduce((a, b) => a + b, 0);
  for (let level = found.length - 1; level >= 0; level -= 1) {
    const quota = Math.round((room * shares[level]!) / shareLeft);
    shareLeft -= shares[level]!;
    const chosen = spread(found[level]!, levels[level]!, quota);
    for (const i of chosen) picked.push({ level, x: found[level]!.x[i]!, y: found[level]!.y[i]! });
    room -= chosen.length;
  }
  return picked;
}

const GRID = 8;

function spread({ x, y, strength }: Found, { width, height }: Plane, quota: number): number[] {
  const order = strength.map((_, i) => i).toSorted((a, b) => strength[b]! - strength[a]! || a - b);
  if (order.length <= quota) return order;
  // Strongest first, but no cell more than two and a half times its share while others still have points.
  const cap = Math.max(2, Math.ceil((2.5 * quota) / (GRID * GRID)));
  const taken = new Uint16Array(GRID * GRID);
  const chosen: number[] = [];
  const rest: number[] = [];
  for (const i of order) {
    const cell = Math.floor((x[i]! / width) * GRID) + GRID * Math.floor((y[i]! / height) * GRID);
    if (taken[cell]! < cap) {
      taken[cell]! += 1;
      chosen.push(i);
      if (chosen.length === quota) return chosen;
    } else rest.push(i);
  }
  return chosen.concat(rest.slice(0, quota - chosen.length));
}

function describe(picked: Picked[], levels: Plane[], { width, height }: Plane, limit: number): Keypoints {
  const room = limit;
  const x = new Float32Array(room);
  const y = new Float32Array(room);
  const level = new Uint8Array(room);
  const angle = new Float32Array(room);
  const descriptors = new Int32Array(room * DESCRIPTOR_WORDS);
  let count = 0;
  for (const point of picked) {
    const plane = levels[point.level]!;
    for (const direction of directions(plane, point.x, point.y)) {
      if (count === limit) break;
      x[count] = ((point.x + 0.5) * width) / plane.width - 0.5;
      y[count] = ((point.y + 0.5) * height) / plane.height - 0.5;
      level[count] = point.level;
      angle[count] = direction;
      histogram(plane, point.x, point.y, direction);
      binarise(descriptors, count * DESCRIPTOR_WORDS);
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

const TURN = 2 * Math.PI;

/** Direction of (x, y) in turns, 0..1, to about a thousandth; much faster than Math.atan2. */
function turnsOf(y: number, x: number): number {
  const ax = Math.abs(x);
  const ay = Math.abs(y);
  const a = ax > ay ? ay / ax : ax === 0 ? 0 : ax / ay;
  const s = a * a;
  let r = ((-0.0464964749 * s + 0.15931422) * s - 0.327622764) * s * a + a;
  if (ay > ax) r = Math.PI / 2 - r;
  if (x < 0) r = Math.PI - r;
  if (y < 0) r = TURN - r;
  const turns = r / TURN;
  return turns >= 1 ? 0 : turns;
}

const PEAKS = 36;
const ORIENTATION_RADIUS = 7;
const ORIENTATION_WEIGHTS = gaussian(ORIENTATION_RADIUS, 3);
const peaks = new Float32Array(PEAKS);
const smoothedPeaks = new Float32Array(PEAKS);

function gaussian(radius: number, sigma: number): Float32Array {
  const side = 2 * radius + 1;
  return Float32Array.from({ length: side * side }, (_, i) => {
    const u = (i % side) - radius;
    const v = Math.floor(i / side) - radius;
    const d = u * u + v * v;
    return d > radius * radius + 1 ? 0 : Math.exp(-d / (2 * sigma * sigma));
  });
}

/** The one or two strongest gradient directions around a point, radians. */
function directions({ width, height, data }: Plane, px: number, py: number): number[] {
  peaks.fill(0);
  const cx = Math.round(px);
  const cy = Math.round(py);
  let k = 0;
  for (let v = -ORIENTATION_RADIUS; v <= ORIENTATION_RADIUS; v += 1) {
    const y = Math.max(1, Math.min(height - 2, cy + v));
    for (let u = -ORIENTATION_RADIUS; u <= ORIENTATION_RADIUS; u += 1, k += 1) {
      const weight = ORIENTATION_WEIGHTS[k]!;
      if (weight === 0) continue;
      const i = y * width + Math.max(1, Math.min(width - 2, cx + u));
      const gx = data[i + 1]! - data[i - 1]!;
      const gy = data[i + width]! - data[i - width]!;
      const bin = turnsOf(gy, gx) * PEAKS;
      const low = Math.floor(bin);
      const strength = weight * Math.sqrt(gx * gx + gy * gy);
      const f = bin - low;
      peaks[low]! += strength * (1 - f);
      peaks[low + 1 === PEAKS ? 0 : low + 1]! += strength * f;
    }
  }
  let top = 0;
  for (let i = 0; i < PEAKS; i += 1) {
    const v =
      6 * peaks[i]! +
      4 * (peaks[(i + 1) % PEAKS]! + peaks[(i + PEAKS - 1) % PEAKS]!) +
      peaks[(i + 2) % PEAKS]! +
      peaks[(i + PEAKS - 2) % PEAKS]!;
    smoothedPeaks[i] = v;
    if (v > smoothedPeaks[top]!) top = i;
  }
  const result = [peakAt(top)];
  let second = -1;
  for (let i = 0; i < PEAKS; i += 1) {
    const v = smoothedPeaks[i]!;
    if (i === top || v < SECOND_PEAK * smoothedPeaks[top]!) continue;
    if (v < smoothedPeaks[(i + 1) % PEAKS]! || v <= smoothedPeaks[(i + PEAKS - 1) % PEAKS]!) continue;
    if (second < 0 || v > smoothedPeaks[second]!) second = i;
  }
  if (second >= 0) result.push(peakAt(second));
  return result;
}

function peakAt(i: number): number {
  const l = smoothedPeaks[(i + PEAKS - 1) % PEAKS]!;
  const c = smoothedPeaks[i]!;
  const r = smoothedPeaks[(i + 1) % PEAKS]!;
  const bend = l - 2 * c + r;
  const shift = bend < 0 ? (0.5 * (l - r)) / bend : 0;
  return (((((i + shift) / PEAKS) * TURN) % TURN) + TURN) % TURN;
}

/** Samples along a side of the neighbourhood, cells along a side, directions. */
const SAMPLES = 12;
const CELLS = 4;
const BINS = 8;
/** Distance of samples in pixels of the level. */
const SPACING = 1.75;
const cells = new Float32Array((CELLS + 2) * (CELLS + 2) * BINS);
const SAMPLE_WEIGHTS = Float32Array.from({ length: SAMPLES * SAMPLES }, (_, i) => {
  const u = (i % SAMPLES) - (SAMPLES - 1) / 2;
  const v = Math.floor(i / SAMPLES) - (SAMPLES - 1) / 2;
  return Math.exp(-(u * u + v * v) / (2 * (SAMPLES / 2) ** 2));
});
/** Of a sample's row or column: first of the two cells it counts for (with a margin of one), and its share of the second. */
const CELL_OF = Int32Array.from({ length: SAMPLES }, (_, i) => Math.floor(cellOf(i)));
const CELL_SHARE = Float32Array.from({ length: SAMPLES }, (_, i) => cellOf(i) - CELL_OF[i]!);

function cellOf(sample: number): number {
  return ((sample + 0.5) * CELLS) / SAMPLES + 0.5;
}

/** Gradient directions relative to `direction`, by place in the turned neighbourhood, into `cells`. */
function histogram({ width, height, data }: Plane, px: number, py: number, direction: number): void {
  cells.fill(0);
  const cos = Math.cos(direction) * SPACING;
  const sin = Math.sin(direction) * SPACING;
  const start = direction / TURN;
  const right = width - 2;
  const bottom = height - 2;
  let k = 0;
  for (let j = 0; j < SAMPLES; j += 1) {
    const v = j - (SAMPLES - 1) / 2;
    const row = CELL_OF[j]! * (CELLS + 2);
    const fy = CELL_SHARE[j]!;
    for (let i = 0; i < SAMPLES; i += 1, k += 1) {
      const u = i - (SAMPLES - 1) / 2;
      let x = Math.round(px + u * cos - v * sin);
      let y = Math.round(py + u * sin + v * cos);
      x = x < 1 ? 1 : x > right ? right : x;
      y = y < 1 ? 1 : y > bottom ? bottom : y;
      const at = y * width + x;
      const gx = data[at + 1]! - data[at - 1]!;
      const gy = data[at + width]! - data[at - width]!;
      if (gx === 0 && gy === 0) continue;
      let turns = turnsOf(gy, gx) - start;
      if (turns < 0) turns += 1;
      const bin = turns * BINS;
      const low = Math.floor(bin) & (BINS - 1);
      const high = (low + 1) & (BINS - 1);
      const f = bin - Math.floor(bin);
      const strength = SAMPLE_WEIGHTS[k]! * Math.sqrt(gx * gx + gy * gy);
      const fx = CELL_SHARE[i]!;
      const a = (row + CELL_OF[i]!) * BINS;
      const b = a + (CELLS + 2) * BINS;
      const upper = strength * (1 - fy);
      const lower = strength * fy;
      const ul = upper * (1 - fx);
      const ur = upper * fx;
      const ll = lower * (1 - fx);
      const lr = lower * fx;
      cells[a + low]! += ul * (1 - f);
      cells[a + high]! += ul * f;
      cells[a + BINS + low]! += ur * (1 - f);
      cells[a + BINS + high]! += ur * f;
      cells[b + low]! += ll * (1 - f);
      cells[b + high]! += ll * f;
      cells[b + BINS + low]! += lr * (1 - f);
      cells[b + BINS + high]! += lr * f;
    }
  }
}

/** The two thresholds of the bits, in multiples of the mean cell. */
const LOW_THRESHOLD = 0.5;
const HIGH_THRESHOLD = 1.5;

/*
 * Word r (0..3) holds the low-threshold bits of row r, word 4 + r the high ones; in a word, byte c is column c and
 * bit o direction o.
 */
function binarise(descriptors: Int32Array, at: number): void {
  let sum = 0;
  for (let row = 1; row <= CELLS; row += 1) {
    const from = (row * (CELLS + 2) + 1) * BINS;
    for (let i = from; i < from + CELLS * BINS; i += 1) sum += cells[i]!;
  }
  const mean = sum / (CELLS * CELLS * BINS);
  const low = mean * LOW_THRESHOLD;
  const high = mean * HIGH_THRESHOLD;
  for (let row = 0; row < CELLS; row += 1) {
    const from = ((row + 1) * (CELLS + 2) + 1) * BINS;
    let lows = 0;
    let highs = 0;
    for (let bit = 0; bit < CELLS * BINS; bit += 1) {
      const v = cells[from + bit]!;
      if (v > low) lows |= 1 << bit;
      if (v > high) highs |= 1 << bit;
    }
    descriptors[at + row] = lows;
    descriptors[at + CELLS + row] = highs;
  }
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
