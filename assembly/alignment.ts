/**
 * The loops that lay an output over a work and compare the two pixel by pixel, in AssemblyScript, compiled to
 * WebAssembly SIMD by `npm run kernels`. The same in plain TypeScript is in src/vision/matching/plain-alignment-kernel.ts: the same
 * operations in the same order, in float64 where those compute in numbers and float32 where they store, so that results
 * are equal bit for bit. Addresses are those of src/vision/matching/alignment-kernel.ts.
 */
import { resample, smooth, wide } from './plane';

/** The engine's own logarithm: no other need round as it does. */
declare function log(x: f64): f64;

/** Pixels of the largest thumbnail of a work, and of an output. */
const WORK_PIXELS: usize = 80 * 80;
const OUTPUT_PIXELS: usize = 256 * 256;
const PLANE_BYTES: usize = WORK_PIXELS * 4 + 64;

/** Nine f64: from the work's raster to the output's. */
const MAP: usize = 1_024;
/** Of the four sides of the work's outline: the normal, how far along it the side lies, and which way is inwards (f64). */
const SIDES: usize = MAP + 80;
const RESULTS: usize = SIDES + 128;
const SAMPLING: usize = RESULTS + 192;
/** Bytes as they are stored: luma, and chroma at a quarter of its sides. */
const WORK_LUMA: usize = SAMPLING + 4_096;
const WORK_CB: usize = WORK_LUMA + WORK_PIXELS;
const WORK_CR: usize = WORK_CB + WORK_PIXELS / 16;
const OUTPUT_LUMA: usize = WORK_CR + WORK_PIXELS / 16;
const OUTPUT_CB: usize = OUTPUT_LUMA + OUTPUT_PIXELS;
const OUTPUT_CR: usize = OUTPUT_CB + OUTPUT_PIXELS / 16;
/** The output's luma at halving sizes, one behind the other, and room to make them. */
const PYRAMID: usize = OUTPUT_CR + OUTPUT_PIXELS / 16;
const PYRAMID_ROWS: usize = PYRAMID + OUTPUT_PIXELS * 6;
const SMOOTHED: usize = PYRAMID_ROWS + OUTPUT_PIXELS * 4 + 64;
/** The work's luma, and half its size. */
const WORK: usize = SMOOTHED + OUTPUT_PIXELS * 4 + 64;
const COARSE: usize = WORK + PLANE_BYTES;
/** Both as they are compared, with what lies outside the common part filled. */
const OWN: usize = COARSE + PLANE_BYTES;
const OTHER: usize = OWN + PLANE_BYTES;
/** Both smoothed. */
const A: usize = OTHER + PLANE_BYTES;
const B: usize = A + PLANE_BYTES;
const HALF_A: usize = B + PLANE_BYTES;
const HALF_B: usize = HALF_A + PLANE_BYTES;
const SPARE_A: usize = HALF_B + PLANE_BYTES;
const SPARE_B: usize = SPARE_A + PLANE_BYTES;
const ROWS: usize = SPARE_B + PLANE_BYTES;
const MASK: usize = ROWS + PLANE_BYTES;
const HALF_MASK: usize = MASK + WORK_PIXELS + 16;
/** Lists of f64. */
const LIST_A: usize = HALF_MASK + WORK_PIXELS + 16;
const LIST_B: usize = LIST_A + WORK_PIXELS * 8;
const ERRORS: usize = LIST_B + WORK_PIXELS * 8;
const SORTED: usize = ERRORS + WORK_PIXELS * 8;
/** Pairs of i16, as `elastic` takes them, and its scratch. */
const DIRECTIONS_A: usize = SORTED + WORK_PIXELS * 8;
const DIRECTIONS_B: usize = DIRECTIONS_A + PLANE_BYTES;
const SQUARES: usize = DIRECTIONS_B + PLANE_BYTES;
const PART: usize = SQUARES + PLANE_BYTES;
/** Fields: energy (f64), how many places have lines (f64), then cosines, sines and strengths, a plane each. */
const FIELD_A: usize = PART + PLANE_BYTES;
const FIELD_BYTES: usize = 64 + 3 * PLANE_BYTES;
const FIELD_B: usize = FIELD_A + FIELD_BYTES;
/** Gradients weaker than this are no lines. */
const FAINT: f64 = 2;

function result(index: usize, value: f64): void {
  store<f64>(RESULTS + (index << 3), value);
}

function element(list: usize, i: i32): f64 {
  return load<f64>(list + ((<usize>i) << 3));
}

function pixel(plane: usize, i: i32): f64 {
  return <f64>load<f32>(plane + ((<usize>i) << 2));
}

