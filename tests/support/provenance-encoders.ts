/**
 * Writers of every mark the provenance readers know, made for tests from the published formats and sharing no code
 * with the readers.
 */
import { crc32, deflateSync, gzipSync } from 'node:zlib';
import { type KeyObject, sign } from 'node:crypto';

export interface RawPicture {
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
  readonly data: Buffer;
}

/** Small seeded generator of numbers in [0, 1). */
export function seeded(seed: number): () => number {
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), state | 1) + 0x9e3779b9) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** A smooth picture with some structure and a little grain; different for every seed. */
export function rawPicture(seed: number, width: number, height: number, channels: 3 | 4 = 3): RawPicture {
  const next = seeded(seed);
  const waves = Array.from(
    { length: 9 },
    () => [next() * 0.05, next() * 0.05, next() * 6.28, 20 + next() * 25] as const,
  );
  const data = Buffer.alloc(width * height * channels, 255);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) {
        let value = 128 + (next() - 0.5) * 6;
        for (let i = c; i < 9; i += 3) {
          const [fx, fy, phase, amplitude] = waves[i]!;
          value += Math.sin(x * fx + y * fy + phase) * amplitude;
        }
        data[(y * width + x) * channels + c] = Math.max(0, Math.min(255, Math.round(value)));
      }
  return { width, height, channels, data };
}

// PNG

export function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}

export const tEXt = (key: string, text: string) => pngChunk('tEXt', Buffer.from(`${key}\0${text}`, 'latin1'));

export const zTXt = (key: string, text: string) =>
  pngChunk(
    'zTXt',
    Buffer.concat([Buffer.from(`${key}\0\0`, 'latin1'), deflateSync(Buffer.from(text, 'latin1'))]),
  );

export const iTXt = (key: string, text: string, compressed = false) =>
  pngChunk(
    'iTXt',
    Buffer.concat([
      Buffer.from(`${key}\0`, 'latin1'),
      Buffer.from([compressed ? 1 : 0, 0]),
      Buffer.from('ja\0見出し\0', 'utf8'),
      compressed ? deflateSync(Buffer.from(text, 'utf8')) : Buffer.from(text, 'utf8'),
    ]),
  );

/** What Pillow does: tEXt where Latin-1 suffices, else iTXt. */
export const pillowText = (key: string, text: string) =>
  /^[\0-\u00ff]*$/.test(text) ? tEXt(key, text) : iTXt(key, text);

/** A PNG of raw pixels with these chunks before its pixels. */
export function png(picture: RawPicture = rawPicture(1, 8, 8), ...chunks: readonly Buffer[]): Buffer {
  const { width, height, channels, data } = picture;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, channels === 4 ? 6 : 2, 0, 0, 0], 8);
  const stride = width * channels;
  const lines = Buffer.alloc((stride + 1) * height);
  for (let y = 0; y < height; y++) data.copy(lines, y * (stride + 1) + 1, y * stride, (y + 1) * stride);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    pngChunk('IHDR', header),
    ...chunks,
    pngChunk('IDAT', deflateSync(lines)),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

// JPEG and WebP

/** Inserts segments right after the start of a JPEG. */
export function withSegments(jpeg: Buffer, ...segments: readonly [marker: number, data: Buffer][]): Buffer {
  const framed = segments.map(([marker, data]) => {
    const head = Buffer.from([0xff, marker, 0, 0]);
    head.writeUInt16BE(data.length + 2, 2);
    return Buffer.concat([head, data]);
  });
  return Buffer.concat([jpeg.subarray(0, 2), ...framed, jpeg.subarray(2)]);
}

export const comment = (text: string): [number, Buffer] => [0xfe, Buffer.from(text, 'utf8')];
export const app1Exif = (tiff: Buffer): [number, Buffer] => [
  0xe1,
  Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]),
];
export const app1Xmp = (packet: string): [number, Buffer] => [
  0xe1,
  Buffer.concat([Buffer.from('http://ns.adobe.com/xap/1.0/\0', 'latin1'), Buffer.from(packet, 'utf8')]),
];

/** Appends RIFF chunks to a WebP file and corrects its length. */
export function withRiffChunks(webp: Buffer, ...chunks: readonly [type: string, data: Buffer][]): Buffer {
  const framed = chunks.map(([type, data]) => {
    const head = Buffer.from(`${type}\0\0\0\0`, 'latin1');
    head.writeUInt32LE(data.length, 4);
    return Buffer.concat([head, data, Buffer.alloc(data.length & 1)]);
  });
  const whole = Buffer.concat([webp, ...framed]);
  whole.writeUInt32LE(whole.length - 8, 4);
  return whole;
}

/** The smallest thing that walks like a WebP. */
export const emptyWebp = () => Buffer.from('RIFF\u0004\0\0\0WEBP', 'latin1');
/** The smallest thing that walks like a JPEG. */
export const emptyJpeg = () => Buffer.from('ffd8ffda0002ffd9', 'hex');

// EXIF

const EXIF_TAGS = {
  DocumentName: 0x10d,
  ImageDescription: 0x10e,
  Make: 0x10f,
  Model: 0x110,
  Software: 0x131,
  Artist: 0x13b,
};

