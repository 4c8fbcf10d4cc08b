import { type Plane, resample, smooth } from '../fingerprint/plane.ts';
import type { Thumbnail } from '../fingerprint/thumbnail.ts';
import { type Transform, areaScale } from './geometry.ts';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Where a work lies in an output: a map from the work's raster to the output's, and the sizes of both. */
export interface Place {
  readonly map: Transform;
  readonly work: Size;
  readonly output: Size;
}

/** One side of a convex outline, in shares of a picture's sides: the points where nx x + ny y = from. */
export interface OutlineSide {
  readonly nx: number;
  readonly ny: number;
  readonly from: number;
  /** 1 where the greater side is inwards, -1 where the smaller is. */
  readonly inwards: number;
}

export interface AlignmentKernel {
  /** Compares quickly, at half the size of the work's thumbnail: tells which of several maps is better, not how good it is. */
  look(work: Thumbnail, output: Thumbnail, place: Place): Look;
  /** Compares in full. */
  align(work: Thumbnail, output: Thumbnail, place: Place): Alignment;
  /** Of an output, lines outside an outline: share of the area there that is not plain, 0..1; 0 where nothing is outside. */
  surroundings(output: Thumbnail, outline: readonly OutlineSide[]): number;
}

/** How alike work and output are once the output has been warped onto the work. */
export interface Alignment {
  /** Agreement of line directions, sign-free (an inverted picture agrees): about -0.2..1, 0 by chance. */
  readonly structure: number;
  /** The same at half resolution, each part allowed to shift a little: for redrawn and elastically warped pictures. */
  readonly elastic: number;
  /** Signed correlation of lightness at half resolution, -1..1; about -1 for a negative. */
  readonly tone: number;
  /** Share of the parts (a 5x5 grid) whose line directions agree well, weighted by how much is drawn there. */
  readonly evenness: number;
  /** Share of the work's lines (inside the output) that the output confirms, and of the output's that the work does. */
  readonly confirmed: number;
  readonly explained: number;
  /** As `evenness`, counted in parts of the work that have lines at all, not by strength. */
  readonly parts: number;
  /** Correlation of fine detail: lightness minus its surroundings, at full resolution. */
  readonly detail: number;
  /** Mean difference of chroma, levels. */
  readonly colour: number;
  /** Mean difference of lightness, levels. */
  readonly lightness: number;
  /** Share of the work that lies inside the output, 0..1. */
  readonly inside: number;
  /**
   * What is left of the output's lightness after the best straight tone curve over the work's, in shares of its spread;
   * the worst third of the picture (captions, stickers) left out. Near 0 for copies, tone changed or not.
   */
  readonly toneResidual: number;
  /** The same for chroma, in levels. */
  readonly chromaResidual: number;
  /** Share of the common part that has any lines at all, in the picture that has less. */
  readonly texture: number;
  /** Correlation of how strong the lines are, place by place, -1..1: redrawing keeps their place, not their strength. */
  readonly strength: number;
  /** ln of the output's fine detail over the work's, each relative to its own contrast: below 0 smoothed, above roughened. */
  readonly roughness: number;
}

/** What a quick look at half resolution tells; the names mean what they mean in Alignment. */
export interface Look {
  readonly structure: number;
  readonly elastic: number;
}

/** Line directions as doubled angles, weighted by a saturating strength. */
interface Field {
  readonly c: Float32Array;
  readonly s: Float32Array;
  readonly energy: number;
  readonly busy: number;
}

/** The output as it lies under the work, sampled on the work's grid. */
interface Laid {
  readonly plane: Plane;
  /** 1 where the work lies inside the output. */
  readonly mask: Uint8Array;
  readonly inside: number;
}

/** How an output is sampled so that it lies on a grid over the work. */
export interface Sampling {
  /** Which of levelsOf(output). */
  readonly level: number;
  /** Pixels of the work's raster in one of the grid, across and down. */
  readonly kx: number;
  readonly ky: number;
  /** Pixels of the level in one of the output's raster. */
  readonly lx: number;
  readonly ly: number;
}

/** An output's thumbnail halved again and again, so that any scale can be sampled without aliasing: sizes, the largest first. */
export function levelsOf({ width, height }: Size): Size[] {
  const levels = [{ width, height }];
  for (let last = levels[0]!; Math.min(last.width, last.height) >= 16; last = levels.at(-1)!)
    levels.push({ width: last.width >> 1, height: last.height >> 1 });
  return levels;
}

