/**
 * The inner loops of keypoints, in AssemblyScript, compiled to WebAssembly SIMD by `npm run kernels`. The same in plain
 * TypeScript, with the reasons why, is in src/vision/fingerprint/plain-keypoint-kernel.ts: each sum and
 * product is rounded to float32 in the same order, so that results are equal bit for bit. Addresses come from
 * src/vision/fingerprint/keypoint-kernel.ts.
 */

/** The engine's own: no other need round as they do. */
declare function cos(x: f64): f64;
declare function sin(x: f64): f64;

function binomial(a: v128, b: v128, c: v128, d: v128, e: v128): v128 {
  return f32x4.mul(
    f32x4.add(
      f32x4.add(f32x4.add(a, e), f32x4.mul(f32x4.splat(4), f32x4.add(b, d))),
      f32x4.mul(f32x4.splat(6), c),
    ),
    f32x4.splat(0.0625),
  );
}

function binomialOf(a: f32, b: f32, c: f32, d: f32, e: f32): f32 {
  return (a + e + 4 * (b + d) + 6 * c) * 0.0625;
}

function elementOf(row: usize, x: i32, last: i32): f32 {
  return load<f32>(row + ((<usize>min(last, max(0, x))) << 2));
}

/** `rows` has room for as much as a plane. Planes are at least four pixels wide and have room for three more after them. */
export function smooth(from: usize, rows: usize, to: usize, width: i32, height: i32): void {
  const last = width - 1;
  const stride = (<usize>width) << 2;
  for (let y = 0; y < height; y++) {
    const row = from + <usize>y * stride;
    const into = rows + <usize>y * stride;
    for (let x = 2; x < last - 1; x += 4) {
      const at = row + ((<usize>x) << 2);
      v128.store(
        into + ((<usize>x) << 2),
        binomial(v128.load(at - 8), v128.load(at - 4), v128.load(at), v128.load(at, 4), v128.load(at, 8)),
      );
    }
    for (let k = 0; k < 4; k++) {
      const x = k < 2 ? k : last - 3 + k;
      store<f32>(
        into + ((<usize>x) << 2),
        binomialOf(
          elementOf(row, x - 2, last),
          elementOf(row, x - 1, last),
          elementOf(row, x, last),
          elementOf(row, x + 1, last),
          elementOf(row, x + 2, last),
        ),
      );
    }
  }
  const bottom = height - 1;
  for (let y = 0; y < height; y++) {
    const a = rows + <usize>max(0, y - 2) * stride;
    const b = rows + <usize>max(0, y - 1) * stride;
    const c = rows + <usize>y * stride;
    const d = rows + <usize>min(bottom, y + 1) * stride;
    const e = rows + <usize>min(bottom, y + 2) * stride;
    const into = to + <usize>y * stride;
    for (let x: usize = 0; x < stride; x += 16) {
      v128.store(
        into + x,
        binomial(v128.load(a + x), v128.load(b + x), v128.load(c + x), v128.load(d + x), v128.load(e + x)),
      );
    }
  }
}

/**
 * @param columns for each column of `to`, the one of `from` left of it (i32); then all their shares of the next (f32)
 * @param lines the same for rows
 * @param row room for a row of `from`
 */
export function resample(
  from: usize,
  width: i32,
  height: i32,
  to: usize,
  toWidth: i32,
  toHeight: i32,
  columns: usize,
  lines: usize,
  row: usize,
): void {
  const stride = (<usize>width) << 2;
  const shares = columns + ((<usize>toWidth) << 2);
  const last = (width - 1) << 2;
  for (let y = 0; y < toHeight; y++) {
    const top = load<i32>(lines + ((<usize>y) << 2));
    const share = f32x4.splat(load<f32>(lines + ((<usize>(toHeight + y)) << 2)));
    const upper = from + <usize>top * stride;
    const lower = from + <usize>min(height - 1, top + 1) * stride;
    for (let x: usize = 0; x < stride; x += 16) {
      const a = v128.load(upper + x);
      v128.store(row + x, f32x4.add(a, f32x4.mul(f32x4.sub(v128.load(lower + x), a), share)));
    }
    const into = to + <usize>(y * toWidth) * 4;
    for (let x: usize = 0; x < (<usize>toWidth) << 2; x += 4) {
      const left = load<i32>(columns + x) << 2;
      const a = load<f32>(row + <usize>left);
      store<f32>(into + x, a + (load<f32>(row + <usize>min(last, left + 4)) - a) * load<f32>(shares + x));
    }
  }
}

