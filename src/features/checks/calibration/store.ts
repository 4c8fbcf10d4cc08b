import type { Policy, Tier } from '../../../vision/matching/policy.ts';
import type { CheckDependencies } from '../check.ts';
import { currentPolicy, storePolicy } from '../policies.ts';
import type { Calibration } from './calibration.ts';

/**
 * Puts the thresholds of a calibration in force, with the calibration as their reason.
 *
 * @returns the new policy's version
 */
export async function storeCalibration(
  { db, clock }: CheckDependencies,
  calibration: Calibration,
  actor: string,
): Promise<number> {
  const before = await currentPolicy(db);
  const tierOf = (tier: Tier): Policy['tiers'][Tier] => ({
    ...before.tiers[tier],
    minConfidence: calibration.tiers[tier]?.threshold.minConfidence ?? before.tiers[tier].minConfidence,
  });
  const { targetFpr, negatives } = calibration;
  return storePolicy(
    db,
    {
      tiers: { high: tierOf('high'), standard: tierOf('standard') },
      reason: `calibrated on ${negatives.used} pictures known to be different, for a false-positive rate of ${targetFpr}`,
      calibration,
    },
    { actor, at: clock() },
  );
}