/** A TIFF block with ASCII fields and a UserComment (its 8 bytes of character set included). */
export function exifBlock(
  fields: Partial<Record<keyof typeof EXIF_TAGS, string>>,
  userComment?: Buffer,
  order: 'II' | 'MM' = 'MM',
): Buffer {
  const little = order === 'II';
  const u16 = (value: number) => {
    const out = Buffer.alloc(2);
    if (little) out.writeUInt16LE(value);
    else out.writeUInt16BE(value);
    return out;
  };
  const u32 = (value: number) => {
    const out = Buffer.alloc(4);
    if (little) out.writeUInt32LE(value);
    else out.writeUInt32BE(value);
    return out;
  };
  const names = Object.keys(EXIF_TAGS).filter((name) => name in fields) as (keyof typeof EXIF_TAGS)[];
  const count = names.length + (userComment === undefined ? 0 : 1);
  let free = 8 + 2 + count * 12 + 4;
  const heap: Buffer[] = [];
  const store = (data: Buffer) => {
    const at = free;
    heap.push(data, Buffer.alloc(data.length & 1));
    free += data.length + (data.length & 1);
    return u32(at);
  };
  const entries = names.map((name) => {
    const data = Buffer.from(`${fields[name]!}\0`, 'utf8');
    const value = data.length <= 4 ? Buffer.concat([data, Buffer.alloc(4)]).subarray(0, 4) : store(data);
    return Buffer.concat([u16(EXIF_TAGS[name]), u16(2), u32(data.length), value]);
  });
  if (userComment !== undefined) {
    const at = store(userComment);
    const directory = Buffer.concat([u16(1), u16(0x9286), u16(7), u32(userComment.length), at, u32(0)]);
    entries.push(Buffer.concat([u16(0x8769), u16(4), u32(1), store(directory)]));
  }
  return Buffer.concat([Buffer.from(order), u16(42), u32(8), u16(count), ...entries, u32(0), ...heap]);
}

/** As piexif writes it: UTF-16, big-endian. */
export const unicodeComment = (text: string, endian: 'BE' | 'LE' = 'BE') => {
  const little = Buffer.from(text, 'utf16le');
  return Buffer.concat([Buffer.from('UNICODE\0', 'latin1'), endian === 'LE' ? little : little.swap16()]);
};
export const asciiComment = (text: string) =>
  Buffer.concat([Buffer.from('ASCII\0\0\0', 'latin1'), Buffer.from(text, 'utf8')]);

// XMP

const escapeXml = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** A packet with properties `[prefix, namespace, name, value]`, as attributes or as elements. */
export function xmpPacket(
  properties: readonly (readonly [prefix: string, namespace: string, name: string, value: string])[],
  form: 'attributes' | 'elements' = 'attributes',
): string {
  const declared = [...new Map(properties.map(([prefix, uri]) => [prefix, uri]))].map(
    ([p, uri]) => ` xmlns:${p}="${uri}"`,
  );
  const attributes =
    form === 'attributes'
      ? properties.map(([p, , name, value]) => ` ${p}:${name}="${escapeXml(value)}"`).join('')
      : '';
  const elements =
    form === 'elements'
      ? properties.map(([p, , name, value]) => `<${p}:${name}>${escapeXml(value)}</${p}:${name}>`).join('\n')
      : '';
  return `<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""${declared.join('')}${attributes}>${elements}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>`;
}

export const IPTC_EXT = 'http://iptc.org/std/Iptc4xmpExt/2008-02-29/';

// Stealth layers

/** Hides a text in the lowest bits, column by column, as the web UI's extension and NovelAI do. */
export function hide(
  picture: RawPicture,
  magic: 'stealth_pnginfo' | 'stealth_pngcomp' | 'stealth_rgbinfo' | 'stealth_rgbcomp',
  text: string | Buffer,
): RawPicture {
  const plain = Buffer.from(text);
  const payload = magic.endsWith('comp') ? gzipSync(plain) : plain;
  const length = Buffer.alloc(4);
  length.writeUInt32BE(payload.length * 8);
  const bits = Array.from(Buffer.concat([Buffer.from(magic), length, payload])).flatMap((byte) =>
    [7, 6, 5, 4, 3, 2, 1, 0].map((shift) => (byte >> shift) & 1),
  );
  const data = Buffer.from(picture.data);
  let next = 0;
  for (let x = 0; x < picture.width; x++)
    for (let y = 0; y < picture.height; y++)
      for (const channel of magic.includes('rgb') ? [0, 1, 2] : [3]) {
        if (next >= bits.length) return { ...picture, data };
        const at = (y * picture.width + x) * picture.channels + channel;
        data[at] = (data[at]! & 0xfe) | bits[next++]!;
      }
  throw new RangeError('the picture is too small for this text');
}

// NovelAI

