/** Writes down how a corpus's different pictures score, for installations that have not calibrated yet. */
import { ALGORITHM_VERSION } from '../src/vision/fingerprint/fingerprint.ts';
import type { ScoreCounts } from '../src/vision/matching/calibration.ts';
import type { Tier } from '../src/vision/matching/policy.ts';

/** @returns the text of src/vision/matching/default-negatives.ts, as prettier would have it */
export function defaultNegativesSource(
  negatives: Readonly<Record<Tier, ScoreCounts>>,
  works: number,
): string {
  const record = (counts: ScoreCounts) =>
    JSON.stringify(counts.map(([score, n]) => [score, n])).replaceAll(',', ', ');
  return `import type { ScoreCounts } from './calibration.ts';
import type { Tier } from './policy.ts';

/*
 * Measured, not written by hand: \`npm run bench -- accuracy --queries DIR --write\`. How pictures known to be different
 * score against ${works} works of the development corpus; figures only. An installation quotes them, saying so, until it
 * has calibrated on its own catalogue. Null: not measured.
 */

export const DEFAULT_NEGATIVES_ALGORITHM = '${ALGORITHM_VERSION}';

// prettier-ignore
export const DEFAULT_NEGATIVES: Readonly<Record<Tier, ScoreCounts | null>> = {
  high: ${record(negatives.high)},
  standard: ${record(negatives.standard)},
};
`;
}
