import type { Views } from './features.ts';
import { HASH_WORDS, type Hash, hashFromWords } from './hash.ts';

/** What a reference image is found by at standard depth: each view as it lies. */
export interface WorkHashes {
  readonly views: readonly WorkView[];
}

export interface WorkView {
  /** Null where the view is too soft to hash. */
  readonly pdq: Hash<'pdq'> | null;
  /** See structureHashes; 8 words. */
  readonly structure: Int32Array;
}

export function workHashes({ views }: Views): WorkHashes {
  return {
    views: views.map(({ pdq, structure }) => ({ pdq: pdq?.[0] ?? null, structure: structure[0]! })),
  };
}

const HEAD_WORDS = 1;

/**
 * The hashes as bytes, to be stored: 68 a view that is hashed, 4 fewer for each but the first.
 * Layout, words little-endian: number of views, bits of those with PDQ, two zeros; each view's PDQ, if any, and structure.
 */
export function encodeWorkHashes({ views }: WorkHashes): Uint8Array {
  const hashed = views.reduce((bits, { pdq }, i) => bits | (pdq === null ? 0 : 1 << i), 0);
  const words = [views.length | (hashed << 8)];
  for (const { pdq, structure } of views) words.push(...(pdq ?? []), ...structure);
  const bytes = new Uint8Array(words.length * 4);
  const to = new DataView(bytes.buffer);
  for (const [i, word] of words.entries()) to.setInt32(4 * i, word, true);
  return bytes;
}

/**
 * What encodeWorkHashes wrote, one record after the other, each behind its id (a word, highest byte first). Nothing is
 * copied.
 *
 * @param bytes beginning at a multiple of four in their buffer
 * @throws RangeError when they end within a record
 */
export function* decodeWorkHashes(bytes: Uint8Array): Generator<{ id: number; hashes: WorkHashes }> {
  const from = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
  const unsigned = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
  const take = <T extends Int32Array | Uint32Array>(all: T, at: number) => {
    if (at + HASH_WORDS > all.length) throw new RangeError('The stored hashes end too early.');
    return all.subarray(at, at + HASH_WORDS) as T;
  };
  for (let at = 0; at < words.length;) {
    const id = from.getInt32(4 * at);
    const [count, hashed] = [bytes[4 * at + 4]!, bytes[4 * at + 5]!];
    at += 1 + HEAD_WORDS;
    const views: WorkView[] = [];
    for (let i = 0; i < count; i += 1) {
      let pdq: Hash<'pdq'> | null = null;
      if ((hashed & (1 << i)) !== 0) {
        pdq = hashFromWords('pdq', take(unsigned, at));
        at += HASH_WORDS;
      }
      views.push({ pdq, structure: take(words, at) });
      at += HASH_WORDS;
    }
    yield { id, hashes: { views } };
  }
}
