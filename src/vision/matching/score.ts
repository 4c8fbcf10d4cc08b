import {
  KIND_INTERCEPT,
  KIND_WEIGHTS,
  PAIR_INTERCEPT,
  PAIR_WEIGHTS,
  SCORE_INTERCEPT,
  SCORE_WEIGHTS,
  TYPICAL_RUNNER_UP,
} from './coefficients.ts';
import { apply } from './geometry.ts';
import type { Verification } from './verify.ts';
import type { Keypoints } from '../fingerprint/keypoints.ts';

/** What is known of one work in one output, whatever else there is. */
export interface PairEvidence {
  readonly verification: Verification;
  /** Support of the keypoint proposal for this work (see propose); 0 without one. */
  readonly support: number;
  /** Smallest hash distance over orientations, views and negative, bits; 256 when there is no hash. */
  readonly hashDistance: number;
  /** The same for the structure hash. */
  readonly structureDistance: number;
  /** Whether the transform came from keypoints or from aligning whole views that hash alike. */
  readonly proposedBy: 'keypoints' | 'hash';
}

/** All that is known of one work in one output. With the runner-up the confidence can be computed again from it. */
export interface Evidence extends PairEvidence {
  /**
   * What the runner-up among the other works scores as a pair with the same output: ln of the odds. A score means
   * little where unlike works score nearly as high: flags, discs, frames, empty squares resemble each other.
   */
  readonly runnerUp: number;
}

/**
 * The second best among the *other* works: one near-duplicate of the work in the catalogue does not count against it.
 *
 * @param scores the best pair score of each work that was verified in the output, by any key that is the same for
 *   pictures of one work
 * @param typical what a typical picture meets, where too few others were verified to tell
 */
export function runnerUpTo<Key>(
  scores: ReadonlyMap<Key, number>,
  own: Key,
  typical: number = TYPICAL_RUNNER_UP,
): number {
  const others = [...scores].flatMap(([key, score]) => (key === own ? [] : [score]));
  return others.toSorted((a, b) => b - a)[1] ?? typical;
}

export type PairFeature = keyof typeof PAIR_WEIGHTS;

/** Distances beyond this say nothing: as far apart as unlike pictures. Bits. */
const UNLIKE_DISTANCE = 110;

export function pairFeatures(evidence: PairEvidence): Record<PairFeature, number> {
  const { verification: v } = evidence;
  const a = v.alignment;
  const texture = Math.log(Math.max(a.texture, 0.001));
  const covered = Math.max(v.overlap.output, 0.001);
  const whole = evidence.proposedBy === 'hash' || v.overlap.work * covered > 0.7;
  const nearness = (distance: number) =>
    whole ? Math.max(0, UNLIKE_DISTANCE - distance) / UNLIKE_DISTANCE : 0;
  const weight = Math.log1p(v.weight);
  const chanceWeight = Math.log1p(v.chance.weight);
  const structure = Math.max(0, a.structure);
  const elasticAheadOfChance = Math.max(0, a.elastic - v.chance.elastic);
  const weightAheadOfChance = Math.max(0, weight - chanceWeight);
  return {
    support: Math.log1p(evidence.support),
    structure,
    elastic: a.elastic,
    evenness: a.evenness,
    tone: Math.abs(a.tone),
    workCovered: Math.log(Math.max(v.overlap.work, 0.02)),
    outputCovered: Math.log(covered),
    texture,
    hash: nearness(evidence.hashDistance),
    structureHash: nearness(evidence.structureDistance),
    elasticArea: a.elastic * Math.log(Math.max(v.overlap.work * Math.max(a.texture, 0.001), 0.001)),
    weight,
    weightElastic: weight * a.elastic,
    parts: a.parts,
    detail: Math.abs(a.detail),
    strength: a.strength,
    strengthElastic: a.strength * a.elastic,
    roughness: Math.abs(a.roughness),
    residual: v.residual * 100,
    chanceElastic: v.chance.elastic,
    chanceWeight,
    elasticAheadOfChance,
    weightAheadOfChance,
    aheadOfChance: elasticAheadOfChance * weightAheadOfChance,
    toneResidual: Math.min(1, a.toneResidual),
    chromaResidual: Math.min(10, a.chromaResidual) / 10,
    colour: Math.min(a.colour, 40) / 40,
    drawn: a.texture,
    structureTexture: structure * texture,
  };
}

/** How much speaks for the work as long as nothing is known of others: ln of the odds. */
export function pairScoreOf(evidence: PairEvidence): number {
  return PAIR_INTERCEPT + weigh(PAIR_WEIGHTS, pairFeatures(evidence));
}

export type ScoreFeature = keyof typeof SCORE_WEIGHTS;

export function scoreFeatures(evidence: Evidence): Record<ScoreFeature, number> {
  return { ...pairFeatures(evidence), runnerUp: evidence.runnerUp };
}

/**
 * Confidence that the work is in the output, 0..1. One half lies well above what pictures known to be different reached
 * on the development corpus (see coefficients.ts).
 */
export function confidenceOf(evidence: Evidence): number {
  return logistic(SCORE_INTERCEPT + weigh(SCORE_WEIGHTS, scoreFeatures(evidence)));
}

export type KindFeature = keyof typeof KIND_WEIGHTS;

