import { blockhash } from './blockhash.ts';
import { fromBytes, HASH_BYTES, toBytes } from './hash.ts';
import type { Hash } from './hash.ts';
import { ORIENTATIONS, pdqOriented } from './pdq.ts';
import { assertRaster } from './raster.ts';
import type { Raster } from './raster.ts';

/**
 * The size every picture is brought to before it is fingerprinted, its proportions given up. Decoding to one size,
 * the same for works and outputs, is what keeps hashes of one picture close together.
 */
export const FINGERPRINT_RASTER = { width: 512, height: 512 } as const;

/**
 * Changes whenever the same pixels would give another fingerprint, or the same two pictures another score: stored
 * fingerprints are then computed anew, and no figure of an earlier version is held against one of this.
 */
export const ALGORITHM_VERSION = 'utsushi-6';

/**
 * Shorter side of the source, in pixels, below which nothing is hashed. PDQ compares waves of up to sixteen half
 * periods a side; with fewer pixels than that the finest of them show how the picture was enlarged, not what is in it.
 */
export const MIN_SOURCE_SIDE = 16;

/**
 * Standard deviation of luma, in levels of 0..255, below which a picture is called flat. Empty scans and JPEG noise
 * stay below it; of 1,446 varied pictures (art, logos, photographs, textures) the flattest has 9.
 */
export const FLAT_DEVIATION = 2;

/**
 * Least PDQ quality (0..100) that is hashed. The published rule for photographs is 50, but a logo or a pale drawing on
 * an empty ground is our business: of 1,446 varied pictures 34 lie below 50, sprites, clip art and brand backgrounds
 * among them, 15 of them below 30, and only 3 below 10, all soft gradients, whose hashes resemble every other
 * gradient. Searching may well trust hashes of 10 to 50 less; it is told the quality.
 */
export const MIN_QUALITY = 10;

/** What of the picture a view shows. The position in this list is stored: append only. */
export const VIEW_NAMES = ['whole'] as const;

export type ViewName = (typeof VIEW_NAMES)[number];

/** The hashes of one view of a picture. */
export interface View {
  readonly name: ViewName;
  /** PDQ quality of this view, MIN_QUALITY..100. */
  readonly quality: number;
  /** Eight hashes in the order of ORIENTATIONS. */
  readonly pdq: readonly Hash<'pdq'>[];
  /** Of the view as it lies. */
  readonly blockhash: Hash<'blockhash'>;
}

/** Everything computed from one picture's pixels. */
export interface Fingerprint {
  /** The ALGORITHM_VERSION that made it. */
  readonly algorithm: string;
  /** Quality of the whole picture. */
  readonly quality: number;
  readonly views: readonly View[];
}

/**
 * Why a picture has no hash: `too-small` (shorter side of the source under MIN_SOURCE_SIDE), `flat` (hardly any
 * difference in luminance, see FLAT_DEVIATION), `low-quality` (differences too soft to hash, see MIN_QUALITY).
 */
export type UnhashableReason = 'too-small' | 'flat' | 'low-quality';

export type FingerprintResult =
  | { readonly hashable: true; readonly fingerprint: Fingerprint }
  | { readonly hashable: false; readonly reason: UnhashableReason };

/**
 * Fingerprints a picture, or says why it cannot be; an empty or meaningless hash is never returned.
 *
 * @param raster the picture at FINGERPRINT_RASTER size
 * @param source the picture's own size in pixels, upright, before it was brought to that size
 * @throws RangeError when the raster is malformed or of another size
 */
export function fingerprint(
  raster: Raster,
  source: { readonly width: number; readonly height: number },
): FingerprintResult {
  assertRaster(raster);
  if (raster.width !== FINGERPRINT_RASTER.width || raster.height !== FINGERPRINT_RASTER.height) {
    throw new RangeError(
      `A fingerprint is made of ${FINGERPRINT_RASTER.width}x${FINGERPRINT_RASTER.height} pixels, not ${raster.width}x${raster.height}.`,
    );
  }
  if (Math.min(source.width, source.height) < MIN_SOURCE_SIDE) return unhashable('too-small');
  if (isFlat(raster.data)) return unhashable('flat');
  const { hashes, quality } = pdqOriented(raster);
  if (quality < MIN_QUALITY) return unhashable('low-quality');
  const whole: View = { name: 'whole', quality, pdq: hashes, blockhash: blockhash(raster) };
  return { hashable: true, fingerprint: { algorithm: ALGORITHM_VERSION, quality, views: [whole] } };
}

function unhashable(reason: UnhashableReason): FingerprintResult {
  return { hashable: false, reason };
}

/** Samples after which to see whether they differ enough already. */
const SAMPLES_A_LOOK = 1_024;

/** Whether luma deviates by less than FLAT_DEVIATION, by every 5th pixel: plenty, and prime to the row length. */
function isFlat(data: Uint8Array): boolean {
  const samples = Math.ceil(data.length / 15);
  // Integer weights in thousandths, so that sums are exact and a uniform picture deviates by exactly 0.
  const flat = samples * (1_000 * FLAT_DEVIATION) ** 2;
  let count = 0;
  let sum = 0;
  let squares = 0;
  for (let p = 0; p < data.length; p += 15) {
    const luma = 299 * data[p]! + 587 * data[p + 1]! + 114 * data[p + 2]!;
    count += 1;
    sum += luma;
    squares += luma * luma;
    // Squares of deviations, added up, only grow: no need to look at all where the first ones are enough.
    if (count % SAMPLES_A_LOOK === 0 && squares - (sum * sum) / count > 2 * flat) return false;
  }
  return squares - (sum * sum) / count < flat;
}

