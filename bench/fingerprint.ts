/** What a fingerprint costs beside decoding the picture, and beside other hashes from npm. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bmvbhash } from 'blockhash-core';
import imghash from 'imghash';
import { Jimp } from 'jimp';
import sharp from 'sharp';
import phash from 'sharp-phash';
import { decodeImage } from '../src/platform/image/decode.ts';
import { FINGERPRINT_RASTER, fingerprint } from '../src/vision/fingerprint/fingerprint.ts';
import { bareDecode } from './support/bare-decode.ts';
import { brief, collectGarbage, cpuMs, markdown, median } from './support/measure.ts';
import type { BenchOptions, Section } from './support/section.ts';

const LIMITS = { maxPixels: 100_000_000 };

type Format = 'jpeg' | 'png';

const PICTURES: readonly { name: string; width: number; height: number; format: Format; grainy: boolean }[] =
  [
    { name: '1024x1024 JPEG, grainy', width: 1024, height: 1024, format: 'jpeg', grainy: true },
    { name: '1024x1024 JPEG, flat art', width: 1024, height: 1024, format: 'jpeg', grainy: false },
    { name: '1024x1024 PNG, flat art', width: 1024, height: 1024, format: 'png', grainy: false },
  ];

/** Short ones: what else the machine does then reaches neighbours alike. */
const ROUNDS = 101;
/** Calls timed together. */
const REPEATS = 2;
/** A process fingerprints thousands of pictures, so what is compiled on the way is compiled before. */
const WARM_UP_ROUNDS = 10;

const SHARP_DECODED = 'sharp: decode and resize only';
const OWN_DECODED = 'Utsushi: decode only';
const OURS = 'Utsushi: decode, 8 PDQ, blockhash';

/** Each takes a file's bytes to its hash. */
const CONTESTANTS: Record<string, (bytes: Buffer) => Promise<unknown>> = {
  [SHARP_DECODED]: bareDecode,
  [OWN_DECODED]: async (bytes) => decodeImage(bytes, FINGERPRINT_RASTER, LIMITS),
  [OURS]: async (bytes) => {
    const decoded = await decodeImage(bytes, FINGERPRINT_RASTER, LIMITS);
    return fingerprint(decoded.raster, decoded);
  },
  'sharp-phash (64 bits)': async (bytes) => (phash as unknown as (bytes: Buffer) => Promise<string>)(bytes),
  'imghash (256 bits)': async (bytes) => imghash.hash(bytes, 16),
  'blockhash-core, full size': async (bytes) => {
    const { data, info } = await sharp(bytes)
      .flatten()
      .ensureAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    return bmvbhash({ width: info.width, height: info.height, data }, 16);
  },
  'jimp (64 bits)': async (bytes) => (await Jimp.read(bytes)).hash(),
};

export async function fingerprintSection({ small, fixtures }: BenchOptions): Promise<Section> {
  const rounds = small ? 1 : ROUNDS;
  const rows: string[][] = [];
  for (const picture of small ? PICTURES.slice(0, 1) : PICTURES) {
    const bytes = await drawn(picture, fixtures);
    const names = Object.keys(CONTESTANTS);
    const spent = new Map<string, number[]>(names.map((name) => [name, []]));
    for (let round = small ? 0 : -WARM_UP_ROUNDS; round < rounds; round += 1) {
      for (const name of names) {
        // What the one before left behind is nobody else's cost.
        collectGarbage();
        await CONTESTANTS[name]!(bytes);
        const before = cpuMs();
        for (let i = 0; i < REPEATS; i += 1) await CONTESTANTS[name]!(bytes);
        if (round >= 0) spent.get(name)!.push((cpuMs() - before) / REPEATS);
      }
    }
    const cost = (name: string) => median(spent.get(name)!);
    for (const name of names) {
      const times = spent.get(name)!;
      const overDecode = median(times.map((ms, i) => ms / spent.get(SHARP_DECODED)![i]!));
      const overOurs = median(times.map((ms, i) => ms / spent.get(OURS)![i]!));
      rows.push([
        picture.name,
        name,
        overDecode.toFixed(2),
        name === SHARP_DECODED || name === OWN_DECODED ? '' : overOurs.toFixed(2),
        brief(cost(name)),
      ]);
    }
  }
  return {
    file: 'speed-fingerprint.md',
    title: 'Speed of fingerprints',
    note: `CPU time of the whole process, from a file's bytes to its hash; medians of ${rounds} rounds in which all take turns, ratios taken round by round. Both "decode" rows bring the picture to 512x512 pixels, which are what is hashed; Utsushi itself averages areas instead of having sharp resize.`,
    body: markdown(['picture', 'what', "x sharp's decode", 'x Utsushi', 'ms CPU'], rows),
  };
}

async function drawn(
  { width, height, format, grainy }: (typeof PICTURES)[number],
  fixtures: string,
): Promise<Buffer> {
  const manifest = await readFile(join(fixtures, 'manifest.csv'), 'utf8');
  const file = /catalogue\/[^,]+\.png/.exec(manifest)![0];
  const art = sharp(join(fixtures, file))
    .flatten({ background: '#fff' })
    .resize(width, height, { fit: 'fill' });
  const grain = await sharp({
    create: {
      width,
      height,
      channels: 3,
      background: '#888',
      noise: { type: 'gaussian', mean: 128, sigma: 24 },
    },
  })
    .png({ compressionLevel: 0 })
    .toBuffer();
  const picture = grainy ? art.composite([{ input: grain, blend: 'soft-light' }]) : art;
  return picture.toFormat(format).toBuffer();
}