function toPlane(bytes: usize, plane: usize, count: i32): void {
  for (let i: usize = 0; i < <usize>count; i++) store<f32>(plane + (i << 2), <f32>load<u8>(bytes + i));
}

/** `to` = `from`, smoothed already, at half its size and smoothed again. */
function halve(from: usize, width: i32, height: i32, to: usize): void {
  resample(from, width, height, to, width >> 1, height >> 1, SAMPLING);
  smooth(to, ROWS, to, width >> 1, height >> 1);
}

/** WORK_LUMA -> WORK and COARSE. */
export function bringWork(width: i32, height: i32): void {
  toPlane(WORK_LUMA, WORK, width * height);
  smooth(WORK, ROWS, A, width, height);
  halve(A, width, height, COARSE);
}

/** OUTPUT_LUMA -> PYRAMID. */
export function bringOutput(width: i32, height: i32): void {
  toPlane(OUTPUT_LUMA, PYRAMID, width * height);
  let from = PYRAMID;
  while (min(width, height) >= 16) {
    smooth(from, PYRAMID_ROWS, SMOOTHED, width, height);
    from += (<usize>(width * height)) << 2;
    resample(SMOOTHED, width, height, from, width >> 1, height >> 1, SAMPLING);
    width >>= 1;
    height >>= 1;
  }
}

function bilinear(plane: usize, width: i32, height: i32, u: f64, v: f64): f64 {
  const x = max<f64>(0, min<f64>(<f64>(width - 1), u));
  const y = max<f64>(0, min<f64>(<f64>(height - 1), v));
  const x0 = <i32>x;
  const y0 = <i32>y;
  const at = plane + ((<usize>(y0 * width + x0)) << 2);
  const dx: usize = x0 < width - 1 ? 4 : 0;
  const dy: usize = y0 < height - 1 ? (<usize>width) << 2 : 0;
  const fx = x - <f64>x0;
  const a = <f64>load<f32>(at);
  const b = <f64>load<f32>(at + dy);
  const top = a + (<f64>load<f32>(at + dx) - a) * fx;
  const low = b + (<f64>load<f32>(at + dy + dx) - b) * fx;
  return top + (low - top) * (y - <f64>y0);
}

/**
 * The output as it lies under the work -> OTHER, and MASK, 1 where the work lies inside the output.
 *
 * @param plane a level of the pyramid
 * @param kx,ky pixels of the work's raster in one of the grid
 * @param lx,ly pixels of the level in one of the output's raster
 * @returns how many of the grid's pixels lie inside
 */
function lay(
  gridWidth: i32,
  gridHeight: i32,
  plane: usize,
  width: i32,
  height: i32,
  kx: f64,
  ky: f64,
  lx: f64,
  ly: f64,
): i32 {
  const m0 = load<f64>(MAP);
  const m1 = load<f64>(MAP, 8);
  const m2 = load<f64>(MAP, 16);
  const m3 = load<f64>(MAP, 24);
  const m4 = load<f64>(MAP, 32);
  const m5 = load<f64>(MAP, 40);
  const m6 = load<f64>(MAP, 48);
  const m7 = load<f64>(MAP, 56);
  const m8 = load<f64>(MAP, 64);
  const right = <f64>width - 0.25;
  const bottom = <f64>height - 0.25;
  let inside = 0;
  for (let y = 0, i: usize = 0; y < gridHeight; y++) {
    const wy = (<f64>y + 0.5) * ky - 0.5;
    for (let x = 0; x < gridWidth; x++, i++) {
      const wx = (<f64>x + 0.5) * kx - 0.5;
      const d = m6 * wx + m7 * wy + m8;
      const u = ((m0 * wx + m1 * wy + m2) / d + 0.5) * lx - 0.5;
      const v = ((m3 * wx + m4 * wy + m5) / d + 0.5) * ly - 0.5;
      if (d > 0 && u > -0.75 && v > -0.75 && u < right && v < bottom) {
        store<u8>(MASK + i, 1);
        inside += 1;
        store<f32>(OTHER + (i << 2), <f32>bilinear(plane, width, height, u, v));
      } else {
        store<u8>(MASK + i, 0);
        store<f32>(OTHER + (i << 2), 0);
      }
    }
  }
  return inside;
}

/** Outside the common part a picture gets the mean of what is inside: no lines there. */
function fillOutside(plane: usize, count: i32, inside: i32): void {
  if (inside === count) return;
  let sum: f64 = 0;
  for (let i = 0; i < count; i++) if (load<u8>(MASK + <usize>i) !== 0) sum += pixel(plane, i);
  const mean = <f32>(sum / <f64>max(1, inside));
  for (let i = 0; i < count; i++) {
    if (load<u8>(MASK + <usize>i) === 0) store<f32>(plane + ((<usize>i) << 2), mean);
  }
}