export function samplingOf(grid: Size, thumb: Size, { map, work, output }: Place): Sampling {
  const kx = work.width / grid.width;
  const ky = work.height / grid.height;
  const ox = thumb.width / output.width;
  const oy = thumb.height / output.height;
  // The sampling step in the output's thumbnail at the work's centre chooses the level.
  const step = Math.sqrt(Math.abs(areaScale(map, work.width / 2, work.height / 2)) * kx * ky * ox * oy);
  const levels = levelsOf(thumb);
  const level = Math.max(0, Math.min(levels.length - 1, Math.floor(Math.log2(Math.max(step, 1e-3)) + 0.6)));
  const size = levels[level]!;
  return { level, kx, ky, lx: (ox * size.width) / thumb.width, ly: (oy * size.height) / thumb.height };
}

const pyramids = new WeakMap<Thumbnail, readonly Plane[]>();

/** The planes that levelsOf gives the sizes of; made once, for an output is looked at many times. */
function pyramidOf(thumb: Thumbnail): readonly Plane[] {
  let planes = pyramids.get(thumb);
  if (planes === undefined) {
    const made: Plane[] = [{ width: thumb.width, height: thumb.height, data: Float32Array.from(thumb.luma) }];
    for (const { width, height } of levelsOf(thumb).slice(1))
      made.push(resample(smooth(made.at(-1)!), width, height));
    planes = made;
    pyramids.set(thumb, planes);
  }
  return planes;
}

function lay(grid: Size, thumb: Thumbnail, place: Place): Laid {
  const { width, height } = grid;
  const { map } = place;
  const data = new Float32Array(width * height);
  const mask = new Uint8Array(width * height);
  const { level, kx, ky, lx, ly } = samplingOf(grid, thumb, place);
  const plane = pyramidOf(thumb)[level]!;
  let inside = 0;
  for (let y = 0, i = 0; y < height; y += 1) {
    const wy = (y + 0.5) * ky - 0.5;
    for (let x = 0; x < width; x += 1, i += 1) {
      const wx = (x + 0.5) * kx - 0.5;
      const d = map[6]! * wx + map[7]! * wy + map[8]!;
      const u = ((map[0]! * wx + map[1]! * wy + map[2]!) / d + 0.5) * lx - 0.5;
      const v = ((map[3]! * wx + map[4]! * wy + map[5]!) / d + 0.5) * ly - 0.5;
      if (!(d > 0 && u > -0.75 && v > -0.75 && u < plane.width - 0.25 && v < plane.height - 0.25)) continue;
      mask[i] = 1;
      inside += 1;
      data[i] = bilinear(plane, u, v);
    }
  }
  return { plane: { width, height, data }, mask, inside };
}

/** Outside the common part both pictures get the mean of what is inside: no lines there. */
function fillOutside(data: Float32Array, mask: Uint8Array): void {
  let sum = 0;
  let inside = 0;
  for (let i = 0; i < data.length; i += 1) {
    if (!mask[i]) continue;
    sum += data[i]!;
    inside += 1;
  }
  const mean = sum / Math.max(1, inside);
  for (let i = 0; i < data.length; i += 1) if (!mask[i]) data[i] = mean;
}

function halved(plane: Plane): Plane {
  return smooth(resample(plane, plane.width >> 1, plane.height >> 1));
}

const coarsePlanes = new WeakMap<Thumbnail, Plane>();

/** The work's thumbnail at half its size, for `look`; made once, for a work is often looked at again. */
function coarsePlane(thumb: Thumbnail): Plane {
  let plane = coarsePlanes.get(thumb);
  if (plane === undefined) {
    const { width, height, luma } = thumb;
    plane = halved(smooth({ width, height, data: Float32Array.from(luma) }));
    coarsePlanes.set(thumb, plane);
  }
  return plane;
}

function look(work: Thumbnail, output: Thumbnail, place: Place): Look {
  const coarse = coarsePlane(work);
  const { plane, mask } = lay(coarse, output, place);
  fillOutside(plane.data, mask);
  const a = field(coarse, mask);
  const b = field(smooth(plane), mask);
  const { agreement: elastic } = elasticAgreement(a, b, coarse.width, coarse.height);
  return { structure: agreement(a, b), elastic };
}