/** Room for the extrema of a row or column nearer than this to the border is not needed: none are looked for. */
const MARGIN: i32 = 4;

/**
 * Writes `difference` = plane - blurred, and x, y and strength of each extremum as three f32 to `found`.
 *
 * @returns how many
 */
export function extrema(
  plane: usize,
  blurred: usize,
  difference: usize,
  width: i32,
  height: i32,
  minContrast: f32,
  edgeRatio: f32,
  found: usize,
): i32 {
  const size = (<usize>(width * height)) << 2;
  for (let i: usize = 0; i < size; i += 16) {
    v128.store(difference + i, f32x4.sub(v128.load(plane + i), v128.load(blurred + i)));
  }
  const least = f32x4.splat(minContrast);
  const limit = (edgeRatio + 1) * (edgeRatio + 1);
  const stride = (<usize>width) << 2;
  let count = 0;
  for (let y = MARGIN; y < height - MARGIN; y++) {
    const end = width - MARGIN;
    for (let x = MARGIN; x < end; x += 4) {
      const at = difference + ((<usize>(y * width + x)) << 2);
      const value = v128.load(at);
      const strong = f32x4.gt(f32x4.abs(value), least);
      if (!v128.any_true(strong)) continue;
      // Dark points as bright ones: all signs turned.
      const sign = v128.and(value, f32x4.splat(-0.0));
      const v = v128.xor(value, sign);
      const before = f32x4.max(
        f32x4.max(v128.xor(v128.load(at - 4), sign), v128.xor(v128.load(at - stride), sign)),
        f32x4.max(v128.xor(v128.load(at - stride - 4), sign), v128.xor(v128.load(at - stride + 4), sign)),
      );
      const after = f32x4.max(
        f32x4.max(v128.xor(v128.load(at + 4), sign), v128.xor(v128.load(at + stride), sign)),
        f32x4.max(v128.xor(v128.load(at + stride - 4), sign), v128.xor(v128.load(at + stride + 4), sign)),
      );
      let mask = i32x4.bitmask(v128.and(strong, v128.and(f32x4.ge(v, before), f32x4.gt(v, after))));
      if (end - x < 4) mask &= (1 << (end - x)) - 1;
      for (; mask !== 0; mask &= mask - 1) {
        const lane = ctz(mask);
        const p = at + ((<usize>lane) << 2);
        const c = load<f32>(p);
        const l = load<f32>(p - 4);
        const r = load<f32>(p + 4);
        const u = load<f32>(p - stride);
        const d = load<f32>(p + stride);
        const dxx = r + l - 2 * c;
        const dyy = d + u - 2 * c;
        const dxy =
          (load<f32>(p + stride + 4) -
            load<f32>(p + stride - 4) -
            load<f32>(p - stride + 4) +
            load<f32>(p - stride - 4)) *
          0.25;
        const determinant = dxx * dyy - dxy * dxy;
        const trace = dxx + dyy;
        if (determinant <= 0 || trace * trace * edgeRatio > limit * determinant) continue;
        const dx = (l - r) / (2 * dxx);
        const dy = (u - d) / (2 * dyy);
        const into = found + <usize>count * 12;
        store<f32>(into, <f32>(x + lane) + max<f32>(-0.5, min<f32>(0.5, dx)));
        store<f32>(into, <f32>y + max<f32>(-0.5, min<f32>(0.5, dy)), 4);
        store<f32>(into, abs(c), 8);
        count += 1;
      }
    }
  }
  return count;
}

