/**
 * The inner loops of bringing a picture to fewer pixels, in AssemblyScript, compiled to WebAssembly SIMD by
 * `npm run kernels`. The same in plain TypeScript, with what the numbers mean, is in src/vision/fingerprint/reduce.ts;
 * all of it is whole numbers, so results are equal bit for bit. Addresses are those of
 * src/vision/fingerprint/reduce-kernel.ts.
 */

/** As reduce.ts has them: of a weight, and behind the point of a blended value. */
const WEIGHT_BITS = 14;
const FRACTION_BITS = 7;

/** For each row or pixel that is made: where its first source begins, in bytes, and how many pairs of them it takes. */
const ROWS: usize = 0;
const COLUMNS: usize = ROWS + 16 * 8;
/** Two weights of 16 bits a pair, one after the other. */
const ROW_WEIGHTS: usize = COLUMNS + 512 * 8;
const COLUMN_WEIGHTS: usize = ROW_WEIGHTS + 4_096;
const BLENDED: usize = COLUMN_WEIGHTS + 65_536;
const REDUCED: usize = BLENDED + 65_536 + 64;
const SOURCE: usize = REDUCED + 16 * 512 * 3 + 64;

/** Source rows -> BLENDED, one row of 16 bits a sample. @returns where the weights of the next row begin */
function blendRows(bytes: i32, stride: i32, first: usize, pairs: i32, weights: usize): usize {
  const end = weights + <usize>(pairs << 2);
  for (let x = 0; x < bytes; x += 16) {
    let sum0 = i32x4.splat(1 << (FRACTION_BITS - 1));
    let sum1 = sum0;
    let sum2 = sum0;
    let sum3 = sum0;
    let row = SOURCE + first + <usize>x;
    for (let at = weights; at < end; at += 4, row += <usize>(stride << 1)) {
      const pair = v128.load32_splat(at);
      const upper = v128.load(row);
      const lower = v128.load(row + <usize>stride);
      const left = v128.shuffle<i8>(upper, lower, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const right = v128.shuffle<i8>(
        upper,
        lower,
        8,
        24,
        9,
        25,
        10,
        26,
        11,
        27,
        12,
        28,
        13,
        29,
        14,
        30,
        15,
        31,
      );
      sum0 = i32x4.add(sum0, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(left), pair));
      sum1 = i32x4.add(sum1, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(left), pair));
      sum2 = i32x4.add(sum2, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(right), pair));
      sum3 = i32x4.add(sum3, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(right), pair));
    }
    const to = BLENDED + ((<usize>x) << 1);
    v128.store(to, i16x8.narrow_i32x4_s(i32x4.shr_s(sum0, FRACTION_BITS), i32x4.shr_s(sum1, FRACTION_BITS)));
    v128.store(
      to,
      i16x8.narrow_i32x4_s(i32x4.shr_s(sum2, FRACTION_BITS), i32x4.shr_s(sum3, FRACTION_BITS)),
      16,
    );
  }
  return end;
}

/** BLENDED -> one row of pixels. */
function blendColumns(width: i32, to: usize): void {
  const channels = i8x16(0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11, -1, -1, -1, -1);
  let weights = COLUMN_WEIGHTS;
  for (let column = COLUMNS; column < COLUMNS + <usize>(width << 3); column += 8, to += 3) {
    let from = BLENDED + <usize>load<u32>(column);
    const end = weights + <usize>(load<u32>(column, 4) << 2);
    let sum = i32x4.splat(1 << (2 * WEIGHT_BITS - FRACTION_BITS - 1));
    for (; weights < end; weights += 4, from += 12) {
      const pixels = i8x16.swizzle(v128.load(from), channels);
      sum = i32x4.add(sum, i32x4.dot_i16x8_s(pixels, v128.load32_splat(weights)));
    }
    const whole = i16x8.narrow_i32x4_s(i32x4.shr_s(sum, 2 * WEIGHT_BITS - FRACTION_BITS), sum);
    // The fourth byte is the next pixel's, which is written after this one.
    v128.store32_lane(to, i8x16.narrow_i16x8_u(whole, whole), 0);
  }
}

/** SOURCE, its rows `stride` bytes apart -> as many rows of REDUCED as ROWS tells of. */
export function reduce(count: i32, stride: i32, width: i32): void {
  let weights = ROW_WEIGHTS;
  for (let y = 0; y < count; y++) {
    const row = ROWS + <usize>(y << 3);
    weights = blendRows(stride, stride, <usize>load<u32>(row), <i32>load<u32>(row, 4), weights);
    blendColumns(width, REDUCED + <usize>(y * width * 3));
  }
}
