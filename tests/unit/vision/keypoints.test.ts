import { describe, expect, it } from 'vitest';
import {
  DESCRIPTOR_WORDS,
  type Keypoints,
  OUTPUT_KEYPOINTS,
  WORK_KEYPOINTS,
  descriptorDistance,
  extractKeypoints,
  keypointsOf,
  transformDescriptors,
} from '../../../src/vision/fingerprint/keypoints.ts';
import { PlainKeypointKernel } from '../../../src/vision/fingerprint/plain-keypoint-kernel.ts';
import { lumaPlane } from '../../../src/vision/fingerprint/plane.ts';
import { FORMULAS, collage, draw, grey, lay, pixel } from './pictures.ts';

/** Share of a's points with a point of b at their place (after `move`) within `radius` bits. */
function found(a: Keypoints, b: Keypoints, move: (x: number, y: number) => [number, number], radius: number) {
  let hits = 0;
  for (let i = 0; i < a.count; i += 1) {
    const [x, y] = move(a.x[i]!, a.y[i]!);
    for (let j = 0; j < b.count; j += 1) {
      if (Math.hypot(b.x[j]! - x, b.y[j]! - y) > 3) continue;
      if (
        descriptorDistance(a.descriptors, i * DESCRIPTOR_WORDS, b.descriptors, j * DESCRIPTOR_WORDS) <= radius
      ) {
        hits += 1;
        break;
      }
    }
  }
  return hits / a.count;
}

const picture = collage(7, 400, 300);
const points = extractKeypoints(picture, OUTPUT_KEYPOINTS);

describe('extractKeypoints', () => {
  it('finds the same points twice, never more than the limit', () => {
    expect(extractKeypoints(picture, OUTPUT_KEYPOINTS)).toEqual(points);
    const few = extractKeypoints(picture, { ...WORK_KEYPOINTS, limit: 50 });
    expect(few.count).toBeGreaterThan(20);
    expect(few.count).toBeLessThanOrEqual(50);
  });

  it('finds nothing in a flat picture', () => {
    expect(
      extractKeypoints(
        draw(64, 64, () => grey(128)),
        WORK_KEYPOINTS,
      ).count,
    ).toBe(0);
  });

  it.each(['rot90', 'rot180', 'rot270'] as const)('finds them again after %s', (orientation) => {
    const turned = extractKeypoints(lay(picture, orientation), OUTPUT_KEYPOINTS);
    const w = picture.width - 1;
    const h = picture.height - 1;
    const move = {
      rot90: (x: number, y: number): [number, number] => [h - y, x],
      rot180: (x: number, y: number): [number, number] => [w - x, h - y],
      rot270: (x: number, y: number): [number, number] => [y, w - x],
    }[orientation];
    expect(found(points, turned, move, 30)).toBeGreaterThan(0.8);
  });

  it('knows the mirrored and the inverted picture by permuted bits', () => {
    const mirror = extractKeypoints(lay(picture, 'mirrored'), OUTPUT_KEYPOINTS);
    const mirrored = {
      ...points,
      descriptors: transformDescriptors(points.descriptors, { mirrored: true, inverted: false }),
    };
    expect(found(mirrored, mirror, (x, y) => [picture.width - 1 - x, y], 30)).toBeGreaterThan(0.8);
    const negative = extractKeypoints(
      draw(picture.width, picture.height, (x, y) => {
        const [r, g, b] = pixel(picture, x, y);
        return [255 - r, 255 - g, 255 - b];
      }),
      OUTPUT_KEYPOINTS,
    );
    const inverted = {
      ...points,
      descriptors: transformDescriptors(points.descriptors, { mirrored: false, inverted: true }),
    };
    expect(found(inverted, negative, (x, y) => [x, y], 30)).toBeGreaterThan(0.8);
    expect(found(points, negative, (x, y) => [x, y], 30)).toBeLessThan(0.5);
  });

  it('undoes mirroring and inverting by doing them again', () => {
    for (const how of [
      { mirrored: true, inverted: false },
      { mirrored: false, inverted: true },
      { mirrored: true, inverted: true },
    ]) {
      expect(transformDescriptors(transformDescriptors(points.descriptors, how), how)).toEqual(
        points.descriptors,
      );
    }
  });
});

describe('descriptorDistance', () => {
  it('counts differing bits, all 256 of them', () => {
    const zeros = new Int32Array(DESCRIPTOR_WORDS);
    const ones = new Int32Array(DESCRIPTOR_WORDS).fill(-1);
    const few = Int32Array.of(0, 0, 5, 0, 0, 0, -2147483648, 0);
    expect(descriptorDistance(zeros, 0, ones, 0)).toBe(256);
    expect(descriptorDistance(zeros, 0, few, 0)).toBe(3);
    expect(descriptorDistance(ones, 0, few, 0)).toBe(253);
  });
});

describe('compiled loops', () => {
  it('give the same points as the plain ones, bit for bit, at any size', () => {
    const pictures = [
      picture,
      collage(3, 511, 37),
      collage(5, 61, 509),
      collage(9, 512, 512),
      ...Object.values(FORMULAS).map((formula) => draw(203, 150, formula)),
    ];
    for (const each of pictures) {
      const luma = lumaPlane(each);
      expect(keypointsOf(luma, OUTPUT_KEYPOINTS)).toEqual(
        keypointsOf(luma, OUTPUT_KEYPOINTS, new PlainKeypointKernel()),
      );
    }
  });
});
