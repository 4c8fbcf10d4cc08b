import { inflateSync } from 'node:zlib';

/** One piece of text that a file carries, and where. */
export interface Entry {
  readonly key: string;
  readonly text: string;
  readonly where: string;
}

/** The parts of an image file in which generators leave their marks, not yet understood. */
export interface Container {
  readonly format: 'png' | 'jpeg' | 'webp' | 'gif' | 'tiff' | 'avif' | 'unknown';
  /** PNG tEXt, zTXt and iTXt; JPEG comments under the key `Comment`. */
  readonly texts: readonly Entry[];
  /** TIFF-structured EXIF blocks. */
  readonly exif: readonly Block[];
  readonly xmp: readonly Block[];
  /** Where the C2PA manifest store stands, if there is one. */
  readonly c2pa: string | undefined;
}

export interface Block {
  readonly bytes: Uint8Array;
  readonly where: string;
}

/** All the text of one file together, inflated; what goes beyond is left out. */
const MAX_TEXT_BYTES = 4 * 2 ** 20;
const MAX_TEXTS = 256;
const MAX_BLOCKS = 8;
const MAX_BLOCK_BYTES = 2 ** 20;
const XMP_KEYWORD = 'XML:com.adobe.xmp';

/**
 * Walks an image file once, from length to length. exifr reads neither WebP nor PNG's zTXt and iTXt, decodes tEXt as
 * UTF-8 and keeps only the last of several equal keys, so it is given the EXIF and XMP blocks found here.
 */
export function openContainer(bytes: Uint8Array): Container {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (buffer.length >= 8 && buffer.readUInt32BE(0) === 0x89504e47) return openPng(buffer);
  if (buffer.length >= 4 && buffer.readUInt16BE(0) === 0xffd8) return openJpeg(buffer);
  const magic = buffer.toString('latin1', 0, 12);
  if (magic.startsWith('RIFF') && magic.endsWith('WEBP')) return openWebp(buffer);
  if (magic.startsWith('GIF8')) return { ...NOTHING, format: 'gif', xmp: scanForXmp(buffer) };
  if (/^(?:II\*\0|MM\0\*)/.test(magic)) {
    return { ...NOTHING, format: 'tiff', exif: [{ bytes: buffer, where: 'EXIF' }], xmp: scanForXmp(buffer) };
  }
  if (magic.slice(4, 8) === 'ftyp') {
    return {
      ...NOTHING,
      format: 'avif',
      exif: scanForExif(buffer),
      xmp: scanForXmp(buffer),
      c2pa: C2PA_UUID.some((uuid) => buffer.includes(uuid)) ? 'BMFF box "uuid"' : undefined,
    };
  }
  return NOTHING;
}

const NOTHING: Container = { format: 'unknown', texts: [], exif: [], xmp: [], c2pa: undefined };
const C2PA_UUID = [Buffer.from('d8fec3d61b0e483c92975828877ec481', 'hex')];

function openPng(buffer: Buffer): Container {
  const texts: Entry[] = [];
  const exif: Block[] = [];
  const xmp: Block[] = [];
  let c2pa: string | undefined;
  const budget = { left: MAX_TEXT_BYTES };
  for (let at = 8; at + 12 <= buffer.length;) {
    const length = buffer.readUInt32BE(at);
    const type = buffer.toString('latin1', at + 4, at + 8);
    // A file cut short may still hold the beginning of a text; what is there is read.
    const data = buffer.subarray(at + 8, Math.min(at + 8 + length, buffer.length));
    if (type === 'tEXt' || type === 'zTXt' || type === 'iTXt') {
      const text = texts.length < MAX_TEXTS ? pngText(type, data, budget) : undefined;
      if (text?.key === XMP_KEYWORD) {
        if (xmp.length < MAX_BLOCKS) xmp.push({ bytes: Buffer.from(text.text, 'utf8'), where: 'XMP' });
      } else if (text !== undefined) texts.push(text);
    } else if (type === 'eXIf') addExif(exif, data, 'EXIF');
    else if (type === 'caBX') c2pa = 'PNG chunk "caBX"';
    else if (type === 'IEND') break;
    at += length + 12;
  }
  return { format: 'png', texts, exif, xmp, c2pa };
}

function pngText(type: string, data: Buffer, budget: { left: number }): Entry | undefined {
  const keyEnd = data.subarray(0, 80).indexOf(0);
  if (keyEnd < 1) return undefined;
  const key = data.toString('latin1', 0, keyEnd);
  const where = `PNG ${type} "${key}"`;
  const spend = (raw: Buffer, compressed: boolean, encoding: 'latin1' | 'utf8'): Entry | undefined => {
    const plain = compressed ? inflateWithin(raw, budget) : raw.subarray(0, budget.left);
    if (plain === undefined) return undefined;
    budget.left -= plain.length;
    return { key, text: plain.toString(encoding), where };
  };
  if (type === 'tEXt') return spend(data.subarray(keyEnd + 1), false, 'latin1');
  if (type === 'zTXt') return spend(data.subarray(keyEnd + 2), true, 'latin1');
  // iTXt: keyword 0, compressed?, method, language 0, translated keyword 0, text
  const languageEnd = data.indexOf(0, keyEnd + 3);
  const translatedEnd = languageEnd < 0 ? -1 : data.indexOf(0, languageEnd + 1);
  if (translatedEnd < 0) return undefined;
  return spend(data.subarray(translatedEnd + 1), data[keyEnd + 1] === 1, 'utf8');
}

