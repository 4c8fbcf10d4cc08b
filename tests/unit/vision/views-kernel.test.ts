import { describe, expect, it } from 'vitest';
import { structureHashes } from '../../../src/vision/fingerprint/structure-hash.ts';
import { type LumaThumbnail, lumaThumbnail, thumbnail } from '../../../src/vision/fingerprint/thumbnail.ts';
import type { Raster } from '../../../src/vision/fingerprint/raster.ts';
import { viewsKernel } from '../../../src/vision/fingerprint/views-kernel.ts';
import { collage } from './pictures.ts';

const SIDE = 256;

/** Rectangles, and for every other seed noise on them: neighbouring pixels then differ in every way. */
function picture(seed: number): Raster {
  const raster = collage(seed);
  let state = seed;
  for (let i = 0; i < (seed % 2) * raster.data.length; i += 2) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    raster.data[i] = state >>> 24;
  }
  return raster;
}

describe('the compiled loops of views', () => {
  it('are there', () => {
    expect(viewsKernel()).not.toBeNull();
  });

  it.each([
    [512, 512],
    [900, 600],
    [600, 901],
    [777, 776],
    [4000, 300],
    [31, 2000],
    [9000, 20],
    [64, 64],
  ])('make the same thumbnail and hashes as the plain ones of a picture of %i x %i', (width, height) => {
    for (const seed of [1, 2, 3]) {
      const raster = picture(seed);
      const thumb = lumaThumbnail(raster, SIDE, { width, height });
      expect(thumb).toEqual(lumaThumbnail(raster, SIDE, { width, height }, null));
      for (const box of [
        { x: 0, y: 0, width: 1, height: 1 },
        { x: 0.1, y: 0.03, width: 0.77, height: 0.81 },
        { x: 0.5, y: 0.25, width: 0.5, height: 0.75 },
      ]) {
        // No view is as thin as that.
        if (Math.min(box.width * thumb.width, box.height * thumb.height) < 4) continue;
        expect(structureHashes(thumb, box)).toEqual(structureHashes(thumb, box, null));
      }
    }
  });

  it.each([
    [512, 512],
    [512, 341],
    [300, 512],
    [71, 512],
    [512, 20],
    [60, 41],
    [5, 3],
    // Too large for them.
    [513, 400],
  ])('make the same thumbnail in colour as the plain ones of %i x %i pixels', (width, height) => {
    for (const seed of [1, 2, 3]) {
      const raster = collage(seed, width, height);
      for (const side of [72, 256, 257]) {
        expect(thumbnail(raster, side)).toEqual(thumbnail(raster, side, null));
      }
    }
  });

  it('agree about a uniform picture, and leave what they have no room for to the plain ones', () => {
    const uniform = { width: SIDE, height: 100, luma: new Uint8Array(SIDE * 100).fill(77) };
    const large: LumaThumbnail = {
      width: 300,
      height: 257,
      luma: new Uint8Array(300 * 257).map((_, i) => i % 251),
    };
    const whole = { x: 0, y: 0, width: 1, height: 1 };
    for (const thumb of [uniform, large]) {
      expect(structureHashes(thumb, whole)).toEqual(structureHashes(thumb, whole, null));
    }
    const raster = collage(4, 300, 200);
    expect(lumaThumbnail(raster, SIDE, raster)).toEqual(lumaThumbnail(raster, SIDE, raster, null));
  });
});