function align(work: Thumbnail, output: Thumbnail, place: Place): Alignment {
  const { width, height } = work;
  const { plane: other, mask, inside } = lay(work, output, place);
  const own: Plane = { width, height, data: Float32Array.from(work.luma) };
  let lightness = 0;
  for (let i = 0; i < mask.length; i += 1) {
    if (mask[i]) lightness += Math.abs(own.data[i]! - other.data[i]!);
  }
  fillOutside(own.data, mask);
  fillOutside(other.data, mask);
  const a = smooth(own);
  const b = smooth(other);
  const fineA = field(a, mask);
  const fineB = field(b, mask);
  const halfA = halved(a);
  const halfB = halved(b);
  const halfMask = new Uint8Array(halfA.data.length);
  for (let y = 0; y < halfA.height; y += 1)
    for (let x = 0; x < halfA.width; x += 1) halfMask[y * halfA.width + x] = mask[2 * y * width + 2 * x]!;
  const coarse = elasticAgreement(field(halfA, halfMask), field(halfB, halfMask), halfA.width, halfA.height);
  const detailA = own.data.map((v, i) => v - a.data[i]!);
  const detailB = other.data.map((v, i) => v - b.data[i]!);
  return {
    structure: agreement(fineA, fineB),
    elastic: coarse.agreement,
    evenness: coarse.evenness,
    confirmed: coarse.confirmed,
    explained: coarse.explained,
    parts: coarse.parts,
    tone: correlation(halfA.data, halfB.data, halfMask),
    detail: correlation(detailA, detailB, mask),
    ...compareChroma(work, output, place),
    toneResidual: toneResidual(halfA.data, halfB.data, halfMask),
    lightness: lightness / Math.max(1, inside),
    inside: inside / mask.length,
    texture: Math.min(fineA.busy, fineB.busy) / Math.max(1, inside),
    strength: correlation(logStrength(a), logStrength(b), mask),
    roughness: Math.log(
      ((spread(detailB, mask) + 0.3) * (spread(a.data, mask) + 3)) /
        ((spread(detailA, mask) + 0.3) * (spread(b.data, mask) + 3)),
    ),
  };
}

/** Sixteenths of e-folds of the gradient's length, so that one level of noise changes little. */
function logStrength({ width, height, data }: Plane): Float32Array {
  const strength = new Float32Array(data.length);
  for (let y = 1; y < height - 1; y += 1) {
    for (let i = y * width + 1; i < (y + 1) * width - 1; i += 1) {
      const gx = data[i + 1]! - data[i - 1]!;
      const gy = data[i + width]! - data[i - width]!;
      strength[i] = 16 * Math.log(FAINT + Math.sqrt(gx * gx + gy * gy));
    }
  }
  return strength;
}

/** Standard deviation where the mask says. */
function spread(data: Float32Array, mask: Uint8Array): number {
  let n = 0;
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < data.length; i += 1) {
    if (!mask[i]) continue;
    n += 1;
    sum += data[i]!;
    squares += data[i]! ** 2;
  }
  return n === 0 ? 0 : Math.sqrt(Math.max(0, squares / n - (sum / n) ** 2));
}

function bilinear({ width, height, data }: Plane, u: number, v: number): number {
  const x = u < 0 ? 0 : u > width - 1 ? width - 1 : u;
  const y = v < 0 ? 0 : v > height - 1 ? height - 1 : v;
  const x0 = Math.floor(x);
  const y0 = Math.floor(y);
  const i = y0 * width + x0;
  const dx = x0 < width - 1 ? 1 : 0;
  const dy = y0 < height - 1 ? width : 0;
  const fx = x - x0;
  const top = data[i]! + (data[i + dx]! - data[i]!) * fx;
  const low = data[i + dy]! + (data[i + dy + dx]! - data[i + dy]!) * fx;
  return top + (low - top) * (y - y0);
}

/** Gradients weaker than this (luma levels over two pixels) are no lines, whatever the picture's mean. */
const FAINT = 2;

