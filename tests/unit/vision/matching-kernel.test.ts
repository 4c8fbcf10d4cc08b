import { describe, expect, it } from 'vitest';
import {
  OUTPUT_KEYPOINTS,
  WORK_KEYPOINTS,
  extractKeypoints,
} from '../../../src/vision/fingerprint/keypoints.ts';
import { thumbnail } from '../../../src/vision/fingerprint/thumbnail.ts';
import { affine } from '../../../src/vision/matching/geometry.ts';
import { matchingKernel } from '../../../src/vision/matching/matching-kernel.ts';
import { plainMatchingKernel, sizesOf } from '../../../src/vision/matching/plain-matching-kernel.ts';
import { prepareOutput } from '../../../src/vision/matching/verify.ts';
import { collage } from './pictures.ts';

const compiled = matchingKernel();

describe('the compiled loop that pairs points', () => {
  it('is there', () => {
    expect(compiled).not.toBe(plainMatchingKernel);
  });

  it('pairs the same points as the plain one', () => {
    const picture = collage(7, 400, 300);
    const keypoints = extractKeypoints(picture, OUTPUT_KEYPOINTS);
    const rarity = new Float32Array(2 * keypoints.count).fill(1);
    const output = prepareOutput(keypoints, thumbnail(picture, 256), rarity);
    const works = [picture, collage(8, 300, 411)].map((each) => extractKeypoints(each, WORK_KEYPOINTS));
    const maps = [
      affine(1, 0, 0, 0, 1, 0),
      affine(0.7, 0.2, 30, -0.2, 0.7, 60),
      affine(-1, 0, 399, 0, 1, 0),
      Float64Array.of(0.9, 0.1, 10, 0, 1.1, -20, 2e-4, 1e-4, 1),
    ];
    let pairs = 0;
    for (const work of works) {
      for (const map of maps) {
        for (const side of ['keypoints', 'mirrored', 'inverted', 'both'] as const) {
          const sizes = sizesOf(0.4, 12);
          const found = compiled.guidedPairs(work, output, map, sizes, side);
          const plain = plainMatchingKernel.guidedPairs(work, output, map, sizes, side);
          const { length } = plain;
          expect(found).toEqual({
            ...plain,
            points: plain.points.slice(0, 2 * length),
            distance: plain.distance.slice(0, length),
          });
          pairs += length;
        }
      }
    }
    expect(pairs).toBeGreaterThan(works[0]!.count);
  });
});
