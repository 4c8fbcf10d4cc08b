import { HASH_WORDS, type Hash, hashFromWords } from '../fingerprint/hash.ts';
import { CHUNKS } from './hamming-kernel.ts';

/*
 * Neighbouring coefficients of a picture's transform go together, so a chunk of 16 bits in a row would put many codes
 * into few buckets. A PDQ hash is 16 rows of 16 coefficients; chunk (x + 5y + 3⌊y/4⌋) mod 16 takes one bit of every
 * row, far apart. Distances stay what they are, for all codes are permuted alike.
 */

const ROTATIONS = Array.from({ length: CHUNKS }, (_, y) => (5 * y + 3 * (y >> 2)) & 15);

const matrix = new Int32Array(CHUNKS);

/** Writes the code's 16 chunks at `to[at]`. */
export function toChunks(code: Uint32Array, to: Uint16Array, at: number): void {
  for (let y = 0; y < CHUNKS; y += 1) {
    const row = (code[y >> 1]! >>> ((y & 1) * 16)) & 0xffff;
    matrix[y] = (row << ROTATIONS[y]!) | (row >>> (16 - ROTATIONS[y]!));
  }
  transpose();
  for (let chunk = 0; chunk < CHUNKS; chunk += 1) to[at + chunk] = matrix[chunk]!;
}

/** The code's 16 chunks. */
export function chunksOf(code: Uint32Array): Uint16Array {
  const chunks = new Uint16Array(CHUNKS);
  toChunks(code, chunks, 0);
  return chunks;
}

/** The code that `toChunks` wrote. */
export function fromChunks(chunks: Uint16Array, at: number): Hash<'pdq'> {
  for (let chunk = 0; chunk < CHUNKS; chunk += 1) matrix[chunk] = chunks[at + chunk]!;
  transpose();
  const words = new Uint32Array(HASH_WORDS);
  for (let y = 0; y < CHUNKS; y += 1) {
    const row = matrix[y]! & 0xffff;
    const turned = (row >>> ROTATIONS[y]!) | (row << (16 - ROTATIONS[y]!));
    words[y >> 1]! |= (turned & 0xffff) << ((y & 1) * 16);
  }
  return hashFromWords('pdq', words);
}

/** Bit x of row y changes places with bit y of row x; bits above the sixteenth are rubbish before and after. */
function transpose(): void {
  let mask = 0x00ff;
  for (let half = 8; half !== 0; half >>= 1, mask ^= mask << half) {
    for (let y = 0; y < CHUNKS; y = ((y | half) + 1) & ~half) {
      const swapped = ((matrix[y]! >>> half) ^ matrix[y | half]!) & mask;
      matrix[y]! ^= swapped << half;
      matrix[y | half]! ^= swapped;
    }
  }
}
