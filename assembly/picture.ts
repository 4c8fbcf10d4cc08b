/**
 * The inner loops of PDQ and blockhash for pictures of 512x512 pixels, in AssemblyScript, compiled to WebAssembly SIMD
 * by `npm run kernels`. The same in plain TypeScript, for every size and with the reasons why, is in
 * src/vision/fingerprint/pdq.ts and blockhash.ts: each sum and product is rounded to float32 in the same order, so that
 * results are equal bit for bit. Addresses are those of src/vision/fingerprint/picture-kernel.ts.
 */

const SIDE: usize = 512;
const KEPT: usize = 128;
const SAMPLES: usize = 64;
const COEFFICIENTS: usize = 16;

const PIXELS: usize = 0;
const GRID: usize = 786_496;
const SAMPLED: usize = GRID + 65_536;
const COSINES: usize = SAMPLED + 16_384;
const COSINES_BY_SAMPLE: usize = COSINES + 4_096;
const RESULT: usize = COSINES_BY_SAMPLE + 4_096;
const HALF: usize = RESULT + 1_024;
const BLOCKS: usize = HALF + 4_096;
const LENGTHS: usize = BLOCKS + 1_024;
const TURNED: usize = LENGTHS + 2_048;
const LUMA: usize = TURNED + 16_640;

/** Rows lie this many bytes apart: a power of two would have them share few cache sets. */
const STRIDE: usize = SIDE * 4 + 64;
/** Of the rows on their way the last sixteen are there; row y is the (y & 15)th. */
const RING: usize = 16;
const BLURRED: usize = LUMA + 8 * STRIDE;
const BOTH_WAYS: usize = BLURRED + RING * STRIDE;
/** For each column the sum of what the filter's window holds. */
const COLUMN_SUMS: usize = BOTH_WAYS + RING * STRIDE;
const NARROW_STRIDE: usize = KEPT * 4 + 64;
/** Two rows of zeros above and two below, so that the filter's window needs no cases. */
const NARROW: usize = COLUMN_SUMS + 2_048 + 2 * NARROW_STRIDE;

/** Eight rows of pixels from the one at `y` on -> their luma, in the first eight rows of its plane. */
function fillLuma(y: usize): void {
  const red = i8x16(0, -1, -1, -1, 3, -1, -1, -1, 6, -1, -1, -1, 9, -1, -1, -1);
  const green = i8x16(1, -1, -1, -1, 4, -1, -1, -1, 7, -1, -1, -1, 10, -1, -1, -1);
  const blue = i8x16(2, -1, -1, -1, 5, -1, -1, -1, 8, -1, -1, -1, 11, -1, -1, -1);
  const r = f32x4.splat(0.299);
  const g = f32x4.splat(0.587);
  const b = f32x4.splat(0.114);
  let from = PIXELS + y * SIDE * 3;
  for (let row = LUMA; row < LUMA + 8 * STRIDE; row += STRIDE) {
    for (let x: usize = 0; x < SIDE; x += 4, from += 12) {
      const pixels = v128.load(from);
      v128.store(
        row + (x << 2),
        f32x4.add(
          f32x4.add(
            f32x4.mul(f32x4.convert_i32x4_s(i8x16.swizzle(pixels, red)), r),
            f32x4.mul(f32x4.convert_i32x4_s(i8x16.swizzle(pixels, green)), g),
          ),
          f32x4.mul(f32x4.convert_i32x4_s(i8x16.swizzle(pixels, blue)), b),
        ),
      );
    }
  }
}

/** Four rows, turned: vector x holds their elements at x. Zeros lie before and after. */
function turnRows(from: usize, to: usize): void {
  for (let x: usize = 0; x < SIDE; x += 4) {
    const a = v128.load(from + (x << 2));
    const b = v128.load(from + STRIDE + (x << 2));
    const c = v128.load(from + 2 * STRIDE + (x << 2));
    const d = v128.load(from + 3 * STRIDE + (x << 2));
    const ab0 = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
    const ab1 = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
    const cd0 = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
    const cd1 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
    const at = to + (x << 4);
    v128.store(at, v128.shuffle<i32>(ab0, cd0, 0, 1, 4, 5));
    v128.store(at, v128.shuffle<i32>(ab0, cd0, 2, 3, 6, 7), 16);
    v128.store(at, v128.shuffle<i32>(ab1, cd1, 0, 1, 4, 5), 32);
    v128.store(at, v128.shuffle<i32>(ab1, cd1, 2, 3, 6, 7), 48);
  }
}

