import { UtsushiError } from '../../errors.ts';
import type { Database } from '../../platform/storage/database.ts';
import type { Match } from './compare.ts';
import { findSighting } from './sightings.ts';

/** How far a submitted output has come, and what was found. */
export interface RecordedAnswer {
  /** The sighting's id, as handed out when the output was submitted. */
  readonly id: string;
  readonly state: 'pending' | 'done' | 'failed';
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly check: {
    readonly checkId: string;
    readonly sha256: string;
    readonly verdict: 'no-candidate' | 'candidate' | 'unhashable';
    readonly reason: string | null;
    readonly matches: readonly Match[];
    /** What the output's bytes say about its generator. */
    readonly provenance: unknown;
    readonly alertIds: readonly string[];
    readonly ms: Readonly<Record<string, number>>;
    readonly catalogueVersion: number;
    readonly policyVersion: number;
    readonly algorithmVersion: string;
  } | null;
}

/** @throws UtsushiError `not_found` */
export async function showCheck(db: Database, sightingId: string): Promise<RecordedAnswer> {
  const sighting = await findSighting(db, sightingId);
  if (sighting === undefined) throw new UtsushiError('not_found', `no check has the id ${sightingId}`);
  const { id, state, error } = sighting;
  if (sighting.check_id === null) return { id, state, error, check: null };
  const check = await db
    .selectFrom('checks as c')
    .innerJoin('outputs as o', 'o.id', 'c.output_id')
    .selectAll('c')
    .select(['o.sha256', 'o.provenance'])
    .where('c.id', '=', sighting.check_id)
    .executeTakeFirstOrThrow();
  const matches = await db
    .selectFrom('matches')
    .select('body')
    .where('check_id', '=', check.id)
    .orderBy('confidence', 'desc')
    .execute();
  const alerts = await db
    .selectFrom('alerts')
    .select('id')
    .where('output_id', '=', check.output_id)
    .orderBy('id')
    .execute();
  return {
    id,
    state,
    error,
    check: {
      checkId: check.id,
      sha256: check.sha256,
      verdict: check.verdict,
      reason: check.reason,
      matches: matches.map(({ body }) => body as Match),
      provenance: check.provenance,
      alertIds: alerts.map((alert) => alert.id),
      ms: check.ms,
      catalogueVersion: check.catalogue_version,
      policyVersion: check.policy_version,
      algorithmVersion: check.algorithm_version,
    },
  };
}
