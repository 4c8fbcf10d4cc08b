import type { FeatureView, Features } from '../fingerprint/features.ts';
import { hammingDistance } from '../fingerprint/hash.ts';
import { ORIENTATIONS, type Orientation } from '../fingerprint/pdq.ts';
import { structureDistance } from '../fingerprint/structure-hash.ts';
import { type Transform, apply } from './geometry.ts';
import type { Shortlist } from './matcher.ts';
import {
  type Description,
  type Evidence,
  type PairEvidence,
  confidenceOf,
  describeChange,
  pairScoreOf,
  runnerUpTo,
  unchangedOf,
} from './score.ts';
import {
  type Glance,
  type OutputView,
  glance,
  orientedMap,
  prepareOutput,
  propose as proposeTransform,
  verify,
} from './verify.ts';

/** A reference image found in an output and looked at after alignment. */
export interface Verified {
  /** The id under which the reference image was added. */
  readonly id: number;
  /** That this is no accident, 0..1. */
  readonly confidence: number;
  /** That the expression is unchanged, 0..1. */
  readonly unchanged: number;
  readonly evidence: Evidence;
  readonly description: Description;
  /** What has to be done to the output so that it lies like the reference image, to the nearest quarter turn. */
  readonly orientation: Orientation;
}

/** How many are looked at, from cheap to dear. With fewer than ten verified, altered copies were lost on the development corpus. */
const PROPOSED_BY_KEYPOINTS = 16;
const FULLY_VERIFIED = 10;
/** Less of a work than this inside the output is nothing to compare. */
const LEAST_OVERLAP = 0.02;
const NO_HASH = 256;

/** What is needed of a reference image to look at it closely. */
export interface Work {
  /** The same for all reference images of one work. */
  readonly key: string;
  readonly features: Features;
}

/** A transform to look at: from keypoints, or because two views hash alike. */
interface Guess {
  readonly id: number;
  readonly proposedBy: 'keypoints' | 'hash';
  readonly map: Transform;
  readonly inverted: boolean;
}

/**
 * Looks closely at what was shortlisted.
 *
 * @param works what is known of the shortlisted works; one that is not there is passed over
 * @returns every reference image that was verified in the output, the surest first, however weak
 */
export function verifyShortlist(shortlist: Shortlist, works: ReadonlyMap<number, Work>): Verified[] {
  return judge(examine(shortlist, works), shortlist.output, works);
}

/** By id of the reference image, what is known of each of its transforms that was looked at closely. */
export function examine(
  shortlist: Shortlist,
  works: ReadonlyMap<number, Work>,
): ReadonlyMap<number, readonly Evidence[]> {
  const { output } = shortlist;
  const { prepared, support, guesses } = propose(shortlist, works);
  const seen = mostPromising(guesses, prepared, works).flatMap(({ guess, seen: first }) => {
    const { key, features } = works.get(guess.id)!;
    const verification = verify(features, prepared, first);
    if (verification.overlap.work < LEAST_OVERLAP) return [];
    const evidence: PairEvidence = {
      verification,
      support: support.get(guess.id) ?? 0,
      hashDistance: nearestByHash(features, output).distance,
      structureDistance: nearestByStructure(features, output).distance,
      proposedBy: guess.proposedBy,
    };
    return [{ id: guess.id, key, evidence, score: pairScoreOf(evidence) }];
  });
  const best = new Map<string, number>();
  for (const { key, score } of seen) best.set(key, Math.max(score, best.get(key) ?? -Infinity));
  const found = new Map<number, Evidence[]>();
  for (const { id, key, evidence } of seen) {
    found.set(id, [...(found.get(id) ?? []), { ...evidence, runnerUp: runnerUpTo(best, key) }]);
  }
  return found;
}

/** Where the shortlisted works might lie in the output. */
function propose({ output, byKeypoints, ...hashed }: Shortlist, works: ReadonlyMap<number, Work>) {
  const prepared = prepareOutput(output.keypoints, output.thumb, byKeypoints.rarity);
  const proposals = byKeypoints.works
    .flatMap((found) => {
      const work = works.get(found.id);
      if (work === undefined) return [];
      const proposal = proposeTransform(found, output.keypoints, work.features.keypoints);
      return proposal === null ? [] : [{ id: found.id, ...proposal }];
    })
    .toSorted((a, b) => b.support - a.support);
  const support = new Map(proposals.map((proposal) => [proposal.id, proposal.support]));
  const guesses: Guess[] = [
    ...proposals.slice(0, PROPOSED_BY_KEYPOINTS).map(({ id, transform }): Guess => ({
      id,
      proposedBy: 'keypoints',
      map: transform,
      inverted: false,
    })),
    ...proposeByHash(output, hashed, works),
  ];
  return { prepared, support, guesses };
}