/** All ones in both lanes where the mask lets a pixel and the next one count, with the four around each. */
function counting(mask: usize, width: usize): v128 {
  const both =
    load<u16>(mask) &
    load<u16>(mask - 1) &
    load<u16>(mask + 1) &
    load<u16>(mask - width) &
    load<u16>(mask + width);
  return i64x2(-(<i64>(both & 1)), -(<i64>(both >> 8)));
}

/** Line directions as doubled angles, weighted by a saturating strength: two neighbours at a time. */
function field(plane: usize, mask: usize, width: i32, height: i32, into: usize): void {
  const cosines = into + 64;
  const sines = cosines + PLANE_BYTES;
  const strengths = sines + PLANE_BYTES;
  const size = (<usize>(width * height)) << 2;
  const stride = (<usize>width) << 2;
  memory.fill(cosines, 0, stride + 4);
  memory.fill(sines, 0, stride + 4);
  memory.fill(strengths, 0, stride + 4);
  const least = f64x2.splat(1e-6);
  let sum: f64 = 0;
  let count = 0;
  for (let y = 1; y < height - 1; y++) {
    const end = (y + 1) * width - 1;
    for (let i = y * width + 1; i < end; i += 2) {
      let inside = counting(mask + <usize>i, width);
      if (i + 1 === end) inside = v128.and(inside, i64x2(-1, 0));
      const at = (<usize>i) << 2;
      const p = plane + at;
      const gx = f64x2.sub(wide(p + 4), wide(p - 4));
      const gy = f64x2.sub(wide(p + stride), wide(p - stride));
      const xx = f64x2.mul(gx, gx);
      const yy = f64x2.mul(gy, gy);
      const m = v128.and(f64x2.sqrt(f64x2.add(xx, yy)), inside);
      sum += f64x2.extract_lane(m, 0);
      sum += f64x2.extract_lane(m, 1);
      count -= <i32>(i64x2.extract_lane(inside, 0) + i64x2.extract_lane(inside, 1));
      const drawn = v128.and(inside, f64x2.ge(m, least));
      const squared = f64x2.mul(m, m);
      const c = f64x2.div(f64x2.sub(xx, yy), squared);
      const s = f64x2.div(f64x2.mul(f64x2.mul(f64x2.splat(2), gx), gy), squared);
      v128.store64_lane(strengths + at, f32x4.demote_f64x2_zero(v128.and(m, drawn)), 0);
      v128.store64_lane(cosines + at, f32x4.demote_f64x2_zero(v128.and(c, drawn)), 0);
      v128.store64_lane(sines + at, f32x4.demote_f64x2_zero(v128.and(s, drawn)), 0);
    }
    // The last of this row and the first of the next.
    for (let edge: usize = 0; edge < 8; edge += 4) {
      const at = ((<usize>end) << 2) + edge;
      store<f32>(cosines + at, 0);
      store<f32>(sines + at, 0);
      store<f32>(strengths + at, 0);
    }
  }
  const bottom = size - stride;
  memory.fill(cosines + bottom, 0, stride + 8);
  memory.fill(sines + bottom, 0, stride + 8);
  memory.fill(strengths + bottom, 0, stride + 8);
  const knee = f64x2.splat(sum / <f64>max(1, count) + FAINT);
  const strong = f64x2.splat(2 * FAINT);
  let energy: f64 = 0;
  let busy = 0;
  for (let at: usize = 0; at < size; at += 8) {
    const m = wide(strengths + at);
    const w = f64x2.div(m, f64x2.add(m, knee));
    v128.store64_lane(cosines + at, f32x4.demote_f64x2_zero(f64x2.mul(wide(cosines + at), w)), 0);
    v128.store64_lane(sines + at, f32x4.demote_f64x2_zero(f64x2.mul(wide(sines + at), w)), 0);
    const squares = f64x2.mul(w, w);
    energy += f64x2.extract_lane(squares, 0);
    energy += f64x2.extract_lane(squares, 1);
    busy += popcnt(i64x2.bitmask(f64x2.gt(m, strong)));
  }
  store<f64>(into, energy);
  store<f64>(into, <f64>busy, 8);
}