function inflateWithin(raw: Buffer, budget: { left: number }): Buffer | undefined {
  if (budget.left <= 0) return undefined;
  try {
    return inflateSync(raw, { maxOutputLength: budget.left });
  } catch {
    // Broken, or a bomb that cost the whole allowance: charge for it, so that many of them stay as cheap as one.
    budget.left -= Math.min(budget.left, raw.length * 32);
    return undefined;
  }
}

const EXIF_HEADER = Buffer.from('Exif\0\0', 'latin1');
const XMP_HEADER = Buffer.from('http://ns.adobe.com/xap/1.0/\0', 'latin1');
const XMP_EXTENSION_HEADER = Buffer.from('http://ns.adobe.com/xmp/extension/\0', 'latin1');

function openJpeg(buffer: Buffer): Container {
  const texts: Entry[] = [];
  const exif: Block[] = [];
  const xmp: Block[] = [];
  const extension: Buffer[] = [];
  let c2pa: string | undefined;
  for (let at = 2; at + 4 <= buffer.length && buffer[at] === 0xff;) {
    const marker = buffer[at + 1]!;
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (marker === 0xda || marker === 0xd9) break;
    if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
      at += 2;
      continue;
    }
    const length = buffer.readUInt16BE(at + 2);
    const data = buffer.subarray(at + 4, at + 2 + length);
    if (marker === 0xfe && texts.length < MAX_TEXTS) {
      const latin = data.toString('latin1').replaceAll('\0', '');
      const utf8 = data.toString('utf8').replaceAll('\0', '');
      texts.push({ key: 'Comment', text: utf8.includes('\ufffd') ? latin : utf8, where: 'JPEG comment' });
    } else if (marker === 0xe1 && startsWith(data, EXIF_HEADER)) addExif(exif, data, 'EXIF');
    else if (marker === 0xe1 && startsWith(data, XMP_HEADER) && xmp.length < MAX_BLOCKS)
      xmp.push({ bytes: data.subarray(XMP_HEADER.length), where: 'XMP' });
    else if (marker === 0xe1 && startsWith(data, XMP_EXTENSION_HEADER) && extension.length < 64)
      // After the header: GUID (32), full length (4), offset (4). Parts come in order in every known writer.
      extension.push(data.subarray(XMP_EXTENSION_HEADER.length + 40));
    else if (marker === 0xeb && data.toString('latin1', 12, 16) === 'jumb') c2pa = 'JPEG segment APP11';
    at += 2 + Math.max(2, length);
  }
  if (extension.length > 0) xmp.push({ bytes: Buffer.concat(extension), where: 'extended XMP' });
  return { format: 'jpeg', texts, exif, xmp, c2pa };
}

function openWebp(buffer: Buffer): Container {
  const exif: Block[] = [];
  const xmp: Block[] = [];
  let c2pa: string | undefined;
  for (const { type, data } of riffChunks(buffer)) {
    if (type === 'EXIF') addExif(exif, data, 'EXIF');
    else if (type === 'XMP ' && xmp.length < MAX_BLOCKS) xmp.push({ bytes: data, where: 'XMP' });
    else if (type === 'C2PA') c2pa = 'WebP chunk "C2PA"';
  }
  return { format: 'webp', texts: [], exif, xmp, c2pa };
}

/** The chunks of a RIFF file, with the offset of each chunk's header. */
export function* riffChunks(buffer: Buffer): Generator<{ type: string; offset: number; data: Buffer }> {
  for (let at = 12; at + 8 <= buffer.length;) {
    const length = buffer.readUInt32LE(at + 4);
    yield {
      type: buffer.toString('latin1', at, at + 4),
      offset: at,
      data: buffer.subarray(at + 8, Math.min(at + 8 + length, buffer.length)),
    };
    at += 8 + length + (length & 1);
  }
}

function addExif(blocks: Block[], data: Buffer, where: string): void {
  const tiff = startsWith(data, EXIF_HEADER) ? data.subarray(EXIF_HEADER.length) : data;
  if (blocks.length < MAX_BLOCKS && tiff.length >= 8 && tiff.length <= MAX_BLOCK_BYTES)
    blocks.push({ bytes: tiff, where });
}

/** An EXIF item inside a BMFF file (AVIF): found by its own header, as its place is only known to the item tables. */
function scanForExif(buffer: Buffer): Block[] {
  for (let at = buffer.indexOf(EXIF_HEADER), tries = 0; at >= 0 && tries < 16; tries++) {
    const tiff = buffer.subarray(at + EXIF_HEADER.length, at + EXIF_HEADER.length + MAX_BLOCK_BYTES);
    if (/^(?:II\*\0|MM\0\*)/.test(tiff.toString('latin1', 0, 4))) return [{ bytes: tiff, where: 'EXIF' }];
    at = buffer.indexOf(EXIF_HEADER, at + 1);
  }
  return [];
}

/** XMP packets may be found in any file by scanning for them (XMP specification, part 3). */
function scanForXmp(buffer: Buffer): Block[] {
  const start = buffer.indexOf('<x:xmpmeta');
  if (start < 0) return [];
  const end = buffer.indexOf('</x:xmpmeta>', start);
  return end < 0 ? [] : [{ bytes: buffer.subarray(start, end + 12), where: 'XMP' }];
}

const startsWith = (data: Buffer, prefix: Buffer) => data.subarray(0, prefix.length).equals(prefix);
