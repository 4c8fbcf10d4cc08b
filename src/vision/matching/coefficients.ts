/*
 * Weights of the two logistic models in score.ts. Fitted data, not chosen by hand: `npm run fit` writes this file (see
 * bench/fit and docs/decisions). The features are defined in score.ts.
 */

/** "The work is in the output". 0 lies 0.7 above the worst negative of the fitted half. */
export const SCORE_INTERCEPT = -8.4376;

export const SCORE_WEIGHTS = {
  support: 0.3125,
  structure: 2.177,
  elastic: 2.554,
  evenness: 0.9233,
  tone: 0.3812,
  workCovered: 1.412,
  outputCovered: 0.8174,
  texture: -0.4127,
  hash: 1.89,
  structureHash: 0.3967,
  elasticArea: 0.7175,
  weight: 0.5776,
  weightElastic: 0.2346,
  parts: 4.994,
  detail: -0.433,
  strength: 1.846,
  strengthElastic: 2.06,
  roughness: -0.7991,
  residual: -0.1849,
  chanceElastic: 1.436,
  chanceWeight: 0.2695,
  elasticAheadOfChance: 1.838,
  weightAheadOfChance: 0.6078,
  runnerUpElastic: -7.67,
  runnerUpWeight: -1.944,
  weightAhead: 0.9441,
} as const;

/** "Its expression is unchanged"; both answers weighted equally, whatever their number in the corpus. */
export const KIND_INTERCEPT = 13.3659;

export const KIND_WEIGHTS = {
  structure: 4.511,
  elastic: 6.197,
  gap: -3.581,
  tone: -4.006,
  negative: -7.419,
  detail: -0.952,
  detailSquared: 0.4694,
  parts: 9.893,
  evenness: -19.36,
  colour: -3.479,
  lightness: 0.02975,
  ratio: -1.761,
  ratioSquared: 4.107,
  nearness: 2.126,
  nearnessSquared: 7.718,
  ratioDetail: 1.314,
  nearnessDetail: 2.215,
  hash: 2.549,
  texture: 0.5909,
  outputCovered: -2.645,
  confirmed: 2.434,
  explained: -0.4834,
  residual: -0.4705,
  toneResidual: -2.765,
  toneResidualSquared: -6.049,
  chromaResidual: -0.0968,
  strength: -5.044,
  strengthSquared: -6.168,
  roughness: -0.1691,
  changedRoughness: 0.3542,
  full: -1.55,
  fullDetail: -1.819,
  fullStrength: -1.398,
  fullRoughness: 0.3016,
  fullNearness: -2.794,
} as const;