/** Whether the filter's window is cut off by an end; elsewhere it has four elements, and a quarter of a sum is exact. */
function isCutOff(x: usize): bool {
  return x === 0 || x >= SIDE - 2;
}

/** The box filter along eight turned rows in place; the first four of them lie before the others. */
const NEXT_FOUR: usize = 8_320;

function blurTurned(): void {
  const one = TURNED + 64;
  const two = one + NEXT_FOUR;
  const quarter = f32x4.splat(0.25);
  let sum1 = f32x4.add(v128.load(one), v128.load(one, 16));
  let sum2 = f32x4.add(v128.load(two), v128.load(two, 16));
  // What leaves is written over four elements later, so it is held back.
  let leaving1a = f32x4.splat(0);
  let leaving1b = leaving1a;
  let leaving2a = leaving1a;
  let leaving2b = leaving1a;
  for (let x: usize = 0; x < SIDE; x++) {
    const at = x << 4;
    sum1 = f32x4.sub(f32x4.add(sum1, v128.load(one + at, 32)), leaving1a);
    sum2 = f32x4.sub(f32x4.add(sum2, v128.load(two + at, 32)), leaving2a);
    leaving1a = leaving1b;
    leaving1b = v128.load(one + at);
    leaving2a = leaving2b;
    leaving2b = v128.load(two + at);
    if (isCutOff(x)) {
      const length = v128.load32_splat(LENGTHS + (x << 2));
      v128.store(one + at, f32x4.div(sum1, length));
      v128.store(two + at, f32x4.div(sum2, length));
    } else {
      v128.store(one + at, f32x4.mul(sum1, quarter));
      v128.store(two + at, f32x4.mul(sum2, quarter));
    }
  }
}

/** Turned rows back. */
function turnBack(from: usize, to: usize): void {
  for (let x: usize = 0; x < SIDE; x += 4) {
    const at = from + (x << 4);
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const c = v128.load(at, 32);
    const d = v128.load(at, 48);
    const ab0 = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
    const ab1 = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
    const cd0 = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
    const cd1 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
    v128.store(to + (x << 2), v128.shuffle<i32>(ab0, cd0, 0, 1, 4, 5));
    v128.store(to + STRIDE + (x << 2), v128.shuffle<i32>(ab0, cd0, 2, 3, 6, 7));
    v128.store(to + 2 * STRIDE + (x << 2), v128.shuffle<i32>(ab1, cd1, 0, 1, 4, 5));
    v128.store(to + 3 * STRIDE + (x << 2), v128.shuffle<i32>(ab1, cd1, 2, 3, 6, 7));
  }
}

/** Of turned rows only the columns that are sampled: 8n + 1 and 8n + 4. */
function turnBackKept(from: usize, to: usize): void {
  for (let x: usize = 0; x < SIDE; x += 8, to += 8) {
    const one = v128.load(from + (x << 4), 16);
    const four = v128.load(from + (x << 4), 64);
    const low = v128.shuffle<i32>(one, four, 0, 4, 1, 5);
    const high = v128.shuffle<i32>(one, four, 2, 6, 3, 7);
    v128.store64_lane(to, low, 0);
    v128.store64_lane(to + NARROW_STRIDE, low, 1);
    v128.store64_lane(to + 2 * NARROW_STRIDE, high, 0);
    v128.store64_lane(to + 3 * NARROW_STRIDE, high, 1);
  }
}

/** Eight rows, turned and filtered along themselves. */
function blurRows(from: usize): void {
  turnRows(from, TURNED + 64);
  turnRows(from + 4 * STRIDE, TURNED + 64 + NEXT_FOUR);
  blurTurned();
}

function ringRow(ring: usize, y: usize): usize {
  return ring + (y & (RING - 1)) * STRIDE;
}

