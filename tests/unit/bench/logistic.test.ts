import { describe, expect, it } from 'vitest';
import { type Example, fitLogistic, scoreOf } from '../../../bench/fit/logistic.ts';

let state = 1;
function random(): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
}

/** Labels drawn from a known model. */
const examples = Array.from({ length: 4_000 }, (): Example => {
  const a = random() * 4 - 2;
  const b = random() * 100;
  const odds = Math.exp(0.5 + 2 * a - 0.03 * b);
  return { features: { a, b }, label: random() < odds / (1 + odds) ? 1 : 0, weight: 1 };
});

describe('fitLogistic', () => {
  it('finds the model that drew the labels, whatever the scale of a feature', () => {
    const model = fitLogistic(examples, 0.01);
    expect(model.intercept).toBeCloseTo(0.5, 0);
    expect(model.weights['a']).toBeGreaterThan(1.8);
    expect(model.weights['a']).toBeLessThan(2.2);
    expect(model.weights['b']).toBeGreaterThan(-0.035);
    expect(model.weights['b']).toBeLessThan(-0.025);
    expect(scoreOf(model, { a: 1, b: 10 })).toBeCloseTo(2.2, 0);
  });

  it('draws weights towards nothing under a penalty, and counts an example as often as it weighs', () => {
    const free = fitLogistic(examples, 0.01).weights['a']!;
    expect(fitLogistic(examples, 10_000).weights['a']!).toBeLessThan(free / 2);
    const some = examples.slice(0, 400);
    const twice = fitLogistic([...some, ...some], 1);
    const heavy = fitLogistic(
      some.map((each) => ({ ...each, weight: 2 })),
      1,
    );
    expect(heavy.weights['a']).toBeCloseTo(twice.weights['a']!, 4);
  });

  it('refuses to fit nothing', () => {
    expect(() => fitLogistic([], 1)).toThrow(RangeError);
  });
});
