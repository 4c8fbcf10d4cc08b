import type { Fingerprint } from '../../vision/fingerprint/fingerprint.ts';
import {
  type Kind,
  type Sentence,
  type Transformation,
  findNearest,
  findWithin,
  judge,
  radiusFor,
} from '../../vision/matching/match.ts';
import type { Policy } from '../../vision/matching/policy.ts';
import type { Orientation } from '../../vision/fingerprint/pdq.ts';
import type { LiveIndex } from '../catalogue/index.ts';

/** One asset that an output resembles, by its best reference image. */
export interface Match {
  readonly assetId: string;
  readonly referenceId: string;
  /** The reference image's path as imported. */
  readonly file: string;
  readonly title: string;
  /** A technical proposal, never a legal finding. */
  readonly kind: Kind;
  readonly transformations: readonly Transformation[];
  readonly confidence: number;
  /** Bits of 256. */
  readonly hashDistance: number;
  /** What has to be done to the output so that it looks like the reference image. */
  readonly orientation: Orientation;
  /** Null: compared by hashes alone, not verified by alignment. */
  readonly verification: null;
  readonly reasons: readonly Sentence[];
  /** Whether the policy for the asset's tier makes it a candidate. */
  readonly candidate: boolean;
}

/** Every match that the policy makes a candidate; or the best `top` of at least `minConfidence`, weak ones included. */
export type Question = { readonly minConfidence: number; readonly top: number } | 'candidates';

export interface Compared {
  /** One match an asset, by falling confidence: what the question asked for. */
  readonly matches: readonly Match[];
  /** Whether the policy makes any match a candidate, listed or not. */
  readonly found: boolean;
}

/**
 * Compares one output with the whole catalogue. Pure but for the index it reads; synchronous, so that it sees exactly
 * one catalogue version.
 */
export function compare(index: LiveIndex, output: Fingerprint, policy: Policy, question: Question): Compared {
  const least = Math.min(...Object.values(policy.tiers).map((tier) => tier.minConfidence));
  const within = bestPerAsset(index, findWithin(index.hashes, output, radiusFor(least)), policy);
  const candidates = within.filter((match) => match.candidate);
  const found = candidates.length > 0;
  if (question === 'candidates') return { matches: candidates, found };
  const { minConfidence, top } = question;
  const all = minConfidence < least ? nearestAssets(index, output, policy, top) : within;
  return { matches: all.filter((match) => match.confidence >= minConfidence).slice(0, top), found };
}

/** An asset may have many reference images, so the nearest `top` images need not cover `top` assets: ask for more. */
function nearestAssets(index: LiveIndex, output: Fingerprint, policy: Policy, top: number): Match[] {
  for (let count = top * 2; ; count *= 2) {
    const matches = bestPerAsset(index, findNearest(index.hashes, output, count), policy);
    if (matches.length >= top || count >= index.size) return matches;
  }
}

function bestPerAsset(index: LiveIndex, hits: ReturnType<typeof findWithin>, policy: Policy): Match[] {
  const best = new Map<string, Match>();
  for (const hit of hits) {
    const { tier, self, ...reference } = index.reference(hit.id);
    const judgement = judge(hit, self);
    if (judgement.confidence <= (best.get(reference.assetId)?.confidence ?? -1)) continue;
    best.set(reference.assetId, {
      ...reference,
      ...judgement,
      hashDistance: hit.distance,
      orientation: hit.orientation,
      verification: null,
      candidate: judgement.confidence >= policy.tiers[tier].minConfidence,
    });
  }
  return [...best.values()].toSorted(
    (a, b) => b.confidence - a.confidence || (a.assetId < b.assetId ? -1 : 1),
  );
}