function judge(
  evidence: ReadonlyMap<number, readonly Evidence[]>,
  output: Features,
  works: ReadonlyMap<number, Work>,
): Verified[] {
  const verified: Verified[] = [];
  for (const [id, list] of evidence) {
    const { features } = works.get(id)!;
    const scored = list.map((each) => ({ each, confidence: confidenceOf(each) }));
    const best = scored.reduce((a, b) => (b.confidence > a.confidence ? b : a));
    verified.push({
      id,
      confidence: best.confidence,
      unchanged: unchangedOf(best.each),
      evidence: best.each,
      description: describeChange(best.each, features.keypoints, output.keypoints),
      orientation: nearestOrientation(best.each.verification.transform, features, output),
    });
  }
  return verified.toSorted((a, b) => b.confidence - a.confidence || a.id - b.id);
}

function mostPromising(
  guesses: readonly Guess[],
  output: OutputView,
  works: ReadonlyMap<number, Work>,
): { guess: Guess; seen: Glance }[] {
  return guesses
    .map((guess) => ({
      guess,
      seen: glance(works.get(guess.id)!.features, output, guess.map, guess.inverted),
    }))
    .toSorted((a, b) => b.seen.promise - a.seen.promise)
    .slice(0, FULLY_VERIFIED);
}

/** The works with the nearest views, by either hash, laid over the output as the hashes say. */
function proposeByHash(
  output: Features,
  { byHash, byStructure }: Pick<Shortlist, 'byHash' | 'byStructure'>,
  works: ReadonlyMap<number, Work>,
): Guess[] {
  const laid = (ids: readonly number[], nearest: typeof nearestByHash) =>
    ids.flatMap((id) => {
      const work = works.get(id);
      return work === undefined ? [] : [{ id, ...work, near: nearest(work.features, output) }];
    });
  const guesses = new Map<string, Guess>();
  for (const { id, features, near } of [
    ...laid(byHash, nearestByHash),
    ...laid(byStructure, nearestByStructure),
  ]) {
    const key = `${id}/${near.orientation}/${near.inverted}`;
    if (guesses.has(key)) continue;
    guesses.set(key, {
      id,
      proposedBy: 'hash',
      map: orientedMap(
        features.keypoints,
        near.work.box,
        output.keypoints,
        near.output.box,
        near.orientation,
      ),
      inverted: near.inverted,
    });
  }
  return [...guesses.values()];
}

/** The best pair of views of a work and an output. */
interface Near {
  readonly distance: number;
  readonly orientation: number;
  readonly inverted: boolean;
  readonly work: FeatureView;
  readonly output: FeatureView;
}

function unset(work: Features, output: Features): Near {
  return {
    distance: NO_HASH,
    orientation: 0,
    inverted: false,
    work: work.views[0]!,
    output: output.views[0]!,
  };
}

function nearestByHash(work: Features, output: Features): Near {
  let nearest = unset(work, output);
  for (const mine of work.views) {
    for (const seen of output.views) {
      if (mine.pdq === null || seen.pdq === null) continue;
      for (let orientation = 0; orientation < ORIENTATIONS.length; orientation++) {
        const distance = hammingDistance(mine.pdq[0]!, seen.pdq[orientation]!);
        const inverted = 256 - distance < distance;
        const least = Math.min(distance, 256 - distance);
        if (least < nearest.distance) {
          nearest = { distance: least, orientation, inverted, work: mine, output: seen };
        }
      }
    }
  }
  return nearest;
}

function nearestByStructure(work: Features, output: Features): Near {
  let nearest = unset(work, output);
  for (const mine of work.views) {
    for (const seen of output.views) {
      for (let orientation = 0; orientation < ORIENTATIONS.length; orientation++) {
        const distance = structureDistance(mine.structure[0]!, seen.structure[orientation]!);
        if (distance < nearest.distance) {
          nearest = { distance, orientation, inverted: false, work: mine, output: seen };
        }
      }
    }
  }
  return nearest;
}

const WHOLE = { x: 0, y: 0, width: 1, height: 1 };

function nearestOrientation(transform: Transform, work: Features, output: Features): Orientation {
  const { width, height } = work.keypoints;
  const axes = (map: Transform) => {
    const [x, y] = apply(map, width / 2, height / 2);
    const [x1, y1] = apply(map, width / 2 + 1, height / 2);
    const [x2, y2] = apply(map, width / 2, height / 2 + 1);
    const across = Math.hypot(x1 - x, y1 - y) || 1;
    const down = Math.hypot(x2 - x, y2 - y) || 1;
    return [(x1 - x) / across, (y1 - y) / across, (x2 - x) / down, (y2 - y) / down];
  };
  const wanted = axes(transform);
  let best = 0;
  let most = -Infinity;
  for (let orientation = 0; orientation < ORIENTATIONS.length; orientation++) {
    const laid = axes(orientedMap(work.keypoints, WHOLE, output.keypoints, WHOLE, orientation));
    const agreement = laid.reduce((sum, value, i) => sum + value * wanted[i]!, 0);
    if (agreement > most) [most, best] = [agreement, orientation];
  }
  return ORIENTATIONS[best]!;
}
