import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { ALGORITHM_VERSION } from '../../../src/vision/fingerprint/fingerprint.ts';
import * as coefficients from '../../../src/vision/matching/coefficients.ts';
import { DEFAULT_NEGATIVES_ALGORITHM } from '../../../src/vision/matching/default-negatives.ts';

// Evidence made with other weights would otherwise be called altered, and thresholds calibrated on them be trusted.
test('weights of the score do not change without the algorithm version', () => {
  const digest = createHash('sha256').update(JSON.stringify(coefficients)).digest('hex').slice(0, 16);
  expect({ version: ALGORITHM_VERSION, digest }).toEqual({
    version: 'utsushi-6',
    digest: 'c5dfec5460218169',
  });
});

test('scores of different pictures that installations quote are those of the version in force', () => {
  expect(DEFAULT_NEGATIVES_ALGORITHM).toBe(ALGORITHM_VERSION);
});
