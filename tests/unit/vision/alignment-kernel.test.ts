import { describe, expect, it } from 'vitest';
import type { Raster } from '../../../src/vision/fingerprint/raster.ts';
import { OUTPUT_THUMB, WORK_THUMB, thumbnail } from '../../../src/vision/fingerprint/thumbnail.ts';
import { alignmentKernel } from '../../../src/vision/matching/alignment-kernel.ts';
import { type Transform, affine } from '../../../src/vision/matching/geometry.ts';
import {
  type OutlineSide,
  type Size,
  plainAlignmentKernel,
} from '../../../src/vision/matching/plain-alignment-kernel.ts';
import { collage } from './pictures.ts';

const compiled = alignmentKernel();
const plain = plainAlignmentKernel;

/** Rectangles, and for every other seed noise on them: neighbouring pixels then differ in every way. */
function picture(seed: number, width: number, height: number): Raster {
  const raster = collage(seed, width, height);
  let state = seed;
  for (let i = 0; i < (seed % 2) * raster.data.length; i += 2) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    raster.data[i] = state >>> 24;
  }
  return raster;
}

/** All of a work over all of an output; turned; mirrored and larger than it; in perspective; all outside; folded. */
function mapsBetween(work: Size, output: Size): Transform[] {
  const across = output.width / work.width;
  const down = output.height / work.height;
  return [
    affine(across, 0, 0, 0, down, 0),
    affine(0.5 * across, 0.1, 11, -0.2, 0.6 * down, 17.5),
    affine(-1.7 * across, 0.1, 1.2 * output.width, 0.3, 1.5 * down, -20),
    Float64Array.of(0.8 * across, 0.1, 5, 0, 0.9 * down, -4, 5e-4, -2e-4, 1),
    affine(across, 0, 5 * output.width, 0, down, 0),
    Float64Array.of(across, 0, 0, 0, down, 0, -3 / work.width, 0, 1),
  ];
}

describe('the compiled loops of alignment', () => {
  it('are there', () => {
    expect(compiled).not.toBe(plain);
  });

  type Sides = [number, number];
  it.each<[Sides, Sides, number, number]>([
    [[512, 512], [512, 512], 72, 256],
    [[512, 341], [300, 512], 72, 256],
    [[60, 511], [512, 509], 72, 256],
    [[512, 20], [512, 31], 72, 256],
    [[40, 33], [13, 21], 72, 256],
    // Too large for the compiled ones.
    [[512, 400], [512, 512], 100, 256],
    [[512, 400], [512, 512], 72, 300],
  ])('measure the same as the plain ones of a work of %j in an output of %j', (own, other, a, b) => {
    for (const seed of [1, 2, 3]) {
      const work = picture(seed, ...own);
      // A picture much like it, and another one.
      for (const output of [picture(seed, ...other), picture(seed + 7, ...other)]) {
        const [mine, theirs] = [thumbnail(work, a), thumbnail(output, b)];
        for (const map of mapsBetween(work, output)) {
          const place = { map, work, output };
          expect(compiled.look(mine, theirs, place)).toEqual(plain.look(mine, theirs, place));
          expect(compiled.align(mine, theirs, place)).toEqual(plain.align(mine, theirs, place));
        }
      }
    }
  });

  it('agree about uniform pictures', () => {
    const uniform = (grey: number, width: number, height: number) => ({
      width,
      height,
      data: new Uint8Array(3 * width * height).fill(grey),
    });
    const [work, output] = [uniform(77, 90, 70), uniform(200, 300, 200)];
    const [mine, theirs] = [thumbnail(work, WORK_THUMB), thumbnail(output, OUTPUT_THUMB)];
    for (const map of mapsBetween(work, output)) {
      const place = { map, work, output };
      expect(compiled.look(mine, theirs, place)).toEqual(plain.look(mine, theirs, place));
      expect(compiled.align(mine, theirs, place)).toEqual(plain.align(mine, theirs, place));
    }
  });

  it('see the same around a work', () => {
    const outline = (left: number, top: number, right: number, bottom: number): OutlineSide[] => [
      { nx: 0, ny: 1, from: top, inwards: 1 },
      { nx: -1, ny: 0, from: -right, inwards: 1 },
      { nx: 0.6, ny: -0.8, from: 0.3 - bottom, inwards: 1 },
      { nx: -1, ny: 0, from: -left, inwards: -1 },
    ];
    let seen = 0;
    for (const [width, height] of [
      [512, 512],
      [512, 190],
      [40, 400],
    ] as const) {
      const thumb = thumbnail(picture(3, width, height), OUTPUT_THUMB);
      for (const sides of [outline(0, 0, 1, 1), outline(0.3, 0.2, 0.6, 0.7), outline(0.1, 0.4, 3, 2)]) {
        const share = compiled.surroundings(thumb, sides);
        expect(share).toBe(plain.surroundings(thumb, sides));
        seen += share;
      }
      // What has not four sides.
      const corner = outline(0.5, 0.5, 1, 1).slice(0, 2);
      expect(compiled.surroundings(thumb, corner)).toBe(plain.surroundings(thumb, corner));
    }
    expect(seen).toBeGreaterThan(0);
  });
});
