/*
 * What scores mean: how often pictures known to be different score as high, and which threshold keeps that rare. Pure
 * counting; the one assumption is that the outputs to come are like the pictures counted.
 */

/** Scores are kept to a ten-thousandth. */
const RESOLUTION = 10_000;

/**
 * The best score of each of many pictures known to be different from every work, as [score, how many] by falling
 * score. Scores are rounded up, so that counting them never makes a match look rarer than it is.
 */
export type ScoreCounts = readonly (readonly [number, number])[];

export function countScores(scores: readonly number[]): ScoreCounts {
  const counts = new Map<number, number>();
  for (const score of scores) {
    const step = Math.ceil(score * RESOLUTION);
    counts.set(step, (counts.get(step) ?? 0) + 1);
  }
  return [...counts].toSorted(([a], [b]) => b - a).map(([step, n]) => [step / RESOLUTION, n] as const);
}

/** "N of M pictures known to be different score at least this." */
export interface FalseAlarms {
  readonly atLeast: number;
  readonly of: number;
}

/** Against which works pictures known to be different were measured: the owner's own, or those Utsushi was made with. */
export type MeasuredOn = 'own-catalogue' | 'development-corpus';

export function falseAlarmsAt(counts: ScoreCounts, score: number): FalseAlarms {
  let atLeast = 0;
  let of = 0;
  for (const [each, n] of counts) {
    if (each >= score) atLeast += n;
    of += n;
  }
  return { atLeast, of };
}

export const CERTAINTY = 0.95;

/** The fewest pictures from which a rate can be promised at all: the rule of three. */
export function negativesNeeded(targetFpr: number): number {
  // Three thousandths over one thousandth is a little more than three in binary.
  return Math.ceil(3 / targetFpr - 1e-9);
}

/** A threshold, and what is known of its false alarms. */
export interface Threshold {
  /** A match of at least this is a candidate. */
  readonly minConfidence: number;
  /** Pictures known to be different that reach it. */
  readonly falseAlarms: FalseAlarms;
  /** Two-sided 95 % Clopper-Pearson interval of the rate. */
  readonly interval: readonly [number, number];
  /** One-sided: with 95 % certainty the rate is at most this. */
  readonly atMost: number;
}

/**
 * The lowest threshold whose false-alarm rate is, with 95 % certainty, at most `targetFpr`. It lies just above the score
 * of one of the pictures, and the bound is the exact one for order statistics (Clopper-Pearson), so it holds although
 * the same pictures chose the threshold and were counted.
 *
 * @throws RangeError when there are fewer scores than negativesNeeded(targetFpr)
 */
export function chooseThreshold(scores: readonly number[], targetFpr: number): Threshold {
  if (scores.length < negativesNeeded(targetFpr))
    throw new RangeError(`${scores.length} scores are too few for a rate of ${targetFpr}`);
  const falling = scores.toSorted((a, b) => b - a);
  let allowed = 0;
  while (allowed + 1 < falling.length && upperBound(allowed + 1, falling.length) <= targetFpr) allowed += 1;
  // Just above the first score that must not raise a candidate.
  const minConfidence = Math.min(1, (Math.floor(falling[allowed]! * RESOLUTION) + 1) / RESOLUTION);
  return describeThreshold(scores, minConfidence);
}

export function describeThreshold(scores: readonly number[], minConfidence: number): Threshold {
  const of = scores.length;
  const atLeast = scores.filter((score) => score >= minConfidence).length;
  return {
    minConfidence,
    falseAlarms: { atLeast, of },
    interval: interval(atLeast, of),
    atMost: upperBound(atLeast, of),
  };
}

/** The rate that is exceeded with a probability of `1 - certainty`, having seen `hits` of `of` (Clopper-Pearson). */
export function upperBound(hits: number, of: number, certainty = CERTAINTY): number {
  if (hits >= of) return 1;
  return bisect((rate) => atMostHits(hits, of, rate) > 1 - certainty);
}

/** Two-sided Clopper-Pearson interval. */
export function interval(hits: number, of: number, certainty = CERTAINTY): [number, number] {
  const oneSided = (1 + certainty) / 2;
  if (of === 0) return [0, 1];
  const lower = hits === 0 ? 0 : bisect((rate) => 1 - atMostHits(hits - 1, of, rate) < 1 - oneSided);
  return [lower, upperBound(hits, of, oneSided)];
}

/** The largest rate for which the statement holds; it holds for small ones only. */
function bisect(holds: (rate: number) => boolean): number {
  let low = 0;
  let high = 1;
  for (let i = 0; i < 60; i += 1) {
    const middle = (low + high) / 2;
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return high;
}

/** P(at most `hits` of `of`) when each happens with this rate. */
function atMostHits(hits: number, of: number, rate: number): number {
  let logTerm = of * Math.log1p(-rate);
  let sum = Math.exp(logTerm);
  const odds = Math.log(rate) - Math.log1p(-rate);
  for (let i = 1; i <= hits; i += 1) {
    logTerm += Math.log((of - i + 1) / i) + odds;
    sum += Math.exp(logTerm);
  }
  return Math.min(1, sum);
}
