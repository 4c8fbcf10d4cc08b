import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeImage, decodeTo, decodeUntouched, sniffFormat } from '../../../src/platform/image/decode.ts';
import { HOSTILE_FILES, artwork, halves, pngHeader, truncatedPng } from '../../support/pictures.ts';

const LIMITS = { maxPixels: 1_000_000 };
const decode = (bytes: Uint8Array) => decodeImage(bytes, { width: 32, height: 32 }, LIMITS);
const pixel = (data: Uint8Array, x: number, y: number) => [
  ...data.subarray((y * 32 + x) * 3, (y * 32 + x) * 3 + 3),
];

describe('decodeImage', () => {
  test.each(['jpeg', 'png', 'webp', 'avif', 'gif', 'tiff'] as const)('reads %s', async (format) => {
    const bytes = await (await halves(64, 48)).toFormat(format).toBuffer();
    const decoded = await decode(bytes);
    expect(decoded).toMatchObject({ format, width: 64, height: 48 });
    expect(decoded.raster).toMatchObject({ width: 32, height: 32 });
    expect(decoded.raster.data).toHaveLength(32 * 32 * 3);
    expect(pixel(decoded.raster.data, 4, 16)[0]).toBeGreaterThan(200);
    expect(pixel(decoded.raster.data, 28, 16)[0]).toBeLessThan(60);
  });

  test.each(HOSTILE_FILES)('refuses $name as $code', async ({ make, code }) => {
    await expect(decode(await make())).rejects.toMatchObject({ name: 'UtsushiError', code });
  });

  test('refuses a picture with too many pixels from its header alone', async () => {
    await expect(decode(pngHeader(30_000, 30_000))).rejects.toMatchObject({
      code: 'image_too_large',
      message: '30000x30000 is more than 1000000 pixels',
    });
  });

  test('lets the bytes decide, not the file name: a PNG called .jpg is a PNG', async () => {
    expect(sniffFormat(await (await halves(8, 8)).png().toBuffer())).toBe('png');
  });

  test('turns a picture upright as its EXIF says', async () => {
    // Orientation 3: stored upside down, so left and right come back exchanged.
    const bytes = await (await halves(64, 48)).jpeg().withMetadata({ orientation: 3 }).toBuffer();
    const { raster } = await decode(bytes);
    expect(pixel(raster.data, 4, 16)[0]).toBeLessThan(60);
    expect(pixel(raster.data, 28, 16)[0]).toBeGreaterThan(200);
    const sideways = await (await halves(64, 48)).jpeg().withMetadata({ orientation: 6 }).toBuffer();
    expect(await decode(sideways)).toMatchObject({ width: 48, height: 64 });
  });

  test.each([
    ['jpeg', { quality: 100, chromaSubsampling: '4:4:4' }, 3],
    ['png', {}, 0],
    ['webp', { lossless: true }, 0],
  ] as const)('gives of a turned %s the pixels of an upright one', async (format, options, tolerance) => {
    const upright = await artwork(7, 320).resize(120, 90, { fit: 'fill' }).removeAlpha().raw().toBuffer();
    const raw = { width: 120, height: 90, channels: 3 } as const;
    for (const [orientation, turn] of [
      [2, (picture: Sharp) => picture.flop()],
      [3, (picture: Sharp) => picture.rotate(180)],
      [6, (picture: Sharp) => picture.rotate(-90)],
    ] as const) {
      const turned = turn(sharp(upright, { raw })).toFormat(format, options).withMetadata({ orientation });
      const { raster } = await decode(await turned.toBuffer());
      const { raster: expected } = await decode(await sharp(upright, { raw }).png().toBuffer());
      const off = raster.data.map((value, i) => Math.abs(value - expected.data[i]!));
      expect(Math.max(...off), `orientation ${orientation}`).toBeLessThanOrEqual(tolerance);
    }
  });

  test('flattens transparency on white', async () => {
    const clear = await sharp({
      create: { width: 32, height: 32, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } },
    })
      .png()
      .toBuffer();
    expect(pixel((await decode(clear)).raster.data, 16, 16)).toEqual([255, 255, 255]);
  });

  test.each([
    ['CMYK JPEG', async () => (await halves(64, 48)).toColourspace('cmyk').jpeg().toBuffer()],
    ['16-bit PNG', async () => (await halves(64, 48)).toColourspace('rgb16').png().toBuffer()],
    ['palette PNG', async () => (await halves(64, 48)).png({ palette: true, colours: 4 }).toBuffer()],
    ['greyscale PNG', async () => (await halves(64, 48)).toColourspace('b-w').png().toBuffer()],
  ])('brings %s to the same eight-bit sRGB', async (_, make) => {
    const { raster } = await decode(await make());
    expect(pixel(raster.data, 4, 16)[0]).toBeGreaterThan(180);
    expect(pixel(raster.data, 28, 16)[0]).toBeLessThan(70);
  });

  test.each(['gif', 'webp'] as const)('takes the first frame of an animation: %s', async (format) => {
    const frame = (value: number) => Buffer.alloc(16 * 16 * 3, value);
    const animated = await sharp(Buffer.concat([frame(250), frame(5)]), {
      raw: { width: 16, height: 32, channels: 3, pageHeight: 16 },
    })
      .toFormat(format, { delay: [100, 100], lossless: true })
      .toBuffer();
    expect((await sharp(animated).metadata()).pages).toBe(2);
    const decoded = await decode(animated);
    expect(decoded).toMatchObject({ width: 16, height: 16 });
    expect(pixel(decoded.raster.data, 16, 16)[0]).toBeGreaterThan(230);
  });

  test('reads a single pixel without an error; whether it can be recognised is another question', async () => {
    const bytes = await sharp({ create: { width: 1, height: 1, channels: 3, background: '#f00' } })
      .png()
      .toBuffer();
    expect(await decode(bytes)).toMatchObject({ width: 1, height: 1 });
  });
});

