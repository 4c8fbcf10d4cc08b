import { describe, expect, it } from 'vitest';
import { watermarkKernel } from '../../../src/platform/provenance/watermark/kernel.ts';
import {
  BLOCK,
  MANNERS,
  PlainWatermarkKernel,
  type Reading,
  type WatermarkKernel,
} from '../../../src/platform/provenance/watermark/plain-kernel.ts';
import { seeded } from '../../support/provenance-encoders.ts';

const READINGS: Reading[] = [48, 136, 32, 46, 7].flatMap((length) =>
  MANNERS.map((manner) => ({ bits: new Uint8Array(length), manner })),
);

/** Rows of blocks: of one colour with a little grain, of full colours, and of noise. */
function picture(seed: number, width: number, rows: number, channels: number): Uint8Array[] {
  const next = seeded(seed);
  return Array.from({ length: rows }, (_, row) => {
    const data = new Uint8Array(BLOCK * width * channels);
    const colour = [next() * 256, next() * 256, next() * 256, 255];
    for (let i = 0; i < data.length; i += 1) {
      const any = Math.floor(next() * 256);
      data[i] = [Math.min(255, colour[i % channels]! + (any & 3)), any < 128 ? 0 : 255, any][row % 3]!;
    }
    return data;
  });
}

function read(kernel: WatermarkKernel, rows: readonly Uint8Array[], channels: number) {
  const columns = Math.floor(rows[0]!.length / (BLOCK * channels) / BLOCK);
  const sums = kernel.begin(columns, READINGS);
  for (const [row, pixels] of rows.entries()) {
    kernel.measure(pixels, channels);
    if (row >= 2) kernel.hear((row - 1) * columns);
  }
  return sums.map(({ votes, levels }) => ({ votes: votes.slice(), levels: levels.slice() }));
}

describe('the compiled loops of reading watermarks', () => {
  it('are there, but for pictures wider than they have room for', () => {
    expect(watermarkKernel(2_048)).not.toBeInstanceOf(PlainWatermarkKernel);
    expect(watermarkKernel(2_049)).toBeInstanceOf(PlainWatermarkKernel);
  });

  it.each([3, 4])('add up the same as the plain ones, of %i channels and any width', (channels) => {
    for (const [width, rows] of [
      [24, 3],
      [31, 9],
      [40, 5],
      [512, 12],
      [1023, 6],
      [1030, 6],
      [16_391, 4],
      [25, 40],
    ] as const) {
      const pixels = picture(width, width, rows, channels);
      const sums = read(watermarkKernel(Math.floor(width / BLOCK)), pixels, channels);
      expect(sums).toEqual(read(new PlainWatermarkKernel(), pixels, channels));
      const inner = (Math.floor(width / BLOCK) - 2) * (rows - 2);
      for (const { votes, levels } of sums) {
        expect(votes.reduce((all, count, i) => all + (i % 2) * count, 0)).toBe(inner);
        expect(levels.some((level) => level !== 0)).toBe(true);
      }
    }
  });

  it('agree about a picture in which nothing varies', () => {
    const pixels = Array.from({ length: 5 }, () => new Uint8Array(BLOCK * 64 * 3).fill(77));
    expect(read(watermarkKernel(8), pixels, 3)).toEqual(read(new PlainWatermarkKernel(), pixels, 3));
  });
});
