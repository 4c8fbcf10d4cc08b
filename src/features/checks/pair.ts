import type { ComputePool } from '../../platform/compute/pool.ts';
import type { PictureSource } from '../../platform/compute/tasks.ts';
import { vocabulary } from '../../platform/compute/vocabulary.ts';
import { ALGORITHM_VERSION } from '../../vision/fingerprint/fingerprint.ts';
import { workHashes } from '../../vision/fingerprint/work-hashes.ts';
import type { Kind } from '../../vision/matching/match.ts';
import { Matcher } from '../../vision/matching/matcher.ts';
import { verifyShortlist } from '../../vision/matching/verify-shortlist.ts';

/** What comparing one work with one output says, whatever else a catalogue holds: it can be done again anywhere. */
export interface PairFigures {
  readonly algorithmVersion: string;
  readonly kind: Kind;
  readonly confidence: number;
  /** Bits of 256. */
  readonly hashDistance: number;
  readonly inliers: number;
  readonly overlap: { readonly asset: number; readonly output: number };
  readonly alignedSimilarity: number;
}

/**
 * Compares one work with one output from their bytes alone.
 *
 * @returns undefined when nothing of the work is found, or one of them is too flat to compare
 * @throws UtsushiError about either picture
 */
export async function comparePair(
  deps: { readonly compute: ComputePool; readonly limits: PictureSource['limits'] },
  work: Uint8Array,
  output: Uint8Array,
): Promise<PairFigures | undefined> {
  const { limits } = deps;
  const [known, seen] = await Promise.all([
    deps.compute.examine({ role: 'work', depth: 'deep', source: { bytes: work }, limits }),
    deps.compute.examine({ role: 'output', depth: 'deep', source: { bytes: output }, limits }),
  ]);
  if (!('features' in known.outcome) || !('features' in seen.outcome)) return undefined;
  const matcher = new Matcher(vocabulary());
  const { features } = known.outcome;
  matcher.addDeep(0, workHashes(features), features);
  const shortlist = matcher.shortlist(seen.outcome.features);
  const [best] = verifyShortlist(shortlist, new Map([[0, { key: 'work', features }]]));
  if (best === undefined) return undefined;
  const { verification, hashDistance } = best.evidence;
  return {
    algorithmVersion: ALGORITHM_VERSION,
    kind: best.unchanged >= 0.5 ? 'reproduction' : 'adaptation',
    confidence: best.confidence,
    hashDistance,
    inliers: verification.inliers,
    overlap: { asset: verification.overlap.work, output: verification.overlap.output },
    alignedSimilarity: verification.alignment.structure,
  };
}