/** Python's json.dumps, for what tests put into comments: objects of strings, integers, booleans, and `raw` numbers. */
export function pythonDumps(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'boolean' || typeof value === 'number') return String(value);
  if (typeof value === 'string') {
    let out = '';
    for (let i = 0; i < value.length; i++) {
      const unit = value.charCodeAt(i);
      if (unit === 0x22 || unit === 0x5c) out += `\\${value[i]}`;
      else if (unit === 0x0a) out += '\\n';
      else if (unit < 0x20 || unit > 0x7e) out += `\\u${unit.toString(16).padStart(4, '0')}`;
      else out += value[i];
    }
    return `"${out}"`;
  }
  if (value instanceof RawNumber) return value.text;
  if (Array.isArray(value)) return `[${value.map(pythonDumps).join(', ')}]`;
  return `{${Object.entries(value as object)
    .map(([key, item]) => `${pythonDumps(key)}: ${pythonDumps(item)}`)
    .join(', ')}}`;
}

/** A number in exactly this spelling. */
export class RawNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** The comment with its signature, as NovelAI's service would write it with this key. */
export function signedComment(picture: RawPicture, fields: Record<string, unknown>, key: KeyObject): string {
  const rgb: number[] = [];
  for (let at = 0; at < picture.data.length; at += picture.channels)
    rgb.push(picture.data[at]!, picture.data[at + 1]!, picture.data[at + 2]!);
  const message = Buffer.concat([Buffer.from(rgb), Buffer.from(pythonDumps(fields))]);
  return pythonDumps({ ...fields, signed_hash: sign(null, message, key).toString('base64') });
}

// Stable Diffusion's watermark

/** How the published encoder is given a picture: see the decoder's Manner. */
export type Manner = 'bytes' | 'fractions' | 'fractions, red for blue';

/**
 * dwtDct as published: BT.601 YUV, one orthonormal Haar step of U, 4x4 blocks of the LL band in reading order, of each
 * the value but the first that is farthest from 0 moved to the middle of the lower or upper half of its step of 36.
 * Bytes are rounded on the way and their neutral U is 128; fractions are not and have theirs at 0.5.
 */
export function embedWatermark(picture: RawPicture, message: Buffer, manner: Manner = 'bytes'): RawPicture {
  const { width, height, channels } = picture;
  const inBytes = manner === 'bytes';
  const data = Buffer.from(picture.data);
  const clamp = (value: number) => Math.max(0, Math.min(255, Math.round(value)));
  const stored = (value: number) => (inBytes ? clamp(value) : value);
  const neutral = inBytes ? 128 : 0.5;
  const [redAt, blueAt] = manner === 'fractions, red for blue' ? [2, 0] : [0, 2];
  const luma = new Float64Array(width * height);
  const blueness = new Float64Array(width * height);
  const redness = new Float64Array(width * height);
  for (let i = 0; i < width * height; i++) {
    const [r, g, b] = [redAt, 1, blueAt].map((c) => data[i * channels + c]!) as [number, number, number];
    luma[i] = stored(0.299 * r + 0.587 * g + 0.114 * b);
    blueness[i] = stored(0.492 * (b - luma[i]!) + neutral);
    redness[i] = stored(0.877 * (r - luma[i]!) + neutral);
  }
  const bits = [...message].flatMap((byte) => [...byte.toString(2).padStart(8, '0')].map(Number));
  const halfRows = Math.floor(height / 4) * 2;
  const halfColumns = Math.floor(width / 4) * 2;
  let number = 0;
  for (let i = 0; i < Math.floor(halfRows / 4); i++)
    for (let j = 0; j < Math.floor(halfColumns / 4); j++) {
      const bit = bits[number++ % bits.length]!;
      const cells = Array.from({ length: 16 }, (_, k) => {
        const at = (i * 4 + Math.floor(k / 4)) * 2 * width + (j * 4 + (k % 4)) * 2;
        const corners = [at, at + 1, at + width, at + width + 1];
        return { corners, ll: corners.reduce((sum, corner) => sum + blueness[corner]!, 0) / 2 };
      });
      let chosen = 1;
      for (let k = 2; k < 16; k++) if (Math.abs(cells[k]!.ll) > Math.abs(cells[chosen]!.ll)) chosen = k;
      const { corners, ll } = cells[chosen]!;
      const wanted = (ll < 0 ? -1 : 1) * (Math.floor(Math.abs(ll) / 36) + 0.25 + 0.5 * bit) * 36;
      // The inverse Haar step spreads a change of LL evenly over the four pixels; bytes lose the fraction.
      for (const corner of corners) {
        const moved = blueness[corner]! + (wanted - ll) / 2;
        blueness[corner] = inBytes ? Math.max(0, Math.min(255, Math.floor(moved))) : moved;
      }
    }
  for (let i = 0; i < width * height; i++) {
    const [y, u, v] = [luma[i]!, blueness[i]! - neutral, redness[i]! - neutral];
    data[i * channels + redAt] = clamp(y + 1.14 * v);
    data[i * channels + 1] = clamp(y - 0.395 * u - 0.581 * v);
    data[i * channels + blueAt] = clamp(y + 2.032 * u);
  }
  return { ...picture, data };
}

export const SDXL_MESSAGE = Buffer.from('b3ec907bb19e', 'hex');
export const SD1_MESSAGE = Buffer.from('StableDiffusionV1', 'latin1');
