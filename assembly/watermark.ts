/**
 * The inner loops of reading watermarks, in AssemblyScript, compiled to WebAssembly SIMD by `npm run kernels`. The same
 * in plain TypeScript, with the reasons why, is in src/platform/provenance/watermark/plain-kernel.ts. What is exact there
 * is kept here in whole numbers, the rest in float64 computed in the same order, so that results are equal bit for bit.
 * Addresses come from src/platform/provenance/watermark/kernel.ts.
 */

/** Haar values are kept in so many parts, their sums over 16 cells too. */
const PARTS: i32 = 65_536;
const OF_ITS_OWN: i32 = 14_284;
const OF_THE_FAR: i32 = 4_820;
const LOWEST: i32 = -0x7fffffff;
const HIGHEST: i32 = 0x7fffffff;

/** Of a block before its four columns of cells are put together: six vectors. */
const BLOCK: usize = 6 * 16;
const ALL: usize = 0;
const UPPER: usize = 16;
const BLUE: usize = 32;
const RED: usize = 64;

/** Of 4 pixels: two side by side summed, red and blue of each two, then green twice. In 16 bits. */
function halves(at: usize, order: v128): v128 {
  return i16x8.extadd_pairwise_i8x16_u(i8x16.swizzle(v128.load(at), order));
}

/** Of 8 x 2 pixels -> of each of four cells red less green and blue less green. In 16 bits. */
function cellsOf(at: usize, stride: usize, left: v128, right: v128, toRight: usize): v128 {
  const a = i16x8.add(halves(at, left), halves(at + stride, left));
  const b = i16x8.add(halves(at + toRight, right), halves(at + toRight + stride, right));
  return i16x8.sub(v128.shuffle<i64>(a, b, 0, 2), v128.shuffle<i64>(a, b, 1, 3));
}

function even(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(a, b, 0, 2, 4, 6);
}

function odd(a: v128, b: v128): v128 {
  return v128.shuffle<i32>(a, b, 1, 3, 5, 7);
}

/** The lanes of four blocks put together, for each block one. */
function added(at: usize): v128 {
  const a = v128.load(at);
  const b = v128.load(at + BLOCK);
  const c = v128.load(at + 2 * BLOCK);
  const d = v128.load(at + 3 * BLOCK);
  const ab = i16x8.add(even(a, b), odd(a, b));
  const cd = i16x8.add(even(c, d), odd(c, d));
  return i16x8.add(even(ab, cd), odd(ab, cd));
}

function greatest(at: usize): v128 {
  const a = v128.load(at);
  const b = v128.load(at + BLOCK);
  const c = v128.load(at + 2 * BLOCK);
  const d = v128.load(at + 3 * BLOCK);
  const ab = i32x4.max_s(even(a, b), odd(a, b));
  const cd = i32x4.max_s(even(c, d), odd(c, d));
  return i32x4.max_s(even(ab, cd), odd(ab, cd));
}

function least(at: usize): v128 {
  const a = v128.load(at);
  const b = v128.load(at + BLOCK);
  const c = v128.load(at + 2 * BLOCK);
  const d = v128.load(at + 3 * BLOCK);
  const ab = i32x4.min_s(even(a, b), odd(a, b));
  const cd = i32x4.min_s(even(c, d), odd(c, d));
  return i32x4.min_s(even(ab, cd), odd(ab, cd));
}

/** One colour of four blocks -> what is known of them, in four arrays. */
function keep(blocks: usize, colour: usize, weights: v128, to: usize, span: usize): void {
  const all = i32x4.dot_i16x8_s(added(blocks + ALL), weights);
  const upper = i32x4.dot_i16x8_s(added(blocks + UPPER), weights);
  v128.store(to, all);
  v128.store(to + span, i32x4.sub(i32x4.shl(upper, 1), all));
  v128.store(to + 2 * span, greatest(blocks + colour));
  v128.store(to + 3 * span, least(blocks + colour + 16));
}

/**
 * Eight rows of pixels -> a row of blocks: of its blueness, then of its redness the sum of the cells, that of the upper
 * half less that of the lower, the greatest and the least cell but the first. Arrays lie `span` bytes apart.
 *
 * Four blocks are measured at a time; there must be room for three more than there are.
 */
