import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Raster } from '../../../src/vision/fingerprint/raster.ts';
import { reduce, reducePlainly } from '../../../src/vision/fingerprint/reduce.ts';
import { reduceKernel } from '../../../src/vision/fingerprint/reduce-kernel.ts';
import { tapsOf } from '../../../src/vision/fingerprint/taps.ts';
import { FORMULAS, draw, grey } from './pictures.ts';

/** The mean of the area under each pixel, in floating point. */
function means(picture: Raster, width: number, height: number): number[] {
  const [across, down] = [picture.width / width, picture.height / height];
  const overlap = (i: number, from: number, to: number) => Math.min(i + 1, to) - Math.max(i, from);
  const result: number[] = [];
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const sums = [0, 0, 0];
      const [left, right, top, bottom] = [x * across, (x + 1) * across, y * down, (y + 1) * down];
      for (let v = Math.floor(top); v < Math.ceil(bottom); v += 1) {
        for (let u = Math.floor(left); u < Math.ceil(right); u += 1) {
          const share = (overlap(u, left, right) * overlap(v, top, bottom)) / (across * down);
          for (const c of [0, 1, 2]) sums[c]! += share * (picture.data[(v * picture.width + u) * 3 + c] ?? 0);
        }
      }
      result.push(...sums);
    }
  }
  return result;
}

describe('reduce', () => {
  it.each([
    [64, 64, 32, 32],
    [50, 37, 32, 32],
    [33, 200, 32, 7],
    [40, 40, 40, 40],
    [300, 5, 11, 1],
  ])('gives of %i x %i pixels the means of %i x %i areas', (width, height, across, down) => {
    const picture = draw(width, height, FORMULAS.lcg);
    const reduced = reduce(picture, across, down);
    expect(reduced).toMatchObject({ width: across, height: down });
    const off = means(picture, across, down).map((mean, i) => Math.abs(mean - reduced.data[i]!));
    // Half a level of rounding, and what weights of 14 bits leave.
    expect(Math.max(...off)).toBeLessThan(0.55);
  });

  it('leaves a picture alone that has the size already, and one of one colour its colour', () => {
    const picture = draw(24, 18, FORMULAS.lcg);
    expect(reduce(picture, 24, 18).data).toEqual(picture.data);
    for (const value of [0, 1, 127, 254, 255]) {
      const { data } = reduce(
        draw(301, 299, () => grey(value)),
        97,
        113,
      );
      expect(new Set(data)).toEqual(new Set([value]));
    }
  });

  it('refuses to enlarge', () => {
    expect(() => reduce(draw(8, 8, FORMULAS.lcg), 9, 8)).toThrow(RangeError);
    expect(() => reduce(draw(8, 8, FORMULAS.lcg), 8, 9)).toThrow(RangeError);
  });

  it('gives each area weights that add up', () => {
    for (const [samples, count] of [
      [7, 3],
      [1000, 512],
      [512, 512],
      [99_999, 512],
    ] as const) {
      const { from, weights } = tapsOf(samples, count);
      for (let i = 0; i < count; i += 1) {
        const sum = weights.subarray(from[i], from[i + 1]).reduce((all, weight) => all + weight, 0);
        expect(sum).toBe(1 << 14);
      }
    }
  });
});

describe('the compiled loops of reduce', () => {
  const picture = (width: number, height: number): Raster => {
    const data = new Uint8Array(width * height * 3);
    for (let i = 0, state = width; i < data.length; i += 1) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      data[i] = state >>> 24;
    }
    return { width, height, data };
  };
  const digest = (pixels: Uint8Array) => createHash('sha256').update(pixels).digest('hex');

  it.each([
    [1024, 1024, 512, 512],
    [512, 512, 512, 512],
    [800, 600, 512, 384],
    [513, 777, 512, 512],
    [1501, 1500, 511, 300],
    [3000, 520, 512, 512],
    [10_922, 60, 512, 3],
    [20, 9_000, 2, 512],
    [700, 2_000, 1, 17],
    [3, 3, 1, 1],
  ])('make of %i x %i the same %i x %i pixels as the plain ones', (width, height, across, down) => {
    const [rows, columns] = [tapsOf(height, down), tapsOf(width, across)];
    const compiled = reduceKernel()!.reduce(picture(width, height), rows, columns);
    expect(digest(compiled!)).toBe(digest(reducePlainly(picture(width, height), rows, columns)));
  });

  it.each([
    ['wide', 10_923, 2, 512, 1],
    ['tall', 2, 2_000, 1, 1],
    ['large a result', 600, 600, 513, 513],
  ])('leave it to the plain ones where a picture is too %s', (_, width, height, across, down) => {
    const [rows, columns] = [tapsOf(height, down), tapsOf(width, across)];
    expect(reduceKernel()!.reduce(picture(width, height), rows, columns)).toBeNull();
    expect(digest(reduce(picture(width, height), across, down).data)).toBe(
      digest(reducePlainly(picture(width, height), rows, columns)),
    );
  });
});
