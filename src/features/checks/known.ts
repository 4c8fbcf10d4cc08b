import { createHash } from 'node:crypto';
import type { Provenance } from '../../platform/provenance/index.ts';
import type { BlobStore } from '../../platform/storage/blobs.ts';
import type { Database, Executor } from '../../platform/storage/database.ts';
import { ALGORITHM_VERSION } from '../../vision/fingerprint/fingerprint.ts';
import { type LiveTerms, type Protocol, holdVersion, readVersion } from '../catalogue/index.ts';
import type { Match } from './compare.ts';
import { finishSighting, takePending } from './finish.ts';
import { currentPolicy } from './policies.ts';
import { recordComparison } from './record.ts';
import { relianceHits } from './reliance.ts';
import type { SightingState } from './sightings.ts';

/**
 * Records a sighting of a picture that was checked before, without looking at it again: what was found then holds, and
 * its alerts hear that it was seen once more, wherever and by whomever it is shown now.
 *
 * That is only sound while every stored output has been compared with the whole catalogue (no retroactive match is
 * pending) under the policy and algorithm in force.
 *
 * @returns undefined when it is not known, or has to be looked at again
 */
export async function recordKnown(
  deps: {
    readonly db: Database;
    readonly blobs: BlobStore;
    readonly clock: () => Date;
    readonly terms: LiveTerms;
    readonly protocol: Protocol;
  },
  sighting: SightingState,
  bytes: Uint8Array,
): Promise<{ checkId: string; alertIds: string[] } | undefined> {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const { version: policyVersion, tiers } = await currentPolicy(deps.db);
  const before = await lastCheck(deps.db, sha256, policyVersion);
  if (before === undefined) return undefined;
  const reliance = await relianceHits(deps, before.provenance as Provenance | null, sighting);
  return deps.db.transaction().execute(async (tx) => {
    const version = await holdVersion(tx);
    if ((await readVersion(tx)).matchedVersion < version) return undefined;
    if (!(await takePending(tx, sighting.id))) return undefined;
    // Checks of one output go one after the other.
    await tx.selectFrom('outputs').select('id').where('sha256', '=', sha256).forUpdate().execute();
    const check = await lastCheck(tx, sha256, policyVersion);
    if (check === undefined) return undefined;
    const matches = await matchesOf(tx, check.id);
    // It matters by now, and only a shrunk picture was kept: here is the original.
    if (matches.length > 0 && check.retained === 'shrunk') return undefined;
    const at = deps.clock();
    const recorded = await recordComparison(tx, {
      outputId: check.output_id,
      depth: check.depth,
      catalogueVersion: check.catalogue_version,
      policyVersion,
      verdict: check.verdict,
      reason: check.reason,
      matches,
      sightingId: sighting.id,
      ms: {},
      at,
      protocol: deps.protocol,
      reliance,
    });
    await finishSighting(tx, {
      sighting,
      outputId: check.output_id,
      outputSha256: sha256,
      checkId: recorded.checkId,
      verdict: check.verdict,
      matches,
      catalogueVersion: check.catalogue_version,
      policy: { version: policyVersion, tiers },
      also: { known: true, provenance: before.provenance, reliance },
      at,
    });
    return recorded;
  });
}

/** The newest check of these bytes under this policy: it holds everything that the catalogue had for them. */
function lastCheck(db: Executor, sha256: string, policyVersion: number) {
  return db
    .selectFrom('checks as c')
    .innerJoin('outputs as o', 'o.id', 'c.output_id')
    .select([
      'c.id',
      'c.output_id',
      'c.depth',
      'c.catalogue_version',
      'c.verdict',
      'c.reason',
      'o.retained',
      'o.provenance',
    ])
    .where('o.sha256', '=', sha256)
    .where('c.policy_version', '=', policyVersion)
    .where('c.algorithm_version', '=', ALGORITHM_VERSION)
    .orderBy('c.catalogue_version', 'desc')
    .limit(1)
    .executeTakeFirst();
}

/** What that check found of works that are still watched. */
async function matchesOf(tx: Executor, checkId: string): Promise<Match[]> {
  const rows = await tx
    .selectFrom('matches as m')
    .innerJoin('assets as a', 'a.id', 'm.asset_id')
    .select('m.body')
    .where('m.check_id', '=', checkId)
    .where('a.enabled', '=', true)
    .execute();
  return rows.map(({ body }) => body as Match);
}
