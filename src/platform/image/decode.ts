import sharp, { type Sharp } from 'sharp';
import { UtsushiError } from '../../errors.ts';
import type { Raster } from '../../vision/fingerprint/raster.ts';
import { reduce } from '../../vision/fingerprint/reduce.ts';
import type { Pixels } from '../provenance/index.ts';

// One picture a process at a time: Utsushi runs one compute child a core, so more threads here only fight each other.
sharp.concurrency(1);
sharp.cache(false);

/** The formats Utsushi reads. The bytes decide, never the file name. */
export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'avif' | 'gif' | 'tiff';

export interface DecodeLimits {
  /** Largest width x height that is decoded; a larger picture is refused from its header alone. */
  readonly maxPixels: number;
}

export interface Decoded {
  readonly format: ImageFormat;
  /** Size of the upright picture in pixels, before it was brought to the raster. */
  readonly width: number;
  readonly height: number;
  readonly raster: Raster;
}

const ascii = (bytes: Uint8Array, from: number, to: number) =>
  Buffer.from(bytes.subarray(from, to)).toString('latin1');

/**
 * The format that the first bytes declare, or undefined for anything Utsushi does not read. Looked at before any
 * decoder sees the file: librsvg, the PDF loader and the like must never run on what a stranger sent.
 */
export function sniffFormat(bytes: Uint8Array): ImageFormat | undefined {
  const hex = Buffer.from(bytes.subarray(0, 8)).toString('hex');
  if (hex.startsWith('ffd8ff')) return 'jpeg';
  if (hex === '89504e470d0a1a0a') return 'png';
  if (hex.startsWith('49492a00') || hex.startsWith('4d4d002a')) return 'tiff';
  if (/^GIF8[79]a/.test(ascii(bytes, 0, 6))) return 'gif';
  if (ascii(bytes, 0, 4) === 'RIFF' && ascii(bytes, 8, 12) === 'WEBP') return 'webp';
  if (ascii(bytes, 4, 8) === 'ftyp') {
    // Brands stand from byte 8 to the end of the ftyp box; AVIF may be the major brand or only a compatible one.
    const end = Math.min(bytes.length, Buffer.from(bytes.subarray(0, 4)).readUInt32BE(0), 256);
    return /avi[fs]/.test(ascii(bytes, 8, end)) ? 'avif' : undefined;
  }
  return undefined;
}

/** A raster of exactly this size, the picture stretched to fill it; each pixel is the mean of the area it covers. */
interface Stretched {
  readonly width: number;
  readonly height: number;
}

/** A raster of the picture's own proportions, which sharp resizes to (decision 20 says why there are two ways). */
interface InProportion {
  readonly longerSide: number;
}

export type RasterSize = Stretched | InProportion;

/**
 * Decodes a picture to an upright sRGB raster, by the one path that catalogue and outputs share: EXIF orientation
 * applied, transparency flattened on white, first frame of an animation, ICC profile to sRGB.
 *
 * @param bytes the file's bytes
 * @param size the raster's size in pixels
 * @throws UtsushiError `empty_file`, `unsupported_format`, `image_too_large` or `corrupt_image`
 */
export async function decodeImage(
  bytes: Uint8Array,
  size: RasterSize,
  limits: DecodeLimits,
): Promise<Decoded> {
  const { format, width, height, rasters } = await decodeTo(bytes, [size], limits, { untouched: false });
  return { format, width, height, raster: rasters[0] };
}

/** A picture as several rasters. */
export interface DecodedTo<Sizes extends readonly RasterSize[]> extends Omit<Decoded, 'raster'> {
  /** One for each size that was asked for. */
  readonly rasters: { readonly [I in keyof Sizes]: Raster };
  /** See decodeUntouched; undefined also when it was not asked for. */
  readonly untouched: Pixels | undefined;
}

/**
 * The rasters that decodeImage makes, and the untouched samples, of one decoding: rasters are made of the samples
 * wherever nothing else lies between them.
 *
 * @throws UtsushiError as decodeImage
 */