/** Directions of four gradients in turns, 0 to below 1. */
function turnsOf(y: v128, x: v128): v128 {
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  const ax = f32x4.abs(x);
  const ay = f32x4.abs(y);
  const larger = f32x4.max(ax, ay);
  const smaller = f32x4.min(ax, ay);
  const nothing = f32x4.eq(larger, zero);
  const a = v128.andnot(f32x4.div(smaller, v128.bitselect(one, larger, nothing)), nothing);
  const s = f32x4.mul(a, a);
  let r = f32x4.add(f32x4.mul(f32x4.splat(-0.00740014), s), f32x4.splat(0.025355644));
  r = f32x4.sub(f32x4.mul(r, s), f32x4.splat(0.052142777));
  r = f32x4.add(f32x4.mul(f32x4.mul(r, s), a), f32x4.mul(a, f32x4.splat(0.15915494)));
  r = v128.bitselect(f32x4.sub(f32x4.splat(0.25), r), r, f32x4.gt(ay, ax));
  r = v128.bitselect(f32x4.sub(f32x4.splat(0.5), r), r, f32x4.lt(x, zero));
  r = v128.bitselect(f32x4.sub(one, r), r, f32x4.lt(y, zero));
  return v128.andnot(r, f32x4.ge(r, one));
}

/** Gradients of a neighbourhood (f32: all across, and all down), which their directions in turns and lengths then replace. */
const ACROSS: usize = 64;
const DOWN: usize = ACROSS + 60 * 16;

/** @param bytes of each kind */
function toPolar(bytes: usize): void {
  for (let at: usize = 0; at < bytes; at += 16) {
    const x = v128.load(ACROSS + at);
    const y = v128.load(DOWN + at);
    v128.store(ACROSS + at, turnsOf(y, x));
    v128.store(DOWN + at, f32x4.sqrt(f32x4.add(f32x4.mul(x, x), f32x4.mul(y, y))));
  }
}

function gathered(base: usize, at: v128): v128 {
  return f32x4(
    load<f32>(base + <usize>i32x4.extract_lane(at, 0)),
    load<f32>(base + <usize>i32x4.extract_lane(at, 1)),
    load<f32>(base + <usize>i32x4.extract_lane(at, 2)),
    load<f32>(base + <usize>i32x4.extract_lane(at, 3)),
  );
}

function addTo(at: usize, value: f32): void {
  store<f32>(at, load<f32>(at) + value);
}

/**
 * Strengths of gradients around a pixel by their direction, added to `peaks` (f32).
 *
 * @param weights by place, (2 radius + 1) rows of 2 radius + 2; the last of each row is 0
 */
