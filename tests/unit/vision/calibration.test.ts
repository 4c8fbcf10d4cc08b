import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  chooseThreshold,
  countScores,
  falseAlarmsAt,
  interval,
  negativesNeeded,
  upperBound,
} from '../../../src/vision/matching/calibration.ts';

const score = fc.double({ min: 0, max: 1, noNaN: true });

function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
}

describe('counting false alarms', () => {
  it('is what counting the scores one by one gives, or more, never less', () => {
    fc.assert(
      fc.property(fc.array(score, { minLength: 1, maxLength: 200 }), score, (scores, at) => {
        const { atLeast, of } = falseAlarmsAt(countScores(scores), at);
        expect(of).toBe(scores.length);
        expect(atLeast).toBeGreaterThanOrEqual(scores.filter((each) => each >= at).length);
        expect(atLeast).toBeLessThanOrEqual(scores.filter((each) => each >= at - 1e-4).length);
      }),
    );
  });
});

describe('Clopper-Pearson', () => {
  // Published values (for instance R's binom.test).
  it.each([
    [0, 10, 0, 0.3085],
    [1, 10, 0.0025, 0.445],
    [5, 10, 0.1871, 0.8129],
    [10, 10, 0.6915, 1],
    [2, 100, 0.0024, 0.0704],
  ])('%i of %i: %f to %f', (hits, of, low, high) => {
    const [from, to] = interval(hits, of);
    expect(from).toBeCloseTo(low, 3);
    expect(to).toBeCloseTo(high, 3);
  });

  it('none of n: the rule of three', () => {
    for (const n of [30, 300, 3_000, 30_000]) expect(upperBound(0, n) * n).toBeCloseTo(3, 0);
  });
});

describe('chooseThreshold', () => {
  it.each([0.1, 0.05, 0.01, 0.001, 0.0001])('at a rate of %f it needs exactly 3/F negatives', (rate) => {
    const needed = negativesNeeded(rate);
    expect(needed).toBe(Math.round(3 / rate));
    const scores = Array.from({ length: needed }, (_, i) => i / needed / 2);
    const chosen = chooseThreshold(scores, rate);
    expect(chosen.falseAlarms).toEqual({ atLeast: 0, of: needed });
    expect(chosen.atMost).toBeLessThanOrEqual(rate);
    expect(() => chooseThreshold(scores.slice(1), rate)).toThrow(RangeError);
  });

  it('with many negatives lets a few pass, and hardly fewer than it may', () => {
    const random = seeded(7);
    const scores = Array.from({ length: 20_000 }, random);
    const chosen = chooseThreshold(scores, 0.001);
    expect(chosen.falseAlarms.atLeast).toBeGreaterThan(5);
    expect(chosen.atMost).toBeLessThanOrEqual(0.001);
    // Thresholds are rounded up to a ten-thousandth, in which two of these scores lie.
    expect(upperBound(chosen.falseAlarms.atLeast + 4, 20_000)).toBeGreaterThan(0.001);
  });

  it('keeps its promise: pictures to come exceed the rate in no more than a twentieth of all calibrations', () => {
    const random = seeded(42);
    let broken = 0;
    for (let run = 0; run < 400; run++) {
      // The true share above t is 1 - t for uniform scores.
      const { minConfidence } = chooseThreshold(Array.from({ length: 800 }, random), 0.01);
      if (1 - minConfidence > 0.01) broken += 1;
    }
    expect(broken / 400).toBeLessThan(0.08);
    expect(broken).toBeGreaterThan(0);
  });

  it('never passes 1', () => {
    expect(
      chooseThreshold(
        Array.from({ length: 30 }, () => 1),
        0.1,
      ).minConfidence,
    ).toBe(1);
  });
});
