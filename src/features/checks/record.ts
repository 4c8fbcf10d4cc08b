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
 * Writes comparisons of different or the same outputs down and raises their alerts, in the caller's transaction. The
 * same comparison (output, depth, catalogue, policy, algorithm) is recorded once; a second recording returns the first
 * one's id.
 *
 * @returns in the order of the comparisons
 */
export async function recordComparisons(
  tx: Executor,
  comparisons: readonly Comparison[],
): Promise<{ checkId: string; alertIds: string[] }[]> {
  const checkIds = await upsertChecks(tx, comparisons);
  const recorded: { checkId: string; alertIds: string[] }[] = [];
  for (const [i, comparison] of comparisons.entries()) {
    const checkId = checkIds[i]!;
    recorded.push({ checkId, alertIds: await raiseAlerts(tx, checkId, comparison) });
  }
  return recorded;
}

/** The same for one. */
export async function recordComparison(
  tx: Executor,
  comparison: Comparison,
): Promise<{ checkId: string; alertIds: string[] }> {
  return (await recordComparisons(tx, [comparison]))[0]!;
}

async function raiseAlerts(tx: Executor, checkId: string, comparison: Comparison): Promise<string[]> {
  const { outputId, sightingId, at } = comparison;
  const alertIds: string[] = [];
  // Always in the same order, so that two transactions with one output cannot wait for each other.
  for (const match of comparison.matches.toSorted((a, b) => (a.assetId < b.assetId ? -1 : 1))) {
    const alertId = await raiseAlert(
      tx,
      {
        outputId,
        assetId: match.assetId,
        referenceId: match.referenceId,
        checkId,
        sightingId,
        kind: match.kind,
        confidence: match.confidence,
        reliance: comparison.reliance.filter(({ assetId }) => assetId === match.assetId),
      },
      { at, actor: UTSUSHI, protocol: comparison.protocol },
    );
    if (alertId !== undefined) alertIds.push(alertId);
  }
  const matched = new Set(comparison.matches.map(({ assetId }) => assetId));
  const hits = comparison.reliance.filter(({ assetId }) => !matched.has(assetId));
  await raiseWatch(tx, { outputId, sightingId, hits }, { at, actor: UTSUSHI });
  return alertIds;
}

async function upsertChecks(tx: Executor, comparisons: readonly Comparison[]): Promise<string[]> {
  const ids = comparisons.map(() => randomUUID());
  const created = await tx
    .insertInto('checks')
    .values(
      comparisons.map((comparison, i) => ({
        id: ids[i]!,
        ...keyOf(comparison),
        verdict: comparison.verdict,
        reason: comparison.reason,
        retroactive: comparison.sightingId === null,
        ms: JSON.stringify(comparison.ms),
        created_at: comparison.at,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .execute();
  const isNew = new Set(created.map(({ id }) => id));
  const matches = comparisons.flatMap((comparison, i) =>
    isNew.has(ids[i]!) ? comparison.matches.map((match) => matchRow(ids[i]!, match)) : [],
  );
  if (matches.length > 0) await tx.insertInto('matches').values(matches).execute();
  return Promise.all(ids.map((id, i) => (isNew.has(id) ? id : existingCheck(tx, comparisons[i]!))));
}

function keyOf({ outputId, depth, catalogueVersion, policyVersion }: Comparison) {
  return {
    output_id: outputId,
    depth,
    catalogue_version: catalogueVersion,
    policy_version: policyVersion,
    algorithm_version: ALGORITHM_VERSION,
  };
}

async function existingCheck(tx: Executor, comparison: Comparison): Promise<string> {
  const { id } = await tx
    .selectFrom('checks')
    .select('id')
    .where((eb) => eb.and(keyOf(comparison)))
    .executeTakeFirstOrThrow();
  return id;
}

function matchRow(checkId: string, match: Match) {
  return {
    check_id: checkId,
    asset_id: match.assetId,
    reference_id: match.referenceId,
    confidence: match.confidence,
    candidate: match.candidate,
    kind: match.kind,
    body: JSON.stringify(match),
  };
}
