import { PNG } from '@trustnxt/c2pa-ts/asset';
import sharp from 'sharp';
import { TrustList, readProvenance } from '../../src/platform/provenance/index.ts';
import { WritableWebp, identity, signC2pa } from './provenance-c2pa.ts';
import {
  type RawPicture,
  IPTC_EXT,
  app1Exif,
  app1Xmp,
  asciiComment,
  comment,
  exifBlock,
  hide,
  iTXt,
  png,
  rawPicture,
  seeded,
  tEXt,
  unicodeComment,
  withRiffChunks,
  withSegments,
  xmpPacket,
  zTXt,
} from './provenance-encoders.ts';

const INFOTEXT = 'a cat <lora:x:1>\nNegative prompt: dog\nSteps: 28, Seed: 1, Model: m, Lora hashes: "a: b"';
const GRAPH = JSON.stringify({
  3: { class_type: 'KSampler', inputs: { seed: 42, positive: ['6', 0], negative: ['7', 0] } },
  6: { class_type: 'CLIPTextEncode', inputs: { text: 'a', clip: ['11', 1] } },
  7: { class_type: 'CLIPTextEncode', inputs: { text: ['6', 0] } },
  10: { class_type: 'LoadImage', inputs: { image: 'x.png' } },
});
const XMP = xmpPacket(
  [['Iptc4xmpExt', IPTC_EXT, 'DigitalSourceType', 'x/trainedAlgorithmicMedia']],
  'elements',
);

async function seeds(): Promise<{ bytes: Buffer; pixels: RawPicture }[]> {
  const pixels = rawPicture(2, 48, 64, 4);
  const { data, ...raw } = rawPicture(2, 24, 24);
  const jpeg = await sharp(data, { raw }).jpeg().toBuffer();
  const webp = await sharp(data, { raw }).webp().toBuffer();
  const avif = await sharp(data, { raw })
    .withExif({ IFD0: { ImageDescription: INFOTEXT } })
    .avif()
    .toBuffer();
  const tiff = await sharp(data, { raw }).tiff().toBuffer();
  const leaf = identity('Fuzz', identity('Fuzz Root'));
  const signing = {
    leaf,
    sourceType: 'http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia',
    agent: 'x',
  };
  const hidden = hide(
    pixels,
    'stealth_pngcomp',
    JSON.stringify({ Software: 'NovelAI', Comment: '{"signed_hash":"AAAA"}' }),
  );
  return [
    png(undefined, iTXt('parameters', INFOTEXT, true), zTXt('prompt', GRAPH), tEXt('workflow', GRAPH)),
    png(
      undefined,
      iTXt('XML:com.adobe.xmp', XMP),
      tEXt('Description', 'x Job ID: 01234567-89ab-cdef-0123-456789abcdef'),
    ),
    png(
      hidden,
      tEXt('Software', 'NovelAI'),
      tEXt('Comment', `{"prompt": "x", "signed_hash": "${Buffer.alloc(64).toString('base64')}"}`),
    ),
    withSegments(
      jpeg,
      app1Exif(exifBlock({ Software: 'x', Make: `workflow:${GRAPH}` }, unicodeComment(INFOTEXT))),
      app1Xmp(XMP),
      comment(INFOTEXT),
    ),
    withRiffChunks(
      webp,
      ['EXIF', exifBlock({ Model: `prompt:${GRAPH}` }, asciiComment('{"c":"x","uc":"y"}'), 'II')],
      ['XMP ', Buffer.from(XMP)],
    ),
    await signC2pa(new PNG(new Uint8Array(png())), signing),
    await signC2pa(new WritableWebp(webp), signing),
    avif,
    tiff,
  ].map((bytes, i) => ({ bytes, pixels: i === 2 ? hidden : pixels }));
}

const WEIGHTY = [0, 1, 0x7f, 0x80, 0xff, 0x3c, 0x22, 0x5b, 0x7b];

function mutate(original: Buffer, next: () => number): Buffer {
  let bytes = Buffer.from(original);
  const at = () => Math.floor(next() * bytes.length);
  for (let rounds = 1 + Math.floor(next() * 6); rounds > 0 && bytes.length > 0; rounds--) {
    const kind = Math.floor(next() * 7);
    const [from, to] = [at(), at()].sort((a, b) => a - b) as [number, number];
    if (kind === 0) bytes[from] = Math.floor(next() * 256);
    else if (kind === 1) bytes[from] = WEIGHTY[Math.floor(next() * WEIGHTY.length)]!;
    else if (kind === 2) bytes[from]! ^= 1 << Math.floor(next() * 8);
    else if (kind === 3) bytes = bytes.subarray(0, Math.max(1, to));
    else if (kind === 4)
      bytes = Buffer.concat([
        bytes.subarray(0, to),
        bytes.subarray(from, Math.min(to, from + 4_000)),
        bytes.subarray(to),
      ]);
    else if (kind === 5) bytes = Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
    else if (bytes.length >= from + 4) bytes.writeUInt32BE(Math.floor(next() * 2 ** 32), from);
  }
  return bytes;
}

/** What is slower than this is tried twice more. Milliseconds. */
const SUSPICIOUS_MS = 150;

export interface DamagedRead {
  /** Of the file that took longest, the least of up to three readings, in milliseconds of CPU time. */
  readonly slowest: number;
  /** How the resident memory of the process grew, at most, in MiB. */
  readonly grown: number;
  /** Files in which something was still found. */
  readonly found: number;
  /** Files whose signature was called verified. */
  readonly verified: number;
}

/** Reads so many damaged files; whatever a reader throws is thrown. */
export async function readDamagedFiles(count: number): Promise<DamagedRead> {
  const options = { trust: new TrustList([]), now: new Date('2026-01-01') };
  const originals = await seeds();
  for (const { bytes, pixels } of originals) await readProvenance(bytes, pixels, options);
  const before = process.memoryUsage.rss();
  let [slowest, most, found, verified] = [0, before, 0, 0];
  for (let i = 0; i < count; i++) {
    const next = seeded(i);
    const { bytes, pixels } = originals[i % originals.length]!;
    const damaged = mutate(bytes, next);
    const data = i % 3 === 0 ? mutate(pixels.data, next) : pixels.data;
    let best = Number.POSITIVE_INFINITY;
    // Time on the processor: a pause of the machine is not the reader's, nor is a collection of garbage.
    for (let attempt = 0; attempt < 3 && best > SUSPICIOUS_MS; attempt++) {
      const started = process.cpuUsage();
      const { findings, grade } = await readProvenance(damaged, { ...pixels, data }, options);
      const { user, system } = process.cpuUsage(started);
      best = Math.min(best, (user + system) / 1_000);
      if (attempt > 0) continue;
      if (findings.length > 0) found++;
      if (grade === 'signed-verified') verified++;
    }
    slowest = Math.max(slowest, best);
    if (i % 100 === 0) most = Math.max(most, process.memoryUsage.rss());
  }
  return { slowest, grown: (most - before) / 2 ** 20, found, verified };
}
