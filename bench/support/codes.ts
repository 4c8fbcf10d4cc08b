import { type Hash, hashFromWords } from '../../src/vision/fingerprint/hash.ts';

/** xorshift32: the same codes in every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** Codes in a row, 8 words each. */
export function randomCodes(count: number): Uint32Array {
  return Uint32Array.from({ length: count * 8 }, random(2_463_534_242));
}

export function codeAt(codes: Uint32Array, i: number): Hash<'pdq'> {
  return hashFromWords('pdq', codes.slice(i * 8, i * 8 + 8));
}

/** Half are copies of a stored code with 0 to 31 bits changed, half have nothing near. */
export function queriesFor(codes: Uint32Array, count: number): Hash<'pdq'>[] {
  const next = random(88_172_645);
  return Array.from({ length: count }, (_, i) => {
    if (i % 2 === 1) return hashFromWords('pdq', Uint32Array.from({ length: 8 }, next));
    const code = codeAt(codes, next() % (codes.length / 8));
    for (let flips = next() % 32; flips > 0; flips -= 1) {
      const bit = next() % 256;
      code[bit >> 5]! ^= 1 << (bit & 31);
    }
    return code;
  });
}
