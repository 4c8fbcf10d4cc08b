import type { Executor } from '../../platform/storage/database.ts';
import { ALGORITHM_VERSION } from '../../vision/fingerprint/fingerprint.ts';
import { recordAudit } from '../audit/index.ts';
import type { Match } from './compare.ts';
import type { VersionedPolicy } from './policies.ts';
import type { SightingState } from './sightings.ts';

/**
 * Takes the lock of a pending sighting for the rest of the transaction.
 *
 * @returns false when it is not pending any more: two workers may hold the same job after a lock ran out
 */
export async function takePending(tx: Executor, sightingId: string): Promise<boolean> {
  const pending = await tx
    .selectFrom('sightings')
    .select('id')
    .where('id', '=', sightingId)
    .where('state', '=', 'pending')
    .forUpdate()
    .executeTakeFirst();
  return pending !== undefined;
}

/** How a sighting ended: which check speaks for it, and what the audit chain is to know of that check. */
export interface Finished {
  readonly sighting: SightingState;
  readonly outputId: string;
  readonly outputSha256: string;
  readonly checkId: string;
  readonly verdict: 'no-candidate' | 'candidate' | 'unhashable';
  readonly matches: readonly Match[];
  readonly catalogueVersion: number;
  readonly policy: Pick<VersionedPolicy, 'version' | 'tiers'>;
  /** Whatever else the record says. */
  readonly also: Readonly<Record<string, unknown>>;
  readonly at: Date;
}

/** Brings a sighting to its end and writes an `output.checked` record, in the transaction of its check. */
export async function finishSighting(tx: Executor, finished: Finished): Promise<void> {
  const { sighting, checkId, matches, policy, at } = finished;
  await tx
    .updateTable('sightings')
    .set({ state: 'done', output_id: finished.outputId, check_id: checkId, finished_at: at })
    .where('id', '=', sighting.id)
    .execute();
  const payload = {
    sightingId: sighting.id,
    acquisition: sighting.acquisition,
    acquiredBy: sighting.acquired_by,
    imageUrl: sighting.image_url,
    pageUrl: sighting.page_url,
    seenAt: sighting.seen_at,
    outputSha256: finished.outputSha256,
    verdict: finished.verdict,
    matches: matches.map(({ assetId, referenceId, kind, confidence, hashDistance }) => ({
      assetId,
      referenceId,
      kind,
      confidence,
      hashDistance,
    })),
    catalogueVersion: finished.catalogueVersion,
    policy: { version: policy.version, tiers: policy.tiers },
    algorithmVersion: ALGORITHM_VERSION,
    ...finished.also,
  };
  await recordAudit(tx, [{ at, kind: 'output.checked', subject: checkId, payload }]);
}
