import type { SimulatedCopy } from '../../../platform/image/simulated-copies.ts';
import type { ScoreCounts, Threshold } from '../../../vision/matching/calibration.ts';
import type { Tier } from '../../../vision/matching/policy.ts';

/** What a calibration measured; stored with the policy that it set. Scores are the best of a picture in a tier. */
export interface Calibration {
  readonly measuredAt: string;
  readonly algorithmVersion: string;
  readonly catalogueVersion: number;
  /** The share of pictures like the negatives that may raise a candidate in a tier. */
  readonly targetFpr: number;
  readonly negatives: {
    /** Files given; the rest says what became of them. */
    readonly files: number;
    readonly used: number;
    /** Byte for byte the same as another one: counted once. */
    readonly duplicates: number;
    /** Blank or tiny, so they never raise anything: not counted. */
    readonly unhashable: number;
    readonly unreadable: readonly { readonly file: string; readonly code: string }[];
    readonly setAside: number;
  };
  /** Null where the catalogue holds no work of the tier: its threshold stays as it was. */
  readonly tiers: Readonly<Record<Tier, TierCalibration | null>>;
  /** Works that collide with many different pictures, or are so plain that they may. */
  readonly magnets: readonly Magnet[];
  /** Given as different, and yet so alike that a person should look. */
  readonly suspects: readonly Suspect[];
  readonly suspectsAre: 'counted' | 'set-aside' | 'undecided';
}

export interface TierCalibration {
  /** Reference images of the tier. */
  readonly references: number;
  readonly threshold: Threshold;
  /** Whether the threshold was kept from falling below LEAST_THRESHOLD. */
  readonly raised: boolean;
  readonly thresholdBefore: number;
  readonly scores: ScoreCounts;
  /** The negatives that score most: they set the threshold. */
  readonly highest: readonly Suspect[];
  readonly copies: CopiesFound;
}

/** How well simulated copies of the owner's own works are found at the threshold. Scripts, no diffusion model. */
export interface CopiesFound {
  readonly simulated: true;
  readonly works: number;
  readonly of: number;
  readonly found: number;
  /** Two-sided 95 % Clopper-Pearson interval of the share found. */
  readonly interval: readonly [number, number];
  readonly byKind: readonly { readonly kind: SimulatedCopy; readonly of: number; readonly found: number }[];
  readonly scores: ScoreCounts;
}

export interface Suspect {
  readonly file: string;
  readonly score: number;
  readonly assetId: string;
  readonly title: string;
  /** The reference image's path as imported. */
  readonly reference: string;
}

export interface Magnet {
  readonly assetId: string;
  readonly title: string;
  readonly reference: string;
  /** It comes first for many negatives, or not weakly for some. */
  readonly collides: boolean;
  /** There is little to recognise it by: blank, tiny or generic. */
  readonly plain: boolean;
  /** Negatives for which it comes first; those of them where it is not weak; and its best score with one of these. */
  readonly first: number;
  readonly collisions: number;
  readonly highest: number;
  /** What there is to recognise it by. */
  readonly width: number;
  readonly height: number;
  readonly keypoints: number;
}
