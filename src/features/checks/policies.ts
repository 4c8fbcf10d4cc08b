import { z } from 'zod';
import type { Database } from '../../platform/storage/database.ts';
import { DEFAULT_POLICY, type Policy } from '../../vision/matching/policy.ts';

const tierPolicy = z.object({ minConfidence: z.number().min(0).max(1), depth: z.enum(['standard', 'deep']) });
const policyBody = z.object({ tiers: z.object({ high: tierPolicy, standard: tierPolicy }) });

export interface VersionedPolicy extends Policy {
  readonly version: number;
}

/** The policy in force: the newest version. */
export async function currentPolicy(db: Database): Promise<VersionedPolicy> {
  const row = await db
    .selectFrom('policies')
    .selectAll()
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirstOrThrow();
  return { version: row.version, ...policyBody.parse(row.body) };
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
