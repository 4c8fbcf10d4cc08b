import { type RawBuilder, sql } from 'kysely';
import type { Database, Executor } from '../../platform/storage/database.ts';
import type { LookDependencies } from '../monitoring/index.ts';
import { type CaseEvent, type CaseState, type Material, attendAt, materialKey } from './case.ts';
import { type By, hold, lockCase, write } from './cases.ts';
import { readSubjects } from './materials.ts';
import { policyOf, readProfile } from './profile.ts';
import { type Look, lookAgain } from './recheck.ts';

const HOUR_MS = 3_600_000;
const BATCH = 100;
const ACTOR = 'upkeep';

export interface UpkeepReport {
  /** Cases in which something came due. */
  readonly attended: number;
  /** Places where material of a case turned up again. */
  readonly reuploads: number;
}

/**
 * Does what time asks of cases: reminds before a term ends and before logs expire, notes a term that is over, looks
 * whether material is still there, and takes up what was uploaded again. Doing it twice does nothing twice.
 */
export async function attendCases(deps: LookDependencies, now: Date): Promise<UpkeepReport> {
  const reuploads = await takeUpReuploads(deps.db, now);
  const due = await deps.db
    .selectFrom('cases')
    .select(['id', 'body'])
    .where('state', '=', 'open')
    .where('attend_at', '<=', now)
    .orderBy('attend_at')
    .limit(BATCH)
    .execute();
  const { recheck } = policyOf(await readProfile(deps.db));
  const nextAt = new Date(now.getTime() + recheck.everyHours * HOUR_MS).toISOString();
  let attended = 0;
  for (const { id, body } of due) {
    const { recheckAt, materials } = body as CaseState;
    // Looked at before the case is locked: a slow host holds nobody up.
    const looks =
      recheckAt !== null && recheckAt <= now.toISOString() ? await lookAgain(deps, materials) : [];
    const done = await deps.db.transaction().execute(async (tx) => {
      const current = await lockCase(tx, id);
      const events = dueEvents(current.state, now.toISOString(), nextAt, looks);
      if (events.length > 0) await write(tx, current, events, { actor: ACTOR, at: now });
      return events.length > 0;
    });
    if (done) attended += 1;
  }
  return { attended, reuploads };
}

/** What has come due in a case by now. */
function dueEvents(state: CaseState, now: string, nextAt: string, looks: readonly Look[]): CaseEvent[] {
  const attend = attendAt(state);
  if (attend === null || attend > now) return [];
  const { clock, logs, recheckAt, rung } = state;
  const events: CaseEvent[] = [];
  if (clock !== null && clock.dueAt <= now)
    events.push({ type: 'deadline-passed', rung, dueAt: clock.dueAt });
  else if (clock !== null && clock.remindAt <= now && state.remindedOf !== clock.dueAt)
    events.push({ type: 'reminded', what: 'due-soon', by: clock.dueAt });
  if (!logs.warned && logs.warnAt <= now)
    events.push({ type: 'reminded', what: 'logs-expire', by: logs.until });
  if (recheckAt !== null && recheckAt <= now)
    events.push({ type: 'rechecked', results: [...looks], at: now, nextAt });
  return events;
}

/**
 * Links what shows the same as a case's material and came later: near-copies (alerts of the same cluster and work that
 * nobody judged otherwise), and the same file at another place. Closed cases too: a removal is over when it is back.
 *
 * @returns how many places were linked
 */
async function takeUpReuploads(db: Database, now: Date): Promise<number> {
  let linked = 0;
  for (const { caseId, alertId } of await reuploaded(db)) {
    linked += await db.transaction().execute((tx) => link(tx, caseId, alertId, { actor: ACTOR, at: now }));
  }
  return linked;
}

async function reuploaded(db: Database): Promise<{ caseId: string; alertId: string }[]> {
  const nearCopies: RawBuilder<{ caseId: string; alertId: string }> = sql`
    select l.case_id as "caseId", b.id as "alertId"
      from case_alerts l
      join cases c on c.id = l.case_id and (c.state = 'open' or c.body ->> 'outcome' = 'removed')
      join alerts a on a.id = l.alert_id
      join alerts b on b.cluster_id = a.cluster_id and b.asset_id = a.asset_id and b.opened_at > c.opened_at
     where (b.decision is null or b.decision in ('confirm', 'escalate'))
       and not exists (select 1 from case_alerts o where o.alert_id = b.id)`;
  const samePicture: RawBuilder<{ caseId: string; alertId: string }> = sql`
    select l.case_id as "caseId", a.id as "alertId"
      from case_alerts l
      join cases c on c.id = l.case_id and (c.state = 'open' or c.body ->> 'outcome' = 'removed')
      join alerts a on a.id = l.alert_id
      join sightings s on s.output_id = a.output_id and s.seen_at > c.opened_at
     where coalesce(s.page_url, s.image_url) is not null
       and not exists (select 1 from jsonb_array_elements(c.body -> 'materials') m
                        where coalesce(m ->> 'pageUrl', m ->> 'imageUrl') = coalesce(s.page_url, s.image_url))`;
  const { rows } = await sql<{ caseId: string; alertId: string }>`
    select distinct * from (${nearCopies} union ${samePicture}) as found limit ${BATCH}`.execute(db);
  return rows;
}

async function link(tx: Executor, caseId: string, alertId: string, by: By): Promise<number> {
  const current = await lockCase(tx, caseId);
  const [subject] = await readSubjects(tx, [alertId]);
  const known = new Set(current.state.materials.map(placeOf));
  const fresh = subject!.materials.filter((material) => !known.has(placeOf(material)));
  const held = await tx
    .selectFrom('case_alerts')
    .select('case_id')
    .where('alert_id', '=', alertId)
    .executeTakeFirst();
  if (held === undefined) await hold(tx, caseId, [subject!], 're-upload');
  else if (held.case_id !== caseId) return 0;
  const work = { assetId: subject!.assetId, title: subject!.title };
  const events = fresh.map((material): CaseEvent => ({
    type: 'alert-linked',
    role: 're-upload',
    material,
    work,
  }));
  if (events.length > 0) await write(tx, current, events, by);
  return events.length;
}

const placeOf = (material: Material) => `${material.alertId} ${materialKey(material)}`;
