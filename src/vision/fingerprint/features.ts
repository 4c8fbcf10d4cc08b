import type { Hash } from './hash.ts';
import { hashFromWords } from './hash.ts';
import {
  DESCRIPTOR_WORDS,
  type Keypoints,
  OUTPUT_KEYPOINTS,
  WORK_KEYPOINTS,
  keypointsOf,
} from './keypoints.ts';
import { type Vocabulary, wordsOf } from '../search/vocabulary.ts';
import { type Fingerprint, MIN_QUALITY } from './fingerprint.ts';
import { pdqOriented } from './pdq.ts';
import { type Plane, lumaPlane, resample } from './plane.ts';
import type { Raster } from './raster.ts';
import { structureHashes } from './structure-hash.ts';
import {
  type LumaThumbnail,
  OUTPUT_THUMB,
  type Thumbnail,
  WORK_THUMB,
  lumaThumbnail,
  thumbnail,
} from './thumbnail.ts';
import { type Box, trimBox } from './trim.ts';

/** One way of looking at a picture: all of it, or what is left without its border. */
export interface FeatureView {
  /** In shares of the picture's sides. */
  readonly box: Box;
  /** In ORIENTATIONS order; null where the view is too soft to hash. */
  readonly pdq: readonly Hash<'pdq'>[] | null;
  /** In ORIENTATIONS order. */
  readonly structure: readonly Int32Array[];
}

/** What works are searched by at standard depth. */
export interface Views {
  readonly views: readonly FeatureView[];
}

/** What is compared beyond the whole picture's hash: views, keypoints and a small picture for aligning. */
export interface Features extends Views {
  readonly keypoints: Keypoints;
  readonly thumb: Thumbnail;
  /** The visual word of each keypoint, so that an index need not look it up again; null for an output. */
  readonly words: Int32Array | null;
}

/** Longer side in pixels of the raster that features are made of; the picture keeps its proportions. */
export const FEATURE_SIDE = 512;

const WHOLE: Box = { x: 0, y: 0, width: 1, height: 1 };
/** Side of the raster a trimmed view is hashed from: hashes of 512 pixels are no nearer to each other. */
const HASHED_SIDE = 256;

/**
 * @param raster the picture in its own proportions, longer side FEATURE_SIDE at most
 * @param whole the fingerprint of the same picture, when it has one
 * @param role a work is stored, so it is kept small, with its visual words; an output is looked at more closely
 */
export function extractFeatures(
  raster: Raster,
  whole: Fingerprint | undefined,
  role: 'work' | 'output',
  vocabulary: Vocabulary,
): Features {
  const luma = lumaPlane(raster);
  const keypoints = keypointsOf(luma, role === 'work' ? WORK_KEYPOINTS : OUTPUT_KEYPOINTS);
  const thumb = thumbnail(raster, role === 'work' ? WORK_THUMB : OUTPUT_THUMB);
  const views = viewsOf(thumb, whole, (box) => stretched(crop(luma, box), HASHED_SIDE));
  return { keypoints, thumb, views, words: role === 'work' ? wordsOf(vocabulary, keypoints) : null };
}

/**
 * The views alone of an output, in little time: from the raster that its fingerprint is made of, so that it is decoded
 * once, and the trimmed view from a smaller one. They differ from those of extractFeatures by some bits, a trimmed
 * view's PDQ mostly by 10: enough to tell whether a closer look is due.
 *
 * @param raster the picture stretched to FINGERPRINT_RASTER
 * @param size of the picture itself: its proportions
 */
export function extractViews(
  raster: Raster,
  size: { readonly width: number; readonly height: number },
  whole: Fingerprint,
): Views {
  const thumb = lumaThumbnail(raster, OUTPUT_THUMB, size);
  const { width, height } = thumb;
  const luma = () => ({ width, height, data: new Float32Array(thumb.luma) });
  return { views: viewsOf(thumb, whole, (box) => stretched(crop(luma(), box), HASHED_SIDE / 2)) };
}

/** @param hashed the raster that a trimmed view is hashed from */
function viewsOf(
  thumb: LumaThumbnail,
  whole: Fingerprint | undefined,
  hashed: (box: Box) => Raster,
): FeatureView[] {
  const views: FeatureView[] = [
    { box: WHOLE, pdq: whole?.views[0]!.pdq ?? null, structure: structureHashes(thumb, WHOLE) },
  ];
  const box = trimBox(thumb);
  if (box !== null) {
    const { hashes, quality } = pdqOriented(hashed(box));
    views.push({ box, pdq: quality < MIN_QUALITY ? null : hashes, structure: structureHashes(thumb, box) });
  }
  return views;
}

function crop(plane: Plane, box: Box): Plane {
  const left = Math.round(box.x * plane.width);
  const top = Math.round(box.y * plane.height);
  const width = Math.max(8, Math.min(plane.width - left, Math.round(box.width * plane.width)));
  const height = Math.max(8, Math.min(plane.height - top, Math.round(box.height * plane.height)));
  const data = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const from = (top + y) * plane.width + left;
    data.set(plane.data.subarray(from, from + width), y * width);
  }
  return { width, height, data };
}

/** A grey raster of the size that hashes are made of. */
function stretched(plane: Plane, side: number): Raster {
  const { data } = resample(plane, side, side);
  const rgb = new Uint8Array(data.length * 3);
  for (let i = 0, p = 0; i < data.length; i += 1, p += 3) {
    rgb[p] = rgb[p + 1] = rgb[p + 2] = data[i]! + 0.5;
  }
  return { width: side, height: side, data: rgb };
}