function field({ width, height, data }: Plane, mask: Uint8Array): Field {
  const c = new Float32Array(data.length);
  const s = new Float32Array(data.length);
  let sum = 0;
  let count = 0;
  const strength = new Float32Array(data.length);
  for (let y = 1; y < height - 1; y += 1) {
    for (let i = y * width + 1, end = (y + 1) * width - 1; i < end; i += 1) {
      if (!(mask[i] && mask[i - 1] && mask[i + 1] && mask[i - width] && mask[i + width])) continue;
      const gx = data[i + 1]! - data[i - 1]!;
      const gy = data[i + width]! - data[i - width]!;
      const m = Math.sqrt(gx * gx + gy * gy);
      sum += m;
      count += 1;
      if (m < 1e-6) continue;
      strength[i] = m;
      c[i] = (gx * gx - gy * gy) / (m * m);
      s[i] = (2 * gx * gy) / (m * m);
    }
  }
  const knee = sum / Math.max(1, count) + FAINT;
  let energy = 0;
  let busy = 0;
  for (let i = 0; i < c.length; i += 1) {
    const m = strength[i]!;
    if (m === 0) continue;
    const w = m / (m + knee);
    c[i]! *= w;
    s[i]! *= w;
    energy += w * w;
    if (m > 2 * FAINT) busy += 1;
  }
  return { c, s, energy, busy };
}

/** Correlation of two fields of directions, each less its mean: two pictures of upright lines do not agree by that alone. */
function agreement(a: Field, b: Field): number {
  let dot = 0;
  let ac = 0;
  let as = 0;
  let bc = 0;
  let bs = 0;
  let n = 0;
  for (let i = 0; i < a.c.length; i += 1) {
    dot += a.c[i]! * b.c[i]! + a.s[i]! * b.s[i]!;
    ac += a.c[i]!;
    as += a.s[i]!;
    bc += b.c[i]!;
    bs += b.s[i]!;
    n += 1;
  }
  const ea = a.energy - (ac * ac + as * as) / n;
  const eb = b.energy - (bc * bc + bs * bs) / n;
  return (dot - (ac * bc + as * bs) / n) / Math.sqrt(ea * eb + 1e-9 + (0.002 * n) ** 2);
}

/** Line directions as doubled angles, x and y by turns, in FIELD_UNITths. */
interface DirectionField {
  readonly width: number;
  readonly height: number;
  readonly directions: Int16Array;
}

const FIELD_UNIT = 2048;
/** A picture is compared in so many parts across and down, each shifted by up to REACH. */
const PARTS = 5;
const REACH = 2;

/** How one part agrees best: score, energy of its own lines, product, and energy of the other picture's. */
interface PartAgreement {
  readonly score: number;
  readonly own: number;
  readonly dot: number;
  readonly energy: number;
}

/** Each part of `a` with the best shift of `b`. */
function elastic(a: DirectionField, b: DirectionField): PartAgreement[] {
  const { width, height } = a;
  const unit = FIELD_UNIT ** 2;
  const parts: PartAgreement[] = [];
  for (let pj = 0; pj < PARTS; pj += 1) {
    for (let pi = 0; pi < PARTS; pi += 1) {
      const x0 = Math.floor((pi * width) / PARTS);
      const x1 = Math.floor(((pi + 1) * width) / PARTS);
      const y0 = Math.floor((pj * height) / PARTS);
      const y1 = Math.floor(((pj + 1) * height) / PARTS);
      let own = 0;
      for (let y = y0; y < y1; y += 1)
        for (let i = 2 * (y * width + x0); i < 2 * (y * width + x1); i += 1) own += a.directions[i]! ** 2;
      let best = { score: -Infinity, own, dot: 0, energy: 0 };
      for (let dy = -REACH; dy <= REACH; dy += 1) {
        for (let dx = -REACH; dx <= REACH; dx += 1) {
          let dot = 0;
          let energy = 0;
          const left = Math.max(x0, -dx);
          const right = Math.min(x1, width - dx);
          for (let y = Math.max(y0, -dy); y < Math.min(y1, height - dy); y += 1) {
            const shift = 2 * (dy * width + dx);
            for (let i = 2 * (y * width + left); i < 2 * (y * width + right); i += 1) {
              const other = b.directions[i + shift]!;
              dot += a.directions[i]! * other;
              energy += other * other;
            }
          }
          const score =
            dot / unit / Math.sqrt((own / unit + 0.3) * (energy / unit + 0.3)) -
            0.01 * (Math.abs(dx) + Math.abs(dy));
          if (score > best.score) best = { score, own, dot, energy };
        }
      }
      parts.push({ score: best.score, own: own / unit, dot: best.dot / unit, energy: best.energy / unit });
    }
  }
  return parts;
}