export function kindFeatures(evidence: Evidence): Record<KindFeature, number> {
  const { verification: v } = evidence;
  const a = v.alignment;
  const ratio = v.inliers / (v.possible + 10);
  const nearness = v.weight / (v.inliers + 3);
  const detail = Math.abs(a.detail);
  const toneResidual = Math.min(1, a.toneResidual);
  // All of the work over all of the output: there the finest differences can be trusted.
  const full = v.overlap.output > 0.93 && v.overlap.work > 0.93 ? 1 : 0;
  return {
    structure: a.structure,
    elastic: a.elastic,
    gap: a.elastic - a.structure,
    tone: Math.abs(a.tone),
    negative: a.tone < 0 ? 1 : 0,
    detail,
    detailSquared: detail ** 2,
    parts: a.parts,
    evenness: a.evenness,
    colour: Math.min(a.colour, 40) / 40,
    lightness: Math.min(a.lightness, 60) / 60,
    ratio,
    ratioSquared: ratio ** 2,
    nearness,
    nearnessSquared: nearness ** 2,
    ratioDetail: ratio * a.detail,
    nearnessDetail: nearness * detail,
    hash: Math.max(0, UNLIKE_DISTANCE - evidence.hashDistance) / UNLIKE_DISTANCE,
    texture: a.texture,
    outputCovered: Math.log(v.overlap.output + 0.01),
    confirmed: a.confirmed,
    explained: a.explained,
    residual: v.residual * 200,
    toneResidual,
    toneResidualSquared: toneResidual ** 2,
    chromaResidual: Math.min(10, a.chromaResidual) / 10,
    strength: a.strength,
    strengthSquared: a.strength ** 2,
    roughness: a.roughness,
    changedRoughness: Math.abs(a.roughness),
    full,
    fullDetail: full * detail,
    fullStrength: full * a.strength,
    fullRoughness: full * a.roughness,
    fullNearness: full * nearness,
  };
}

/** Whether the expression is unchanged (reproduction) rather than altered (adaptation): a probability, 0..1. */
export function unchangedOf(evidence: Evidence): number {
  return logistic(KIND_INTERCEPT + weigh(KIND_WEIGHTS, kindFeatures(evidence)));
}

function weigh<F extends string>(
  weights: Readonly<Record<F, number>>,
  features: Readonly<Record<F, number>>,
) {
  let sum = 0;
  for (const name of Object.keys(weights) as F[]) sum += weights[name] * features[name];
  return sum;
}

function logistic(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** What happened to the work on its way into the output; names as in match.ts. */
export type Change =
  | 'partial'
  | 'framed'
  | 'mirrored'
  | 'rotated'
  | 'warped'
  | 'recoloured'
  | 'restyled'
  | 'overlaid'
  | 'composed';

/** Facts for the sentences a reviewer reads. */
export interface Description {
  readonly changes: readonly Change[];
  /** Clockwise on a screen, degrees -180..180, after undoing any mirroring. */
  readonly degrees: number;
  /** Size in the output relative to the work when both are brought to the same longer side. */
  readonly scale: number;
  /** Centre of the work in the output, shares of its sides. */
  readonly centre: readonly [number, number];
}

/** Least difference in chroma that is called recoloured, levels (sum of both channels). */
const RECOLOURED = 14;

export function describeChange(evidence: Evidence, work: Keypoints, output: Keypoints): Description {
  const { verification: v } = evidence;
  const a = v.alignment;
  const cx = work.width / 2;
  const cy = work.height / 2;
  const [x0, y0] = apply(v.transform, cx, cy);
  const [x1, y1] = apply(v.transform, cx + 1, cy);
  const [x2, y2] = apply(v.transform, cx, cy + 1);
  const flip = v.mirrored ? -1 : 1;
  const degrees = (Math.atan2(flip * (y1 - y0), flip * (x1 - x0)) * 180) / Math.PI;
  const across = Math.hypot(x1 - x0, y1 - y0);
  const down = Math.hypot(x2 - x0, y2 - y0);
  const shear = ((x1 - x0) * (x2 - x0) + (y1 - y0) * (y2 - y0)) / (across * down);
  const bend = Math.max(Math.abs(v.transform[6]!) * work.width, Math.abs(v.transform[7]!) * work.height);
  const altered = unchangedOf(evidence) < 0.5;
  const changes: Change[] = [];
  if (v.overlap.work < 0.93) changes.push('partial');
  if (v.overlap.output < 0.88) changes.push(v.surroundings > 0.25 ? 'composed' : 'framed');
  if (v.mirrored) changes.push('mirrored');
  if (Math.abs(degrees) > 1.5) changes.push('rotated');
  if (Math.abs(shear) > 0.05 || bend > 0.06 || v.residual > 0.008) changes.push('warped');
  if (a.tone < -0.3 || a.colour > RECOLOURED) changes.push('recoloured');
  if (altered && (a.toneResidual > 0.25 || a.detail < 0.6)) changes.push('restyled');
  if (!altered && a.evenness < 0.93 && a.parts < 0.9) changes.push('overlaid');
  return {
    changes,
    degrees,
    scale: Math.sqrt(across * down),
    centre: [(x0 + 0.5) / output.width, (y0 + 0.5) / output.height],
  };
}