const FORMAT = 1;
const HASH_BYTES = 32;
const POINT_BYTES = 2 + 2 + 1 + 1 + 2;
/** Coordinates are kept to a sixty-fourth of a pixel. */
const COORDINATE_UNIT = 64;
const ANGLE_UNIT = 256 / (2 * Math.PI);

/**
 * The features of a work as bytes, to be stored, 40 bytes a keypoint.
 * Layout, little-endian: format, views (flag, box as four float32, 8 PDQ if hashed, 8 structure), keypoints, thumbnail.
 */
export function encodeFeatures({ keypoints: k, thumb, views, words: visualWords }: Features): Uint8Array {
  if (visualWords === null) throw new RangeError('Only the features of a work are stored.');
  const viewBytes = views.reduce((sum, view) => sum + 17 + 8 * HASH_BYTES * (view.pdq === null ? 1 : 2), 0);
  const size =
    2 +
    viewBytes +
    6 +
    k.count * (POINT_BYTES + 4 * DESCRIPTOR_WORDS) +
    8 +
    thumb.luma.length +
    thumb.cb.length +
    thumb.cr.length;
  const bytes = new Uint8Array(size);
  const to = new DataView(bytes.buffer);
  let at = 0;
  const u8 = (value: number) => to.setUint8(at++, value);
  const u16 = (value: number) => {
    to.setUint16(at, value, true);
    at += 2;
  };
  const words = (values: ArrayLike<number>) => {
    for (let i = 0; i < values.length; i++, at += 4) to.setInt32(at, values[i]!, true);
  };
  const raw = (values: Uint8Array) => {
    bytes.set(values, at);
    at += values.length;
  };
  u8(FORMAT);
  u8(views.length);
  for (const { box, pdq, structure } of views) {
    u8(pdq === null ? 0 : 1);
    for (const share of [box.x, box.y, box.width, box.height]) {
      to.setFloat32(at, share, true);
      at += 4;
    }
    for (const hash of pdq ?? []) words(hash);
    for (const hash of structure) words(hash);
  }
  u16(k.width);
  u16(k.height);
  u16(k.count);
  for (let i = 0; i < k.count; i++) {
    u16(Math.round((k.x[i]! + 1) * COORDINATE_UNIT));
    u16(Math.round((k.y[i]! + 1) * COORDINATE_UNIT));
    u8(k.level[i]!);
    u8(Math.round(k.angle[i]! * ANGLE_UNIT) & 255);
    u16(visualWords[i]!);
  }
  words(k.descriptors.subarray(0, k.count * DESCRIPTOR_WORDS));
  u16(thumb.width);
  u16(thumb.height);
  u16(thumb.chromaWidth);
  u16(thumb.chromaHeight);
  raw(thumb.luma);
  raw(thumb.cb);
  raw(thumb.cr);
  return bytes;
}

/** @throws RangeError when the bytes are not what encodeFeatures wrote */
export function decodeFeatures(bytes: Uint8Array): Features {
  const from = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const u8 = () => from.getUint8(at++);
  const u16 = () => {
    at += 2;
    return from.getUint16(at - 2, true);
  };
  const f32 = () => {
    at += 4;
    return from.getFloat32(at - 4, true);
  };
  // Copied, also out of a Buffer, whose own slice would keep all of it in memory.
  const raw = (count: number) => {
    at += count;
    if (at > bytes.length) throw new RangeError('The stored features end too early.');
    return Uint8Array.prototype.slice.call(bytes, at - count, at);
  };
  const words = (count: number) => new Int32Array(raw(4 * count).buffer);
  if (u8() !== FORMAT) throw new RangeError('The stored features have another format.');
  const views = Array.from({ length: u8() }, (): FeatureView => {
    const hashed = u8() === 1;
    const box = { x: f32(), y: f32(), width: f32(), height: f32() };
    const pdq = hashed
      ? Array.from({ length: 8 }, () => hashFromWords('pdq', new Uint32Array(words(8).buffer)))
      : null;
    return { box, pdq, structure: Array.from({ length: 8 }, () => words(8)) };
  });
  const width = u16();
  const height = u16();
  const count = u16();
  const x = new Float32Array(count);
  const y = new Float32Array(count);
  const level = new Uint8Array(count);
  const angle = new Float32Array(count);
  const visualWords = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    x[i] = u16() / COORDINATE_UNIT - 1;
    y[i] = u16() / COORDINATE_UNIT - 1;
    level[i] = u8();
    angle[i] = u8() / ANGLE_UNIT;
    visualWords[i] = u16();
  }
  const descriptors = words(count * DESCRIPTOR_WORDS);
  const thumbWidth = u16();
  const thumbHeight = u16();
  const chromaWidth = u16();
  const chromaHeight = u16();
  const luma = raw(thumbWidth * thumbHeight);
  const cb = raw(chromaWidth * chromaHeight);
  const cr = raw(chromaWidth * chromaHeight);
  if (at !== bytes.length) throw new RangeError('The stored features go on too long.');
  return {
    keypoints: { width, height, count, x, y, level, angle, descriptors },
    thumb: { width: thumbWidth, height: thumbHeight, luma, chromaWidth, chromaHeight, cb, cr },
    views,
    words: visualWords,
  };
}