/** Correlation of FIELD_A and FIELD_B, each less its mean. */
function agreement(count: i32): f64 {
  const cosinesA = FIELD_A + 64;
  const sinesA = cosinesA + PLANE_BYTES;
  const cosinesB = FIELD_B + 64;
  const sinesB = cosinesB + PLANE_BYTES;
  let dot: f64 = 0;
  let cosA: f64 = 0;
  let sinA: f64 = 0;
  let cosB: f64 = 0;
  let sinB: f64 = 0;
  for (let i = 0; i < count; i++) {
    const ca = pixel(cosinesA, i);
    const sa = pixel(sinesA, i);
    const cb = pixel(cosinesB, i);
    const sb = pixel(sinesB, i);
    dot += ca * cb + sa * sb;
    cosA += ca;
    sinA += sa;
    cosB += cb;
    sinB += sb;
  }
  const n = <f64>count;
  const ea = load<f64>(FIELD_A) - (cosA * cosA + sinA * sinA) / n;
  const eb = load<f64>(FIELD_B) - (cosB * cosB + sinB * sinB) / n;
  const flat = 0.002 * n;
  return (dot - (cosA * cosB + sinA * sinB) / n) / sqrt<f64>(ea * eb + 1e-9 + flat * flat);
}

/** Directions in 2048ths, cut off. */
const UNIT: f32 = 2_048;
const UNIT_SQUARED: f64 = 4_194_304;
const PARTS: i32 = 5;
const REACH: i32 = 2;

/** A field's directions as pairs of i16, with `margin` pairs of zeros on every side. */
function directionsOf(field: usize, width: i32, height: i32, margin: i32, into: usize): void {
  const padded = width + 2 * margin;
  if (margin > 0) memory.fill(into, 0, (<usize>(padded * (height + 2 * margin))) << 2);
  const unit = f32x4.splat(UNIT);
  const low = i32x4.splat(0xffff);
  for (let y = 0; y < height; y++) {
    const row = field + 64 + ((<usize>(y * width)) << 2);
    const to = into + ((<usize>((y + margin) * padded + margin)) << 2);
    // Up to three pairs too many, of the next row, are written over by it, or by zeros.
    for (let x: usize = 0; x < (<usize>width) << 2; x += 16) {
      const c = i32x4.trunc_sat_f32x4_s(f32x4.mul(v128.load(row + x), unit));
      const s = i32x4.trunc_sat_f32x4_s(f32x4.mul(v128.load(row + PLANE_BYTES + x), unit));
      v128.store(to + x, v128.or(v128.and(c, low), i32x4.shl(s, 16)));
    }
    memory.fill(to + ((<usize>width) << 2), 0, 16);
  }
}

/** Sums of a field's squares above and to the left -> SQUARES, in whole numbers that may wrap around: differences are right. */
function sumSquares(directions: usize, width: i32, height: i32): void {
  const stride = (<usize>(width + 1)) << 2;
  memory.fill(SQUARES, 0, stride);
  for (let y = 0; y < height; y++) {
    const above = SQUARES + <usize>y * stride;
    const into = above + stride;
    store<i32>(into, 0);
    let row = 0;
    for (let x = 0; x < width; x++) {
      const at = directions + ((<usize>(y * width + x)) << 2);
      const c = <i32>load<i16>(at);
      const s = <i32>load<i16>(at, 2);
      row += c * c + s * s;
      const place = (<usize>(x + 1)) << 2;
      store<i32>(into + place, load<i32>(above + place) + row);
    }
  }
}

function sumOf(width: i32, x0: i32, y0: i32, x1: i32, y1: i32): i32 {
  const stride = (<usize>(width + 1)) << 2;
  const top = SQUARES + <usize>y0 * stride;
  const bottom = SQUARES + <usize>y1 * stride;
  const left = (<usize>x0) << 2;
  const right = (<usize>x1) << 2;
  return (
    load<i32>(bottom + right) - load<i32>(bottom + left) - load<i32>(top + right) + load<i32>(top + left)
  );
}

function total(lanes: v128): i32 {
  return (
    i32x4.extract_lane(lanes, 0) +
    i32x4.extract_lane(lanes, 1) +
    i32x4.extract_lane(lanes, 2) +
    i32x4.extract_lane(lanes, 3)
  );
}

let bestScore: f64 = 0;
let bestDot: i32 = 0;
let bestEnergy: i32 = 0;

function better(product: v128, own: i32, energy: i32, shift: i32): void {
  const dot = total(product);
  const score =
    <f64>dot /
      UNIT_SQUARED /
      sqrt<f64>((<f64>own / UNIT_SQUARED + 0.3) * (<f64>energy / UNIT_SQUARED + 0.3)) -
    0.01 * <f64>shift;
  if (score > bestScore) {
    bestScore = score;
    bestDot = dot;
    bestEnergy = energy;
  }
}

