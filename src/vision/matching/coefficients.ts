/*
 * Weights of the logistic models in score.ts. Fitted data, not chosen by hand: `npm run fit` writes this file (see
 * bench/fit and docs/decisions). The features are defined in score.ts.
 */

/** "The work is in the output", said of the pair alone. */
export const PAIR_INTERCEPT = -13.0098;

export const PAIR_WEIGHTS = {
  support: 0.09609,
  structure: 3.787,
  elastic: 1.01,
  evenness: -0.7561,
  tone: 0.984,
  workCovered: 2.377,
  outputCovered: 1.078,
  texture: -0.5431,
  hash: 3.285,
  structureHash: -2.347,
  elasticArea: 1.903,
  weight: 1.071,
  weightElastic: -0.4107,
  parts: 5.932,
  detail: -1.181,
  strength: 4.471,
  strengthElastic: 3.577,
  roughness: -1.305,
  residual: -0.7885,
  chanceElastic: -0.4537,
  chanceWeight: -0.1167,
  elasticAheadOfChance: 2.645,
  weightAheadOfChance: 0.7268,
} as const;

/** The pair score of the runner-up where too few works were verified to have one. */
export const TYPICAL_RUNNER_UP = -7.731;

/** The same where the runner-up is known. 0 lies 1 above the second worst of 1,322 negatives. */
export const SCORE_INTERCEPT = -19.312;

export const SCORE_WEIGHTS = {
  support: 0.2491,
  structure: 6.307,
  elastic: 2.488,
  evenness: -0.8274,
  tone: 0.6977,
  workCovered: 2.288,
  outputCovered: 1.22,
  texture: -0.4057,
  hash: 3.248,
  structureHash: -1.638,
  elasticArea: 1.678,
  weight: 1.125,
  weightElastic: -0.353,
  parts: 4.519,
  detail: -1.403,
  strength: 3.384,
  strengthElastic: 1.351,
  roughness: -1.685,
  residual: -0.6554,
  chanceElastic: 1.142,
  chanceWeight: 0.06707,
  elasticAheadOfChance: 2.463,
  weightAheadOfChance: 0.4879,
  runnerUp: -0.6945,
} as const;

/** "Its expression is unchanged"; both answers weighted equally, whatever their number in the corpus. */
export const KIND_INTERCEPT = 18.6863;

export const KIND_WEIGHTS = {
  structure: 4.262,
  elastic: 6.085,
  gap: -3.093,
  tone: -5.311,
  negative: -6.361,
  detail: -1.409,
  detailSquared: 1.259,
  parts: 5.615,
  evenness: -20.44,
  colour: -4.085,
  lightness: -0.1163,
  ratio: -4.227,
  ratioSquared: 6.202,
  nearness: 4.502,
  nearnessSquared: 9.133,
  ratioDetail: 0.9853,
  nearnessDetail: -1.745,
  hash: 2.83,
  texture: 0.7314,
  outputCovered: -3.814,
  confirmed: 5.009,
  explained: 2.009,
  residual: -0.9121,
  toneResidual: -7.863,
  toneResidualSquared: 1.787,
  chromaResidual: 0.4216,
  strength: -3.83,
  strengthSquared: -8.435,
  roughness: -1.274,
  changedRoughness: -4.08,
  full: -1.835,
  fullDetail: -2.816,
  fullStrength: -1.646,
  fullRoughness: -2.488,
  fullNearness: -3.389,
} as const;
