import { solve } from '../../src/vision/matching/geometry.ts';

/** A fitted logistic model: the odds' logarithm is `intercept` plus the weighted sum of the features. */
export interface Model {
  readonly intercept: number;
  readonly weights: Readonly<Record<string, number>>;
}

export interface Example {
  readonly features: Readonly<Record<string, number>>;
  readonly label: 0 | 1;
  readonly weight: number;
}

const ROUNDS = 40;
const CONVERGED = 1e-6;

/**
 * Ridge-penalised logistic regression by Newton's method, on standardised features so that one penalty suits all; the
 * weights that come back are for the features as they are.
 *
 * @param penalty on each squared standardised weight, in examples
 * @throws RangeError without examples
 */
export function fitLogistic(examples: readonly Example[], penalty: number): Model {
  const names = Object.keys(examples[0]?.features ?? {});
  if (names.length === 0) throw new RangeError('There is nothing to fit.');
  const n = names.length + 1;
  const { mean, deviation } = standardOf(examples, names);
  const rows = examples.map(({ features }) =>
    Float64Array.from({ length: n }, (_, i) =>
      i === n - 1 ? 1 : (features[names[i]!]! - mean[i]!) / deviation[i]!,
    ),
  );
  const theta = new Float64Array(n);
  for (let round = 0; round < ROUNDS; round += 1) {
    const step = newtonStep(rows, examples, theta, penalty);
    for (let i = 0; i < n; i += 1) theta[i]! -= step[i]!;
    if (step.every((each) => Math.abs(each) < CONVERGED)) break;
  }
  const weights: Record<string, number> = {};
  let intercept = theta[n - 1]!;
  for (const [i, name] of names.entries()) {
    weights[name] = theta[i]! / deviation[i]!;
    intercept -= weights[name] * mean[i]!;
  }
  return { intercept, weights };
}

export function scoreOf(model: Model, features: Readonly<Record<string, number>>): number {
  let score = model.intercept;
  for (const name of Object.keys(model.weights)) score += model.weights[name]! * features[name]!;
  return score;
}

function standardOf(examples: readonly Example[], names: readonly string[]) {
  const mean = names.map((name) => average(examples.map(({ features }) => features[name]!)));
  const deviation = names.map(
    (name, i) => Math.sqrt(average(examples.map(({ features }) => (features[name]! - mean[i]!) ** 2))) + 1e-9,
  );
  return { mean, deviation };
}

function average(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

function newtonStep(
  rows: readonly Float64Array[],
  examples: readonly Example[],
  theta: Float64Array,
  penalty: number,
): Float64Array {
  const n = theta.length;
  const gradient = new Float64Array(n);
  const curvature = new Float64Array(n * n);
  for (const [k, row] of rows.entries()) {
    let score = 0;
    for (let i = 0; i < n; i += 1) score += row[i]! * theta[i]!;
    const p = 1 / (1 + Math.exp(-Math.max(-30, Math.min(30, score))));
    const { label, weight } = examples[k]!;
    const error = weight * (p - label);
    const certainty = weight * p * (1 - p) + 1e-6;
    for (let i = 0; i < n; i += 1) {
      gradient[i]! += row[i]! * error;
      const scaled = row[i]! * certainty;
      for (let j = 0; j < n; j += 1) curvature[i * n + j]! += scaled * row[j]!;
    }
  }
  // The intercept is not pulled towards nothing.
  for (let i = 0; i < n; i += 1) {
    const pull = i === n - 1 ? 1e-6 : penalty;
    gradient[i]! += i === n - 1 ? 0 : pull * theta[i]!;
    curvature[i * n + i]! += pull;
  }
  return solve(curvature, gradient, n)!;
}
