import { randomUUID } from 'node:crypto';
import type { Examined } from '../../platform/compute/tasks.ts';
import type { TermHit } from '../../platform/provenance/index.ts';
import type { Database, Executor } from '../../platform/storage/database.ts';
import { ALGORITHM_VERSION, decodeFingerprint } from '../../vision/fingerprint/fingerprint.ts';
import { type Protocol, holdVersion } from '../catalogue/index.ts';
import type { Compared } from './compare.ts';
import { finishSightings, takePending } from './finish.ts';
import { type VersionedPolicy, newestPolicyVersion } from './policies.ts';
import { recordComparisons } from './record.ts';
import type { SightingState } from './sightings.ts';

/** A sighting whose output was looked at and compared, to be recorded. */
export interface CheckToWrite {
  readonly sighting: SightingState;
  readonly examined: Examined;
  readonly compared: Compared;
  readonly reliance: readonly TermHit[];
  readonly protocol: Protocol;
  readonly policy: VersionedPolicy;
  /** The catalogue version it was compared with. */
  readonly version: number;
  readonly ms: Record<string, number>;
  /** The file that is kept; it lies in the store already. */
  readonly retained: { readonly as: 'original' | 'shrunk'; readonly sha256: string };
  readonly at: Date;
}

/** What became of it; `changed`: catalogue or policy moved on since it was compared, so nothing was written. */
export type Written = { readonly checkId: string; readonly alertIds: readonly string[] } | 'changed' | 'over';

/**
 * Records checks in one transaction, each as if it were alone: one that was compared with an older catalogue or policy
 * is left out (`changed`), and one whose sighting is no longer pending too (`over`). Catalogue changes wait meanwhile,
 * so nothing slips between two catalogue versions.
 *
 * @returns in the order of the checks
 */
export async function writeChecks(db: Database, checks: readonly CheckToWrite[]): Promise<Written[]> {
  return db.transaction().execute(async (tx) => {
    const held = { version: await holdVersion(tx), policy: await newestPolicyVersion(tx) };
    const current = checks.filter(
      ({ version, policy }) => version === held.version && policy.version === held.policy,
    );
    const pending = await takePending(
      tx,
      current.map(({ sighting }) => sighting.id),
    );
    // A sighting that is here twice is taken once.
    const todo = current.filter(({ sighting }) => pending.delete(sighting.id));
    const written = todo.length === 0 ? new Map<CheckToWrite, Written>() : await write(tx, todo);
    return checks.map((check) => written.get(check) ?? (current.includes(check) ? 'over' : 'changed'));
  });
}

async function write(tx: Executor, checks: readonly CheckToWrite[]): Promise<Map<CheckToWrite, Written>> {
  const outputIds = await upsertOutputs(tx, checks);
  const comparisons = checks.map((check) => ({
    outputId: outputIds.get(check.examined.sha256)!,
    depth: check.compared.depth,
    catalogueVersion: check.version,
    policyVersion: check.policy.version,
    ...verdictOf(check),
    matches: check.compared.matches,
    reliance: check.reliance,
    sightingId: check.sighting.id,
    ms: check.ms,
    at: check.at,
    protocol: check.protocol,
  }));
  const recorded = await recordComparisons(tx, comparisons);
  await finishSightings(
    tx,
    checks.map(({ sighting, examined, policy, reliance }, i) => ({
      ...comparisons[i]!,
      sighting,
      outputSha256: examined.sha256,
      checkId: recorded[i]!.checkId,
      policy,
      also: { provenance: examined.provenance, reliance },
    })),
  );
  return new Map(checks.map((check, i) => [check, recorded[i]!]));
}

function verdictOf({ examined: { outcome }, compared }: CheckToWrite) {
  if ('unhashable' in outcome) return { verdict: 'unhashable' as const, reason: outcome.unhashable };
  return {
    verdict: compared.matches.length > 0 ? ('candidate' as const) : ('no-candidate' as const),
    reason: null,
  };
}

/** @returns their ids by SHA-256 */
async function upsertOutputs(tx: Executor, checks: readonly CheckToWrite[]): Promise<Map<string, string>> {
  // Always in the same order, so that two transactions cannot wait for each other; of the same bytes the original is kept.
  const bySha256 = new Map<string, CheckToWrite>();
  for (const check of checks.toSorted((a, b) => (a.examined.sha256 < b.examined.sha256 ? -1 : 1))) {
    const before = bySha256.get(check.examined.sha256);
    if (before?.retained.as !== 'original') bySha256.set(check.examined.sha256, check);
  }
  const unique = [...bySha256.values()];
  const rows = await tx
    .insertInto('outputs')
    .values(
      unique.map(({ examined, retained, at }) => ({
        id: randomUUID(),
        sha256: examined.sha256,
        format: examined.format,
        width: examined.width,
        height: examined.height,
        byte_length: examined.byteLength,
        retained: retained.as,
        retained_sha256: retained.sha256,
        provenance: JSON.stringify(examined.provenance),
        created_at: at,
      })),
    )
    // The update takes the row's lock even where it changes nothing: checks of one output go one after the other.
    .onConflict((conflict) =>
      conflict.column('sha256').doUpdateSet((eb) => ({
        retained: eb
          .case()
          .when('outputs.retained', '=', 'original')
          .then('original' as const)
          .else(eb.ref('excluded.retained'))
          .end(),
        retained_sha256: eb
          .case()
          .when('outputs.retained', '=', 'original')
          .then(eb.ref('outputs.retained_sha256'))
          .else(eb.ref('excluded.retained_sha256'))
          .end(),
      })),
    )
    .returning(['id', 'sha256'])
    .execute();
  const fingerprints = unique.flatMap(({ examined: { sha256, outcome } }) => {
    if (!('fingerprint' in outcome)) return [];
    const data = Buffer.from(outcome.fingerprint);
    const { quality } = decodeFingerprint(data);
    return [{ sha256, algorithm_version: ALGORITHM_VERSION, quality, data }];
  });
  if (fingerprints.length > 0) {
    await tx
      .insertInto('fingerprints')
      .values(fingerprints)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
  return new Map(rows.map(({ id, sha256 }) => [sha256, id]));
}