export function measure(
  pixels: usize,
  stride: usize,
  channels: i32,
  columns: i32,
  row: usize,
  span: usize,
  blocks: usize,
): void {
  // A load of the last four pixels of eight ends with them.
  const toRight = <usize>(8 * channels - 16);
  const left =
    channels === 3
      ? i8x16(0, 3, 2, 5, 6, 9, 8, 11, 1, 4, 1, 4, 7, 10, 7, 10)
      : i8x16(0, 4, 2, 6, 8, 12, 10, 14, 1, 5, 1, 5, 9, 13, 9, 13);
  const right = i8x16.add(left, i8x16.splat(<i8>(16 - 4 * channels)));
  const perBlue = i32x4.splat((OF_ITS_OWN << 16) | (-OF_THE_FAR & 0xffff));
  const perRed = i32x4.splat((-OF_THE_FAR << 16) | OF_ITS_OWN);
  let at = pixels;
  for (let column = 0; column < columns; column += 4, row += 16) {
    for (let block = blocks; block < blocks + 4 * BLOCK; block += BLOCK, at += (<usize>channels) << 3) {
      let cells = cellsOf(at, stride, left, right, toRight);
      let all = cells;
      let blue = i32x4.dot_i16x8_s(cells, perBlue);
      let red = i32x4.dot_i16x8_s(cells, perRed);
      let mostBlue = i32x4.replace_lane(blue, 0, LOWEST);
      let leastBlue = i32x4.replace_lane(blue, 0, HIGHEST);
      let mostRed = i32x4.replace_lane(red, 0, LOWEST);
      let leastRed = i32x4.replace_lane(red, 0, HIGHEST);
      for (let y = 1; y < 4; y++) {
        cells = cellsOf(at + ((<usize>y) << 1) * stride, stride, left, right, toRight);
        all = i16x8.add(all, cells);
        if (y === 1) v128.store(block + UPPER, all);
        blue = i32x4.dot_i16x8_s(cells, perBlue);
        red = i32x4.dot_i16x8_s(cells, perRed);
        mostBlue = i32x4.max_s(mostBlue, blue);
        leastBlue = i32x4.min_s(leastBlue, blue);
        mostRed = i32x4.max_s(mostRed, red);
        leastRed = i32x4.min_s(leastRed, red);
      }
      v128.store(block + ALL, all);
      v128.store(block + BLUE, mostBlue);
      v128.store(block + BLUE, leastBlue, 16);
      v128.store(block + RED, mostRed);
      v128.store(block + RED, leastRed, 16);
    }
    keep(blocks, BLUE, perBlue, row, span);
    keep(blocks, RED, perRed, row + 4 * span, span);
  }
}

/** The first or last two of four whole numbers, as parts of this many. */
function firstTwo(whole: v128, parts: f64): v128 {
  return f64x2.mul(f64x2.convert_low_i32x4_s(whole), f64x2.splat(1 / parts));
}

function lastTwo(whole: v128, parts: f64): v128 {
  return firstTwo(v128.shuffle<i64>(whole, whole, 1, 1), parts);
}

/** How much two blocks count, by how far the levels around them lie apart. */
function countsFor(apart: v128): v128 {
  return f64x2.div(f64x2.splat(1), f64x2.add(f64x2.splat(1), apart));
}

/** Two blocks: how far each stands out, times how much that counts. */
function saidBy(counts: v128, outstanding: v128, cell: v128, others: v128, isLeast: v128): v128 {
  const lift = f64x2.sub(cell, f64x2.div(others, f64x2.splat(15)));
  const turned = v128.xor(lift, v128.and(isLeast, f64x2.splat(-0.0)));
  const clamped = f64x2.pmin(f64x2.pmax(turned, f64x2.splat(-MAX_LIFT)), f64x2.splat(MAX_LIFT));
  return f64x2.mul(counts, f64x2.add(outstanding, f64x2.mul(f64x2.splat(OF_LIFT), clamped)));
}

function clamp(value: v128, most: i32): v128 {
  return i32x4.min_s(i32x4.max_s(value, i32x4.splat(-most)), i32x4.splat(most));
}

const STEP: i32 = 36;
const MAX_STEP_UP: i32 = 4;
const MAX_LIFT: f64 = 8;
const OF_LIFT: f64 = 0.1;
const NEUTRAL_OF_BYTES: i32 = 256;
const NEUTRAL_OF_FRACTIONS: i32 = 1;

/**
 * One colour of a row of blocks -> for each but the first and last: what it says times how much that counts, and how much
 * it counts, as two f64 at `said`; whether the cell that carries the bit lies in the upper half of its step, and 1, as two
 * i32 at `votes`. Four blocks at a time, with room for three more.
 */