/** The box filter along columns, 32 abreast: rows from `first` to before `end` of BLURRED -> BOTH_WAYS. */
function blurColumns(first: usize, end: usize): void {
  const quarter = f32x4.splat(0.25);
  for (let x: usize = 0; x < SIDE << 2; x += 128) {
    const sums = COLUMN_SUMS + x;
    let sum0 = v128.load(sums);
    let sum1 = v128.load(sums, 16);
    let sum2 = v128.load(sums, 32);
    let sum3 = v128.load(sums, 48);
    let sum4 = v128.load(sums, 64);
    let sum5 = v128.load(sums, 80);
    let sum6 = v128.load(sums, 96);
    let sum7 = v128.load(sums, 112);
    for (let y = first; y < end; y++) {
      const entering = ringRow(BLURRED, y + 2) + x;
      const leaving = ringRow(BLURRED, y - 2) + x;
      sum0 = f32x4.sub(f32x4.add(sum0, v128.load(entering)), v128.load(leaving));
      sum1 = f32x4.sub(f32x4.add(sum1, v128.load(entering, 16)), v128.load(leaving, 16));
      sum2 = f32x4.sub(f32x4.add(sum2, v128.load(entering, 32)), v128.load(leaving, 32));
      sum3 = f32x4.sub(f32x4.add(sum3, v128.load(entering, 48)), v128.load(leaving, 48));
      sum4 = f32x4.sub(f32x4.add(sum4, v128.load(entering, 64)), v128.load(leaving, 64));
      sum5 = f32x4.sub(f32x4.add(sum5, v128.load(entering, 80)), v128.load(leaving, 80));
      sum6 = f32x4.sub(f32x4.add(sum6, v128.load(entering, 96)), v128.load(leaving, 96));
      sum7 = f32x4.sub(f32x4.add(sum7, v128.load(entering, 112)), v128.load(leaving, 112));
      const write = ringRow(BOTH_WAYS, y) + x;
      if (isCutOff(y)) {
        const length = v128.load32_splat(LENGTHS + (y << 2));
        v128.store(write, f32x4.div(sum0, length));
        v128.store(write, f32x4.div(sum1, length), 16);
        v128.store(write, f32x4.div(sum2, length), 32);
        v128.store(write, f32x4.div(sum3, length), 48);
        v128.store(write, f32x4.div(sum4, length), 64);
        v128.store(write, f32x4.div(sum5, length), 80);
        v128.store(write, f32x4.div(sum6, length), 96);
        v128.store(write, f32x4.div(sum7, length), 112);
      } else {
        v128.store(write, f32x4.mul(sum0, quarter));
        v128.store(write, f32x4.mul(sum1, quarter), 16);
        v128.store(write, f32x4.mul(sum2, quarter), 32);
        v128.store(write, f32x4.mul(sum3, quarter), 48);
        v128.store(write, f32x4.mul(sum4, quarter), 64);
        v128.store(write, f32x4.mul(sum5, quarter), 80);
        v128.store(write, f32x4.mul(sum6, quarter), 96);
        v128.store(write, f32x4.mul(sum7, quarter), 112);
      }
    }
    v128.store(sums, sum0);
    v128.store(sums, sum1, 16);
    v128.store(sums, sum2, 32);
    v128.store(sums, sum3, 48);
    v128.store(sums, sum4, 64);
    v128.store(sums, sum5, 80);
    v128.store(sums, sum6, 96);
    v128.store(sums, sum7, 112);
  }
}

/** The window of the first row but what enters with it: the rows 0 and 1. */
function firstColumnSums(): void {
  for (let x: usize = 0; x < SIDE << 2; x += 16)
    v128.store(COLUMN_SUMS + x, f32x4.add(v128.load(BLURRED + x), v128.load(BLURRED + STRIDE + x)));
}

