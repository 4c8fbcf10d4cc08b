/**
 * The inner loops of the views that an output is searched by: its thumbnail and where its lines run, in AssemblyScript,
 * compiled to WebAssembly SIMD by `npm run kernels`. The same in plain TypeScript is in src/vision/fingerprint/
 * thumbnail.ts, plane.ts and structure-hash.ts: the same operations in the same order, in float64 where those compute in
 * numbers and float32 where they store, so that results are equal bit for bit. Addresses are those of
 * src/vision/fingerprint/views-kernel.ts.
 */
import { resample, smooth, smoothBytes } from './plane';

/** Of the pictures thumbnails are made of, in pixels. */
const SIDE: i32 = 512;

const PIXELS: usize = 0;
const LUMA: usize = 786_448;
const SUMS: usize = LUMA + 65_536;
const ENERGY: usize = SUMS + 3_072;
const SAMPLING: usize = ENERGY + 1_024;
const CELLS_AT: usize = SAMPLING + 4_096;
const STRENGTHS: usize = CELLS_AT + 2_048;
const PLANE_BYTES: usize = 256 * 256 * 4 + 64;
const PLANE: usize = STRENGTHS + 32_768 + 64;
const ROWS: usize = PLANE + PLANE_BYTES;
const OTHER: usize = ROWS + PLANE_BYTES;
const CB: usize = OTHER + PLANE_BYTES;
const CR: usize = CB + 65_536;
const COLOURS: usize = CR + 65_536;

/** Adds up the rows from `top` to `bottom`, each byte of a row by itself. 16 bits hold 257 rows. */
function sumRows(rowBytes: i32, top: i32, bottom: i32): void {
  for (let x = 0; x < rowBytes; x += 16) {
    let at = PIXELS + <usize>(top * rowBytes + x);
    let low = i16x8.splat(0);
    let high = low;
    for (let row = top; row < bottom; row++, at += rowBytes) {
      const bytes = v128.load(at);
      low = i16x8.add(low, i16x8.extend_low_i8x16_u(bytes));
      high = i16x8.add(high, i16x8.extend_high_i8x16_u(bytes));
    }
    v128.store(SUMS + ((<usize>x) << 1), low);
    v128.store(SUMS + ((<usize>x) << 1), high, 16);
  }
}

/** The row's sums of two pixels each -> their mean luma, two at a time. @param bytes how many are added up in a mean */
function lumaOfPairs(to: usize, bytes: f64): void {
  for (let sum = SUMS; sum < SUMS + ((<usize>(SIDE * 3)) << 1); sum += 24, to += 2) {
    const one = i32x4.extend_low_i16x8_u(i16x8.add(v128.load(sum), v128.load(sum, 6)));
    const two = i32x4.extend_low_i16x8_u(i16x8.add(v128.load(sum, 12), v128.load(sum, 18)));
    const r = f64x2.convert_low_i32x4_u(v128.shuffle<i32>(one, two, 0, 4, 0, 4));
    const g = f64x2.convert_low_i32x4_u(v128.shuffle<i32>(one, two, 1, 5, 1, 5));
    const b = f64x2.convert_low_i32x4_u(v128.shuffle<i32>(one, two, 2, 6, 2, 6));
    const luma = f64x2.add(
      f64x2.add(f64x2.mul(f64x2.splat(0.299), r), f64x2.mul(f64x2.splat(0.587), g)),
      f64x2.mul(f64x2.splat(0.114), b),
    );
    const mean = f64x2.add(f64x2.div(f64x2.mul(f64x2.splat(3), luma), f64x2.splat(bytes)), f64x2.splat(0.5));
    const whole = i32x4.trunc_sat_f64x2_u_zero(mean);
    store<u8>(to, <u8>i32x4.extract_lane(whole, 0));
    store<u8>(to, <u8>i32x4.extract_lane(whole, 1), 1);
  }
}

/** Pixels -> luma of a thumbnail, each pixel the mean of its area: nearest whole pixels. */
export function thumbnail(width: i32, height: i32): void {
  let to = LUMA;
  for (let y = 0; y < height; y++) {
    const top = (y * SIDE) / height;
    const bottom = max(top + 1, ((y + 1) * SIDE) / height);
    sumRows(SIDE * 3, top, bottom);
    if (2 * width === SIDE) {
      lumaOfPairs(to, <f64>((bottom - top) * 6));
      to += <usize>width;
      continue;
    }
    let next = 0;
    for (let x = 0; x < width; x++) {
      const left = next;
      next = 3 * (((x + 1) * SIDE) / width);
      const right = max(left + 3, next);
      let r = 0;
      let g = 0;
      let b = 0;
      for (let p = left; p < right; p += 3) {
        const sum = SUMS + ((<usize>p) << 1);
        r += <i32>load<u16>(sum);
        g += <i32>load<u16>(sum, 2);
        b += <i32>load<u16>(sum, 4);
      }
      const luma = 0.299 * <f64>r + 0.587 * <f64>g + 0.114 * <f64>b;
      store<u8>(to++, <u8>(<i32>((3 * luma) / <f64>((bottom - top) * (right - left)) + 0.5)));
    }
  }
}

