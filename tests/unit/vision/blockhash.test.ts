import { describe, expect, it } from 'vitest';
import { blockhash } from '../../../src/vision/fingerprint/blockhash.ts';
import { hammingDistance, toHex } from '../../../src/vision/fingerprint/hash.ts';
import type { Raster } from '../../../src/vision/fingerprint/raster.ts';
import { collage, draw, FORMULAS, grey, pixel } from './pictures.ts';

/** Yang, Gu and Niu's rule written out anew for sides divisible by 16. */
function naiveBlockhash(raster: Raster): string {
  const w = raster.width / 16;
  const h = raster.height / 16;
  const blocks = Array.from({ length: 256 }, (_, i) => {
    let sum = 0;
    for (let y = 0; y < h; y += 1) {
      for (let x = 0; x < w; x += 1) {
        sum += pixel(raster, (i % 16) * w + x, Math.floor(i / 16) * h + y).reduce((a, b) => a + b);
      }
    }
    return sum;
  });
  const bits = [0, 64, 128, 192].flatMap((start) => {
    const band = blocks.slice(start, start + 64);
    const sorted = band.toSorted((a, b) => a - b);
    const median = (sorted[31]! + sorted[32]!) / 2;
    const bright = median > (w * h * 256 * 3) / 2;
    return band.map((v) => v > median || (Math.abs(v - median) < 1 && bright));
  });
  return Array.from({ length: 64 }, (_, i) =>
    bits
      .slice(i * 4, i * 4 + 4)
      .reduce((digit, bit) => digit * 2 + Number(bit), 0)
      .toString(16),
  ).join('');
}

describe('blockhash', () => {
  it('has known values', () => {
    expect(toHex(blockhash(draw(512, 512, (x, y) => grey(x < 256 !== y < 256 ? 255 : 0))))).toBe(
      '00ff'.repeat(8) + 'ff00'.repeat(8),
    );
    expect(toHex(blockhash(draw(512, 512, (x) => grey(x >> 1))))).toBe('00ff'.repeat(16));
  });

  it('equals the rule written out', () => {
    for (const seed of [1, 2, 3]) {
      const picture = collage(seed, 256, 256);
      expect(toHex(blockhash(picture))).toBe(naiveBlockhash(picture));
    }
    const wide = collage(4, 256, 128);
    expect(toHex(blockhash(wide))).toBe(naiveBlockhash(wide));
  });

  it('is the same by compiled loops and by the package', () => {
    const flat = (value: number) => draw(512, 512, () => grey(value));
    const pictures = [0, 1, 127, 128, 255].map(flat);
    // Half of a quarter's blocks alike: ties at the median.
    const tied = draw(512, 512, (x, y) => grey(x < 256 ? 200 : 200 + (y & 1)));
    for (const picture of [...pictures, tied, ...[6, 7, 8, 9].map((seed) => collage(seed))]) {
      expect(toHex(blockhash(picture))).toBe(toHex(blockhash(picture, null)));
    }
  });

  it('averages larger pictures down to 256 first', () => {
    const small = collage(5, 256, 256);
    const doubled = draw(512, 512, (x, y) => pixel(small, x >> 1, y >> 1));
    const tripled = draw(768, 768, (x, y) => pixel(small, Math.floor(x / 3), Math.floor(y / 3)));
    expect(blockhash(doubled)).toEqual(blockhash(small));
    expect(blockhash(tripled)).toEqual(blockhash(small));
    const odd = collage(5, 600, 411);
    expect(hammingDistance(blockhash(odd), blockhash(small))).toBeLessThanOrEqual(12);
  });

  it('rounds a mean of four pixels to the nearest level', () => {
    // Blocks differ only in how many of each four pixels are one level brighter: 0, 1 (down), 2, 3 (up).
    const picture = draw(512, 512, (x, y) => grey(100 + Number((x & 1) + 2 * (y & 1) < (x >> 5) % 4)));
    const means = draw(256, 256, (x) => grey(100 + Number((x >> 4) % 4 >= 2)));
    expect(toHex(blockhash(picture))).toBe(naiveBlockhash(means));
  });

  it('refuses wrong channel counts and too small pictures', () => {
    const rgb = draw(64, 64, FORMULAS.xor);
    expect(() => blockhash({ ...rgb, data: new Uint8Array(64 * 64 * 4) })).toThrow(/three|bytes/);
    expect(() => blockhash({ ...rgb, data: new Uint8Array(64 * 64) })).toThrow(RangeError);
    expect(() => blockhash(draw(15, 64, FORMULAS.xor))).toThrow(RangeError);
  });
});
