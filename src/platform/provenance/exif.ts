import type { Block, Entry } from './container.ts';
import { parse } from './exifr.ts';

const NAMES: Readonly<Record<number, string>> = {
  0x010d: 'DocumentName',
  0x010e: 'ImageDescription',
  0x010f: 'Make',
  0x0110: 'Model',
  0x0131: 'Software',
  0x013b: 'Artist',
  0x8298: 'Copyright',
};
const EXIF_POINTER = 0x8769;
const USER_COMMENT = 0x9286;
const OPTIONS = {
  ifd0: { pick: [...Object.keys(NAMES).map(Number), EXIF_POINTER] },
  exif: { pick: [USER_COMMENT] },
  gps: false,
  interop: false,
  ifd1: false,
  xmp: false,
  icc: false,
  iptc: false,
  jfif: false,
  ihdr: false,
  userComment: true,
  translateKeys: false,
  translateValues: false,
  reviveValues: false,
  mergeOutput: false,
};

/** The EXIF fields in which generators write, by their EXIF names. A damaged block gives what could be read, or nothing. */
export async function readExif({ bytes, where }: Block): Promise<Entry[]> {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (!promisesNoMoreThanItHolds(view)) return [];
  const parsed: unknown = await parse(view, OPTIONS).catch(() => undefined);
  const { ifd0, userComment } = (parsed ?? {}) as {
    ifd0?: Record<string, unknown>;
    userComment?: unknown;
  };
  const entries: Entry[] = [];
  for (const [tag, key] of Object.entries(NAMES)) {
    const value = ifd0?.[tag];
    const text = value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : value;
    if (typeof text === 'string' && text !== '') entries.push({ key, text, where: `${where} ${key}` });
  }
  const comment =
    userComment instanceof Uint8Array
      ? decodeUserComment(userComment)
      : typeof userComment === 'string'
        ? userComment
        : '';
  if (comment !== '') entries.push({ key: 'UserComment', text: comment, where: `${where} UserComment` });
  return entries;
}

const SIZES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4];

/**
 * exifr sets aside memory for as many values as a directory entry claims. An entry that claims more than the block
 * holds is a forgery, and so is the block.
 */
function promisesNoMoreThanItHolds(block: Buffer): boolean {
  const little = block.toString('latin1', 0, 2) === 'II';
  const u16 = (at: number) => (little ? block.readUInt16LE(at) : block.readUInt16BE(at));
  const u32 = (at: number) => (little ? block.readUInt32LE(at) : block.readUInt32BE(at));
  try {
    const directories = [u32(4)];
    for (let round = 0; round < 2 && round < directories.length; round++) {
      const start = directories[round]!;
      const count = u16(start);
      for (let i = 0, at = start + 2; i < count && at + 12 <= block.length; i++, at += 12) {
        const size = SIZES[u16(at + 2)];
        if (size === undefined || size * u32(at + 4) > block.length) return false;
        if (round === 0 && u16(at) === EXIF_POINTER) directories[1] = u32(at + 8);
      }
    }
    return true;
  } catch {
    return false;
  }
}

/** EXIF UserComment: eight bytes that name the character set, then the text. */
export function decodeUserComment(raw: Uint8Array): string {
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.length);
  const charset = bytes.toString('latin1', 0, 8);
  const body = bytes.subarray(8);
  if (charset.startsWith('UNICODE')) return decodeUtf16(body);
  if (/^(?:ASCII\0|JIS\0|\0{8})/.test(charset)) return withoutPadding(body.toString('utf8'));
  return withoutPadding(bytes.toString('utf8'));
}

/** The specification leaves the byte order open, and writers differ: the order that gives more ASCII is the right one. */
function decodeUtf16(body: Buffer): string {
  const even = body.subarray(0, body.length & ~1);
  const bom = even.length >= 2 ? even.readUInt16BE(0) : 0;
  let asciiIfBig = 0;
  let asciiIfLittle = 0;
  for (let at = 0; at < even.length; at += 2) {
    if (even[at] === 0 && even[at + 1]! < 0x80) asciiIfBig++;
    if (even[at + 1] === 0 && even[at]! < 0x80) asciiIfLittle++;
  }
  const little = bom === 0xfffe || (bom !== 0xfeff && asciiIfLittle > asciiIfBig);
  const text = new TextDecoder('utf-16le').decode(little ? even : Buffer.from(even).swap16());
  return withoutPadding(text.replace(/^\ufeff/, ''));
}

const withoutPadding = (text: string) => {
  let end = text.length;
  while (end > 0 && (text[end - 1] === '\0' || text[end - 1] === ' ')) end--;
  return text.slice(0, end);
};