/*
 * Stored form, one byte a number unless said: "UF", format 1, length and ASCII of the algorithm, quality, number of
 * views; each view as place in VIEW_NAMES, quality, 8 PDQ hashes and the blockhash of 32 bytes; last a checksum of
 * everything before it, four bytes, highest first.
 */
const MAGIC = [0x55, 0x46] as const;
const FORMAT = 1;
const CHECKSUM_BYTES = 4;
const VIEW_BYTES = 2 + (ORIENTATIONS.length + 1) * HASH_BYTES;

/**
 * The fingerprint as bytes for storage: 309 for one view made by this version.
 *
 * @throws RangeError when a part does not fit the stored form: quality outside 0..100, not 8 hashes, an unknown view,
 *   an algorithm name that is empty, longer than 255 characters or not ASCII
 */
export function encodeFingerprint(value: Fingerprint): Uint8Array {
  const { algorithm, quality, views } = value;
  if (!/^[\x20-\x7e]{1,255}$/.test(algorithm))
    throw new RangeError(`Not an algorithm name: ${JSON.stringify(algorithm)}`);
  if (views.length < 1 || views.length > 255)
    throw new RangeError(`A fingerprint has 1 to 255 views, not ${views.length}.`);
  const bytes = new Uint8Array(
    MAGIC.length + 2 + algorithm.length + 2 + views.length * VIEW_BYTES + CHECKSUM_BYTES,
  );
  let at = 0;
  const put = (...numbers: number[]): void => {
    bytes.set(numbers, at);
    at += numbers.length;
  };
  put(...MAGIC, FORMAT, algorithm.length);
  for (let i = 0; i < algorithm.length; i += 1) put(algorithm.charCodeAt(i));
  put(checkedQuality(quality), views.length);
  for (const view of views) {
    const name = VIEW_NAMES.indexOf(view.name);
    if (name < 0) throw new RangeError(`Unknown view: ${view.name}`);
    if (view.pdq.length !== ORIENTATIONS.length) {
      throw new RangeError(`A view has ${ORIENTATIONS.length} PDQ hashes, not ${view.pdq.length}.`);
    }
    put(name, checkedQuality(view.quality));
    for (const hash of [...view.pdq, view.blockhash]) put(...toBytes(hash));
  }
  new DataView(bytes.buffer).setUint32(at, checksum(bytes.subarray(0, at)));
  return bytes;
}

/**
 * The fingerprint that `encodeFingerprint` wrote. The bytes are copied.
 *
 * @throws Error naming what is wrong, when the bytes are cut short, changed, or not a fingerprint of this format
 */
export function decodeFingerprint(bytes: Uint8Array): Fingerprint {
  if (bytes.length < MAGIC.length + 1 + CHECKSUM_BYTES) throw damaged(`only ${bytes.length} bytes`);
  if (MAGIC.some((byte, i) => bytes[i] !== byte)) throw damaged('does not begin like one');
  if (bytes[MAGIC.length] !== FORMAT) throw damaged(`format ${bytes[MAGIC.length]}, not ${FORMAT}`);
  const end = bytes.length - CHECKSUM_BYTES;
  const stored = new DataView(bytes.buffer, bytes.byteOffset + end, CHECKSUM_BYTES).getUint32(0);
  if (checksum(bytes.subarray(0, end)) !== stored) throw damaged('the checksum differs');

  let at = MAGIC.length + 1;
  const take = (count: number): Uint8Array => {
    if (at + count > end) throw damaged('it ends too early');
    at += count;
    return bytes.subarray(at - count, at);
  };
  const byte = (): number => take(1)[0]!;
  const algorithm = String.fromCharCode(...take(byte()));
  const quality = byte();
  const views = Array.from({ length: byte() }, (): View => {
    const code = byte();
    const name = VIEW_NAMES[code];
    if (name === undefined) throw damaged(`unknown view ${code}`);
    return {
      name,
      quality: byte(),
      pdq: ORIENTATIONS.map(() => fromBytes('pdq', take(HASH_BYTES))),
      blockhash: fromBytes('blockhash', take(HASH_BYTES)),
    };
  });
  if (at !== end) throw damaged(`${end - at} bytes too many`);
  return { algorithm, quality, views };
}

function damaged(what: string): Error {
  return new Error(`Damaged fingerprint: ${what}.`);
}

function checkedQuality(quality: number): number {
  if (Number.isInteger(quality) && quality >= 0 && quality <= 100) return quality;
  throw new RangeError(`A quality is an integer from 0 to 100, not ${quality}.`);
}

/** FNV-1a, 32 bits: notices every change of a single byte. http://www.isthe.com/chongo/tech/comp/fnv/ */
function checksum(bytes: Uint8Array): number {
  let state = 0x811c9dc5;
  for (const byte of bytes) state = Math.imul(state ^ byte, 0x01000193);
  return state >>> 0;
}