function directionHistogram(
  plane: usize,
  width: i32,
  height: i32,
  cx: i32,
  cy: i32,
  radius: i32,
  weights: usize,
  bins: i32,
  peaks: usize,
): void {
  const stride = (<usize>width) << 2;
  const lanes = i32x4(0, 1, 2, 3);
  const one = i32x4.splat(1);
  const right = i32x4.splat(width - 2);
  const within = cx > radius && cx + radius + 2 < width;
  let to: usize = 0;
  for (let v = -radius; v <= radius; v++) {
    const y = max(1, min(height - 2, cy + v));
    const row = plane + <usize>y * stride;
    for (let u = -radius; u <= radius; u += 4, to += 16) {
      if (within) {
        const at = row + ((<usize>(cx + u)) << 2);
        v128.store(ACROSS + to, f32x4.sub(v128.load(at, 4), v128.load(at - 4)));
        v128.store(DOWN + to, f32x4.sub(v128.load(at + stride), v128.load(at - stride)));
      } else {
        const x = i32x4.shl(i32x4.max_s(one, i32x4.min_s(right, i32x4.add(i32x4.splat(cx + u), lanes))), 2);
        v128.store(ACROSS + to, f32x4.sub(gathered(row + 4, x), gathered(row - 4, x)));
        v128.store(DOWN + to, f32x4.sub(gathered(row + stride, x), gathered(row - stride, x)));
      }
    }
  }
  toPolar(to);
  const all = f32x4.splat(<f32>bins);
  for (let at: usize = 0; at < to; at += 16) {
    const w = v128.load(weights + at);
    if (!v128.any_true(w)) continue;
    const bin = f32x4.mul(v128.load(ACROSS + at), all);
    const low = f32x4.floor(bin);
    const share = f32x4.sub(bin, low);
    const strength = f32x4.mul(w, v128.load(DOWN + at));
    const second = f32x4.mul(strength, share);
    const first = f32x4.mul(strength, f32x4.sub(f32x4.splat(1), share));
    const index = i32x4.trunc_sat_f32x4_s(low);
    spreadOver(
      peaks,
      bins,
      i32x4.extract_lane(index, 0),
      f32x4.extract_lane(first, 0),
      f32x4.extract_lane(second, 0),
    );
    spreadOver(
      peaks,
      bins,
      i32x4.extract_lane(index, 1),
      f32x4.extract_lane(first, 1),
      f32x4.extract_lane(second, 1),
    );
    spreadOver(
      peaks,
      bins,
      i32x4.extract_lane(index, 2),
      f32x4.extract_lane(first, 2),
      f32x4.extract_lane(second, 2),
    );
    spreadOver(
      peaks,
      bins,
      i32x4.extract_lane(index, 3),
      f32x4.extract_lane(first, 3),
      f32x4.extract_lane(second, 3),
    );
  }
}

function spreadOver(peaks: usize, bins: i32, low: i32, first: f32, second: f32): void {
  addTo(peaks + ((<usize>low) << 2), first);
  addTo(peaks + ((<usize>(low + 1 === bins ? 0 : low + 1)) << 2), second);
}

const SAMPLES: i32 = 12;
const BINS: i32 = 8;
/** Bytes of a cell's eight directions, and of a row of six cells. */
const CELL: usize = 32;
const ROW: usize = 192;

/**
 * Strengths of gradients in a turned neighbourhood by place and direction, added to `cells` (f32).
 *
 * @param tables of a sample's row or column: the cell (i32, 12 of them), its share of the next (f32, 12); then the weight
 *   of each sample (f32, 144)
 */
