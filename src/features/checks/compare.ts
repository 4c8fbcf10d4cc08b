import type { Executor } from '../../platform/storage/database.ts';
import type { Orientation } from '../../vision/fingerprint/pdq.ts';
import type { Kind, Sentence } from '../../vision/matching/match.ts';
import { idsOf } from '../../vision/matching/matcher.ts';
import type { Depth } from '../../vision/matching/policy.ts';
import { reasonsFor } from '../../vision/matching/reasons.ts';
import type { Change } from '../../vision/matching/score.ts';
import type { Correspondence } from '../../vision/matching/verify.ts';
import { type Verified, verifyShortlist } from '../../vision/matching/verify-shortlist.ts';
import type { IndexedReference, LiveIndex } from '../catalogue/index.ts';
import type { OutputPicture } from './output-picture.ts';
import { type KnownFalseAlarms, type VersionedPolicy, falseAlarmsOf } from './policies.ts';

/** One asset that an output resembles, by its best reference image. */
export interface Match {
  readonly assetId: string;
  readonly referenceId: string;
  /** The reference image's path as imported. */
  readonly file: string;
  readonly title: string;
  /** A technical proposal, never a legal finding. */
  readonly kind: Kind;
  readonly transformations: readonly Change[];
  readonly confidence: number;
  /** Bits of 256. */
  readonly hashDistance: number;
  /** What has to be done to the output so that it looks like the reference image, to the nearest quarter turn. */
  readonly orientation: Orientation;
  readonly verification: {
    /** Pairs of keypoints that agree with the alignment. */
    readonly inliers: number;
    /** Share of the work inside the output, and of the output covered by the work; 0..1. */
    readonly overlap: { readonly asset: number; readonly output: number };
    /** Agreement of the lines after alignment, 0..1. */
    readonly alignedSimilarity: number;
    /** The work's corners in output pixels, clockwise from its top left. */
    readonly quad: readonly (readonly [number, number])[];
    /** Some of the inliers, spread over all: place in the work and place in the output, in shares of their sides. */
    readonly correspondences: readonly Correspondence[];
  };
  /** Pictures known to be different that score at least this; null where nobody has measured it. */
  readonly falseAlarms: KnownFalseAlarms | null;
  readonly reasons: readonly Sentence[];
  /** Whether the policy for the asset's tier makes it a candidate. */
  readonly candidate: boolean;
}

/** Every match that the policy makes a candidate; or the best `top` of at least `minConfidence`, weak ones included. */
export type Question = { readonly minConfidence: number; readonly top: number } | 'candidates';

export interface Compared {
  /** One match an asset, by falling confidence: everything that was verified, however weak. */
  readonly all: readonly Match[];
  /** Of these, what the question asked for. */
  readonly matches: readonly Match[];
  /** Whether the policy makes any match a candidate, listed or not. */
  readonly found: boolean;
  /** How deep the works were searched. */
  readonly depth: Depth;
  /** Milliseconds. */
  readonly ms: { readonly search: number; readonly verify: number };
}

interface CompareDependencies {
  readonly db: Executor;
  readonly index: LiveIndex;
}

/**
 * Compares one output with the whole catalogue. Whoever records the answer takes the index's version before, and holds
 * the catalogue at that version while recording: then nothing changed meanwhile.
 */
export async function compare(
  deps: CompareDependencies,
  output: OutputPicture,
  policy: VersionedPolicy,
  question: Question,
): Promise<Compared> {
  const found = await findWorks(deps, output);
  const best = new Map<string, Match>();
  for (const { reference, verified } of found.works) {
    const { tier, ...shown } = reference;
    // They come by falling confidence, so the first one of an asset is its best.
    if (best.has(reference.assetId)) continue;
    const candidate = verified.confidence >= policy.tiers[tier].minConfidence;
    const falseAlarms = falseAlarmsOf(policy, tier, verified.confidence);
    best.set(reference.assetId, { ...shown, ...toMatch(verified, output, falseAlarms), candidate });
  }
  const all = [...best.values()];
  return {
    all,
    matches: chosen(all, question),
    found: all.some((match) => match.candidate),
    depth: found.depth,
    ms: found.ms,
  };
}

export interface FoundWork {
  readonly reference: IndexedReference;
  readonly verified: Verified;
}