/** FIELD_A and FIELD_B compared in parts, each allowed to shift a little -> agreement, evenness, confirmed, explained, parts. */
function elastic(width: i32, height: i32): void {
  const padded = width + 2 * REACH;
  directionsOf(FIELD_A, width, height, 0, DIRECTIONS_A);
  directionsOf(FIELD_B, width, height, REACH, DIRECTIONS_B);
  sumSquares(DIRECTIONS_B, padded, height + 2 * REACH);
  const stride = (<usize>padded) << 2;
  let dot: f64 = 0;
  let ea: f64 = 0;
  let eb: f64 = 0;
  let agreeing: f64 = 0;
  let confirmed: f64 = 0;
  let drawnParts: f64 = 0;
  let agreeingParts: f64 = 0;
  let weight: f64 = 0;
  for (let pj = 0; pj < PARTS; pj++) {
    const y0 = (pj * height) / PARTS;
    const y1 = ((pj + 1) * height) / PARTS;
    for (let pi = 0; pi < PARTS; pi++) {
      const x0 = (pi * width) / PARTS;
      const x1 = ((pi + 1) * width) / PARTS;
      // The part alone, with zeros to the next four.
      const columns = (<usize>((x1 - x0 + 3) & ~3)) << 2;
      let at = PART;
      let squares = i32x4.splat(0);
      for (let y = y0; y < y1; y++) {
        const row = DIRECTIONS_A + ((<usize>(y * width + x0)) << 2);
        for (let x: usize = 0; x < columns; x += 16, at += 16) {
          const left = x1 - x0 - <i32>(x >> 2);
          const four = v128.and(v128.load(row + x), i32x4.gt_s(i32x4.splat(left), i32x4(0, 1, 2, 3)));
          v128.store(at, four);
          squares = i32x4.add(squares, i32x4.dot_i16x8_s(four, four));
        }
      }
      const own = total(squares);
      bestScore = -Infinity;
      bestDot = 0;
      bestEnergy = 0;
      for (let dy = 0; dy <= 2 * REACH; dy++) {
        let far = i32x4.splat(0);
        let left = far;
        let straight = far;
        let right = far;
        let farRight = far;
        at = PART;
        let row = DIRECTIONS_B + <usize>(y0 + dy) * stride + ((<usize>x0) << 2);
        for (let y = y0; y < y1; y++, row += stride) {
          for (let x: usize = 0; x < columns; x += 16, at += 16) {
            const four = v128.load(at);
            const from = row + x;
            far = i32x4.add(far, i32x4.dot_i16x8_s(four, v128.load(from)));
            left = i32x4.add(left, i32x4.dot_i16x8_s(four, v128.load(from, 4)));
            straight = i32x4.add(straight, i32x4.dot_i16x8_s(four, v128.load(from, 8)));
            right = i32x4.add(right, i32x4.dot_i16x8_s(four, v128.load(from, 12)));
            farRight = i32x4.add(farRight, i32x4.dot_i16x8_s(four, v128.load(from, 16)));
          }
        }
        const down = abs(dy - REACH);
        const top = y0 + dy;
        const bottom = y1 + dy;
        better(far, own, sumOf(padded, x0, top, x1, bottom), down + 2);
        better(left, own, sumOf(padded, x0 + 1, top, x1 + 1, bottom), down + 1);
        better(straight, own, sumOf(padded, x0 + 2, top, x1 + 2, bottom), down);
        better(right, own, sumOf(padded, x0 + 3, top, x1 + 3, bottom), down + 1);
        better(farRight, own, sumOf(padded, x0 + 4, top, x1 + 4, bottom), down + 2);
      }
      const product = <f64>bestDot / UNIT_SQUARED;
      const mine = <f64>own / UNIT_SQUARED;
      const theirs = <f64>bestEnergy / UNIT_SQUARED;
      dot += product;
      ea += mine;
      eb += theirs;
      confirmed += max<f64>(0, min<f64>(product, min<f64>(mine, theirs)));
      if (mine > 2) {
        drawnParts += 1;
        agreeingParts += max<f64>(0, bestScore);
      }
      const drawn = sqrt<f64>(mine * theirs);
      weight += drawn;
      if (bestScore > 0.5) agreeing += drawn;
    }
  }
  result(1, dot / sqrt<f64>((ea + 1) * (eb + 1)));
  result(2, agreeing / (weight + 1));
  result(3, confirmed / (ea + 2));
  result(4, confirmed / (eb + 2));
  result(5, agreeingParts / (drawnParts + 1));
}