function gradientHistogram(
  plane: usize,
  width: i32,
  height: i32,
  px: f32,
  py: f32,
  cos: f32,
  sin: f32,
  start: f32,
  tables: usize,
  cells: usize,
): void {
  const stride = (<usize>width) << 2;
  const half = f32x4.splat(0.5);
  const first = i32x4.splat(1);
  const right = i32x4.splat(width - 2);
  const bottom = i32x4.splat(height - 2);
  const columns = i32x4.splat(width);
  let to: usize = 0;
  for (let j = 0; j < SAMPLES; j++) {
    const v = <f32>j - 5.5;
    const x0 = f32x4.splat(px - v * sin);
    const y0 = f32x4.splat(py + v * cos);
    for (let i = 0; i < SAMPLES; i += 4, to += 16) {
      const u = f32x4(<f32>i - 5.5, <f32>i - 4.5, <f32>i - 3.5, <f32>i - 2.5);
      const x = i32x4.max_s(
        first,
        i32x4.min_s(
          right,
          i32x4.trunc_sat_f32x4_s(
            f32x4.floor(f32x4.add(f32x4.add(x0, f32x4.mul(u, f32x4.splat(cos))), half)),
          ),
        ),
      );
      const y = i32x4.max_s(
        first,
        i32x4.min_s(
          bottom,
          i32x4.trunc_sat_f32x4_s(
            f32x4.floor(f32x4.add(f32x4.add(y0, f32x4.mul(u, f32x4.splat(sin))), half)),
          ),
        ),
      );
      const at = i32x4.shl(i32x4.add(i32x4.mul(y, columns), x), 2);
      v128.store(ACROSS + to, f32x4.sub(gathered(plane + 4, at), gathered(plane - 4, at)));
      v128.store(DOWN + to, f32x4.sub(gathered(plane + stride, at), gathered(plane - stride, at)));
    }
  }
  toPolar(to);
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  const eight = f32x4.splat(<f32>BINS);
  const shares = tables + 48;
  let weight = shares + 48;
  let from: usize = 0;
  for (let j = 0; j < SAMPLES; j++) {
    const into = cells + <usize>load<i32>(tables + ((<usize>j) << 2)) * ROW;
    const fy = f32x4.splat(load<f32>(shares + ((<usize>j) << 2)));
    for (let i = 0; i < SAMPLES; i += 4, weight += 16, from += 16) {
      let turns = f32x4.sub(v128.load(ACROSS + from), f32x4.splat(start));
      turns = v128.bitselect(f32x4.add(turns, one), turns, f32x4.lt(turns, zero));
      const bin = f32x4.mul(turns, eight);
      const low = f32x4.floor(bin);
      const f = f32x4.sub(bin, low);
      const g = f32x4.sub(one, f);
      const index = i32x4.trunc_sat_f32x4_s(low);
      const strength = f32x4.mul(v128.load(weight), v128.load(DOWN + from));
      const fx = v128.load(shares + ((<usize>i) << 2));
      const lower = f32x4.mul(strength, fy);
      const upper = f32x4.mul(strength, f32x4.sub(one, fy));
      const gxs = f32x4.sub(one, fx);
      const ul = f32x4.mul(upper, gxs);
      const ur = f32x4.mul(upper, fx);
      const ll = f32x4.mul(lower, gxs);
      const lr = f32x4.mul(lower, fx);
      const cell = tables + ((<usize>i) << 2);
      scatter(
        into,
        load<i32>(cell),
        i32x4.extract_lane(index, 0),
        f32x4.extract_lane(g, 0),
        f32x4.extract_lane(f, 0),
        f32x4.extract_lane(ul, 0),
        f32x4.extract_lane(ur, 0),
        f32x4.extract_lane(ll, 0),
        f32x4.extract_lane(lr, 0),
      );
      scatter(
        into,
        load<i32>(cell, 4),
        i32x4.extract_lane(index, 1),
        f32x4.extract_lane(g, 1),
        f32x4.extract_lane(f, 1),
        f32x4.extract_lane(ul, 1),
        f32x4.extract_lane(ur, 1),
        f32x4.extract_lane(ll, 1),
        f32x4.extract_lane(lr, 1),
      );
      scatter(
        into,
        load<i32>(cell, 8),
        i32x4.extract_lane(index, 2),
        f32x4.extract_lane(g, 2),
        f32x4.extract_lane(f, 2),
        f32x4.extract_lane(ul, 2),
        f32x4.extract_lane(ur, 2),
        f32x4.extract_lane(ll, 2),
        f32x4.extract_lane(lr, 2),
      );
      scatter(
        into,
        load<i32>(cell, 12),
        i32x4.extract_lane(index, 3),
        f32x4.extract_lane(g, 3),
        f32x4.extract_lane(f, 3),
        f32x4.extract_lane(ul, 3),
        f32x4.extract_lane(ur, 3),
        f32x4.extract_lane(ll, 3),
        f32x4.extract_lane(lr, 3),
      );
    }
  }
}

