/** An alert's events in the database, and the projection that is kept beside them. */
import { type Selectable, sql } from 'kysely';
import { UtsushiError } from '../../errors.ts';
import type { Executor } from '../../platform/storage/database.ts';
import { announce } from '../../platform/storage/live.ts';
import type { AlertRow } from '../../platform/storage/schema/alerts.ts';
import { recordAudit } from '../audit/index.ts';
import { emit } from '../delivery/index.ts';
import {
  type AlertEvent,
  type AlertState,
  type AppliedRule,
  type Place,
  type Recorded,
  applyAlertEvent,
} from './alert.ts';
import { outgoing } from './outgoing.ts';

export type StoredAlert = Selectable<AlertRow>;

const WRITERS_LOCK = 0x7574616c;

/**
 * Those who change alerts take turns, until their transaction ends. Alerts are few beside checks; in return clusters
 * are never begun twice, and a decision that spreads to near-copies cannot get entangled with another one.
 */
export async function takeTurn(tx: Executor): Promise<void> {
  await sql`select pg_advisory_xact_lock(${WRITERS_LOCK})`.execute(tx);
}

/** @throws UtsushiError `not_found` */
export async function readAlert(tx: Executor, id: string): Promise<StoredAlert> {
  const row = await tx.selectFrom('alerts').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw new UtsushiError('not_found', `no alert has the id ${id}`);
  return row;
}

export async function readEvents(
  db: Executor,
  alertId: string,
  after = 0,
): Promise<(Recorded<AlertEvent> & { readonly seq: number })[]> {
  const rows = await db
    .selectFrom('alert_events')
    .selectAll()
    .where('alert_id', '=', alertId)
    .where('seq', '>', after)
    .orderBy('seq')
    .execute();
  return rows.map(({ seq, at, actor, body }) => ({ seq, at, actor, event: revive(body as AlertEvent) }));
}

/** Appends an event and brings the projection up to date. The caller has its turn. @returns the alert afterwards */
export async function append(
  tx: Executor,
  alert: StoredAlert,
  recorded: Recorded<AlertEvent>,
): Promise<StoredAlert> {
  const state = applyAlertEvent(stateOf(alert), recorded);
  const changed = { ...toRow(state), last_seq: alert.last_seq + 1 };
  await tx
    .updateTable('alerts')
    .set({
      ...changed,
      rule: changed.rule === null ? null : JSON.stringify(changed.rule),
      scope: changed.scope === null ? null : JSON.stringify(changed.scope),
    })
    .where('id', '=', alert.id)
    .execute();
  await writeEvent(tx, alert, changed.last_seq, recorded, state);
  return { ...alert, ...changed };
}

/** Writes an event down, into the audit chain too, and tells whoever looks and whoever subscribed. */
export async function writeEvent(
  tx: Executor,
  alert: Pick<StoredAlert, 'id' | 'asset_id' | 'output_id' | 'tier'>,
  seq: number,
  recorded: Recorded<AlertEvent>,
  after: AlertState,
): Promise<void> {
  const { at, actor, event } = recorded;
  await tx
    .insertInto('alert_events')
    .values({ alert_id: alert.id, seq, type: event.type, actor, at, body: JSON.stringify(event) })
    .execute();
  await recordAudit(tx, [
    { at, kind: `alert.${event.type}`, subject: alert.id, payload: { ...event, actor } },
  ]);
  await emit(tx, outgoing(alert, recorded, after));
  await announce(tx, 'alert', alert.id);
}

export function toRow(state: AlertState) {
  return {
    state: state.state,
    decision: state.decision,
    decided_by: state.decidedBy,
    decided_at: state.decidedAt,
    rule: state.rule,
    scope: state.scope,
    inherited_from: state.inheritedFrom,
    assignee: state.assignee,
    kind: state.kind,
    confidence: state.confidence,
    check_id: state.checkId,
    sightings: state.sightings,
    retroactive: state.retroactive,
    opened_at: state.openedAt,
    last_event_at: state.lastEventAt,
  };
}

export function stateOf(row: StoredAlert): AlertState {
  return {
    state: row.state,
    decision: row.decision,
    decidedBy: row.decided_by,
    decidedAt: row.decided_at,
    rule: row.rule as AppliedRule | null,
    scope: row.scope as readonly Place[] | null,
    inheritedFrom: row.inherited_from,
    assignee: row.assignee,
    kind: row.kind,
    confidence: row.confidence,
    checkId: row.check_id,
    sightings: row.sightings,
    retroactive: row.retroactive,
    openedAt: row.opened_at,
    lastEventAt: row.last_event_at,
  };
}

/** JSON knows no dates. */
function revive(event: AlertEvent): AlertEvent {
  if (event.type !== 'undone') return event;
  const { decidedAt } = event.standing;
  return {
    ...event,
    standing: { ...event.standing, decidedAt: decidedAt === null ? null : new Date(decidedAt) },
  };
}
