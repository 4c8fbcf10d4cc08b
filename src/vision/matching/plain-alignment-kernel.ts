import { type Plane, resample, smooth } from '../fingerprint/plane.ts';
import type { Thumbnail } from '../fingerprint/thumbnail.ts';
import type { Transform } from './geometry.ts';
import { matchingKernel } from './matching-kernel.ts';
import { FIELD_UNIT } from './plain-matching-kernel.ts';

/** An output's thumbnail at halving sizes, so that any scale can be sampled without aliasing. */
export interface ThumbPyramid {
  readonly thumb: Thumbnail;
  readonly levels: readonly Plane[];
}

export function thumbPyramid(thumb: Thumbnail): ThumbPyramid {
  const levels: Plane[] = [{ width: thumb.width, height: thumb.height, data: Float32Array.from(thumb.luma) }];
  for (let last = levels[0]!; Math.min(last.width, last.height) >= 16; last = levels.at(-1)!) {
    levels.push(resample(smooth(last), last.width >> 1, last.height >> 1));
  }
  return { thumb, levels };
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

interface Size {
  readonly width: number;
  readonly height: number;
}

/** The output as it lies under the work, sampled on the work's grid. */
interface Laid {
  readonly plane: Plane;
  /** 1 where the work lies inside the output. */
  readonly mask: Uint8Array;
  readonly inside: number;
}

function lay(grid: Size, workSize: Size, output: ThumbPyramid, outputSize: Size, map: Transform): Laid {
  const { width, height } = grid;
  const data = new Float32Array(width * height);
  const mask = new Uint8Array(width * height);
  const kx = workSize.width / width;
  const ky = workSize.height / height;
  const { thumb } = output;
  const ox = thumb.width / outputSize.width;
  const oy = thumb.height / outputSize.height;
  // The sampling step in the output's thumbnail at the work's centre chooses the level.
  const step = Math.sqrt(
    Math.abs(areaScale(map, workSize.width / 2, workSize.height / 2)) * kx * ky * ox * oy,
  );
  const level = Math.max(
    0,
    Math.min(output.levels.length - 1, Math.floor(Math.log2(Math.max(step, 1e-3)) + 0.6)),
  );
  const plane = output.levels[level]!;
  const lx = (ox * plane.width) / thumb.width;
  const ly = (oy * plane.height) / thumb.height;
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
export function coarsePlane(thumb: Thumbnail): Plane {
  let plane = coarsePlanes.get(thumb);
  if (plane === undefined) {
    const { width, height, luma } = thumb;
    plane = halved(smooth({ width, height, data: Float32Array.from(luma) }));
    coarsePlanes.set(thumb, plane);
  }
  return plane;
}

/**
 * Compares quickly after alignment: tells which of several maps is better, not how good it is.
 *
 * @param coarse of the work's thumbnail
 * @param map from the work's raster (of `workSize`) to the output's raster (of `outputSize`)
 */
export function look(
  coarse: Plane,
  workSize: Size,
  output: ThumbPyramid,
  outputSize: Size,
  map: Transform,
): Look {
  const { plane, mask } = lay(coarse, workSize, output, outputSize, map);
  fillOutside(plane.data, mask);
  const a = field(coarse, mask);
  const b = field(smooth(plane), mask);
  const { agreement: elastic } = elasticAgreement(a, b, coarse.width, coarse.height);
  return { structure: agreement(a, b), elastic };
}

/**
 * Compares after alignment.
 *
 * @param map from the work's raster (of `workSize`) to the output's raster (of `outputSize`)
 */
export function align(
  work: Thumbnail,
  workSize: Size,
  output: ThumbPyramid,
  outputSize: Size,
  map: Transform,
): Alignment {
  const { width, height } = work;
  const { plane: other, mask, inside } = lay(work, workSize, output, outputSize, map);
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
    ...compareChroma(work, workSize, output.thumb, outputSize, map),
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

/** How much the map enlarges areas at a point; negative when it mirrors. */
export function areaScale(m: Transform, x: number, y: number): number {
  const w = m[6]! * x + m[7]! * y + m[8]!;
  const px = m[0]! * x + m[1]! * y + m[2]!;
  const py = m[3]! * x + m[4]! * y + m[5]!;
  const dux = (m[0]! * w - m[6]! * px) / (w * w);
  const duy = (m[1]! * w - m[7]! * px) / (w * w);
  const dvx = (m[3]! * w - m[6]! * py) / (w * w);
  const dvy = (m[4]! * w - m[7]! * py) / (w * w);
  return dux * dvy - duy * dvx;
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
  for (const part of matchingKernel().elastic(directed(a), directed(b))) {
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
  workSize: { readonly width: number; readonly height: number },
  output: Thumbnail,
  outputSize: { readonly width: number; readonly height: number },
  map: Transform,
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