/** Every reference image that was verified in the output, the surest first, however weak. */
export async function findWorks(
  { db, index }: CompareDependencies,
  output: OutputPicture,
): Promise<Pick<Compared, 'depth' | 'ms'> & { readonly works: readonly FoundWork[] }> {
  const started = performance.now();
  const { matcher } = index;
  const { depth } = matcher;
  const near = matcher.hasNear(output);
  const searchedAt = performance.now();
  if (!near && depth === 'standard')
    return { works: [], depth, ms: { search: searchedAt - started, verify: 0 } };
  // Looking closely begins here, but for the search that it makes possible.
  const features = await output.inDepth();
  const examinedAt = performance.now();
  const shortlist = matcher.shortlist(features, near);
  const shortlistedAt = performance.now();
  const known = await index.works(db, idsOf(shortlist));
  const works = verifyShortlist(shortlist, known).map((verified) => ({
    reference: known.get(verified.id)!.reference,
    verified,
  }));
  const search = searchedAt - started + (shortlistedAt - examinedAt);
  return {
    works,
    depth,
    ms: { search, verify: performance.now() - started - search },
  };
}

/** Of everything that was verified, what the question asks for. */
export function chosen(all: readonly Match[], question: Question): readonly Match[] {
  if (question === 'candidates') return all.filter((match) => match.candidate);
  return all.filter((match) => match.confidence >= question.minConfidence).slice(0, question.top);
}

/** What is said of a picture that cannot be compared. */
export const NOTHING_COMPARED: Compared = {
  all: [],
  matches: [],
  found: false,
  depth: 'standard',
  ms: { search: 0, verify: 0 },
};

function toMatch(verified: Verified, output: OutputPicture, falseAlarms: KnownFalseAlarms | null) {
  const { verification, hashDistance } = verified.evidence;
  return {
    kind: verified.unchanged >= 0.5 ? ('reproduction' as const) : ('adaptation' as const),
    transformations: verified.description.changes,
    confidence: verified.confidence,
    hashDistance,
    orientation: verified.orientation,
    verification: {
      inliers: verification.inliers,
      overlap: { asset: unit(verification.overlap.work), output: unit(verification.overlap.output) },
      alignedSimilarity: unit(verification.alignment.structure),
      quad: verification.quad.map(
        ([x, y]) => [Math.round(x * output.width), Math.round(y * output.height)] as const,
      ),
      correspondences: someOf(verification.correspondences),
    },
    falseAlarms,
    reasons: [...reasonsFor(verified), ...rarityOf(falseAlarms)],
  };
}

const MEASURED_ON: Readonly<Record<KnownFalseAlarms['measuredOn'], Sentence>> = {
  'own-catalogue': { ja: '自分のカタログで測定', en: 'measured on your catalogue' },
  'development-corpus': {
    ja: '開発用の絵で測定。自分のカタログでは未測定',
    en: 'measured on the development corpus, not on your catalogue',
  },
};

function rarityOf(falseAlarms: KnownFalseAlarms | null): Sentence[] {
  if (falseAlarms === null) return [];
  const { atLeast, of, measuredOn } = falseAlarms;
  const where = MEASURED_ON[measuredOn];
  return [
    {
      ja: `別物と分かっている絵${of.toLocaleString('en')}枚のうち、照合スコアがこれ以上になるものは${atLeast.toLocaleString('en')}枚です(${where.ja})。`,
      en: `${atLeast.toLocaleString('en')} of ${of.toLocaleString('en')} pictures known to be different score at least this (${where.en}).`,
    },
  ];
}

/** Enough to show that points agree, few enough to keep with every match. */
const SHOWN_CORRESPONDENCES = 40;

function someOf(all: readonly Correspondence[]): Correspondence[] {
  const count = Math.min(SHOWN_CORRESPONDENCES, all.length);
  const rounded = (share: number) => Math.round(share * 10_000) / 10_000;
  return Array.from({ length: count }, (_, i) => {
    const [x, y, u, v] = all[Math.floor((i * all.length) / count)]!;
    return [rounded(x), rounded(y), rounded(u), rounded(v)];
  });
}

function unit(value: number): number {
  return Math.min(1, Math.max(0, value));
}
