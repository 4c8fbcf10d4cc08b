import { expect, test } from 'vitest';
import { vocabulary } from '../../../../src/platform/compute/vocabulary.ts';
import { OUTPUT_KEYPOINTS, extractKeypoints } from '../../../../src/vision/fingerprint/keypoints.ts';
import { nearestWords, nearestWordsPlainly } from '../../../../src/vision/search/vocabulary.ts';
import { wordsKernel } from '../../../../src/vision/search/words-kernel.ts';
import { collage } from '../pictures.ts';

test('the compiled loop finds the same words as the plain one, of one descriptor or thousands', () => {
  expect(wordsKernel(vocabulary())).not.toBeNull();
  const { descriptors } = extractKeypoints(collage(7, 400, 300), OUTPUT_KEYPOINTS);
  const many = new Int32Array(3 * descriptors.length);
  for (let i = 0; i < 3; i += 1)
    many.set(
      descriptors.map((word) => word ^ (i * 0x01010011)),
      i * descriptors.length,
    );
  for (const each of [descriptors.subarray(0, 8), descriptors, many]) {
    expect(nearestWords(vocabulary(), each)).toEqual(nearestWordsPlainly(vocabulary(), each));
  }
});
