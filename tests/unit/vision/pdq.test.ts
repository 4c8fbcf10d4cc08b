import { describe, expect, it } from 'vitest';
import { complement, hammingDistance, toHex } from '../../../src/vision/fingerprint/hash.ts';
import { ORIENTATIONS, pdq, pdqOriented } from '../../../src/vision/fingerprint/pdq.ts';
import golden from './pdq-golden.json' with { type: 'json' };
import { collage, draw, FORMULAS, lay } from './pictures.ts';
import type { FormulaName } from './pictures.ts';

describe('pdq', () => {
  it.each(golden.vectors)(
    'equals the C++ reference: $formula $width x $height',
    ({ formula, width, height, hash, quality }) => {
      const result = pdq(draw(width, height, FORMULAS[formula as FormulaName]));
      expect({ hash: toHex(result.hash), quality: result.quality }).toEqual({ hash, quality });
    },
  );

  it.each([1, 2, 3, 4, 5, 6])('is the same by compiled and by plain loops, picture %i', (seed) => {
    // Two of three with noise: neighbouring pixels then differ in every way.
    const picture = collage(seed);
    let state = seed;
    for (let i = 0; i < (seed % 3) * picture.data.length; i += 3) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      picture.data[i % picture.data.length] = state >>> 24;
    }
    expect(pdqOriented(picture)).toEqual(pdqOriented(picture, null));
    expect(pdq(picture)).toEqual(pdq(picture, null));
    const small = collage(seed, 128, 96 + seed * 8);
    expect(pdqOriented(small)).toEqual(pdqOriented(small, null));
  });

  it('does not depend on what was hashed before', () => {
    const picture = collage(1);
    const before = toHex(pdq(picture).hash);
    pdqOriented(collage(2, 200, 300));
    pdqOriented(collage(3));
    expect(toHex(pdq(picture).hash)).toBe(before);
  });

  it('hashes the colour-inverted picture to nearly the complement', () => {
    const picture = collage(4);
    const inverted = { ...picture, data: picture.data.map((value) => 255 - value) };
    expect(hammingDistance(pdq(inverted).hash, complement(pdq(picture).hash))).toBeLessThanOrEqual(4);
  });

  it('refuses too small pictures and wrong channel counts', () => {
    expect(() => pdq(collage(5, 4, 200))).toThrow(RangeError);
    expect(() => pdq({ width: 64, height: 64, data: new Uint8Array(64 * 64 * 4) })).toThrow(RangeError);
    expect(pdq(collage(5, 5, 7)).hash).toHaveLength(8);
  });
});

describe('pdqOriented', () => {
  // Not 0: ties among coefficients may fall either way, and some sizes have their outermost sample beyond the edge.
  const sizes = [
    [512, 512, 2],
    [64, 64, 2],
    [300, 211, 10],
    [640, 400, 4],
    [33, 50, 6],
  ] as const;

  it.each(sizes)(
    'equals the hash of the turned pixels within few bits: %i x %i, %i',
    (width, height, bits) => {
      for (const seed of [11, 12, 13, 14]) {
        const picture = collage(seed, width, height);
        const { hashes, quality } = pdqOriented(picture);
        expect(hashes).toHaveLength(ORIENTATIONS.length);
        expect(quality).toBe(pdq(picture).quality);
        for (const [i, orientation] of ORIENTATIONS.entries()) {
          const distance = hammingDistance(hashes[i]!, pdq(lay(picture, orientation)).hash);
          expect(distance, `${orientation}, seed ${seed}`).toBeLessThanOrEqual(i === 0 ? 0 : bits);
        }
      }
    },
  );

  it('tells the eight orientations of an asymmetric picture apart', () => {
    const { hashes } = pdqOriented(collage(21));
    for (const [i, a] of hashes.entries()) {
      for (const b of hashes.slice(i + 1)) expect(hammingDistance(a, b)).toBeGreaterThan(60);
    }
  });
});