/** PIXELS, so many across and down -> COLOURS: each pixel the mean of its area, nearest whole pixels; three f32 a pixel. */
function shrink(columns: i32, rows: i32, width: i32, height: i32): void {
  let to = COLOURS;
  for (let y = 0; y < height; y++) {
    const top = (y * rows) / height;
    const bottom = max(top + 1, ((y + 1) * rows) / height);
    sumRows(columns * 3, top, bottom);
    let next = 0;
    for (let x = 0; x < width; x++, to += 12) {
      const left = next;
      next = ((x + 1) * columns) / width;
      const right = max(left + 1, next);
      let r = 0;
      let g = 0;
      let b = 0;
      for (let sum = SUMS + <usize>(left * 6); sum < SUMS + <usize>(right * 6); sum += 6) {
        r += <i32>load<u16>(sum);
        g += <i32>load<u16>(sum, 2);
        b += <i32>load<u16>(sum, 4);
      }
      const n = <f64>((bottom - top) * (right - left));
      store<f32>(to, <f32>(<f64>r / n));
      store<f32>(to, <f32>(<f64>g / n), 4);
      store<f32>(to, <f32>(<f64>b / n), 8);
    }
  }
}

function byteOf(value: f64): u8 {
  return <u8>(<i32>value);
}

/** PIXELS, so many across and down -> LUMA of a thumbnail, and its CB and CR at another size. */
export function colourThumbnail(
  columns: i32,
  rows: i32,
  width: i32,
  height: i32,
  chromaWidth: i32,
  chromaHeight: i32,
): void {
  shrink(columns, rows, width, height);
  for (let i: usize = 0; i < <usize>(width * height); i++) {
    const at = COLOURS + i * 12;
    const luma = 0.299 * <f64>load<f32>(at) + 0.587 * <f64>load<f32>(at, 4) + 0.114 * <f64>load<f32>(at, 8);
    store<u8>(LUMA + i, byteOf(luma + 0.5));
  }
  let to: usize = 0;
  for (let y = 0; y < chromaHeight; y++) {
    const top = (y * height) / chromaHeight;
    const bottom = max(top + 1, ((y + 1) * height) / chromaHeight);
    for (let x = 0; x < chromaWidth; x++, to++) {
      const left = (x * width) / chromaWidth;
      const right = max(left + 1, ((x + 1) * width) / chromaWidth);
      let red: f64 = 0;
      let green: f64 = 0;
      let blue: f64 = 0;
      for (let row = top; row < bottom; row++) {
        const end = COLOURS + <usize>(row * width + right) * 12;
        for (let at = COLOURS + <usize>(row * width + left) * 12; at < end; at += 12) {
          red += <f64>load<f32>(at);
          green += <f64>load<f32>(at, 4);
          blue += <f64>load<f32>(at, 8);
        }
      }
      const n = <f64>((bottom - top) * (right - left));
      const r = <f64>(<f32>(red / n));
      const g = <f64>(<f32>(green / n));
      const b = <f64>(<f32>(blue / n));
      store<u8>(CB + to, byteOf(128.5 - 0.168736 * r - 0.331264 * g + 0.499 * b));
      store<u8>(CR + to, byteOf(128.5 + 0.499 * r - 0.418688 * g - 0.081312 * b));
    }
  }
}

/** PLANE brought to another size. */
function resized(width: i32, height: i32, toWidth: i32, toHeight: i32): void {
  resample(PLANE, width, height, OTHER, toWidth, toHeight, SAMPLING);
  memory.copy(PLANE, OTHER, (<usize>(toWidth * toHeight)) << 2);
}

/** Side of the picture whose lines are looked at; cells on each side. */
const LINES: i32 = 64;
const CELLS: i32 = 8;

