import { randomUUID } from 'node:crypto';
import { UtsushiError } from '../../errors.ts';
import type { Database, Executor } from '../../platform/storage/database.ts';
import type { Kind } from '../../vision/matching/match.ts';
import { recordAudit } from '../audit/index.ts';
import { type AlertEvent, type AlertState, type Recorded, applyAlertEvent } from './alert.ts';

/** A candidate that a check found: one output, one asset. */
export interface Finding {
  readonly outputId: string;
  readonly assetId: string;
  readonly checkId: string;
  /** The sighting that was checked; null in a retroactive match. */
  readonly sightingId: string | null;
  readonly kind: Kind;
  readonly confidence: number;
}

/**
 * Raises an alert, or notes on the one that exists that its output was seen again: there is one alert for an output
 * and an asset, however often either comes. Runs in the transaction that records the check.
 *
 * @returns the alert's id
 */
export async function raiseAlert(
  tx: Executor,
  finding: Finding,
  by: { readonly at: Date; readonly actor: string },
): Promise<string> {
  const opened: AlertEvent = {
    type: 'opened',
    checkId: finding.checkId,
    sightingId: finding.sightingId,
    kind: finding.kind,
    confidence: finding.confidence,
    retroactive: finding.sightingId === null,
  };
  const state = applyAlertEvent(undefined, { ...by, event: opened });
  const created = await tx
    .insertInto('alerts')
    .values({
      id: randomUUID(),
      output_id: finding.outputId,
      asset_id: finding.assetId,
      ...toRow(state),
      last_seq: 1,
    })
    .onConflict((conflict) => conflict.columns(['output_id', 'asset_id']).doNothing())
    .returning('id')
    .executeTakeFirst();
  if (created !== undefined) {
    await appendEvent(tx, created.id, 1, { ...by, event: opened });
    await recordAudit(tx, [
      { at: by.at, kind: 'alert.opened', subject: created.id, payload: { ...finding, actor: by.actor } },
    ]);
    return created.id;
  }
  const existing = await tx
    .selectFrom('alerts')
    .selectAll()
    .where('output_id', '=', finding.outputId)
    .where('asset_id', '=', finding.assetId)
    .forUpdate()
    .executeTakeFirstOrThrow();
  // A retroactive match of an output that already has its alert tells nothing new.
  if (finding.sightingId === null) return existing.id;
  const seen: AlertEvent = { type: 'seen', sightingId: finding.sightingId, checkId: finding.checkId };
  const seq = existing.last_seq + 1;
  const after = applyAlertEvent(fromRow(existing), { ...by, event: seen });
  await tx
    .updateTable('alerts')
    .set({ ...toRow(after), last_seq: seq })
    .where('id', '=', existing.id)
    .execute();
  await appendEvent(tx, existing.id, seq, { ...by, event: seen });
  await recordAudit(tx, [
    { at: by.at, kind: 'alert.seen', subject: existing.id, payload: { ...seen, actor: by.actor } },
  ]);
  return existing.id;
}

export interface AlertSummary extends AlertState {
  readonly id: string;
  readonly outputId: string;
  readonly outputSha256: string;
  readonly assetId: string;
  readonly title: string;
  readonly tier: 'high' | 'standard';
}

export async function listAlerts(
  db: Database,
  filter: { readonly limit: number; readonly assetId?: string | undefined } = { limit: 100 },
): Promise<AlertSummary[]> {
  const rows = await selectSummaries(db)
    .$if(filter.assetId !== undefined, (query) => query.where('alerts.asset_id', '=', filter.assetId!))
    .orderBy('alerts.last_event_at', 'desc')
    .orderBy('alerts.id')
    .limit(filter.limit)
    .execute();
  return rows.map(toSummary);
}

export interface AlertDetail extends AlertSummary {
  readonly events: readonly Recorded<AlertEvent>[];
  readonly seenAt: readonly {
    readonly sightingId: string;
    readonly seenAt: Date;
    readonly imageUrl: string | null;
    readonly pageUrl: string | null;
    readonly account: string | null;
    readonly acquisition: string;
  }[];
  /** The match record of the check that opened it. */
  readonly match: unknown;
}

/** @throws UtsushiError `not_found` */
export async function showAlert(db: Database, id: string): Promise<AlertDetail> {
  const row = await selectSummaries(db).where('alerts.id', '=', id).executeTakeFirst();
  if (row === undefined) throw new UtsushiError('not_found', `no alert has the id ${id}`);
  const events = await db
    .selectFrom('alert_events')
    .selectAll()
    .where('alert_id', '=', id)
    .orderBy('seq')
    .execute();
  const sightings = await db
    .selectFrom('sightings')
    .select(['id', 'seen_at', 'image_url', 'page_url', 'account', 'acquisition'])
    .where('output_id', '=', row.output_id)
    .orderBy('seen_at')
    .execute();
  const match = await db
    .selectFrom('matches')
    .select('body')
    .where('check_id', '=', row.check_id)
    .where('asset_id', '=', row.asset_id)
    .executeTakeFirst();
  return {
    ...toSummary(row),
    events: events.map(({ at, actor, body }) => ({ at, actor, event: body as AlertEvent })),
    seenAt: sightings.map((sighting) => ({
      sightingId: sighting.id,
      seenAt: sighting.seen_at,
      imageUrl: sighting.image_url,
      pageUrl: sighting.page_url,
      account: sighting.account,
      acquisition: sighting.acquisition,
    })),
    match: match?.body ?? null,
  };
}

async function appendEvent(
  tx: Executor,
  alertId: string,
  seq: number,
  recorded: Recorded<AlertEvent>,
): Promise<void> {
  await tx
    .insertInto('alert_events')
    .values({
      alert_id: alertId,
      seq,
      type: recorded.event.type,
      actor: recorded.actor,
      at: recorded.at,
      body: JSON.stringify(recorded.event),
    })
    .execute();
}

function selectSummaries(db: Database) {
  return db
    .selectFrom('alerts')
    .innerJoin('assets', 'assets.id', 'alerts.asset_id')
    .innerJoin('outputs', 'outputs.id', 'alerts.output_id')
    .selectAll('alerts')
    .select(['assets.title', 'assets.tier', 'outputs.sha256']);
}

type SummaryRow = Awaited<ReturnType<ReturnType<typeof selectSummaries>['execute']>>[number];

function toSummary(row: SummaryRow): AlertSummary {
  return {
    id: row.id,
    outputId: row.output_id,
    outputSha256: row.sha256,
    assetId: row.asset_id,
    title: row.title,
    tier: row.tier,
    ...fromRow(row),
  };
}

function toRow(state: AlertState) {
  return {
    state: state.state,
    kind: state.kind,
    confidence: state.confidence,
    check_id: state.checkId,
    sightings: state.sightings,
    retroactive: state.retroactive,
    opened_at: state.openedAt,
    last_event_at: state.lastEventAt,
  };
}

function fromRow(row: ReturnType<typeof toRow>): AlertState {
  return {
    state: row.state,
    kind: row.kind,
    confidence: row.confidence,
    checkId: row.check_id,
    sightings: row.sightings,
    retroactive: row.retroactive,
    openedAt: row.opened_at,
    lastEventAt: row.last_event_at,
  };
}
