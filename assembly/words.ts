/**
 * Finding the visual words of descriptors, in AssemblyScript, compiled to WebAssembly SIMD by `npm run kernels`. The same
 * in plain TypeScript is in src/vision/search/vocabulary.ts. Addresses come from src/vision/search/words-kernel.ts.
 */

const DESCRIPTOR_BYTES: usize = 32;

/** The first of `count` descriptors that is nearest to the one given. */
function nearest(low: v128, high: v128, from: usize, count: i32): i32 {
  let best = 0;
  let least = 257;
  for (let i = 0; i < count; i++, from += DESCRIPTOR_BYTES) {
    const a = i8x16.popcnt(v128.xor(v128.load(from), low));
    const b = i8x16.popcnt(v128.xor(v128.load(from, 16), high));
    const sum = i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(i8x16.add(a, b)));
    const distance =
      i32x4.extract_lane(sum, 0) +
      i32x4.extract_lane(sum, 1) +
      i32x4.extract_lane(sum, 2) +
      i32x4.extract_lane(sum, 3);
    if (distance < least) {
      least = distance;
      best = i;
    }
  }
  return best;
}

/** Writes the word (i32) of each descriptor. */
export function nearestWords(
  centres: usize,
  branches: i32,
  leaves: i32,
  descriptors: usize,
  count: i32,
  words: usize,
): void {
  const first = centres + <usize>branches * DESCRIPTOR_BYTES;
  for (let i = 0; i < count; i++, descriptors += DESCRIPTOR_BYTES, words += 4) {
    const low = v128.load(descriptors);
    const high = v128.load(descriptors, 16);
    const branch = nearest(low, high, centres, branches);
    const leaf = nearest(low, high, first + <usize>(branch * leaves) * DESCRIPTOR_BYTES, leaves);
    store<i32>(words, branch * leaves + leaf);
  }
}
