/*
 * Weights of the two logistic models in score.ts. Fitted data, not chosen by hand: on one half of the development
 * corpus (works and negatives split by the SHA-256 of their file names, so that no picture is in both halves), ridge
 * regression with a penalty of 20 (score) and 3 (kind) on standardised features; one row for each verified work of each
 * query, its best transform. The features are defined in score.ts.
 */

/** "The work is in the output". 0 lies 0.7 above the worst of the 648 negatives of the fitted half. */
export const SCORE_INTERCEPT = -9.571;

export const SCORE_WEIGHTS = {
  support: 0.3621,
  structure: 3.485,
  elastic: 2.639,
  evenness: 0.9391,
  tone: 0.8759,
  workCovered: 0.8231,
  outputCovered: 0.5372,
  texture: -0.08157,
  hash: 1.69,
  structureHash: 1.157,
  elasticArea: 0.4119,
  weight: 0.3925,
  weightElastic: 0.439,
  parts: 3.918,
  cohortElastic: -3.758,
  cohortWeight: -1.223,
  weightAhead: 1.531,
} as const;

/** "Its expression is unchanged"; both answers weighted equally, whatever their number in the corpus. */
export const KIND_INTERCEPT = 1.8933;

export const KIND_WEIGHTS = {
  structure: 2.148,
  elastic: 4.09,
  gap: 0.4626,
  tone: -1.714,
  negative: -1.477,
  detail: -4.346,
  parts: 9.234,
  evenness: -11.58,
  colour: -3.833,
  lightness: -0.2938,
  ratio: -0.4085,
  nearness: 6.795,
  ratioDetail: 4.798,
  nearnessDetail: 3.565,
  hash: -1.455,
  texture: -0.1569,
  outputCovered: -4.92,
  confirmed: 0.6371,
  explained: -3.915,
  residual: -0.3156,
  toneResidual: -1.844,
  chromaResidual: 0.5585,
} as const;
