import { expect, test } from 'vitest';
import { nthSmallest } from '../../../src/vision/fingerprint/nth.ts';

let state = 7;
const next = (below: number) => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.trunc((state / 2 ** 32) * below);
};

test('the value at every position is the one that sorting puts there, also among many equal ones', () => {
  for (let round = 0; round < 300; round += 1) {
    const most = [2, 5, 1_000][round % 3]!;
    const values = Float32Array.from({ length: 1 + next(40) }, () => next(most) - most / 2);
    const sorted = values.toSorted();
    for (const n of values.keys()) expect(nthSmallest(values.slice(), n)).toBe(sorted[n]);
  }
});

test('order that is there already, or reversed, does no harm', () => {
  const rising = Float32Array.from({ length: 256 }, (_, i) => i);
  for (const values of [rising, rising.toReversed(), new Float32Array(256)])
    expect(nthSmallest(values.slice(), 127)).toBe(values.toSorted()[127]);
});
