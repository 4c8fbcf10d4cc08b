import {
  type Evidence,
  kindFeatures,
  pairFeatures,
  runnerUpTo,
  scoreFeatures,
} from '../../src/vision/matching/score.ts';
import type { Compared } from './compare.ts';
import { type Example, type Model, fitLogistic, scoreOf } from './logistic.ts';

/** Ridge penalties: the kind has fewer examples, and they lie further apart. */
const SCORE_PENALTY = 6;
const KIND_PENALTY = 3;
/** How often the best transform of each pair is chosen anew by the model fitted before. */
const ROUNDS = 4;

/** "The work is in the output", said of pairs alone, and then with the runner-up that those give. */
export interface ScoreModels {
  readonly pair: Model;
  /** The median of all runners-up. */
  readonly typicalRunnerUp: number;
  readonly score: Model;
}

/** @param compared outputs whose runners-up are ignored: they are those of other weights */
export function fitScore(compared: readonly Compared[]): ScoreModels {
  const pair = fitBest(compared, pairFeatures);
  const median = medianRunnerUp(compared, pair);
  const typicalRunnerUp = Number.isFinite(median) ? median : 0;
  const score = fitBest(withRunnersUp(compared, { pair, typicalRunnerUp }), scoreFeatures);
  return { pair, typicalRunnerUp, score };
}

/** The same with the runners-up that a pair model gives. */
export function withRunnersUp(
  compared: readonly Compared[],
  { pair, typicalRunnerUp }: Omit<ScoreModels, 'score'>,
): Compared[] {
  return compared.map(({ query, works }) => {
    const scores = pairScores(works, pair);
    return {
      query,
      works: works.map(({ name, evidence }) => {
        const runnerUp = runnerUpTo(scores, name, typicalRunnerUp);
        return { name, evidence: evidence.map((each) => ({ ...each, runnerUp })) };
      }),
    };
  });
}

function pairScores(works: Compared['works'], pair: Model): Map<string, number> {
  return new Map(works.map(({ name, evidence }) => [name, best(pair, evidence, pairFeatures).score]));
}

function medianRunnerUp(compared: readonly Compared[], pair: Model): number {
  const known = compared.flatMap(({ works }) => {
    const scores = pairScores(works, pair);
    return works
      .map(({ name }) => runnerUpTo(scores, name, Number.NaN))
      .filter((each) => !Number.isNaN(each));
  });
  return known.toSorted((a, b) => a - b)[known.length >> 1] ?? Number.NaN;
}

type Features = (evidence: Evidence) => Readonly<Record<string, number>>;

/** Fits to the best transform of each pair of output and work. */
function fitBest(compared: readonly Compared[], features: Features): Model {
  const example = ({ each, label, weight }: Chosen): Example => ({ features: features(each), label, weight });
  const all = pairs(compared);
  let chosen: Chosen[] = all.flatMap(({ evidence, ...rest }) => evidence.map((each) => ({ each, ...rest })));
  let model = fitLogistic(chosen.map(example), SCORE_PENALTY);
  for (let round = 0; round < ROUNDS; round += 1) {
    chosen = all.map(({ evidence, ...rest }) => ({
      each: best(model, evidence, features).evidence,
      ...rest,
    }));
    model = fitLogistic(chosen.map(example), SCORE_PENALTY);
  }
  return model;
}

interface Labelled {
  readonly label: 0 | 1;
  readonly weight: number;
}

type Chosen = Labelled & { readonly each: Evidence };

/** There are few look-alikes in a corpus, and a false alarm there is as bad: each counts as so many. */
const LOOKALIKE_WEIGHT = 7;

function pairs(compared: readonly Compared[]): (Labelled & { readonly evidence: readonly Evidence[] })[] {
  return compared.flatMap(({ query, works }) =>
    works.map(({ name, evidence }) => ({
      evidence,
      label: name === query.work ? (1 as const) : (0 as const),
      weight: query.type === 'look' ? LOOKALIKE_WEIGHT : 1,
    })),
  );
}

/** The transform that the model trusts most, and how much: ln of the odds. */
export function best(
  model: Model,
  evidence: readonly Evidence[],
  features: Features = scoreFeatures,
): { evidence: Evidence; score: number } {
  return evidence
    .map((each) => ({ evidence: each, score: scoreOf(model, features(each)) }))
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
