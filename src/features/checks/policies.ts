import { z } from 'zod';
import { UtsushiError } from '../../errors.ts';
import type { Database, Executor } from '../../platform/storage/database.ts';
import { ALGORITHM_VERSION } from '../../vision/fingerprint/fingerprint.ts';
import type { FalseAlarms, MeasuredOn, ScoreCounts } from '../../vision/matching/calibration.ts';
import { falseAlarmsAt } from '../../vision/matching/calibration.ts';
import { DEFAULT_NEGATIVES, DEFAULT_NEGATIVES_ALGORITHM } from '../../vision/matching/default-negatives.ts';
import { DEFAULT_POLICY, type Policy, type Tier } from '../../vision/matching/policy.ts';
import { recordAudit } from '../audit/index.ts';
import { forgetMatched } from '../catalogue/index.ts';
import type { Calibration } from './calibration/calibration.ts';

const tierPolicy = z.object({ minConfidence: z.number().min(0).max(1), depth: z.enum(['standard', 'deep']) });
const policyBody = z.object({ tiers: z.object({ high: tierPolicy, standard: tierPolicy }) });

export interface VersionedPolicy extends Policy {
  readonly version: number;
  /** How pictures known to be different score; null where nobody has measured it with this algorithm. */
  readonly negatives: Readonly<Record<Tier, ScoreCounts | null>>;
  readonly measuredOn: MeasuredOn;
}

export interface StoredPolicy extends Policy {
  readonly version: number;
  readonly reason: string;
  readonly createdAt: Date;
  /** The measurement that the thresholds come from; null for the policy an installation begins with. */
  readonly calibration: Calibration | null;
}

/** What is kept of each database's newest policy: its scores are long, and every check asks. */
const newest = new WeakMap<Executor, VersionedPolicy>();

export async function newestPolicyVersion(db: Executor): Promise<number> {
  const { version } = await db
    .selectFrom('policies')
    .select('version')
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirstOrThrow();
  return version;
}

/**
 * The policy in force as this process last read it, which may be a moment ago: for whoever makes sure of its version
 * before anything comes of it.
 */
export async function recentPolicy(db: Database): Promise<VersionedPolicy> {
  return newest.get(db) ?? currentPolicy(db);
}

/** The policy in force: the newest version. */
export async function currentPolicy(db: Executor): Promise<VersionedPolicy> {
  const version = await newestPolicyVersion(db);
  const known = newest.get(db);
  if (known?.version === version) return known;
  const { tiers, calibration } = await showPolicy(db, version);
  const policy: VersionedPolicy = { version, tiers, ...negativesOf(calibration) };
  newest.set(db, policy);
  return policy;
}

function negativesOf(calibration: Calibration | null): Pick<VersionedPolicy, 'negatives' | 'measuredOn'> {
  const own = calibration !== null;
  const current = (own ? calibration.algorithmVersion : DEFAULT_NEGATIVES_ALGORITHM) === ALGORITHM_VERSION;
  const scoresOf = (tier: Tier) => {
    // Scores of another algorithm say nothing of this one's.
    if (!current) return null;
    return own ? (calibration.tiers[tier]?.scores ?? null) : DEFAULT_NEGATIVES[tier];
  };
  return {
    negatives: { high: scoresOf('high'), standard: scoresOf('standard') },
    measuredOn: own ? 'own-catalogue' : 'development-corpus',
  };
}

/** @throws UtsushiError `not_found` */
export async function showPolicy(db: Database, version: number): Promise<StoredPolicy> {
  const row = await db.selectFrom('policies').selectAll().where('version', '=', version).executeTakeFirst();
  if (row === undefined) throw new UtsushiError('not_found', `there is no policy ${version}`);
  return {
    version,
    ...policyBody.parse(row.body),
    reason: row.reason,
    createdAt: row.created_at,
    calibration: row.calibration as Calibration | null,
  };
}

/** All versions, the one in force first; without their calibrations, which are long. */
export async function listPolicies(db: Database): Promise<Omit<StoredPolicy, 'calibration'>[]> {
  const rows = await db
    .selectFrom('policies')
    .select(['version', 'body', 'reason', 'created_at'])
    .orderBy('version', 'desc')
    .execute();
  return rows.map((row) => ({
    version: row.version,
    ...policyBody.parse(row.body),
    reason: row.reason,
    createdAt: row.created_at,
  }));
}

/**
 * Puts a new policy in force. Where it speaks up earlier than the one before, stored outputs are compared again with the
 * whole catalogue by the next retroactive match.
 *
 * @returns its version
 */
export async function storePolicy(
  db: Database,
  policy: Policy & { readonly reason: string; readonly calibration: Calibration | null },
  by: { readonly actor: string; readonly at: Date },
): Promise<number> {
  const { tiers, reason, calibration } = policy;
  return db.transaction().execute(async (tx) => {
    const before = policyBody.parse(
      (
        await tx
          .selectFrom('policies')
          .select('body')
          .orderBy('version', 'desc')
          .limit(1)
          .forUpdate()
          .executeTakeFirstOrThrow()
      ).body,
    );
    const { version } = await tx
      .insertInto('policies')
      .values({
        body: JSON.stringify({ tiers }),
        reason,
        calibration: calibration === null ? null : JSON.stringify(calibration),
        created_at: by.at,
      })
      .returning('version')
      .executeTakeFirstOrThrow();
    const names: readonly Tier[] = ['high', 'standard'];
    if (names.some((tier) => tiers[tier].minConfidence < before.tiers[tier].minConfidence))
      await forgetMatched(tx);
    await recordAudit(tx, [
      {
        at: by.at,
        kind: 'policy.stored',
        subject: String(version),
        payload: { actor: by.actor, tiers, reason, before: before.tiers },
      },
    ]);
    return version;
  });
}

/** How many pictures known to be different score at least this with works of this tier, and where that was measured. */
export type KnownFalseAlarms = FalseAlarms & { readonly measuredOn: MeasuredOn };

/** @returns null where it was not measured with this algorithm */
export function falseAlarmsOf(policy: VersionedPolicy, tier: Tier, score: number): KnownFalseAlarms | null {
  const counts = policy.negatives[tier];
  return counts === null ? null : { ...falseAlarmsAt(counts, score), measuredOn: policy.measuredOn };
}

/** Gives a new database its first policy; does nothing where there is one. */
export async function ensurePolicy(db: Database, at: Date): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const present = await tx.selectFrom('policies').select('version').limit(1).executeTakeFirst();
    if (present !== undefined) return;
    await tx
      .insertInto('policies')
      .values({ body: JSON.stringify(DEFAULT_POLICY), reason: 'default policy', created_at: at })
      .execute();
  });
}
