import { randomUUID } from 'node:crypto';
import type { Executor } from '../../platform/storage/database.ts';
import { ALGORITHM_VERSION } from '../../vision/fingerprint/fingerprint.ts';
import type { Depth } from '../../vision/matching/policy.ts';
import type { TermHit } from '../../platform/provenance/index.ts';
import { raiseAlert, raiseWatch } from '../alerts/index.ts';
import type { Protocol } from '../catalogue/index.ts';
import type { Match } from './compare.ts';

/** One output compared with the whole catalogue. */
export interface Comparison {
  readonly outputId: string;
  /** How deep the works were searched. */
  readonly depth: Depth;
  readonly catalogueVersion: number;
  readonly policyVersion: number;
  readonly verdict: 'no-candidate' | 'candidate' | 'unhashable';
  /** Why it is unhashable; null otherwise. */
  readonly reason: string | null;
  /** The candidates. */
  readonly matches: readonly Match[];
  /** The sighting that was checked; null in a retroactive match. */
  readonly sightingId: string | null;
  /** Durations of the steps in milliseconds. */
  readonly ms: Record<string, number>;
  readonly at: Date;
  /** Says by when an alert wants its review. */
  readonly protocol: Protocol;
  /** Names of works in the output's prompt, source names and page. */
  readonly reliance: readonly TermHit[];
}

/** Who acts when no person does. */
export const UTSUSHI = 'utsushi';

/**
 * Writes a comparison down and raises its alerts, in the caller's transaction. The same comparison (output, depth,
 * catalogue, policy, algorithm) is recorded once; a second recording returns the first one's id.
 */
export async function recordComparison(
  tx: Executor,
  comparison: Comparison,
): Promise<{ checkId: string; alertIds: string[] }> {
  const checkId = await upsertCheck(tx, comparison);
  const alertIds: string[] = [];
  // Always in the same order, so that two transactions with one output cannot wait for each other.
  for (const match of comparison.matches.toSorted((a, b) => (a.assetId < b.assetId ? -1 : 1))) {
    const alertId = await raiseAlert(
      tx,
      {
        outputId: comparison.outputId,
        assetId: match.assetId,
        referenceId: match.referenceId,
        checkId,
        sightingId: comparison.sightingId,
        kind: match.kind,
        confidence: match.confidence,
        reliance: comparison.reliance.filter(({ assetId }) => assetId === match.assetId),
      },
      { at: comparison.at, actor: UTSUSHI, protocol: comparison.protocol },
    );
    if (alertId !== undefined) alertIds.push(alertId);
  }
  const matched = new Set(comparison.matches.map(({ assetId }) => assetId));
  await raiseWatch(
    tx,
    {
      outputId: comparison.outputId,
      sightingId: comparison.sightingId,
      hits: comparison.reliance.filter(({ assetId }) => !matched.has(assetId)),
    },
    { at: comparison.at, actor: UTSUSHI },
  );
  return { checkId, alertIds };
}

async function upsertCheck(tx: Executor, comparison: Comparison): Promise<string> {
  const key = {
    output_id: comparison.outputId,
    depth: comparison.depth,
    catalogue_version: comparison.catalogueVersion,
    policy_version: comparison.policyVersion,
    algorithm_version: ALGORITHM_VERSION,
  };
  const created = await tx
    .insertInto('checks')
    .values({
      id: randomUUID(),
      ...key,
      verdict: comparison.verdict,
      reason: comparison.reason,
      retroactive: comparison.sightingId === null,
      ms: JSON.stringify(comparison.ms),
      created_at: comparison.at,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst();
  if (created === undefined) {
    const existing = await tx
      .selectFrom('checks')
      .select('id')
      .where((eb) => eb.and(key))
      .executeTakeFirstOrThrow();
    return existing.id;
  }
  if (comparison.matches.length > 0) {
    await tx
      .insertInto('matches')
      .values(
        comparison.matches.map((match) => ({
          check_id: created.id,
          asset_id: match.assetId,
          reference_id: match.referenceId,
          confidence: match.confidence,
          candidate: match.candidate,
          kind: match.kind,
          body: JSON.stringify(match),
        })),
      )
      .execute();
  }
  return created.id;
}
