import { type Evidence, kindFeatures, scoreFeatures } from '../../src/vision/matching/score.ts';
import type { Compared } from './compare.ts';
import { type Example, type Model, fitLogistic, scoreOf } from './logistic.ts';

/** Ridge penalties: the kind has fewer examples, and they lie further apart. */
const SCORE_PENALTY = 3;
const KIND_PENALTY = 3;
/** How often the best transform of each pair is chosen anew by the model fitted before. */
const ROUNDS = 4;

/** "The work is in the output", from the best transform of each pair of output and work. */
export function fitScore(compared: readonly Compared[]): Model {
  let chosen = pairs(compared).flatMap(({ evidence, label }) => evidence.map((each) => ({ each, label })));
  let model = fitLogistic(chosen.map(toExample), SCORE_PENALTY);
  for (let round = 0; round < ROUNDS; round += 1) {
    chosen = pairs(compared).map(({ evidence, label }) => ({ each: best(model, evidence).evidence, label }));
    model = fitLogistic(chosen.map(toExample), SCORE_PENALTY);
  }
  return model;
}

function toExample({ each, label }: { each: Evidence; label: 0 | 1 }): Example {
  return { features: scoreFeatures(each), label, weight: 1 };
}

function pairs(compared: readonly Compared[]): { evidence: readonly Evidence[]; label: 0 | 1 }[] {
  return compared.flatMap(({ query, works }) =>
    works.map(({ name, evidence }) => ({
      evidence,
      label: name === query.work ? (1 as const) : (0 as const),
    })),
  );
}

/** The transform that the model trusts most, and how much: ln of the odds. */
export function best(model: Model, evidence: readonly Evidence[]): { evidence: Evidence; score: number } {
  return evidence
    .map((each) => ({ evidence: each, score: scoreOf(model, scoreFeatures(each)) }))
    .reduce((a, b) => (b.score > a.score ? b : a));
}

/** "Its expression is unchanged", from pairs beyond doubt that the score finds; both answers weigh the same in all. */
export function fitKind(compared: readonly Compared[], score: Model, threshold: number): Model {
  const examples = kinds(compared, score, threshold).map(({ evidence, unchanged }) => ({
    features: kindFeatures(evidence),
    label: unchanged ? (1 as const) : (0 as const),
  }));
  const ones = examples.filter(({ label }) => label === 1).length;
  const share = [examples.length - ones, ones].map((n) => examples.length / (2 * n));
  return fitLogistic(
    examples.map((example) => ({ ...example, weight: share[example.label]! })),
    KIND_PENALTY,
  );
}

/** The right work's best transform in each output that is beyond doubt a reproduction or an adaptation, and found. */
export function kinds(compared: readonly Compared[], score: Model, threshold: number) {
  return compared.flatMap(({ query, works }) => {
    const own = works.find(({ name }) => name === query.work);
    if (query.kind === null || own === undefined) return [];
    const { evidence, score: reached } = best(score, own.evidence);
    if (reached < threshold) return [];
    return [{ query, evidence, unchanged: query.kind === 'reproduction' }];
  });
}