function scatter(
  row: usize,
  column: i32,
  low: i32,
  g: f32,
  f: f32,
  ul: f32,
  ur: f32,
  ll: f32,
  lr: f32,
): void {
  const at = row + <usize>column * CELL;
  const first = at + ((<usize>(low & (BINS - 1))) << 2);
  const second = at + ((<usize>((low + 1) & (BINS - 1))) << 2);
  addTo(first, ul * g);
  addTo(second, ul * f);
  addTo(first + CELL, ur * g);
  addTo(second + CELL, ur * f);
  addTo(first + ROW, ll * g);
  addTo(second + ROW, ll * f);
  addTo(first + ROW + CELL, lr * g);
  addTo(second + ROW + CELL, lr * f);
}

/** Cells on a side of the neighbourhood; around them the histogram has a margin of one. */
const CELLS: usize = 4;

/** Which cells exceed the low and the high threshold -> eight i32: rows by the low one, then rows by the high one. */
function binarise(cells: usize, low: f64, high: f64, descriptor: usize): void {
  const inner = cells + ROW + CELL;
  let sum: f64 = 0;
  for (let row: usize = 0; row < CELLS; row++) {
    for (let at: usize = 0; at < CELLS * CELL; at += 4) sum += <f64>load<f32>(inner + row * ROW + at);
  }
  const mean = sum / <f64>(<i32>CELLS * <i32>CELLS * BINS);
  const lows = f64x2.splat(mean * low);
  const highs = f64x2.splat(mean * high);
  for (let row: usize = 0; row < CELLS; row++) {
    let lowBits = 0;
    let highBits = 0;
    for (let bit: usize = 0; bit < 32; bit += 2) {
      const two = f64x2.promote_low_f32x4(v128.load64_zero(inner + row * ROW + (bit << 2)));
      lowBits |= i64x2.bitmask(f64x2.gt(two, lows)) << (<i32>bit);
      highBits |= i64x2.bitmask(f64x2.gt(two, highs)) << (<i32>bit);
    }
    store<i32>(descriptor + (row << 2), lowBits);
    store<i32>(descriptor + ((row + CELLS) << 2), highBits);
  }
}

function peak(peaks: usize, bins: i32, i: i32): f64 {
  return <f64>load<f32>(peaks + ((<usize>(i < 0 ? i + bins : i >= bins ? i - bins : i)) << 2));
}

/** Between the bins, where a parabola through a peak and its neighbours is highest; radians. */
function peakAt(peaks: usize, bins: i32, i: i32, turn: f64): f64 {
  const l = peak(peaks, bins, i - 1);
  const r = peak(peaks, bins, i + 1);
  const bend = l - 2 * peak(peaks, bins, i) + r;
  const shift = bend < 0 ? (0.5 * (l - r)) / bend : 0;
  const around = ((<f64>i + shift) / <f64>bins) * turn + turn;
  return around >= turn ? around - turn : around;
}

/**
 * The one or two strongest of the directions in `peaks`, radians -> `angles` (f64).
 *
 * @param smoothed room for as many f32
 * @returns how many
 */
function directions(peaks: usize, bins: i32, smoothed: usize, second: f64, turn: f64, angles: usize): i32 {
  let top = 0;
  for (let i = 0; i < bins; i++) {
    const v =
      6 * peak(peaks, bins, i) +
      4 * (peak(peaks, bins, i + 1) + peak(peaks, bins, i - 1)) +
      peak(peaks, bins, i + 2) +
      peak(peaks, bins, i - 2);
    store<f32>(smoothed + ((<usize>i) << 2), <f32>v);
    if (v > peak(smoothed, bins, top)) top = i;
  }
  store<f64>(angles, peakAt(smoothed, bins, top, turn));
  const least = second * peak(smoothed, bins, top);
  let next = -1;
  for (let i = 0; i < bins; i++) {
    const v = peak(smoothed, bins, i);
    if (i === top || v < least) continue;
    if (v < peak(smoothed, bins, i + 1) || v <= peak(smoothed, bins, i - 1)) continue;
    if (next < 0 || v > peak(smoothed, bins, next)) next = i;
  }
  if (next < 0) return 1;
  store<f64>(angles, peakAt(smoothed, bins, next, turn), 8);
  return 2;
}

