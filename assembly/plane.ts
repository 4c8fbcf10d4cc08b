/**
 * What kernels do with planes (f32, row by row), in float64 where src/vision/fingerprint/plane.ts computes in numbers and
 * float32 where it stores, so that results are equal bit for bit. A plane has room for three more numbers after it.
 */

/** Two neighbours in float64. */
export function wide(at: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(at));
}

/** Two neighbours of the binomial filter 1 4 6 4 1, from where its five inputs lie. */
function binomial(a: usize, b: usize, c: usize, d: usize, e: usize): v128 {
  const outer = f64x2.add(wide(a), wide(e));
  const inner = f64x2.mul(f64x2.splat(4), f64x2.add(wide(b), wide(d)));
  const sum = f64x2.add(f64x2.add(outer, inner), f64x2.mul(f64x2.splat(6), wide(c)));
  return f32x4.demote_f64x2_zero(f64x2.mul(sum, f64x2.splat(0.0625)));
}

function elementOf(row: usize, x: i32, last: i32): f64 {
  return <f64>load<f32>(row + ((<usize>max(0, min(last, x))) << 2));
}

/**
 * Smoothed along each axis, edges repeated.
 *
 * @param rows room for as much as the plane
 * @param to may be `from`
 */
export function smooth(from: usize, rows: usize, to: usize, width: i32, height: i32): void {
  const last = width - 1;
  const stride = (<usize>width) << 2;
  for (let y = 0; y < height; y++) {
    const row = from + <usize>y * stride;
    const into = rows + <usize>y * stride;
    for (let x = 2; x < last - 1; x += 2) {
      const at = row + ((<usize>x) << 2);
      v128.store64_lane(into + ((<usize>x) << 2), binomial(at - 8, at - 4, at, at + 4, at + 8), 0);
    }
    for (let k = 0; k < 4; k++) {
      const x = k < 2 ? k : last - 3 + k;
      const outer = elementOf(row, x - 2, last) + elementOf(row, x + 2, last);
      const inner = 4 * (elementOf(row, x - 1, last) + elementOf(row, x + 1, last));
      store<f32>(into + ((<usize>x) << 2), <f32>((outer + inner + 6 * elementOf(row, x, last)) * 0.0625));
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
    for (let x: usize = 0; x < stride; x += 8) {
      v128.store64_lane(into + x, binomial(a + x, b + x, c + x, d + x, e + x), 0);
    }
  }
}

/**
 * The same of bytes, which whole numbers of 16 bits hold exactly: 16 and then 256 times what is smoothed.
 *
 * @param stride bytes from row to row
 * @param line room for a row and 16 bytes more
 * @param rows room for two bytes an element, rows rounded up to eight elements
 * @param to room for eight numbers after the plane
 */
export function smoothBytes(
  from: usize,
  stride: usize,
  line: usize,
  rows: usize,
  to: usize,
  width: i32,
  height: i32,
): void {
  const wideRow = ((<usize>width + 7) >> 3) << 4;
  for (let y = 0; y < height; y++, from += stride) {
    memory.copy(line + 2, from, width);
    store<u16>(line, <u16>load<u8>(from) * 0x101);
    store<u16>(line + 2 + <usize>width, <u16>load<u8>(from + <usize>width - 1) * 0x101);
    const into = rows + <usize>y * wideRow;
    for (let x: usize = 0; x < wideRow; x += 16) {
      const at = line + (x >> 1);
      const outer = i16x8.add(v128.load8x8_u(at), v128.load8x8_u(at, 4));
      const inner = i16x8.add(v128.load8x8_u(at, 1), v128.load8x8_u(at, 3));
      v128.store(into + x, binomialOf(outer, inner, v128.load8x8_u(at, 2)));
    }
  }
  const bottom = height - 1;
  for (let y = 0; y < height; y++) {
    const a = rows + <usize>max(0, y - 2) * wideRow;
    const b = rows + <usize>max(0, y - 1) * wideRow;
    const c = rows + <usize>y * wideRow;
    const d = rows + <usize>min(bottom, y + 1) * wideRow;
    const e = rows + <usize>min(bottom, y + 2) * wideRow;
    // What goes beyond the end of a row is written over by the next.
    const into = to + ((<usize>(y * width)) << 2);
    for (let x: usize = 0; x < wideRow; x += 16) {
      const outer = i16x8.add(v128.load(a + x), v128.load(e + x));
      const inner = i16x8.add(v128.load(b + x), v128.load(d + x));
      const sum = binomialOf(outer, inner, v128.load(c + x));
      v128.store(into + (x << 1), ofWhole(i32x4.extend_low_i16x8_u(sum)));
      v128.store(into + (x << 1), ofWhole(i32x4.extend_high_i16x8_u(sum)), 16);
    }
  }
}

function binomialOf(outer: v128, inner: v128, middle: v128): v128 {
  return i16x8.add(i16x8.add(outer, i16x8.shl(inner, 2)), i16x8.mul(middle, i16x8.splat(6)));
}

function ofWhole(sum: v128): v128 {
  return f32x4.mul(f32x4.convert_i32x4_u(sum), f32x4.splat(1.0 / 256));
}

/** Bilinear sampling at half the size: every sample lies in the middle of four. */
function resampleToHalf(from: usize, to: usize, toWidth: i32, toHeight: i32): void {
  const half = f64x2.splat(0.5);
  const stride = (<usize>toWidth) << 3;
  for (let y = 0; y < toHeight; y++, from += 2 * stride) {
    for (let x: usize = 0; x < stride; x += 16, to += 8) {
      const a = v128.load(from + x);
      const b = v128.load(from + stride + x);
      const al = f64x2.promote_low_f32x4(v128.shuffle<f32>(a, a, 0, 2, 0, 2));
      const ar = f64x2.promote_low_f32x4(v128.shuffle<f32>(a, a, 1, 3, 1, 3));
      const bl = f64x2.promote_low_f32x4(v128.shuffle<f32>(b, b, 0, 2, 0, 2));
      const br = f64x2.promote_low_f32x4(v128.shuffle<f32>(b, b, 1, 3, 1, 3));
      const upper = f64x2.add(al, f64x2.mul(f64x2.sub(ar, al), half));
      const lower = f64x2.add(bl, f64x2.mul(f64x2.sub(br, bl), half));
      const middle = f64x2.add(upper, f64x2.mul(f64x2.sub(lower, upper), half));
      v128.store64_lane(to, f32x4.demote_f64x2_zero(middle), 0);
    }
  }
}

/**
 * Brought to another size by bilinear sampling.
 *
 * @param sampling room for 16 bytes a column of `to`
 */
export function resample(
  from: usize,
  width: i32,
  height: i32,
  to: usize,
  toWidth: i32,
  toHeight: i32,
  sampling: usize,
): void {
  if (width === 2 * toWidth && height === 2 * toHeight && toWidth % 2 === 0) {
    resampleToHalf(from, to, toWidth, toHeight);
    return;
  }
  const kx = <f64>width / <f64>toWidth;
  const ky = <f64>height / <f64>toHeight;
  for (let x = 0; x < toWidth; x++) {
    const at = min<f64>(<f64>(width - 1), max<f64>(0, (<f64>x + 0.5) * kx - 0.5));
    const left = <i32>at;
    const column = sampling + ((<usize>x) << 4);
    store<i32>(column, left << 2);
    store<i32>(column, min(width - 1, left + 1) << 2, 4);
    store<f64>(column, <f64>(<f32>(at - <f64>left)), 8);
  }
  for (let y = 0; y < toHeight; y++) {
    const at = min<f64>(<f64>(height - 1), max<f64>(0, (<f64>y + 0.5) * ky - 0.5));
    const top = <i32>at;
    const share = at - <f64>top;
    const a = from + <usize>(top * width) * 4;
    const b = from + <usize>(min(height - 1, top + 1) * width) * 4;
    for (let x = 0; x < toWidth; x++, to += 4) {
      const column = sampling + ((<usize>x) << 4);
      const left = <usize>load<u32>(column);
      const right = <usize>load<u32>(column, 4);
      const across = load<f64>(column, 8);
      const al = <f64>load<f32>(a + left);
      const bl = <f64>load<f32>(b + left);
      const upper = al + (<f64>load<f32>(a + right) - al) * across;
      const lower = bl + (<f64>load<f32>(b + right) - bl) * across;
      store<f32>(to, <f32>(upper + (lower - upper) * share));
    }
  }
}