describe('decodeTo', () => {
  const sizes = [{ width: 96, height: 96 }, { longerSide: 96 }] as const;
  const limits = { maxPixels: 2_000_000 };
  const pixels = ({ data, ...size }: { data: Uint8Array }) => ({
    ...size,
    data: createHash('sha256').update(data).digest('hex'),
  });
  const together = async (bytes: Buffer) => {
    const { rasters, untouched, ...decoded } = await decodeTo(bytes, sizes, limits, { untouched: true });
    return { ...decoded, rasters: rasters.map(pixels), untouched: pixels(untouched!) };
  };
  const apart = async (bytes: Buffer) => {
    const each = await Promise.all(sizes.map((size) => decodeImage(bytes, size, limits)));
    const { raster: _, ...decoded } = each[0]!;
    const untouched = await decodeUntouched(bytes, limits);
    return { ...decoded, rasters: each.map(({ raster }) => pixels(raster)), untouched: pixels(untouched!) };
  };

  // Around the sizes at which JPEGs begin to be decoded at a half and a quarter of their resolution.
  test.each([
    [90, 90],
    [191, 192],
    [287, 300],
    [288, 288],
    [289, 640],
    [400, 900],
  ])('gives the very pixels of separate decoding for a JPEG of %d x %d', async (width, height) => {
    const art = artwork(7, 320).resize(width, height, { fit: 'fill' });
    const bytes = await art.jpeg({ quality: 80 }).toBuffer();
    expect(await together(bytes)).toEqual(await apart(bytes));
  });

  const art = artwork(7, 320).resize(200, 130, { fit: 'fill' });
  test.each(
    Object.entries({
      'jpeg, turned': art.clone().jpeg().withMetadata({ orientation: 6 }),
      'jpeg with a profile': art.clone().jpeg().withIccProfile('p3'),
      'jpeg, grey': art.clone().greyscale().jpeg(),
      'jpeg, CMYK': art.clone().toColourspace('cmyk').jpeg(),
      png: art.clone().png(),
      'png, transparent': art.clone().ensureAlpha(0.4).png(),
      'png, palette': art.clone().png({ palette: true, colours: 32, effort: 1 }),
      'png, 16 bits': art.clone().toColourspace('rgb16').png(),
      webp: art.clone().webp({ effort: 0 }),
      'webp, transparent': art.clone().ensureAlpha(0.4).webp({ effort: 0 }),
      'webp, turned': art.clone().webp({ effort: 0 }).withMetadata({ orientation: 6 }),
      'webp with a profile': art.clone().webp({ effort: 0 }).withIccProfile('p3'),
      gif: art.clone().gif({ effort: 1 }),
      tiff: art.clone().tiff(),
      avif: art.clone().avif({ effort: 0 }),
    }),
  )('gives the very pixels of separate decoding: %s', async (_, file) => {
    const bytes = await file.toBuffer();
    expect(await together(bytes)).toEqual(await apart(bytes));
  });

  test('gives the same rasters where the untouched samples are not wanted', async () => {
    const bytes = await artwork(8, 300).resize(300, 200).png().toBuffer();
    const [asked, unasked] = await Promise.all(
      [true, false].map((untouched) => decodeTo(bytes, sizes, limits, { untouched })),
    );
    expect(unasked).toEqual({ ...asked, untouched: undefined });
  });

  test.each(HOSTILE_FILES)('refuses $name as $code', async ({ make, code }) => {
    await expect(
      decodeTo(await make(), sizes, { maxPixels: 1_000_000 }, { untouched: true }),
    ).rejects.toMatchObject({ name: 'UtsushiError', code });
  });
});

describe('a truncated picture', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'utsushi-decode-'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  test.each([0.2, 0.5, 0.9])('cut at %f of its length is refused, not half decoded', async (share) => {
    const whole = await truncatedPng(share);
    await writeFile(join(dir, 'x.png'), whole);
    await expect(decode(whole)).rejects.toMatchObject({ code: 'corrupt_image' });
  });
});