function elasticAgreement(a: Field, b: Field, width: number, height: number) {
  let dot = 0;
  let ea = 0;
  let eb = 0;
  let agreeing = 0;
  let confirmed = 0;
  let drawnParts = 0;
  let agreeingParts = 0;
  let weight = 0;
  const directed = (field: Field) => ({ width, height, directions: directionsOf(field) });
  for (const part of elastic(directed(a), directed(b))) {
    dot += part.dot;
    ea += part.own;
    eb += part.energy;
    confirmed += Math.max(0, Math.min(part.dot, part.own, part.energy));
    if (part.own > 2) {
      drawnParts += 1;
      agreeingParts += Math.max(0, part.score);
    }
    const drawn = Math.sqrt(part.own * part.energy);
    weight += drawn;
    if (part.score > 0.5) agreeing += drawn;
  }
  return {
    agreement: dot / Math.sqrt((ea + 1) * (eb + 1)),
    evenness: agreeing / (weight + 1),
    confirmed: confirmed / (ea + 2),
    explained: confirmed / (eb + 2),
    parts: agreeingParts / (drawnParts + 1),
  };
}

function directionsOf({ c, s }: Field): Int16Array {
  const directions = new Int16Array(2 * c.length);
  for (let i = 0; i < c.length; i += 1) {
    // Cut off, not rounded: much faster, and as good.
    directions[2 * i] = c[i]! * FIELD_UNIT;
    directions[2 * i + 1] = s[i]! * FIELD_UNIT;
  }
  return directions;
}

function correlation(a: Float32Array, b: Float32Array, mask: Uint8Array): number {
  let n = 0;
  let sa = 0;
  let sb = 0;
  let aa = 0;
  let bb = 0;
  let ab = 0;
  for (let i = 0; i < a.length; i += 1) {
    if (!mask[i]) continue;
    const p = a[i]!;
    const q = b[i]!;
    n += 1;
    sa += p;
    sb += q;
    aa += p * p;
    bb += q * q;
    ab += p * q;
  }
  if (n === 0) return 0;
  // One level of noise in each keeps flat parts from correlating.
  return (ab - (sa * sb) / n) / Math.sqrt((aa - (sa * sa) / n + n) * (bb - (sb * sb) / n + n));
}

function compareChroma(
  work: Thumbnail,
  output: Thumbnail,
  { map, work: workSize, output: outputSize }: Place,
): { colour: number; chromaResidual: number } {
  const { chromaWidth, chromaHeight } = work;
  const own: [number[], number[]] = [[], []];
  const other: [number[], number[]] = [[], []];
  let sum = 0;
  let n = 0;
  for (let y = 0; y < chromaHeight; y += 1) {
    for (let x = 0; x < chromaWidth; x += 1) {
      const wx = ((x + 0.5) * workSize.width) / chromaWidth - 0.5;
      const wy = ((y + 0.5) * workSize.height) / chromaHeight - 0.5;
      const d = map[6]! * wx + map[7]! * wy + map[8]!;
      const u = Math.floor(
        (((map[0]! * wx + map[1]! * wy + map[2]!) / d + 0.5) * output.chromaWidth) / outputSize.width,
      );
      const v = Math.floor(
        (((map[3]! * wx + map[4]! * wy + map[5]!) / d + 0.5) * output.chromaHeight) / outputSize.height,
      );
      if (!(d > 0 && u >= 0 && v >= 0 && u < output.chromaWidth && v < output.chromaHeight)) continue;
      const i = y * chromaWidth + x;
      const j = v * output.chromaWidth + u;
      sum += Math.abs(work.cb[i]! - output.cb[j]!) + Math.abs(work.cr[i]! - output.cr[j]!);
      n += 1;
      own[0].push(work.cb[i]!);
      own[1].push(work.cr[i]!);
      other[0].push(output.cb[j]!);
      other[1].push(output.cr[j]!);
    }
  }
  if (n === 0) return { colour: 0, chromaResidual: 0 };
  const residual = trimmedFit(own[0], other[0]).residual + trimmedFit(own[1], other[1]).residual;
  return { colour: sum / n, chromaResidual: residual };
}