/** For each place along a side the first of the two cells that it counts for, and its share in each. */
function placeCells(): void {
  for (let x = 0; x < LINES; x++) {
    const u = (<f64>x + 0.5) / 8 - 0.5;
    const first = floor(u);
    const at = CELLS_AT + ((<usize>x) << 5);
    store<i32>(at, <i32>first);
    store<f64>(at, 1 - abs<f64>(u - first), 8);
    store<f64>(at, 1 - abs<f64>(u - (first + 1)), 16);
  }
}

/** As V8 computes Math.hypot. */
function length(x: f64, y: f64): f64 {
  const longer = max<f64>(abs<f64>(x), abs<f64>(y));
  if (longer === 0) return 0;
  const ratio = min<f64>(abs<f64>(x), abs<f64>(y)) / longer;
  return sqrt<f64>(1 + ratio * ratio) * longer;
}

/** What the gradient does to one cell: its direction modulo half a turn, uprights and diagonals. */
function count(cell: usize, c: f64, s: f64, weight: f64): void {
  if (c > 0) store<f32>(cell, <f32>(<f64>load<f32>(cell) + c * weight));
  else store<f32>(cell, <f32>(<f64>load<f32>(cell, 8) - c * weight), 8);
  if (s > 0) store<f32>(cell, <f32>(<f64>load<f32>(cell, 4) + s * weight), 4);
  else store<f32>(cell, <f32>(<f64>load<f32>(cell, 12) - s * weight), 12);
}

/** Bytes -> PLANE. */
function widen(from: usize, stride: usize, width: i32, height: i32): void {
  let to = PLANE;
  for (let y = 0; y < height; y++, from += stride)
    for (let x: usize = 0; x < <usize>width; x++, to += 4) store<f32>(to, <f32>load<u8>(from + x));
}

/** Part of a thumbnail `columns` wide -> for each of 8x8 cells how strongly lines run in each of four directions. */
export function directionEnergy(columns: i32, left: i32, top: i32, width: i32, height: i32): void {
  const part = LUMA + <usize>(top * columns + left);
  if (min(width, height) < 2 * LINES) {
    widen(part, columns, width, height);
  } else {
    smoothBytes(part, columns, OTHER, ROWS, PLANE, width, height);
    for (;;) {
      resized(width, height, width >> 1, height >> 1);
      width >>= 1;
      height >>= 1;
      if (min(width, height) < 2 * LINES) break;
      smooth(PLANE, ROWS, PLANE, width, height);
    }
  }
  resized(width, height, LINES, LINES);
  smooth(PLANE, ROWS, PLANE, LINES, LINES);
  placeCells();
  let sum: f64 = 0;
  for (let y = 1; y < LINES - 1; y++) {
    for (let x = 1; x < LINES - 1; x++) {
      const at = (<usize>(y * LINES + x)) << 2;
      const above = PLANE + at - ((<usize>LINES) << 2);
      const strength = length(
        <f64>load<f32>(PLANE + at, 4) - <f64>load<f32>(PLANE + at - 4),
        <f64>load<f32>(above, 512) - <f64>load<f32>(above),
      );
      store<f64>(STRENGTHS + (at << 1), strength);
      sum += strength;
    }
  }
  const mean = sum / LINES / LINES + 0.5;
  memory.fill(ENERGY, 0, 1_024);
  for (let y = 1; y < LINES - 1; y++) {
    const row = CELLS_AT + ((<usize>y) << 5);
    for (let x = 1; x < LINES - 1; x++) {
      const at = (<usize>(y * LINES + x)) << 2;
      const m = load<f64>(STRENGTHS + (at << 1));
      if (m === 0) continue;
      const above = PLANE + at - ((<usize>LINES) << 2);
      const gx = <f64>load<f32>(PLANE + at, 4) - <f64>load<f32>(PLANE + at - 4);
      const gy = <f64>load<f32>(above, 512) - <f64>load<f32>(above);
      const strength = m / (m + mean) / (m * m);
      const c = (gx * gx - gy * gy) * strength;
      const s = 2 * gx * gy * strength;
      const column = CELLS_AT + ((<usize>x) << 5);
      const i = load<i32>(column);
      const j = load<i32>(row);
      for (let down = 0; down < 2; down++) {
        if (<u32>(j + down) >= <u32>CELLS) continue;
        const share = load<f64>(row + ((<usize>down) << 3), 8);
        const cells = ENERGY + <usize>((j + down) * CELLS * 16);
        if (i >= 0) count(cells + <usize>(i << 4), c, s, load<f64>(column, 8) * share);
        if (i + 1 < CELLS) count(cells + <usize>((i + 1) << 4), c, s, load<f64>(column, 16) * share);
      }
    }
  }
}
