/**
 * What kernels do with planes (f32, row by row), in float64 where src/vision/fingerprint/plane.ts computes in numbers and
 * float32 where it stores, so that results are equal bit for bit. A plane has room for three more numbers after it.
 */

function wide(at: usize): v128 {
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
