import type { ScoreCounts } from './calibration.ts';
import type { Tier } from './policy.ts';

/*
 * Measured, not written by hand: `npm run bench -- accuracy --queries DIR --write`. How pictures known to be different
 * score against 635 works of the development corpus; figures only. An installation quotes them, saying so, until it
 * has calibrated on its own catalogue. Null: not measured.
 */

export const DEFAULT_NEGATIVES_ALGORITHM = 'utsushi-2';

export const DEFAULT_NEGATIVES: Readonly<Record<Tier, ScoreCounts | null>> = {
  high: null,
  standard: null,
};
