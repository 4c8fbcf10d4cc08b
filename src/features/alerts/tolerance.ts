import { type Expression, type SqlBool, sql } from 'kysely';
import { UtsushiError } from '../../errors.ts';
import type { Database, Executor } from '../../platform/storage/database.ts';
import { recordAudit } from '../audit/index.ts';
import type { AppliedRule } from './alert.ts';
import { append, takeTurn } from './journal.ts';
import { ruledBy } from './raise.ts';
import { alertsUnder, limitsOf, placesOf, rulesOf } from './rules.ts';

/** Use that the rights holder puts up with. It keeps being watched: alerts stand under the rule, in sight. */
export interface ToleranceRule extends AppliedRule {
  readonly assetId: string | null;
  readonly series: string | null;
  readonly reason: string;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly endedBy: string | null;
  readonly endedAt: Date | null;
  /** Alerts that stand under it now. */
  readonly alerts: number;
}

export interface NewToleranceRule {
  readonly name: string;
  readonly assetId?: string | undefined;
  readonly series?: string | undefined;
  readonly accounts: readonly string[];
  readonly domains: readonly string[];
  readonly validFrom?: string | undefined;
  readonly validUntil?: string | undefined;
  readonly territory: readonly string[];
  readonly reason: string;
}

export async function listToleranceRules(
  db: Executor,
  filter: { readonly assetId?: string | undefined; readonly ended: boolean },
): Promise<ToleranceRule[]> {
  const rows = await db
    .selectFrom('tolerance_rules')
    .selectAll()
    .$if(!filter.ended, (query) => query.where('ended_at', 'is', null))
    .$if(filter.assetId !== undefined, (query) =>
      query.where(
        ({ eb, or, selectFrom }) =>
          or([
            eb('asset_id', '=', filter.assetId!),
            eb(
              'series',
              '=',
              selectFrom('assets').select('assets.series').where('assets.id', '=', filter.assetId!),
            ),
          ]) as Expression<SqlBool>,
      ),
    )
    .orderBy('id')
    .execute();
  const standing = await alertsUnder(db);
  return rows.map((row) => ({
    id: `tolerance:${row.id}`,
    name: row.name,
    assetId: row.asset_id,
    series: row.series,
    ...limitsOf(row),
    reason: row.reason,
    createdBy: row.created_by,
    createdAt: row.created_at,
    endedBy: row.ended_by,
    endedAt: row.ended_at,
    alerts: standing.get(`tolerance:${row.id}`) ?? 0,
  }));
}

/** Alerts that a new rule is applied to at once; what is beyond it is covered when it is next seen. */
const MOST = 1_000;

/**
 * Makes a rule, and puts the open alerts under it whose every place it covers.
 *
 * @returns the rule and how many alerts stand under it now
 * @throws UtsushiError `usage` when it is confined to no place, `not_found` when it names no work
 */
export async function createToleranceRule(
  db: Database,
  rule: NewToleranceRule,
  by: { readonly actor: string; readonly at: Date },
): Promise<{ rule: ToleranceRule; applied: number }> {
  return db.transaction().execute(async (tx) => {
    await takeTurn(tx);
    return create(tx, rule, by);
  });
}

/**
 * Puts a rule in the place of another one. What a rule once said stays written down: the one before is ended, its
 * alerts are open again, and those that the new one covers stand under that.
 *
 * @param id the rule to be replaced, e.g. `tolerance:3`
 * @returns the new rule, how many alerts were opened again, and how many stand under the new one
 * @throws UtsushiError as {@link createToleranceRule} and {@link endToleranceRule}
 */
export async function replaceToleranceRule(
  db: Database,
  id: string,
  rule: NewToleranceRule,
  by: { readonly actor: string; readonly at: Date },
): Promise<{ rule: ToleranceRule; applied: number; reopened: number }> {
  return db.transaction().execute(async (tx) => {
    await takeTurn(tx);
    const reopened = await end(tx, id, by);
    return { ...(await create(tx, rule, by)), reopened };
  });
}