/**
 * A point's directions and the descriptor for each -> `angles` (f64), `descriptors` (eight i32 each).
 *
 * @param weights,bins see directionHistogram
 * @param peaks room for twice as many f32 as there are bins
 * @param tables,cells see gradientHistogram
 * @param bytes of all cells
 * @param second how strong a second direction must be, in shares of the first
 * @param turn of a whole circle, radians
 * @returns how many directions
 */
export function describe(
  plane: usize,
  width: i32,
  height: i32,
  px: f64,
  py: f64,
  radius: i32,
  weights: usize,
  bins: i32,
  peaks: usize,
  second: f64,
  turn: f64,
  spacing: f64,
  tables: usize,
  cells: usize,
  bytes: usize,
  low: f64,
  high: f64,
  angles: usize,
  descriptors: usize,
): i32 {
  const smoothed = peaks + ((<usize>bins) << 2);
  memory.fill(peaks, 0, (<usize>bins) << 2);
  const cx = <i32>floor(px + 0.5);
  const cy = <i32>floor(py + 0.5);
  directionHistogram(plane, width, height, cx, cy, radius, weights, bins, peaks);
  const count = directions(peaks, bins, smoothed, second, turn, angles);
  for (let i: usize = 0; i < <usize>count; i++) {
    const angle = load<f64>(angles + (i << 3));
    memory.fill(cells, 0, bytes);
    gradientHistogram(
      plane,
      width,
      height,
      <f32>px,
      <f32>py,
      <f32>(cos(angle) * spacing),
      <f32>(sin(angle) * spacing),
      <f32>(angle / turn),
      tables,
      cells,
    );
    binarise(cells, low, high, descriptors + (i << 5));
  }
  return count;
}

/** Bits of a key by which points are sorted at once, and how many values they have. */
const DIGIT: i32 = 11;
const DIGITS: usize = 1 << 11;

/**
 * Points of three f32 -> `sorted`, the one with the greatest third first, in the order found where they are equal: by
 * counting, eleven bits after eleven bits.
 *
 * @param keys room for 8 bytes a point, twice
 * @param counts room for 2048 i32
 */
export function strongestFirst(found: usize, count: i32, keys: usize, counts: usize, sorted: usize): void {
  const size = (<usize>count) << 3;
  let from = keys;
  let to = keys + size;
  for (let i: usize = 0; i < <usize>count; i++) {
    // A float's bits are in the order of its size.
    store<i32>(from + (i << 3), i32.MAX_VALUE - load<i32>(found + i * 12, 8));
    store<i32>(from + (i << 3), <i32>i, 4);
  }
  for (let shift = 0; shift < 31; shift += DIGIT) {
    memory.fill(counts, 0, DIGITS << 2);
    for (let at = from; at < from + size; at += 8) {
      const slot = counts + ((((<usize>load<u32>(at)) >> shift) & (DIGITS - 1)) << 2);
      store<i32>(slot, load<i32>(slot) + 1);
    }
    let before = 0;
    for (let slot = counts; slot < counts + (DIGITS << 2); slot += 4) {
      const own = load<i32>(slot);
      store<i32>(slot, before);
      before += own;
    }
    for (let at = from; at < from + size; at += 8) {
      const slot = counts + ((((<usize>load<u32>(at)) >> shift) & (DIGITS - 1)) << 2);
      const place = load<i32>(slot);
      store<i32>(slot, place + 1);
      store<u64>(to + ((<usize>place) << 3), load<u64>(at));
    }
    const other = from;
    from = to;
    to = other;
  }
  for (let i: usize = 0; i < <usize>count; i++) {
    memory.copy(sorted + i * 12, found + <usize>load<u32>(from + (i << 3), 4) * 12, 12);
  }
}
