/** How valuable an asset is to its owner; it sets how deep Utsushi looks and when it speaks up. */
export type Tier = 'high' | 'standard';

/** `standard` finds a work by the hashes of its views, `deep` by its keypoints too; both verify what they find. */
export type Depth = 'standard' | 'deep';

/** The thresholds in force, versioned in the database and copied into every check. */
export interface Policy {
  readonly tiers: Readonly<Record<Tier, { readonly minConfidence: number; readonly depth: Depth }>>;
}

/**
 * What a new installation begins with. High-value works speak up a little earlier: there a missed copy costs more
 * than a minute of review. docs/benchmarks/accuracy.md has what these thresholds find and what they raise in vain.
 */
export const DEFAULT_POLICY: Policy = {
  tiers: {
    high: { minConfidence: 0.5, depth: 'deep' },
    standard: { minConfidence: 0.6, depth: 'standard' },
  },
};