export async function decodeTo<const Sizes extends readonly RasterSize[]>(
  bytes: Uint8Array,
  sizes: Sizes,
  limits: DecodeLimits,
  { untouched: wantsUntouched }: { readonly untouched: boolean },
): Promise<DecodedTo<Sizes>> {
  const format = requireFormat(bytes);
  try {
    const header = await readHeader(bytes, limits);
    const untouched = wantsUntouched ? await decodeUntouched(bytes, limits) : undefined;
    let picture: Raster | undefined;
    const rasters: Raster[] = [];
    for (const size of sizes) {
      if ('longerSide' in size) {
        const samples = isOnlyResized(header, format, size) ? picture : undefined;
        rasters.push(await resample(samples ? ofSamples(samples) : upright(bytes, header, limits), size));
      } else {
        picture ??= await decodeUpright(bytes, header, untouched, limits);
        rasters.push(await average(picture, size));
      }
    }
    return {
      format,
      width: header.width,
      height: header.height,
      rasters: rasters as unknown as DecodedTo<Sizes>['rasters'],
      untouched,
    };
  } catch (thrown) {
    throw asDecodeError(thrown);
  }
}

/**
 * The picture's own samples, neither turned, flattened, resized nor colour-managed: what hidden layers, signatures and
 * watermarks are written into.
 *
 * @returns undefined when it cannot be decoded
 */
export async function decodeUntouched(bytes: Uint8Array, limits: DecodeLimits): Promise<Pixels | undefined> {
  if (sniffFormat(bytes) === undefined) return undefined;
  const options = { ignoreIcc: true, pages: 1, failOn: 'error', limitInputPixels: limits.maxPixels } as const;
  const decoded = await sharp(bytes, options)
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch(() => undefined);
  if (decoded === undefined) return undefined;
  const { width, height, channels } = decoded.info;
  return { width, height, channels, data: decoded.data };
}

/**
 * The picture as a browser can show it: upright, sRGB, on white, first frame, as JPEG, shrunk to fit and never enlarged.
 *
 * @param longerSide in pixels
 * @throws UtsushiError as decodeImage
 */
export async function renderJpeg(
  bytes: Uint8Array,
  longerSide: number,
  limits: DecodeLimits,
): Promise<Uint8Array> {
  requireFormat(bytes);
  try {
    await readHeader(bytes, limits);
    return await open(bytes, limits)
      .autoOrient()
      .flatten({ background: '#fff' })
      .resize({ width: longerSide, height: longerSide, fit: 'inside', withoutEnlargement: true })
      .toColourspace('srgb')
      .jpeg({ quality: 90, chromaSubsampling: '4:4:4' })
      .toBuffer();
  } catch (thrown) {
    throw asDecodeError(thrown);
  }
}

/** A raster as JPEG. */
export async function encodeJpeg({ data, width, height }: Raster): Promise<Uint8Array> {
  return (
    sharp(data, { raw: { width, height, channels: 3 } })
      // The second pass over the picture that makes the file a few percent smaller costs as much as the first.
      .jpeg({ quality: 90, optimiseCoding: false })
      .toBuffer()
  );
}

function open(bytes: Uint8Array, limits: DecodeLimits) {
  // 'error' refuses truncated and damaged data, but lets pass what a decoder merely warns of (odd metadata).
  return sharp(bytes, { limitInputPixels: limits.maxPixels, failOn: 'error', pages: 1 });
}

/**
 * The format of a file, by its first bytes.
 *
 * @throws UtsushiError `empty_file`, `unsupported_format`
 */
export function requireFormat(bytes: Uint8Array): ImageFormat {
  if (bytes.length === 0) throw new UtsushiError('empty_file', 'the file has no bytes');
  const format = sniffFormat(bytes);
  if (format === undefined) {
    throw new UtsushiError('unsupported_format', 'not a JPEG, PNG, WebP, AVIF, GIF or TIFF file');
  }
  return format;
}

/** What a file's header says. Size in pixels, upright. */
interface Header {
  readonly width: number;
  readonly height: number;
  /** No orientation asks for a turn. */
  readonly isUpright: boolean;
  /** Upright, and 8 bits of sRGB, with or without transparency, that no profile asks to change. */
  readonly isPlain: boolean;
}