/** The box filter along the columns of NARROW; only the rows that are sampled are written, to the grid. */
function blurNarrowColumns(): void {
  const quarter = f32x4.splat(0.25);
  for (let x: usize = 0; x < KEPT << 2; x += 64) {
    let read = NARROW + x;
    let write = GRID + x;
    let sum0 = f32x4.add(v128.load(read), v128.load(read + NARROW_STRIDE));
    let sum1 = f32x4.add(v128.load(read, 16), v128.load(read + NARROW_STRIDE, 16));
    let sum2 = f32x4.add(v128.load(read, 32), v128.load(read + NARROW_STRIDE, 32));
    let sum3 = f32x4.add(v128.load(read, 48), v128.load(read + NARROW_STRIDE, 48));
    for (let y: usize = 0; y < SIDE; y++, read += NARROW_STRIDE) {
      const entering = read + 2 * NARROW_STRIDE;
      const leaving = read - 2 * NARROW_STRIDE;
      sum0 = f32x4.sub(f32x4.add(sum0, v128.load(entering)), v128.load(leaving));
      sum1 = f32x4.sub(f32x4.add(sum1, v128.load(entering, 16)), v128.load(leaving, 16));
      sum2 = f32x4.sub(f32x4.add(sum2, v128.load(entering, 32)), v128.load(leaving, 32));
      sum3 = f32x4.sub(f32x4.add(sum3, v128.load(entering, 48)), v128.load(leaving, 48));
      // No row that is sampled is cut off by an end.
      if ((y & 7) !== 1 && (y & 7) !== 4) continue;
      v128.store(write, f32x4.mul(sum0, quarter));
      v128.store(write, f32x4.mul(sum1, quarter), 16);
      v128.store(write, f32x4.mul(sum2, quarter), 32);
      v128.store(write, f32x4.mul(sum3, quarter), 48);
      write += KEPT << 2;
    }
  }
}

/**
 * Pixels -> luma, blurred twice along each axis -> grid: 128x128 float32, what may be sampled. Eight rows at a time go
 * through all filters but the last, so that nothing waits for its neighbours outside the nearest caches.
 */
export function blur(): void {
  // The two rows above the first; those below the last are cleared when they are next.
  memory.fill(ringRow(BLURRED, RING - 2), 0, 2 * STRIDE);
  for (let y: usize = 0; y <= SIDE; y += 8) {
    if (y < SIDE) {
      fillLuma(y);
      blurRows(LUMA);
      turnBack(TURNED + 64, ringRow(BLURRED, y));
      turnBack(TURNED + 64 + NEXT_FOUR, ringRow(BLURRED, y + 4));
    } else {
      memory.fill(ringRow(BLURRED, y), 0, 2 * STRIDE);
    }
    if (y === 0) {
      firstColumnSums();
      blurColumns(0, 6);
      continue;
    }
    // Two rows stay behind, as the window reaches two rows ahead.
    blurColumns(y - 2, min(SIDE, y + 6));
    const done = y - 8;
    blurRows(ringRow(BOTH_WAYS, done));
    turnBackKept(TURNED + 64, NARROW + done * NARROW_STRIDE);
    turnBackKept(TURNED + 64 + NEXT_FOUR, NARROW + (done + 4) * NARROW_STRIDE);
  }
  blurNarrowColumns();
}

/** How many whole hundredths of the full range four samples differ from four others. */
function steps(one: usize, other: usize): v128 {
  const difference = f32x4.sub(v128.load(one), v128.load(other));
  const hundredths = f32x4.div(f32x4.mul(difference, f32x4.splat(100)), f32x4.splat(255));
  return i32x4.trunc_sat_f32x4_s(f32x4.abs(hundredths));
}

/** 64x64 samples -> the steps between all neighbours, added up. */
export function sumOfSteps(): i32 {
  const row = SAMPLES * 4;
  const last = SAMPLED + (SAMPLES - 1) * row;
  let sum = i32x4.splat(0);
  for (let at = SAMPLED; at < last; at += 16) sum = i32x4.add(sum, steps(at, at + row));
  // The last sample of a row has no neighbour to its right.
  const butTheLast = i32x4(-1, -1, -1, 0);
  for (let start = SAMPLED; start <= last; start += row) {
    for (let at = start; at < start + row - 16; at += 16) sum = i32x4.add(sum, steps(at, at + 4));
    sum = i32x4.add(sum, v128.and(steps(start + row - 16, start + row - 12), butTheLast));
  }
  return (
    i32x4.extract_lane(sum, 0) +
    i32x4.extract_lane(sum, 1) +
    i32x4.extract_lane(sum, 2) +
    i32x4.extract_lane(sum, 3)
  );
}