/** Every pixel that is compared, in a raster of at most some 700: more would only cost time. */
function toneResidual(a: Float32Array, b: Float32Array, mask: Uint8Array): number {
  const own: number[] = [];
  const other: number[] = [];
  for (let i = 0; i < a.length; i += 2) {
    if (!mask[i]) continue;
    own.push(a[i]!);
    other.push(b[i]!);
  }
  if (own.length < 8) return 0;
  const { residual, spread } = trimmedFit(own, other);
  return residual / (spread + 3);
}

/** Straight line through the best two thirds of the points: mean error and spread (mean deviation) of those. */
function trimmedFit(a: readonly number[], b: readonly number[]): { residual: number; spread: number } {
  let kept = a.map((_, i) => i);
  let gain = 0;
  let offset = 0;
  for (let round = 0; round < 2; round += 1) {
    let ma = 0;
    let mb = 0;
    for (const i of kept) {
      ma += a[i]!;
      mb += b[i]!;
    }
    ma /= kept.length;
    mb /= kept.length;
    let aa = 1;
    let ab = 0;
    for (const i of kept) {
      aa += (a[i]! - ma) ** 2;
      ab += (a[i]! - ma) * (b[i]! - mb);
    }
    gain = ab / aa;
    offset = mb - gain * ma;
    if (round === 1) break;
    const errors = a.map((v, i) => Math.abs(b[i]! - gain * v - offset));
    const limit = errors.toSorted((x, y) => x - y)[Math.floor((errors.length * 2) / 3)]!;
    kept = kept.filter((i) => errors[i]! <= limit);
  }
  let residual = 0;
  let mean = 0;
  for (const i of kept) {
    residual += Math.abs(b[i]! - gain * a[i]! - offset);
    mean += b[i]!;
  }
  mean /= kept.length;
  let spread = 0;
  for (const i of kept) spread += Math.abs(b[i]! - mean);
  return { residual: residual / kept.length, spread: spread / kept.length };
}

/** Sides of the level that is asked about what surrounds a work, pixels. */
const SURROUNDINGS_SIDE = 80;
/** Nearer to the outline than this is not outside, pixels. */
export const OUTLINE_SLACK = 2.5;
/** A step in luma between neighbours at about 64 pixels a side above which a place is not plain. */
export const PLAIN_STEP = 5;
/** Less than this share of the picture outside is nothing. */
const LEAST_OUTSIDE = 0.02;

/** Which of levelsOf(output) is asked about what surrounds a work. */
export function surroundingsLevel(levels: readonly Size[]): number {
  const small = levels.findIndex(({ width, height }) => Math.max(width, height) <= SURROUNDINGS_SIDE);
  return small === -1 ? levels.length - 1 : small;
}

/** @param outside pixels of the level that lie outside, and how many of them are not plain */
export function shareOfBusy({ width, height }: Size, outside: number, busy: number): number {
  return outside < LEAST_OUTSIDE * width * height ? 0 : busy / outside;
}

function surroundings(output: Thumbnail, outline: readonly OutlineSide[]): number {
  const levels = pyramidOf(output);
  const level = levels[surroundingsLevel(levels)]!;
  const { width, height, data } = level;
  const margin = OUTLINE_SLACK / width;
  const isFar = (x: number, y: number) =>
    outline.some(({ nx, ny, from, inwards }) => (nx * x + ny * y - from) * inwards < -margin);
  let outside = 0;
  let busy = 0;
  for (let y = 0; y < height - 1; y += 1) {
    for (let x = 0; x < width - 1; x += 1) {
      if (!isFar((x + 0.5) / width, (y + 0.5) / height)) continue;
      const i = y * width + x;
      outside += 1;
      if (Math.abs(data[i + 1]! - data[i]!) + Math.abs(data[i + width]! - data[i]!) > PLAIN_STEP) busy += 1;
    }
  }
  return shareOfBusy(level, outside, busy);
}

/** The loops in plain TypeScript, in the order of the compiled ones (assembly/alignment.ts): results are equal bit for bit. */
export const plainAlignmentKernel: AlignmentKernel = { look, align, surroundings };
