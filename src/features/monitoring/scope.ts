import { type ExpressionBuilder, type ExpressionWrapper, type SqlBool, sql } from 'kysely';
import { z } from 'zod';
import { UtsushiError } from '../../errors.ts';
import type { Executor } from '../../platform/storage/database.ts';
import type { Tables } from '../../platform/storage/schema.ts';
import type { Tier } from '../../vision/matching/policy.ts';
import type { Scope } from './spec.ts';

/** What is stored of a scope, read back. */
export const storedScope = z.object({
  tiers: z.array(z.enum(['high', 'standard'])),
  assets: z.array(z.string()),
  tags: z.array(z.string()),
});

/** The condition that an asset is watched and in this scope. */
export function inScope(scope: Scope) {
  return (eb: ExpressionBuilder<Tables, 'assets'>): ExpressionWrapper<Tables, 'assets', SqlBool> =>
    eb.and([
      eb('enabled', '=', true),
      ...(scope.tiers.length > 0 ? [eb('tier', 'in', [...scope.tiers])] : []),
      ...(scope.assets.length > 0 ? [eb('assets.id', 'in', [...scope.assets])] : []),
      ...(scope.tags.length > 0 ? [sql<SqlBool>`tags ?| array[${sql.join(scope.tags)}]::text[]`] : []),
    ]);
}

/** The tier whose promise a monitor has to keep: the highest one in its scope. */
export async function tierOf(db: Executor, scope: Scope): Promise<Tier> {
  if (scope.tiers.includes('high')) return 'high';
  const high = await db
    .selectFrom('assets')
    .select('id')
    .where(inScope(scope))
    .where('tier', '=', 'high')
    .limit(1)
    .executeTakeFirst();
  return high === undefined ? 'standard' : 'high';
}

/** @throws UtsushiError `invalid_monitors` when a scope names an asset that is not there */
export async function requireAssets(db: Executor, name: string, scope: Scope): Promise<void> {
  if (scope.assets.length === 0) return;
  const found = await db
    .selectFrom('assets')
    .select('id')
    .where('id', 'in', [...scope.assets])
    .execute();
  const known = new Set(found.map((asset) => asset.id));
  const missing = scope.assets.filter((id) => !known.has(id));
  if (missing.length > 0)
    throw new UtsushiError('invalid_monitors', `${name}: no asset has the id ${missing.join(', ')}`);
}