async function create(
  tx: Executor,
  rule: NewToleranceRule,
  by: { readonly actor: string; readonly at: Date },
): Promise<{ rule: ToleranceRule; applied: number }> {
  const id = `tolerance:${await insert(tx, rule, by)}`;
  const open = await tx
    .selectFrom('alerts')
    .innerJoin('assets', 'assets.id', 'alerts.asset_id')
    .selectAll('alerts')
    .select('assets.series')
    .where('alerts.state', '=', 'open')
    .$if(rule.assetId !== undefined, (query) => query.where('assets.id', '=', rule.assetId!))
    .$if(rule.series !== undefined, (query) => query.where('assets.series', '=', rule.series!))
    .orderBy('alerts.id')
    .limit(MOST)
    .execute();
  let applied = 0;
  for (const { series, ...alert } of open) {
    const rules = (await rulesOf(tx, { id: alert.asset_id, series })).filter((each) => each.id === id);
    const event = ruledBy(rules, await placesOf(tx, alert.output_id));
    if (event === undefined) continue;
    await append(tx, alert, { ...by, event });
    applied += 1;
  }
  const all = await listToleranceRules(tx, { ended: false });
  return { rule: all.find((each) => each.id === id)!, applied };
}

/**
 * Ends a rule; the alerts that stood under it are open again.
 *
 * @param id e.g. `tolerance:3`
 * @returns how many alerts were opened again
 * @throws UtsushiError `not_found` also for a rule that has ended already
 */
export async function endToleranceRule(
  db: Database,
  id: string,
  by: { readonly actor: string; readonly at: Date },
): Promise<number> {
  return db.transaction().execute(async (tx) => {
    await takeTurn(tx);
    return end(tx, id, by);
  });
}

async function end(
  tx: Executor,
  id: string,
  by: { readonly actor: string; readonly at: Date },
): Promise<number> {
  const number = /^tolerance:(\d{1,15})$/.exec(id)?.[1];
  const ended =
    number === undefined
      ? undefined
      : await tx
          .updateTable('tolerance_rules')
          .set({ ended_by: by.actor, ended_at: by.at })
          .where('id', '=', Number(number))
          .where('ended_at', 'is', null)
          .returning('id')
          .executeTakeFirst();
  if (ended === undefined) throw new UtsushiError('not_found', `no rule ${id} is in force`);
  await recordAudit(tx, [{ at: by.at, kind: 'rule.ended', subject: id, payload: { actor: by.actor } }]);
  const under = await tx
    .selectFrom('alerts')
    .selectAll()
    .where('state', '=', 'decided')
    .where(sql`rule ->> 'id'`, '=', id)
    .orderBy('id')
    .execute();
  for (const alert of under) {
    await append(tx, alert, {
      ...by,
      event: { type: 'reopened', why: 'rule-ended', reason: null, sightingId: null },
    });
  }
  return under.length;
}

async function insert(
  tx: Executor,
  rule: NewToleranceRule,
  by: { readonly actor: string; readonly at: Date },
): Promise<number> {
  if (rule.accounts.length + rule.domains.length === 0)
    throw new UtsushiError(
      'usage',
      'a tolerance rule must name accounts or domains: nothing is tolerated everywhere',
    );
  if ((rule.assetId === undefined) === (rule.series === undefined))
    throw new UtsushiError('usage', 'a tolerance rule is for one work or for one series');
  const known = await tx
    .selectFrom('assets')
    .select('id')
    .where(rule.assetId === undefined ? 'series' : 'id', '=', (rule.assetId ?? rule.series)!)
    .limit(1)
    .executeTakeFirst();
  if (known === undefined)
    throw new UtsushiError('not_found', `the catalogue has no work or series ${rule.assetId ?? rule.series}`);
  const { id } = await tx
    .insertInto('tolerance_rules')
    .values({
      name: rule.name,
      asset_id: rule.assetId ?? null,
      series: rule.series ?? null,
      accounts: JSON.stringify(rule.accounts),
      domains: JSON.stringify(rule.domains),
      valid_from: rule.validFrom ?? null,
      valid_until: rule.validUntil ?? null,
      territory: JSON.stringify(rule.territory),
      reason: rule.reason,
      created_by: by.actor,
      created_at: by.at,
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  await recordAudit(tx, [
    { at: by.at, kind: 'rule.created', subject: `tolerance:${id}`, payload: { ...rule, actor: by.actor } },
  ]);
  return id;
}
