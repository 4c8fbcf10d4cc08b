import type { Block, Entry } from './container.ts';
import { sidecar } from './exifr.ts';

/** The prefixes under which our readers know a namespace, whatever prefix the file gives it. */
const PREFIXES: Readonly<Record<string, string>> = {
  'http://iptc.org/std/Iptc4xmpExt/2008-02-29/': 'Iptc4xmpExt',
  'http://ns.adobe.com/exif/1.0/': 'exif',
  'http://ns.adobe.com/xap/1.0/': 'xmp',
  'http://ns.adobe.com/photoshop/1.0/': 'photoshop',
  'http://purl.org/dc/elements/1.1/': 'dc',
};
const MAX_PACKET_BYTES = 512 * 1024;
const MAX_TAGS = 4_000;
const MAX_DEPTH = 16;
const MAX_PROPERTIES = 400;

/** The properties of an XMP packet as `prefix:Name` entries, with values as text; attribute and element form alike. */
export async function readXmp({ bytes, where }: Block): Promise<Entry[]> {
  if (bytes.length > MAX_PACKET_BYTES) return [];
  const packet = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  if (!isWellNested(packet)) return [];
  const parsed: unknown = await sidecar(Buffer.from(packet), {}, 'xmp').catch(() => undefined);
  const prefixes = declaredPrefixes(packet);
  const entries: Entry[] = [];
  for (const [prefix, properties] of Object.entries((parsed ?? {}) as Record<string, unknown>)) {
    const known = PREFIXES[prefixes.get(prefix) ?? ''] ?? prefix;
    if (known === 'xmlns' || typeof properties !== 'object' || properties === null) continue;
    for (const [name, value] of Object.entries(properties)) {
      const key = `${known}:${name}`;
      for (const text of texts(value)) {
        if (entries.length >= MAX_PROPERTIES) return entries;
        entries.push({ key, text: decodeEntities(text), where: `${where} ${key}` });
      }
    }
  }
  return entries;
}

/**
 * exifr matches tags with expressions that look ahead for the closing tag; on tags that never close, or nest without
 * end, that takes quadratic time and worse. Packets that are well nested and shallow are safe to hand over.
 */
function isWellNested(packet: string): boolean {
  const open: string[] = [];
  let tags = 0;
  for (let at = packet.indexOf('<'); at >= 0; at = packet.indexOf('<', at)) {
    const skipTo = packet.startsWith('<!--', at) ? '-->' : packet.startsWith('<?', at) ? '?>' : undefined;
    if (skipTo !== undefined) {
      const end = packet.indexOf(skipTo, at);
      if (end < 0) return false;
      at = end + skipTo.length;
      continue;
    }
    TAG.lastIndex = at;
    const match = TAG.exec(packet);
    if (match === null || ++tags > MAX_TAGS) return false;
    at = TAG.lastIndex;
    const [, closing, name, selfClosing] = match;
    if (closing !== '') {
      if (open.pop() !== name) return false;
    } else if (selfClosing === '') {
      open.push(name!);
      if (open.length > MAX_DEPTH) return false;
    }
  }
  return open.length === 0;
}

const TAG = /<(\/?)([\w:.-]+)(?:[^"'<>/]|"[^"<]*"|'[^'<]*'|\/(?!>))*(\/?)>/y;

function declaredPrefixes(packet: string): Map<string, string> {
  const prefixes = new Map<string, string>();
  for (const [, prefix, uri] of packet.matchAll(/\sxmlns:([\w-]{1,40})\s?=\s?["']([^"'<>]{1,200})["']/g))
    prefixes.set(prefix!, uri!);
  return prefixes;
}

/** A property's values: a plain one, the items of a list, or the text beside a language mark. */
function texts(value: unknown, depth = 0): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number' || typeof value === 'boolean') return [String(value)];
  if (depth > 4 || typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((item) => texts(item, depth + 1));
  const { value: text, lang, ...members } = value as Record<string, unknown>;
  if (text !== undefined) return texts(text, depth + 1);
  return lang === undefined ? Object.values(members).flatMap((member) => texts(member, depth + 1)) : [];
}

const ENTITIES: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function decodeEntities(text: string): string {
  return text.replaceAll(
    /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(lt|gt|amp|quot|apos));/gi,
    (whole, hex, decimal, name) => {
      if (name !== undefined) return ENTITIES[String(name).toLowerCase()] ?? whole;
      const code = hex === undefined ? Number(decimal) : Number.parseInt(String(hex), 16);
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    },
  );
}
