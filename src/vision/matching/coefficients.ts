/*
 * Weights of the logistic models in score.ts. Fitted data, not chosen by hand: `npm run fit` writes this file (see
 * bench/fit and docs/decisions). The features are defined in score.ts.
 */

/** "The work is in the output", said of the pair alone. */
export const PAIR_INTERCEPT = -12.7855;

export const PAIR_WEIGHTS = {
  support: 0.02381,
  structure: 2.908,
  elastic: 0.9585,
  evenness: 0.06282,
  tone: 0.03985,
  workCovered: 1.987,
  outputCovered: 0.9137,
  texture: -0.827,
  hash: 2.855,
  structureHash: -1.66,
  elasticArea: 1.749,
  weight: 0.851,
  weightElastic: -0.0008571,
  parts: 5.444,
  detail: -0.3747,
  strength: 2.852,
  strengthElastic: 2.42,
  roughness: -1.299,
  residual: -0.6521,
  chanceElastic: -1.886,
  chanceWeight: -0.04336,
  elasticAheadOfChance: 3.578,
  weightAheadOfChance: 0.9223,
  aheadOfChance: -1.599,
  toneResidual: -1.323,
  chromaResidual: -0.7564,
  colour: -1.417,
  drawn: 4.874,
  structureTexture: -1.396,
} as const;

/** The pair score of the runner-up where too few works were verified to have one. */
export const TYPICAL_RUNNER_UP = -7.757;

/** The same where the runner-up is known. 0 lies 2 above the mean of the worst 0.75 % of the negatives. */
export const SCORE_INTERCEPT = -18.0812;

export const SCORE_WEIGHTS = {
  support: 0.2272,
  structure: 4.86,
  elastic: 1.698,
  evenness: 1.036,
  tone: -0.6415,
  workCovered: 1.745,
  outputCovered: 1.062,
  texture: -0.356,
  hash: 2.516,
  structureHash: -0.6348,
  elasticArea: 1.626,
  weight: 0.845,
  weightElastic: 0.116,
  parts: 3.607,
  detail: -0.9724,
  strength: 1.93,
  strengthElastic: 1.049,
  roughness: -1.465,
  residual: -0.5423,
  chanceElastic: -0.5967,
  chanceWeight: 0.05128,
  elasticAheadOfChance: 2.786,
  weightAheadOfChance: 0.7831,
  aheadOfChance: -1.683,
  toneResidual: -1.923,
  chromaResidual: -1.086,
  colour: -1.36,
  drawn: 4.105,
  structureTexture: -1.558,
  runnerUp: -0.6744,
} as const;

/** "Its expression is unchanged"; both answers weighted equally, whatever their number in the corpus. */
export const KIND_INTERCEPT = 17.6933;

export const KIND_WEIGHTS = {
  structure: 4.725,
  elastic: 7.156,
  gap: -2.948,
  tone: -3.41,
  negative: -3.59,
  detail: -0.923,
  detailSquared: 1.176,
  parts: 5.845,
  evenness: -22.11,
  colour: -4.062,
  lightness: -0.1102,
  ratio: -4.124,
  ratioSquared: 6.603,
  nearness: 3.853,
  nearnessSquared: 9.43,
  ratioDetail: 0.07533,
  nearnessDetail: -1.042,
  hash: 2.66,
  texture: 0.7069,
  outputCovered: -3.46,
  confirmed: 4.492,
  explained: 1.698,
  residual: -0.8848,
  toneResidual: -8.657,
  toneResidualSquared: 4.847,
  chromaResidual: 0.4697,
  strength: -3.106,
  strengthSquared: -9.226,
  roughness: -1.3,
  changedRoughness: -4.045,
  full: -2.078,
  fullDetail: -2.732,
  fullStrength: -1.551,
  fullRoughness: -2.417,
  fullNearness: -3.349,
} as const;
