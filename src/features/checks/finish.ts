import { sql } from 'kysely';
import type { Executor } from '../../platform/storage/database.ts';
import { ALGORITHM_VERSION } from '../../vision/fingerprint/fingerprint.ts';
import { recordAudit } from '../audit/index.ts';
import type { Match } from './compare.ts';
import type { VersionedPolicy } from './policies.ts';
import type { SightingState } from './sightings.ts';

/**
 * Takes the locks of those sightings that are pending, for the rest of the transaction: one that is not pending any
 * more was finished by somebody else, for two workers may hold the same job after a lock ran out.
 *
 * @returns the ids of those that are pending
 */
export async function takePending(tx: Executor, sightingIds: readonly string[]): Promise<Set<string>> {
  const pending = await tx
    .selectFrom('sightings')
    .select('id')
    .where('id', '=', (eb) => eb.fn.any(eb.val([...sightingIds])))
    .where('state', '=', 'pending')
    // Always in the same order, so that two transactions cannot wait for each other.
    .orderBy('id')
    .forUpdate()
    .execute();
  return new Set(pending.map(({ id }) => id));
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

/** Brings sightings to their end, with an `output.checked` record each, in the transaction of their checks. */
export async function finishSightings(tx: Executor, all: readonly Finished[]): Promise<void> {
  const ids = all.map(({ sighting }) => sighting.id);
  const outputs = all.map(({ outputId }) => outputId);
  const checks = all.map(({ checkId }) => checkId);
  const times = all.map(({ at }) => at);
  await sql`
    update sightings s
    set state = 'done', output_id = f.output_id, check_id = f.check_id, finished_at = f.at
    from unnest(${ids}::uuid[], ${outputs}::uuid[], ${checks}::uuid[], ${times}::timestamptz[])
      as f (id, output_id, check_id, at)
    where s.id = f.id`.execute(tx);
  await recordAudit(
    tx,
    all.map((finished) => ({
      at: finished.at,
      kind: 'output.checked',
      subject: finished.checkId,
      payload: recordOf(finished),
    })),
  );
}

function recordOf({ sighting, outputSha256, verdict, matches, catalogueVersion, policy, also }: Finished) {
  return {
    sightingId: sighting.id,
    acquisition: sighting.acquisition,
    acquiredBy: sighting.acquired_by,
    imageUrl: sighting.image_url,
    pageUrl: sighting.page_url,
    seenAt: sighting.seen_at,
    outputSha256,
    verdict,
    matches: matches.map(({ assetId, referenceId, kind, confidence, hashDistance }) => ({
      assetId,
      referenceId,
      kind,
      confidence,
      hashDistance,
    })),
    catalogueVersion,
    policy: { version: policy.version, tiers: policy.tiers },
    algorithmVersion: ALGORITHM_VERSION,
    ...also,
  };
}