/** Nothing is decoded for it, so the picture's size is checked here only. @throws UtsushiError `image_too_large` */
async function readHeader(bytes: Uint8Array, { maxPixels }: DecodeLimits): Promise<Header> {
  const { autoOrient, space, depth, icc, orientation, channels } = await sharp(bytes, {
    limitInputPixels: false,
  }).metadata();
  const { width, height } = autoOrient;
  if (width * height > maxPixels) {
    throw new UtsushiError('image_too_large', `${width}x${height} is more than ${maxPixels} pixels`);
  }
  const isUpright = (orientation ?? 1) === 1;
  const isPlain =
    isUpright &&
    space === 'srgb' &&
    depth === 'uchar' &&
    icc === undefined &&
    (channels === 3 || channels === 4);
  return { width, height, isUpright, isPlain };
}

/** The whole picture, upright, in sRGB, on white. @param untouched its samples, where they are there already */
async function decodeUpright(
  bytes: Uint8Array,
  header: Header,
  untouched: Pixels | undefined,
  limits: DecodeLimits,
): Promise<Raster> {
  const samples = header.isPlain ? untouched : undefined;
  if (samples?.channels === 3) return samples;
  const picture = samples === undefined ? upright(bytes, header, limits) : ofSamples(samples);
  return pixelsOf(inColour(picture));
}

/** A JPEG that is shrunk this many times is decoded at a lower resolution, which gives other pixels; WebP always is. */
const SHRUNK_ON_LOAD = 3;

function isOnlyResized({ isPlain, width, height }: Header, format: ImageFormat, size: InProportion): boolean {
  if (!isPlain || format === 'webp') return false;
  const fitted = fit(size, { width, height });
  return format !== 'jpeg' || Math.min(width / fitted.width, height / fitted.height) < SHRUNK_ON_LOAD;
}

/** The raster's width and height, as sharp works them out. */
function fit({ longerSide }: InProportion, { width, height }: Stretched): Stretched {
  const scale = longerSide / Math.max(width, height);
  return { width: Math.round(width * scale), height: Math.round(height * scale) };
}

/** The picture, turned upright before it is resized: turned afterwards, it would be off by a part of a pixel. */
function upright(bytes: Uint8Array, { width, height, isUpright }: Header, limits: DecodeLimits): Sharp {
  const picture = open(bytes, limits);
  // To take a part, be it the whole, makes sharp turn the picture first.
  return isUpright ? picture : picture.autoOrient().extract({ left: 0, top: 0, width, height });
}

function ofSamples(picture: Raster | Pixels): Sharp {
  const { width, height } = picture;
  return sharp(picture.data, {
    raw: { width, height, channels: 'channels' in picture ? picture.channels : 3 },
  });
}

/** A picture smaller than the raster has no areas to average: sharp enlarges it. */
async function average(picture: Raster, { width, height }: Stretched): Promise<Raster> {
  if (width <= picture.width && height <= picture.height) return reduce(picture, width, height);
  return pixelsOf(ofSamples(picture).resize({ width, height, fit: 'fill' }));
}

async function resample(picture: Sharp, { longerSide }: InProportion): Promise<Raster> {
  const size = { width: longerSide, height: longerSide, fit: 'inside' } as const;
  return pixelsOf(inColour(picture).resize(size));
}

/** On white, in sRGB. */
function inColour(picture: Sharp): Sharp {
  return picture.flatten({ background: '#fff' }).toColourspace('srgb').removeAlpha();
}

async function pixelsOf(picture: Sharp): Promise<Raster> {
  const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true });
  if (info.channels !== 3)
    throw new UtsushiError('corrupt_image', `decoded to ${info.channels} channels, not 3`);
  return { width: info.width, height: info.height, data };
}

function asDecodeError(thrown: unknown): UtsushiError {
  if (thrown instanceof UtsushiError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return /exceeds pixel limit|too large/i.test(message)
    ? new UtsushiError('image_too_large', message, { cause: thrown })
    : new UtsushiError('corrupt_image', message.split('\n')[0] ?? message, { cause: thrown });
}