/** COARSE against the output under it -> structure and elastic agreement. Parameters as of `lay`. */
export function look(
  width: i32,
  height: i32,
  plane: usize,
  planeWidth: i32,
  planeHeight: i32,
  kx: f64,
  ky: f64,
  lx: f64,
  ly: f64,
): void {
  const count = width * height;
  const inside = lay(width, height, plane, planeWidth, planeHeight, kx, ky, lx, ly);
  fillOutside(OTHER, count, inside);
  smooth(OTHER, ROWS, B, width, height);
  field(COARSE, MASK, width, height, FIELD_A);
  field(B, MASK, width, height, FIELD_B);
  result(0, agreement(count));
  elastic(width, height);
}

/** Correlation where the mask says. */
function correlation(a: usize, b: usize, mask: usize, count: i32): f64 {
  let inside = 0;
  let sa: f64 = 0;
  let sb: f64 = 0;
  let aa: f64 = 0;
  let bb: f64 = 0;
  let ab: f64 = 0;
  for (let i = 0; i < count; i++) {
    if (load<u8>(mask + <usize>i) === 0) continue;
    const p = pixel(a, i);
    const q = pixel(b, i);
    inside += 1;
    sa += p;
    sb += q;
    aa += p * p;
    bb += q * q;
    ab += p * q;
  }
  if (inside === 0) return 0;
  const n = <f64>inside;
  return (ab - (sa * sb) / n) / sqrt<f64>((aa - (sa * sa) / n + n) * (bb - (sb * sb) / n + n));
}

/** Standard deviation where MASK says. */
function spread(plane: usize, count: i32): f64 {
  let inside = 0;
  let sum: f64 = 0;
  let squares: f64 = 0;
  for (let i = 0; i < count; i++) {
    if (load<u8>(MASK + <usize>i) === 0) continue;
    const value = pixel(plane, i);
    inside += 1;
    sum += value;
    squares += value * value;
  }
  if (inside === 0) return 0;
  const n = <f64>inside;
  const mean = sum / n;
  return sqrt<f64>(max<f64>(0, squares / n - mean * mean));
}

/** `to` = `from` - `less`. */
function detail(from: usize, less: usize, to: usize, count: i32): void {
  for (let i: usize = 0; i < (<usize>count) << 2; i += 16) {
    v128.store(to + i, f32x4.sub(v128.load(from + i), v128.load(less + i)));
  }
}

function logStrength(plane: usize, width: i32, height: i32, to: usize): void {
  const stride = (<usize>width) << 2;
  memory.fill(to, 0, (<usize>(width * height)) << 2);
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const i = y * width + x;
      // What is not compared need not be known.
      if (load<u8>(MASK + <usize>i) === 0) continue;
      const at = plane + ((<usize>i) << 2);
      const gx = <f64>load<f32>(at, 4) - <f64>load<f32>(at - 4);
      const gy = <f64>load<f32>(at + stride) - <f64>load<f32>(at - stride);
      store<f32>(to + ((<usize>i) << 2), <f32>(16 * log(FAINT + sqrt<f64>(gx * gx + gy * gy))));
    }
  }
}

/** The element that `rank` others come before when a list of f64 is sorted; the list is left in another order. */
function ranked(list: usize, count: i32, rank: i32): f64 {
  let first = 0;
  let last = count - 1;
  while (first < last) {
    const pivot = element(list, (first + last) >> 1);
    let i = first;
    let j = last;
    while (i <= j) {
      while (element(list, i) < pivot) i += 1;
      while (element(list, j) > pivot) j -= 1;
      if (i > j) break;
      const t = element(list, i);
      store<f64>(list + ((<usize>i) << 3), element(list, j));
      store<f64>(list + ((<usize>j) << 3), t);
      i += 1;
      j -= 1;
    }
    if (rank <= j) last = j;
    else if (rank >= i) first = i;
    else break;
  }
  return element(list, rank);
}

let fittedSpread: f64 = 0;