/** 64x64 samples -> 16x16 coefficients, each sum in ascending order. */
export function cosineTransform(): void {
  for (let u: usize = 0; u < COEFFICIENTS; u++) {
    const cosines = COSINES + u * SAMPLES * 4;
    for (let x: usize = 0; x < SAMPLES * 4; x += 64) {
      let sum0 = f32x4.splat(0);
      let sum1 = sum0;
      let sum2 = sum0;
      let sum3 = sum0;
      for (let k: usize = 0; k < SAMPLES; k++) {
        const cosine = v128.load32_splat(cosines + (k << 2));
        const from = SAMPLED + k * SAMPLES * 4 + x;
        sum0 = f32x4.add(sum0, f32x4.mul(cosine, v128.load(from)));
        sum1 = f32x4.add(sum1, f32x4.mul(cosine, v128.load(from, 16)));
        sum2 = f32x4.add(sum2, f32x4.mul(cosine, v128.load(from, 32)));
        sum3 = f32x4.add(sum3, f32x4.mul(cosine, v128.load(from, 48)));
      }
      const to = HALF + u * SAMPLES * 4 + x;
      v128.store(to, sum0);
      v128.store(to, sum1, 16);
      v128.store(to, sum2, 32);
      v128.store(to, sum3, 48);
    }
  }
  for (let u: usize = 0; u < COEFFICIENTS; u++) {
    let sum0 = f32x4.splat(0);
    let sum1 = sum0;
    let sum2 = sum0;
    let sum3 = sum0;
    for (let k: usize = 0; k < SAMPLES; k++) {
      const value = v128.load32_splat(HALF + ((u * SAMPLES + k) << 2));
      const from = COSINES_BY_SAMPLE + ((k * COEFFICIENTS) << 2);
      sum0 = f32x4.add(sum0, f32x4.mul(value, v128.load(from)));
      sum1 = f32x4.add(sum1, f32x4.mul(value, v128.load(from, 16)));
      sum2 = f32x4.add(sum2, f32x4.mul(value, v128.load(from, 32)));
      sum3 = f32x4.add(sum3, f32x4.mul(value, v128.load(from, 48)));
    }
    const to = RESULT + ((u * COEFFICIENTS) << 2);
    v128.store(to, sum0);
    v128.store(to, sum1, 16);
    v128.store(to, sum2, 32);
    v128.store(to, sum3, 48);
  }
}

/** Means of 2x2 pixels, rounded, from eight bytes on; bytes of odd pixels give rubbish. */
function meansOfFour(top: usize): v128 {
  const bottom = top + SIDE * 3;
  return i16x8.shr_u(
    i16x8.add(
      i16x8.add(
        i16x8.add(v128.load8x8_u(top), v128.load8x8_u(top, 3)),
        i16x8.add(v128.load8x8_u(bottom), v128.load8x8_u(bottom, 3)),
      ),
      i16x8.splat(2),
    ),
    2,
  );
}

/** Pixels -> sums of the 16x16 blocks (uint32) of the picture halved, all channels together. */
export function blockSums(): void {
  // Bytes of even pixels, for 24 bytes in a row.
  const even0 = i16x8(-1, -1, -1, 0, 0, 0, -1, -1);
  const even1 = i16x8(-1, 0, 0, 0, -1, -1, -1, 0);
  const even2 = i16x8(0, 0, -1, -1, -1, 0, 0, 0);
  for (let block: usize = 0; block < 256; block++) {
    const first = PIXELS + (block >> 4) * 32 * SIDE * 3 + (block & 15) * 96;
    let sum = i16x8.splat(0);
    for (let y: usize = 0; y < 32; y += 2) {
      const row = first + y * SIDE * 3;
      for (let x: usize = 0; x < 96; x += 24) {
        sum = i16x8.add(sum, v128.and(meansOfFour(row + x), even0));
        sum = i16x8.add(sum, v128.and(meansOfFour(row + x + 8), even1));
        sum = i16x8.add(sum, v128.and(meansOfFour(row + x + 16), even2));
      }
    }
    const sums = i32x4.extadd_pairwise_i16x8_u(sum);
    store<u32>(
      BLOCKS + (block << 2),
      i32x4.extract_lane(sums, 0) +
        i32x4.extract_lane(sums, 1) +
        i32x4.extract_lane(sums, 2) +
        i32x4.extract_lane(sums, 3),
    );
  }
}
