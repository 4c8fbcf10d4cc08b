/** Pictures as samples, and what a mark in them has to outlive. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Pixels } from '../../src/platform/provenance/index.ts';
import { type RawPicture, seeded } from './provenance-encoders.ts';

/** Paths of the pictures in a folder, by name. */
export async function picturesIn(folder: string): Promise<string[]> {
  return (await readdir(folder))
    .filter((name) => /\.(?:png|jpe?g|webp|avif)$/.test(name))
    .toSorted()
    .map((name) => join(folder, name));
}

export async function pixelsOf(file: Buffer | string): Promise<Pixels> {
  const { data, info } = await sharp(file, { ignoreIcc: true }).raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, channels: info.channels as 3, data };
}

/** A picture file as a square of so many pixels a side, on white. */
export async function squareOf(file: string, side: number): Promise<RawPicture> {
  const { data, info } = await sharp(file)
    .flatten({ background: '#fff' })
    .removeAlpha()
    .toColourspace('srgb')
    .resize(side, side, { fit: 'fill' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, channels: 3, data };
}

/** What a JPEG of this quality leaves of it. */
export async function throughJpeg(
  { data, ...raw }: RawPicture,
  quality: number,
  chromaSubsampling: '4:2:0' | '4:4:4' = '4:2:0',
): Promise<Pixels> {
  return pixelsOf(await sharp(data, { raw }).jpeg({ quality, chromaSubsampling }).toBuffer());
}

/** What a WebP of this quality leaves of it. */
export async function throughWebp({ data, ...raw }: RawPicture, quality: number): Promise<Pixels> {
  return pixelsOf(await sharp(data, { raw }).webp({ quality }).toBuffer());
}

/** With noise of at most so many levels on each sample. */
export function noisy(picture: RawPicture, levels: number, seed: number): RawPicture {
  const next = seeded(seed);
  const data = Buffer.from(picture.data);
  for (let i = 0; i < data.length; i += 1) {
    data[i] = Math.max(0, Math.min(255, Math.round(data[i]! + (next() + next() - 1) * levels)));
  }
  return { ...picture, data };
}