/** Straight line through the best two thirds of the points of LIST_A and LIST_B: mean error; `fittedSpread` of those. */
function trimmedFit(count: i32): f64 {
  let gain: f64 = 0;
  let offset: f64 = 0;
  let limit: f64 = Infinity;
  let kept = 0;
  for (let round = 0; round < 2; round++) {
    kept = 0;
    let ma: f64 = 0;
    let mb: f64 = 0;
    for (let i = 0; i < count; i++) {
      if (round === 1 && !(element(ERRORS, i) <= limit)) continue;
      kept += 1;
      ma += element(LIST_A, i);
      mb += element(LIST_B, i);
    }
    ma /= <f64>kept;
    mb /= <f64>kept;
    let aa: f64 = 1;
    let ab: f64 = 0;
    for (let i = 0; i < count; i++) {
      if (round === 1 && !(element(ERRORS, i) <= limit)) continue;
      const a = element(LIST_A, i) - ma;
      aa += a * a;
      ab += a * (element(LIST_B, i) - mb);
    }
    gain = ab / aa;
    offset = mb - gain * ma;
    if (round === 1) break;
    for (let i = 0; i < count; i++) {
      const error = abs<f64>(element(LIST_B, i) - gain * element(LIST_A, i) - offset);
      store<f64>(ERRORS + ((<usize>i) << 3), error);
    }
    memory.copy(SORTED, ERRORS, (<usize>count) << 3);
    limit = ranked(SORTED, count, (count * 2) / 3);
  }
  let residual: f64 = 0;
  let mean: f64 = 0;
  for (let i = 0; i < count; i++) {
    if (!(element(ERRORS, i) <= limit)) continue;
    residual += abs<f64>(element(LIST_B, i) - gain * element(LIST_A, i) - offset);
    mean += element(LIST_B, i);
  }
  mean /= <f64>kept;
  let spread: f64 = 0;
  for (let i = 0; i < count; i++) {
    if (element(ERRORS, i) <= limit) spread += abs<f64>(element(LIST_B, i) - mean);
  }
  fittedSpread = spread / <f64>kept;
  return residual / <f64>kept;
}

/** HALF_A against HALF_B, of every other pixel. */
function toneResidual(count: i32): f64 {
  let kept: usize = 0;
  for (let i = 0; i < count; i += 2) {
    if (load<u8>(HALF_MASK + <usize>i) === 0) continue;
    store<f64>(LIST_A + (kept << 3), pixel(HALF_A, i));
    store<f64>(LIST_B + (kept << 3), pixel(HALF_B, i));
    kept += 1;
  }
  if (kept < 8) return 0;
  const residual = trimmedFit(<i32>kept);
  return residual / (fittedSpread + 3);
}

/** Puts chroma that lies one over the other into LIST_A and LIST_B; adds the differences to `difference`. */
function pairChroma(
  own: usize,
  other: usize,
  workWidth: f64,
  workHeight: f64,
  chromaWidth: i32,
  chromaHeight: i32,
  outputWidth: f64,
  outputHeight: f64,
  outputChromaWidth: i32,
  outputChromaHeight: i32,
): i32 {
  const m0 = load<f64>(MAP);
  const m1 = load<f64>(MAP, 8);
  const m2 = load<f64>(MAP, 16);
  const m3 = load<f64>(MAP, 24);
  const m4 = load<f64>(MAP, 32);
  const m5 = load<f64>(MAP, 40);
  const m6 = load<f64>(MAP, 48);
  const m7 = load<f64>(MAP, 56);
  const m8 = load<f64>(MAP, 64);
  const right = <f64>outputChromaWidth;
  const bottom = <f64>outputChromaHeight;
  let pairs: usize = 0;
  for (let y = 0; y < chromaHeight; y++) {
    const wy = ((<f64>y + 0.5) * workHeight) / <f64>chromaHeight - 0.5;
    for (let x = 0; x < chromaWidth; x++) {
      const wx = ((<f64>x + 0.5) * workWidth) / <f64>chromaWidth - 0.5;
      const d = m6 * wx + m7 * wy + m8;
      const u = floor<f64>((((m0 * wx + m1 * wy + m2) / d + 0.5) * right) / outputWidth);
      const v = floor<f64>((((m3 * wx + m4 * wy + m5) / d + 0.5) * bottom) / outputHeight);
      if (!(d > 0 && u >= 0 && v >= 0 && u < right && v < bottom)) continue;
      const a = <i32>load<u8>(own + <usize>(y * chromaWidth + x));
      const b = <i32>load<u8>(other + <usize>(<i32>v * outputChromaWidth + <i32>u));
      store<f64>(LIST_A + (pairs << 3), <f64>a);
      store<f64>(LIST_B + (pairs << 3), <f64>b);
      difference += abs(a - b);
      pairs += 1;
    }
  }
  return <i32>pairs;
}

let difference: i32 = 0;

