import sharp, { type Region } from 'sharp';
import { describe, expect, test } from 'vitest';
import { type EvidenceDrawing, drawEvidence } from '../../../src/platform/image/evidence-picture.ts';
import type { Point } from '../../../src/vision/matching/quad.ts';
import { artwork } from '../../support/pictures.ts';

const LIMITS = { maxPixels: 10_000_000 };
const WHOLE: readonly Point[] = [
  [0, 0],
  [1, 0],
  [1, 1],
  [0, 1],
];
const MIRRORED: readonly Point[] = [WHOLE[1]!, WHOLE[0]!, WHOLE[3]!, WHOLE[2]!];
const drawing = (quad: readonly Point[]): EvidenceDrawing => ({
  quad,
  correspondences: [[0.2, 0.3, 0.8, 0.3]],
  title: '作品',
  lines: ['複製型の候補(法的評価ではありません)'],
  record: ['sha256'],
});

/** sharp's stats() look at the whole input, whatever was extracted before. */
async function statsOf(png: Uint8Array, region: Region) {
  return sharp(await sharp(png).extract(region).png().toBuffer()).stats();
}

/** Mean brightness of the inside of a panel of square pictures: row and column 0 or 1. */
async function panel(png: Uint8Array, row: 0 | 1, column: 0 | 1): Promise<number> {
  const left = 30 + column * 660 + 10;
  const top = 131 + row * (620 + 46) + 10;
  const { channels } = await statsOf(png, { left, top, width: 600, height: 600 });
  return (channels[0]!.mean + channels[1]!.mean + channels[2]!.mean) / 3;
}

describe('drawEvidence', () => {
  test('shows no difference where the work lies as the outline says, and much where it does not', async () => {
    const work = await artwork(3).png().toBuffer();
    const output = await artwork(3).flop().jpeg({ quality: 95 }).toBuffer();
    const right = await drawEvidence(work, output, drawing(MIRRORED), LIMITS);
    const wrong = await drawEvidence(work, output, drawing(WHOLE), LIMITS);
    expect(await sharp(right).metadata()).toMatchObject({ format: 'png', width: 1340 });
    expect(await panel(right, 1, 1)).toBeLessThan(12);
    expect(await panel(wrong, 1, 1)).toBeGreaterThan(40);
    // Laid over itself the output looks as before.
    const [seen, laid] = [await panel(right, 0, 1), await panel(right, 1, 0)];
    expect(Math.abs(seen - laid)).toBeLessThan(3);
  });

  test('a small paste leaves the rest of the output as it was, and nothing to compare there', async () => {
    const work = await artwork(4).png().toBuffer();
    const pasted = await artwork(4).resize(80, 80).png().toBuffer();
    const output = await sharp({ create: { width: 320, height: 320, channels: 3, background: '#123' } })
      .composite([{ input: pasted, left: 200, top: 40 }])
      .png()
      .toBuffer();
    const quad = WHOLE.map(([x, y]): Point => [(200 + 80 * x) / 320, (40 + 80 * y) / 320]);
    const png = await drawEvidence(work, output, drawing(quad), LIMITS);
    const inside = await statsOf(png, { left: 690 + 400, top: 797 + 90, width: 130, height: 130 });
    expect(inside.channels[0]!.mean).toBeLessThan(25);
    const outside = await statsOf(png, { left: 700, top: 1200, width: 300, height: 200 });
    expect(outside.channels[0]).toMatchObject({ min: 0xe4, max: 0xe4 });
  });

  test('an outline without area still gives a picture', async () => {
    const work = await artwork(5).png().toBuffer();
    const nowhere = WHOLE.map((): Point => [0.5, 0.5]);
    const png = await drawEvidence(work, work, drawing(nowhere), LIMITS);
    expect((await sharp(png).metadata()).width).toBe(1340);
  });

  test('refuses what is no picture, with its code', async () => {
    const work = await artwork(5).png().toBuffer();
    await expect(drawEvidence(work, Buffer.from('hello'), drawing(WHOLE), LIMITS)).rejects.toMatchObject({
      code: 'unsupported_format',
    });
  });
});
