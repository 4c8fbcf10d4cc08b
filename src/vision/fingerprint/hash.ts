/** Which algorithm made a hash. Hashes of different kinds say nothing about each other. */
export type HashKind = 'pdq' | 'blockhash';

export const HASH_BITS = 256;
export const HASH_BYTES = HASH_BITS / 8;
export const HASH_WORDS = HASH_BITS / 32;

declare const hashKind: unique symbol;

/**
 * A 256-bit perceptual hash, branded with its kind so that comparing unlike hashes does not compile.
 *
 * Bit k (k = 0..255) is bit `k & 31` of word `k >> 5`. Read as one number with bit k worth 2^k and printed with all
 * its 64 hex digits, that is exactly what the PDQ C++ tool prints. Treat as read-only once made.
 */
export type Hash<K extends HashKind> = Uint32Array & { readonly [hashKind]: K };

/**
 * Names the kind of eight freshly made words; they are kept, not copied.
 *
 * @throws RangeError unless there are exactly 8 words
 */
export function hashFromWords<K extends HashKind>(_kind: K, words: Uint32Array): Hash<K> {
  if (words.length !== HASH_WORDS) {
    throw new RangeError(`A hash has ${HASH_WORDS} words of 32 bits, not ${words.length}.`);
  }
  return words as Hash<K>;
}

/** Number of bits set in a 32-bit integer (signed or unsigned): 0..32. */
export function popcount32(value: number): number {
  let v = value - ((value >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Number of bits in which two hashes of one kind differ: 0..256. */
export function hammingDistance<K extends HashKind>(a: Hash<K>, b: Hash<NoInfer<K>>): number {
  let distance = 0;
  for (let i = 0; i < HASH_WORDS; i += 1) distance += popcount32(a[i]! ^ b[i]!);
  return distance;
}

/**
 * Every bit flipped: 256 bits away from the hash, and within a few bits of the PDQ hash of the colour-inverted
 * picture, whose coefficients are the same with opposite signs.
 */
export function complement<K extends HashKind>(hash: Hash<K>): Hash<K> {
  return hash.map((word) => ~word) as Hash<K>;
}

/** 64 lower-case hex digits, highest bit first, as the PDQ C++ tool prints them. */
export function toHex<K extends HashKind>(hash: Hash<K>): string {
  let hex = '';
  for (let i = HASH_WORDS - 1; i >= 0; i -= 1) hex += hash[i]!.toString(16).padStart(8, '0');
  return hex;
}

/**
 * The hash that `toHex` printed; upper case is understood too.
 *
 * @throws RangeError unless the text is exactly 64 hex digits
 */
export function fromHex<K extends HashKind>(kind: K, hex: string): Hash<K> {
  if (!/^[0-9a-f]{64}$/i.test(hex)) throw new RangeError(`Not 64 hex digits: ${JSON.stringify(hex)}`);
  const words = new Uint32Array(HASH_WORDS);
  for (let i = 0; i < HASH_WORDS; i += 1) {
    words[HASH_WORDS - 1 - i] = Number.parseInt(hex.slice(i * 8, i * 8 + 8), 16);
  }
  return hashFromWords(kind, words);
}

/** 32 bytes, highest bits first: the bytes that `toHex` spells, whatever the machine's byte order. */
export function toBytes<K extends HashKind>(hash: Hash<K>): Uint8Array {
  const bytes = new Uint8Array(HASH_BYTES);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < HASH_WORDS; i += 1) view.setUint32(i * 4, hash[HASH_WORDS - 1 - i]!);
  return bytes;
}

/**
 * The hash that `toBytes` wrote. The bytes are copied.
 *
 * @throws RangeError unless there are exactly 32 bytes
 */
export function fromBytes<K extends HashKind>(kind: K, bytes: Uint8Array): Hash<K> {
  if (bytes.length !== HASH_BYTES)
    throw new RangeError(`A hash has ${HASH_BYTES} bytes, not ${bytes.length}.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, HASH_BYTES);
  const words = new Uint32Array(HASH_WORDS);
  for (let i = 0; i < HASH_WORDS; i += 1) words[HASH_WORDS - 1 - i] = view.getUint32(i * 4);
  return hashFromWords(kind, words);
}