/** WORK against the output under it -> what Alignment says but for chroma. Parameters as of `look`. */
export function align(
  width: i32,
  height: i32,
  plane: usize,
  planeWidth: i32,
  planeHeight: i32,
  kx: f64,
  ky: f64,
  lx: f64,
  ly: f64,
): void {
  const count = width * height;
  const inside = lay(width, height, plane, planeWidth, planeHeight, kx, ky, lx, ly);
  let lightness: f64 = 0;
  for (let i = 0; i < count; i++) {
    if (load<u8>(MASK + <usize>i) !== 0) lightness += abs<f64>(pixel(WORK, i) - pixel(OTHER, i));
  }
  memory.copy(OWN, WORK, (<usize>count) << 2);
  fillOutside(OWN, count, inside);
  fillOutside(OTHER, count, inside);
  smooth(OWN, ROWS, A, width, height);
  smooth(OTHER, ROWS, B, width, height);
  field(A, MASK, width, height, FIELD_A);
  field(B, MASK, width, height, FIELD_B);
  result(0, agreement(count));
  const busy = min<f64>(load<f64>(FIELD_A, 8), load<f64>(FIELD_B, 8));
  const halfWidth = width >> 1;
  const halfHeight = height >> 1;
  const half = halfWidth * halfHeight;
  halve(A, width, height, HALF_A);
  halve(B, width, height, HALF_B);
  for (let y = 0; y < halfHeight; y++) {
    for (let x = 0; x < halfWidth; x++) {
      store<u8>(HALF_MASK + <usize>(y * halfWidth + x), load<u8>(MASK + <usize>(2 * y * width + 2 * x)));
    }
  }
  field(HALF_A, HALF_MASK, halfWidth, halfHeight, FIELD_A);
  field(HALF_B, HALF_MASK, halfWidth, halfHeight, FIELD_B);
  elastic(halfWidth, halfHeight);
  result(6, correlation(HALF_A, HALF_B, HALF_MASK, half));
  result(7, toneResidual(half));
  detail(OWN, A, SPARE_A, count);
  detail(OTHER, B, SPARE_B, count);
  result(8, correlation(SPARE_A, SPARE_B, MASK, count));
  const own = (spread(SPARE_A, count) + 0.3) * (spread(B, count) + 3);
  result(9, log(((spread(SPARE_B, count) + 0.3) * (spread(A, count) + 3)) / own));
  logStrength(A, width, height, SPARE_A);
  logStrength(B, width, height, SPARE_B);
  result(10, correlation(SPARE_A, SPARE_B, MASK, count));
  const n = <f64>max(1, inside);
  result(11, lightness / n);
  result(12, <f64>inside / <f64>count);
  result(13, busy / n);
}

/**
 * Chroma under MAP -> mean difference, and what the best straight curves leave. Sizes of the rasters that the map is
 * between, and of the chroma of both.
 */
export function compareChroma(
  workWidth: f64,
  workHeight: f64,
  chromaWidth: i32,
  chromaHeight: i32,
  outputWidth: f64,
  outputHeight: f64,
  outputChromaWidth: i32,
  outputChromaHeight: i32,
): void {
  difference = 0;
  let residual: f64 = 0;
  let count = 0;
  for (let channel = 0; channel < 2; channel++) {
    count = pairChroma(
      channel === 0 ? WORK_CB : WORK_CR,
      channel === 0 ? OUTPUT_CB : OUTPUT_CR,
      workWidth,
      workHeight,
      chromaWidth,
      chromaHeight,
      outputWidth,
      outputHeight,
      outputChromaWidth,
      outputChromaHeight,
    );
    if (count > 0) residual += trimmedFit(count);
  }
  result(14, count === 0 ? 0 : <f64>difference / <f64>count);
  result(15, residual);
}

/**
 * Pixels of a level of the pyramid that lie outside SIDES by more than the margin -> how many, and how many of them
 * differ from their neighbours by more than `step`.
 */
export function surroundings(plane: usize, width: i32, height: i32, margin: f64, step: f64): void {
  let outside = 0;
  let busy = 0;
  const stride = (<usize>width) << 2;
  for (let y = 0; y < height - 1; y++) {
    const py = (<f64>y + 0.5) / <f64>height;
    for (let x = 0; x < width - 1; x++) {
      const px = (<f64>x + 0.5) / <f64>width;
      let far = false;
      for (let side = SIDES; side < SIDES + 128; side += 32) {
        const along = load<f64>(side) * px + load<f64>(side, 8) * py - load<f64>(side, 16);
        if (along * load<f64>(side, 24) < -margin) {
          far = true;
          break;
        }
      }
      if (!far) continue;
      outside += 1;
      const at = plane + ((<usize>(y * width + x)) << 2);
      const value = <f64>load<f32>(at);
      const across = abs<f64>(<f64>load<f32>(at, 4) - value);
      if (across + abs<f64>(<f64>load<f32>(at + stride) - value) > step) busy += 1;
    }
  }
  result(0, <f64>outside);
  result(1, <f64>busy);
}