function hear(
  above: usize,
  row: usize,
  below: usize,
  span: usize,
  columns: i32,
  isInBytes: bool,
  said: usize,
  votes: usize,
): void {
  const neutral = i32x4.splat(PARTS * (isInBytes ? NEUTRAL_OF_BYTES : NEUTRAL_OF_FRACTIONS));
  for (let column = 1; column < columns - 1; column += 4, said += 64, votes += 32) {
    const at = (<usize>column) << 2;
    const a = v128.load(row + at - 4);
    const b = v128.load(row + at, 4);
    const c = v128.load(above + at);
    const d = v128.load(below + at);
    const most = i32x4.max_s(i32x4.max_s(a, b), i32x4.max_s(c, d));
    const fewest = i32x4.min_s(i32x4.min_s(a, b), i32x4.min_s(c, d));
    const apart = i32x4.sub(most, fewest);
    const sum = i32x4.add(i32x4.add(a, b), i32x4.add(c, d));
    const middle = i32x4.sub(sum, i32x4.add(most, fewest));
    const own = v128.load(row + at);
    // Twice the difference of sums over 16 cells, and a quarter of the tilt, are in the same parts.
    let outstanding = i32x4.add(
      clamp(i32x4.sub(i32x4.shl(own, 1), middle), MAX_STEP_UP * 32 * PARTS),
      clamp(v128.load(row + span + at), MAX_STEP_UP * 8 * PARTS),
    );
    let cell = v128.load(row + 2 * span + at);
    let distance = i32x4.add(cell, neutral);
    let isLeast = i32x4.splat(0);
    if (!isInBytes) {
      const least = v128.load(row + 3 * span + at);
      const leastDistance = i32x4.neg(i32x4.add(least, neutral));
      isLeast = i32x4.gt_s(leastDistance, distance);
      cell = v128.bitselect(least, cell, isLeast);
      distance = v128.bitselect(leastDistance, distance, isLeast);
      outstanding = i32x4.sub(v128.xor(outstanding, isLeast), isLeast);
    }
    const others = i32x4.sub(own, cell);
    const firstCounts = countsFor(firstTwo(apart, 16 * PARTS));
    const lastCounts = countsFor(lastTwo(apart, 16 * PARTS));
    const firstSaid = saidBy(
      firstCounts,
      firstTwo(outstanding, 32 * PARTS),
      firstTwo(cell, PARTS),
      firstTwo(others, PARTS),
      i64x2.extend_low_i32x4_s(isLeast),
    );
    const lastSaid = saidBy(
      lastCounts,
      lastTwo(outstanding, 32 * PARTS),
      lastTwo(cell, PARTS),
      lastTwo(others, PARTS),
      i64x2.extend_high_i32x4_s(isLeast),
    );
    v128.store(said, v128.shuffle<i64>(firstSaid, firstCounts, 0, 2));
    v128.store(said, v128.shuffle<i64>(firstSaid, firstCounts, 1, 3), 16);
    v128.store(said, v128.shuffle<i64>(lastSaid, lastCounts, 0, 2), 32);
    v128.store(said, v128.shuffle<i64>(lastSaid, lastCounts, 1, 3), 48);
    // 1821 / 65536 is close enough to 1 / STEP for whole numbers below 3,000; no distance reaches 512.
    const steps = i32x4.shr_u(i32x4.mul(i32x4.shr_u(distance, 16), i32x4.splat(1_821)), 16);
    const rest = i32x4.sub(distance, i32x4.mul(steps, i32x4.splat(STEP * PARTS)));
    const isUpper = v128.and(i32x4.gt_s(rest, i32x4.splat((STEP / 2) * PARTS)), i32x4.splat(1));
    v128.store(votes, v128.shuffle<i32>(isUpper, i32x4.splat(1), 0, 4, 1, 5));
    v128.store(votes, v128.shuffle<i32>(isUpper, i32x4.splat(1), 2, 6, 3, 7), 16);
  }
}

/** Adds what `count` blocks say to the sums of the bits that they carry, of which `bit` is the first. */
function add(count: i32, bit: i32, length: i32, said: usize, votes: usize, sums: usize): void {
  const ballots = sums + ((<usize>length) << 4);
  while (count > 0) {
    const end = said + ((<usize>min(count, length - bit)) << 4);
    count -= length - bit;
    let sum = sums + ((<usize>bit) << 4);
    let ballot = ballots + ((<usize>bit) << 3);
    for (; said < end; said += 16, votes += 8, sum += 16, ballot += 8) {
      v128.store(sum, f64x2.add(v128.load(sum), v128.load(said)));
      store<i64>(ballot, load<i64>(ballot) + load<i64>(votes));
    }
    bit = 0;
  }
}

/**
 * Adds what a row of blocks says, by the rows above and below, to the sums of each reading.
 *
 * @param first number of the row's first block in the picture
 * @param readings of each four i32: manner, bits of the message, address of its sums, 0
 */
export function hearRow(
  above: usize,
  row: usize,
  below: usize,
  span: usize,
  columns: i32,
  first: i32,
  readings: usize,
  count: i32,
  said: usize,
  votes: usize,
): void {
  for (let manner = 0; manner < 3; manner++) {
    const colour = manner === 2 ? 4 * span : 0;
    hear(above + colour, row + colour, below + colour, span, columns, manner === 0, said, votes);
    for (let i = 0; i < count; i++) {
      const reading = readings + ((<usize>i) << 4);
      if (load<i32>(reading) !== manner) continue;
      const length = load<i32>(reading, 4);
      add(columns - 2, (first + 1) % length, length, said, votes, load<u32>(reading, 8));
    }
  }
}
