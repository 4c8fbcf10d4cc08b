import type { FeatureView, Features } from '../fingerprint/features.ts';
import { hammingDistance } from '../fingerprint/hash.ts';
import { ORIENTATIONS, type Orientation } from '../fingerprint/pdq.ts';
import { structureDistance } from '../fingerprint/structure-hash.ts';
import { StructureIndex } from '../search/structure-index.ts';
import type { IndexHit } from '../search/hamming-index.ts';
import { KeypointIndex } from '../search/keypoint-index.ts';
import { type BaseBuilder, MultiIndex } from '../search/multi-index.ts';
import type { Vocabulary } from '../search/vocabulary.ts';
import { type Transform, apply } from './geometry.ts';
import type { Depth } from './policy.ts';
import {
  type Description,
  type Evidence,
  confidenceOf,
  describeChange,
  runnerUpTo,
  unchangedOf,
} from './score.ts';
import {
  type Glance,
  type OutputView,
  type Verification,
  glance,
  orientedMap,
  prepareOutput,
  propose,
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
const PROPOSED_BY_HASH = 6;
const FULLY_VERIFIED = 10;
/** Less of a work than this inside the output is nothing to compare. */
const LEAST_OVERLAP = 0.02;
const NO_HASH = 256;
/** Whole and trimmed. */
const MOST_VIEWS = 2;
/** Asked of the hash indexes, which know views, not works. */
const NEAREST = { k: PROPOSED_BY_HASH * MOST_VIEWS };

interface Work {
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

/** What `propose` found, for `verify` to look at. */
export interface Proposals {
  readonly output: Features;
  readonly prepared: OutputView;
  /** By id of the reference image: how well its keypoints support it. */
  readonly support: ReadonlyMap<number, number>;
  readonly guesses: readonly Guess[];
}

/**
 * All reference images, ready to be found in outputs: by the hashes of their views, by their keypoints where they are
 * searched deeply; every proposal is aligned and looked at before it counts.
 */
export class Matcher {
  readonly #works = new Map<number, Work>();
  readonly #hashes: MultiIndex;
  readonly #structures = new StructureIndex();
  readonly #keypoints: KeypointIndex;

  /** @param build where the hash index is built anew; in this thread by default */
  constructor(vocabulary: Vocabulary, build?: BaseBuilder) {
    this.#keypoints = new KeypointIndex(vocabulary);
    this.#hashes = new MultiIndex(build === undefined ? {} : { build });
  }

  get size(): number {
    return this.#works.size;
  }

  /**
   * @param key the same for all reference images of one work
   * @param deep also find it by its keypoints
   */
  add(id: number, key: string, features: Features, deep: boolean): void {
    this.#works.set(id, { key, features });
    for (const [i, { pdq, structure }] of features.views.entries()) {
      this.#structures.add(id * MOST_VIEWS + i, structure[0]!);
      if (pdq !== null) this.#hashes.add(id * MOST_VIEWS + i, pdq[0]!);
    }
    if (deep) this.#keypoints.add(id, features.keypoints, features.words ?? undefined);
  }

  /** Finds a stored reference image by its keypoints from now on, or no longer. */
  search(id: number, depth: Depth): void {
    const { features } = this.#works.get(id)!;
    this.#keypoints.remove(id);
    if (depth === 'deep') this.#keypoints.add(id, features.keypoints, features.words ?? undefined);
  }

  remove(id: number): void {
    this.#works.delete(id);
    for (let i = 0; i < MOST_VIEWS; i++) {
      this.#hashes.remove(id * MOST_VIEWS + i);
      this.#structures.remove(id * MOST_VIEWS + i);
    }
    this.#keypoints.remove(id);
  }

  /**
   * To be called when works have been added or removed: makes the search by hash fast again if they were many. Answers
   * are right before, meanwhile and after.
   */
  async settle(): Promise<void> {
    await this.#hashes.settle();
  }

  /** Where works might be in the output: quick, and wrong more often than not. */
  propose(output: Features): Proposals {
    const answer = this.#keypoints.query(output.keypoints);
    const prepared = prepareOutput(output.keypoints, output.thumb, answer.rarity);
    const proposals = answer.works
      .flatMap((found) => {
        const work = this.#works.get(found.id)!.features.keypoints;
        const proposal = propose(found, output.keypoints, work);
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
      ...this.#proposeByHash(output),
    ];
    return { output, prepared, support, guesses };
  }

  /** Every proposed reference image that was verified in the output, the surest first, however weak. */
  verify(proposals: Proposals): Verified[] {
    return this.#judge(this.examine(proposals), proposals.output);
  }

  /** By id of the reference image, what is known of each of its transforms that was looked at closely. */
  examine({ output, prepared, support, guesses }: Proposals): ReadonlyMap<number, readonly Evidence[]> {
    const seen = this.#mostPromising(guesses, prepared)
      .map(({ guess, seen: first }) => ({
        guess,
        verification: verify(this.#works.get(guess.id)!.features, prepared, first),
      }))
      .filter(({ verification }) => verification.overlap.work >= LEAST_OVERLAP);
    const byWork = new Map<string, Verification[]>();
    for (const { guess, verification } of seen) {
      const { key } = this.#works.get(guess.id)!;
      byWork.set(key, [...(byWork.get(key) ?? []), verification]);
    }
    const evidence = new Map<number, Evidence[]>();
    for (const { guess, verification } of seen) {
      const { key, features } = this.#works.get(guess.id)!;
      evidence.set(guess.id, [
        ...(evidence.get(guess.id) ?? []),
        {
          verification,
          support: support.get(guess.id) ?? 0,
          hashDistance: nearestByHash(features, output).distance,
          structureDistance: nearestByStructure(features, output).distance,
          proposedBy: guess.proposedBy,
          runnerUp: runnerUpTo(byWork, key),
        },
      ]);
    }
    return evidence;
  }

  #judge(evidence: ReadonlyMap<number, readonly Evidence[]>, output: Features): Verified[] {
    const verified: Verified[] = [];
    for (const [id, list] of evidence) {
      const { features } = this.#works.get(id)!;
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

  #mostPromising(guesses: readonly Guess[], output: OutputView): { guess: Guess; seen: Glance }[] {
    return guesses
      .map((guess) => ({
        guess,
        seen: glance(this.#works.get(guess.id)!.features, output, guess.map, guess.inverted),
      }))
      .toSorted((a, b) => b.seen.promise - a.seen.promise)
      .slice(0, FULLY_VERIFIED);
  }

  /** The works with the nearest views, by either hash, laid over the output as the hashes say. */
  #proposeByHash(output: Features): Guess[] {
    const { views } = output;
    const byHash = worksOf(
      this.#hashes.nearest(
        views.flatMap(({ pdq }) => pdq ?? []),
        // The hash of a picture's negative is the complement.
        { ...NEAREST, negatives: true },
      ),
    ).map((id) => ({ id, near: nearestByHash(this.#works.get(id)!.features, output) }));
    const byStructure = worksOf(
      this.#structures.nearest(
        views.flatMap(({ structure }) => structure),
        NEAREST,
      ),
    ).map((id) => ({ id, near: nearestByStructure(this.#works.get(id)!.features, output) }));
    const guesses = new Map<string, Guess>();
    for (const { id, near } of [...byHash, ...byStructure]) {
      const { features } = this.#works.get(id)!;
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
}

/** The first works whose views were hit. */
function worksOf(hits: readonly IndexHit[]): number[] {
  return [...new Set(hits.map(({ id }) => Math.floor(id / MOST_VIEWS)))].slice(0, PROPOSED_BY_HASH);
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
