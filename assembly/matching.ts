/**
 * The inner loop that pairs keypoints, in AssemblyScript, compiled to WebAssembly SIMD by `npm run kernels`. The same in
 * plain TypeScript is in src/vision/matching/plain-matching-kernel.ts: integers, and float64 in the same order, so that
 * results are equal bit for bit. Addresses come from src/vision/matching/matching-kernel.ts.
 */

function bitsApart(a: usize, b: usize): i32 {
  const low = i8x16.popcnt(v128.xor(v128.load(a), v128.load(b)));
  const high = i8x16.popcnt(v128.xor(v128.load(a, 16), v128.load(b, 16)));
  const sum = i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(i8x16.add(low, high)));
  return (
    i32x4.extract_lane(sum, 0) +
    i32x4.extract_lane(sum, 1) +
    i32x4.extract_lane(sum, 2) +
    i32x4.extract_lane(sum, 3)
  );
}

/**
 * @param map nine f64
 * @param sizes by level of the work: the level it has in the output (f64, 16 of them), then how far to look (f64, 16)
 * @param work x, y (f32), level (u8) and descriptors, at the addresses given
 * @param starts of the output's cells in `points` (u16)
 * @param used a byte for each of the output's points, zero
 * @param found takes the two indices of each pair (u16 each); after them there is room for the answer
 * @param answer takes how many of the work's points could have had a pair (i32)
 * @returns how many pairs
 */
export function guidedPairs(
  map: usize,
  sizes: usize,
  workCount: i32,
  workX: usize,
  workY: usize,
  workLevel: usize,
  workDescriptors: usize,
  outputCount: i32,
  width: i32,
  height: i32,
  outputX: usize,
  outputY: usize,
  outputLevel: usize,
  outputDescriptors: usize,
  columns: i32,
  rows: i32,
  cell: i32,
  starts: usize,
  points: usize,
  used: usize,
  furthest: i32,
  found: usize,
  distances: usize,
  answer: usize,
): i32 {
  memory.fill(used, 0, <usize>outputCount);
  const m0 = load<f64>(map);
  const m1 = load<f64>(map, 8);
  const m2 = load<f64>(map, 16);
  const m3 = load<f64>(map, 24);
  const m4 = load<f64>(map, 32);
  const m5 = load<f64>(map, 40);
  const m6 = load<f64>(map, 48);
  const m7 = load<f64>(map, 56);
  const m8 = load<f64>(map, 64);
  const side = <f64>cell;
  const right = <f64>width;
  const bottom = <f64>height;
  let possible = 0;
  let pairs = 0;
  for (let i = 0; i < workCount; i++) {
    const wx = <f64>load<f32>(workX + ((<usize>i) << 2));
    const wy = <f64>load<f32>(workY + ((<usize>i) << 2));
    const w = m6 * wx + m7 * wy + m8;
    const x = (m0 * wx + m1 * wy + m2) / w;
    const y = (m3 * wx + m4 * wy + m5) / w;
    if (!(w > 0 && x >= 0 && y >= 0 && x < right && y < bottom)) continue;
    const sized = sizes + ((<usize>load<u8>(workLevel + <usize>i)) << 3);
    const level = load<f64>(sized);
    if (level < -1.5 || level > 8.5) continue;
    possible += 1;
    const size = load<f64>(sized, 128);
    const c0 = <i32>max(0.0, Math.floor((x - size) / side));
    const c1 = <i32>min(<f64>(columns - 1), Math.floor((x + size) / side));
    const r0 = <i32>max(0.0, Math.floor((y - size) / side));
    const r1 = <i32>min(<f64>(rows - 1), Math.floor((y + size) / side));
    const limit = size * size;
    let best = -1;
    let least = furthest + 1;
    for (let r = r0; r <= r1; r++) {
      const to = load<i32>(starts + ((<usize>(r * columns + c1 + 1)) << 2));
      for (let k = load<i32>(starts + ((<usize>(r * columns + c0)) << 2)); k < to; k++) {
        const q = <usize>load<u16>(points + ((<usize>k) << 1));
        if (abs<f64>(<f64>load<u8>(outputLevel + q) - level) > 1.8) continue;
        const dx = <f64>load<f32>(outputX + (q << 2)) - x;
        const dy = <f64>load<f32>(outputY + (q << 2)) - y;
        if (dx * dx + dy * dy > limit || load<u8>(used + q) !== 0) continue;
        const d = bitsApart(workDescriptors + ((<usize>i) << 5), outputDescriptors + (q << 5));
        if (d < least) {
          least = d;
          best = <i32>q;
        }
      }
    }
    if (best < 0) continue;
    store<u8>(used + <usize>best, 1);
    store<u16>(found + ((<usize>pairs) << 2), <u16>i);
    store<u16>(found + ((<usize>pairs) << 2), <u16>best, 2);
    store<u8>(distances + <usize>pairs, <u8>least);
    pairs += 1;
  }
  store<i32>(answer, possible);
  return pairs;
}
