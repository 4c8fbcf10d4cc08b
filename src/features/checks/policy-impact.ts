import type { Tier } from '../../vision/matching/policy.ts';
import type { CheckDependencies } from './check.ts';
import { compare } from './compare.ts';
import { currentPolicy } from './policies.ts';
import { countOutputs, lookAgain, storedOutputs } from './retroactive.ts';

/** What other thresholds would do to the alerts of the outputs that are stored. */
export interface PolicyImpact {
  readonly outputs: number;
  /** Outputs that could not be read from what was kept. */
  readonly unreadable: number;
  /** Pairs of output and work that would raise an alert and have none. */
  readonly add: number;
  /** Alerts waiting for review that these thresholds would not have raised. */
  readonly drop: number;
  /** Alerts waiting for review that they would have raised as well. */
  readonly keep: number;
}

/**
 * Compares every stored output with the catalogue under other thresholds, and changes nothing: exact in both
 * directions, at the price of a retroactive match.
 */
export async function policyImpact(
  deps: CheckDependencies,
  thresholds: Readonly<Record<Tier, number>>,
  onProgress?: (done: number, total: number) => void,
): Promise<PolicyImpact> {
  const { db, index } = deps;
  await index.refresh(db);
  const inForce = await currentPolicy(db);
  const policy = {
    ...inForce,
    tiers: {
      high: { ...inForce.tiers.high, minConfidence: thresholds.high },
      standard: { ...inForce.tiers.standard, minConfidence: thresholds.standard },
    },
  };
  const total = await countOutputs(db);
  const impact = { outputs: 0, unreadable: 0, add: 0, drop: 0, keep: 0 };
  for (let after: string | undefined; ;) {
    const page = await storedOutputs(db, after, deps.compute.size * 2);
    if (page.length === 0) return impact;
    const alerts = await db
      .selectFrom('alerts')
      .select(['output_id', 'asset_id', 'state'])
      .where(
        'output_id',
        'in',
        page.map(({ id }) => id),
      )
      .execute();
    await Promise.all(
      page.map(async (output) => {
        const picture = await lookAgain(deps, output);
        impact.outputs += 1;
        if (picture === undefined) {
          impact.unreadable += 1;
          return;
        }
        const { matches } = await compare(deps, picture, policy, 'candidates');
        const found = new Set(matches.map(({ assetId }) => assetId));
        const there = alerts.filter((alert) => alert.output_id === output.id);
        const waiting = there.filter(({ state }) => state !== 'decided');
        const kept = waiting.filter((alert) => found.has(alert.asset_id)).length;
        impact.keep += kept;
        impact.drop += waiting.length - kept;
        for (const { asset_id: assetId } of there) found.delete(assetId);
        impact.add += found.size;
      }),
    );
    after = page.at(-1)!.id;
    onProgress?.(impact.outputs, Math.max(total, impact.outputs));
  }
}
