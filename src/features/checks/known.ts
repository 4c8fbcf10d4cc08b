import type { Provenance } from '../../platform/provenance/index.ts';
import type { Executor } from '../../platform/storage/database.ts';
import { ALGORITHM_VERSION } from '../../vision/fingerprint/fingerprint.ts';
import { type Protocol, holdVersion, readVersion } from '../catalogue/index.ts';
import type { Match } from './compare.ts';
import { finishSightings, takePending } from './finish.ts';
import { newestPolicyVersion, recentPolicy } from './policies.ts';
import { recordComparison } from './record.ts';
import { type RelianceDependencies, relianceHits } from './reliance.ts';
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
  deps: RelianceDependencies & {
    readonly gathered: { readonly lastCheck: (asked: Known) => Promise<LastCheck | undefined> };
    readonly clock: () => Date;
    readonly protocol: Protocol;
  },
  sighting: SightingState,
  sha256: string,
): Promise<{ checkId: string; alertIds: string[] } | undefined> {
  const { version: policyVersion, tiers } = await recentPolicy(deps.db);
  const before = await deps.gathered.lastCheck({ sha256, policyVersion });
  if (before === undefined) return undefined;
  const reliance = await relianceHits(deps, before.provenance as Provenance | null, sighting);
  return deps.db.transaction().execute(async (tx) => {
    const version = await holdVersion(tx);
    if ((await readVersion(tx)).matchedVersion < version) return undefined;
    if ((await newestPolicyVersion(tx)) !== policyVersion) return undefined;
    if ((await takePending(tx, [sighting.id])).size === 0) return undefined;
    // Checks of one output go one after the other.
    await tx.selectFrom('outputs').select('id').where('sha256', '=', sha256).forUpdate().execute();
    const [check] = await lastChecks(tx, [{ sha256, policyVersion }]);
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
    await finishSightings(tx, [
      {
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
      },
    ]);
    return recorded;
  });
}

/** The bytes of an output, and the policy it is to have been checked under. */
export interface Known {
  readonly sha256: string;
  readonly policyVersion: number;
}

/**
 * The newest check of each of these files under its policy: it holds everything that the catalogue had for them.
 *
 * @returns in the order of the questions; undefined where there is none
 */
export async function lastChecks(db: Executor, asked: readonly Known[]) {
  const rows = await db
    .selectFrom('outputs as o')
    .innerJoin('checks as c', 'c.output_id', 'o.id')
    .distinctOn(['o.sha256', 'c.policy_version'])
    .select([
      'o.sha256',
      'c.policy_version',
      'c.id',
      'c.output_id',
      'c.depth',
      'c.catalogue_version',
      'c.verdict',
      'c.reason',
      'o.retained',
      'o.provenance',
    ])
    .where('o.sha256', '=', (eb) => eb.fn.any(eb.val(asked.map(({ sha256 }) => sha256))))
    .where('c.policy_version', '=', (eb) =>
      eb.fn.any(eb.val(asked.map(({ policyVersion }) => policyVersion))),
    )
    .where('c.algorithm_version', '=', ALGORITHM_VERSION)
    .orderBy('o.sha256')
    .orderBy('c.policy_version')
    .orderBy('c.catalogue_version', 'desc')
    .execute();
  return asked.map(({ sha256, policyVersion }) =>
    rows.find((row) => row.sha256 === sha256 && row.policy_version === policyVersion),
  );
}

type LastCheck = Exclude<Awaited<ReturnType<typeof lastChecks>>[number], undefined>;

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
