import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { UtsushiError } from '../../errors.ts';
import type { TermHit } from '../../platform/provenance/index.ts';
import type { Database, Executor } from '../../platform/storage/database.ts';
import { announce } from '../../platform/storage/live.ts';
import { recordAudit } from '../audit/index.ts';
import { type Actor, requireRole } from '../people/index.ts';
import { AWAY_FROM_PICTURE } from './priority.ts';

/**
 * An output whose prompt or page names a work, while its pixels resemble none of the work's pictures: no alert, and no
 * claim of similarity, unless a person makes something of it.
 */
export interface WatchEntry {
  readonly id: string;
  readonly outputId: string;
  readonly outputSha256: string;
  readonly assetId: string;
  readonly title: string;
  readonly state: 'open' | 'dismissed' | 'promoted';
  readonly terms: readonly TermHit[];
  readonly sightings: number;
  readonly pageUrl: string | null;
  readonly account: string | null;
  readonly openedAt: Date;
  readonly lastEventAt: Date;
  /** The newest event; to be given back as `expectedSeq`. */
  readonly lastSeq: number;
}

export interface WatchEvent {
  readonly seq: number;
  readonly type: 'opened' | 'seen' | 'dismissed' | 'promoted' | 'reopened' | 'noted';
  readonly actor: string;
  readonly at: Date;
  readonly body: Readonly<Record<string, unknown>>;
}

interface By {
  readonly actor: string;
  readonly at: Date;
}

/** Notes an output that names works it does not resemble, one entry a work, or that it was seen again. */
export async function raiseWatch(
  tx: Executor,
  found: { readonly outputId: string; readonly sightingId: string | null; readonly hits: readonly TermHit[] },
  by: By,
): Promise<void> {
  const byAsset = new Map<string, TermHit[]>();
  const own = found.hits.filter(({ where }) => where !== AWAY_FROM_PICTURE);
  for (const hit of own) byAsset.set(hit.assetId, [...(byAsset.get(hit.assetId) ?? []), hit]);
  // Always in the same order, so that two transactions cannot wait for each other.
  for (const [assetId, hits] of [...byAsset].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const created = await tx
      .insertInto('watch_entries')
      .values({
        id: randomUUID(),
        output_id: found.outputId,
        asset_id: assetId,
        state: 'open',
        terms: JSON.stringify(hits),
        sightings: found.sightingId === null ? 0 : 1,
        opened_at: by.at,
        last_event_at: by.at,
        last_seq: 1,
      })
      .onConflict((conflict) => conflict.columns(['output_id', 'asset_id']).doNothing())
      .returning('id')
      .executeTakeFirst();
    const { sightingId } = found;
    if (created !== undefined) await write(tx, created.id, 1, 'opened', { sightingId, terms: hits }, by);
    else if (sightingId !== null) await seeAgain(tx, found.outputId, assetId, sightingId, by);
  }
}

async function seeAgain(
  tx: Executor,
  outputId: string,
  assetId: string,
  sightingId: string,
  by: By,
): Promise<void> {
  const { id, last_seq } = await tx
    .updateTable('watch_entries')
    .set((eb) => ({
      sightings: eb('sightings', '+', 1),
      last_event_at: by.at,
      last_seq: eb('last_seq', '+', 1),
    }))
    .where('output_id', '=', outputId)
    .where('asset_id', '=', assetId)
    .returning(['id', 'last_seq'])
    .executeTakeFirstOrThrow();
  await write(tx, id, last_seq, 'seen', { sightingId }, by);
}

/** Newest first. @param page.after `next` of the page before */
export async function listWatch(
  db: Database,
  filter: { readonly state?: WatchEntry['state'] | undefined; readonly assetId?: string | undefined },
  page: { readonly limit: number; readonly after?: string | undefined },
): Promise<{ entries: WatchEntry[]; next: string | null; total: number }> {
  let narrowed = db
    .selectFrom('watch_entries as w')
    .$if(filter.state !== undefined, (query) => query.where('w.state', '=', filter.state!))
    .$if(filter.assetId !== undefined, (query) => query.where('w.asset_id', '=', filter.assetId!));
  const { total } = await narrowed
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow();
  if (page.after !== undefined) {
    narrowed = narrowed.where(
      sql<boolean>`(w.opened_at, w.id) < (select opened_at, id from watch_entries where id = ${page.after}::uuid)`,
    );
  }
  const rows = await selectEntries(narrowed)
    .orderBy('w.opened_at', 'desc')
    .orderBy('w.id', 'desc')
    .limit(page.limit + 1)
    .execute();
  const entries = rows.slice(0, page.limit).map(toEntry);
  return { entries, next: rows.length > page.limit ? entries.at(-1)!.id : null, total };
}

/** @throws UtsushiError `not_found` */
export async function showWatch(
  db: Executor,
  id: string,
): Promise<WatchEntry & { readonly events: WatchEvent[] }> {
  const row = await selectEntries(
    db.selectFrom('watch_entries as w').where('w.id', '=', id),
  ).executeTakeFirst();
  if (row === undefined) throw new UtsushiError('not_found', `nothing is watched under the id ${id}`);
  const events = await db
    .selectFrom('watch_events')
    .selectAll()
    .where('watch_id', '=', id)
    .orderBy('seq')
    .execute();
  return {
    ...toEntry(row),
    events: events.map(({ seq, type, actor, at, body }) => ({
      seq,
      type: type as WatchEvent['type'],
      actor,
      at,
      body: body as Record<string, unknown>,
    })),
  };
}

/** Which state each deed needs, and leads to. */
const DEEDS = {
  dismiss: { from: ['open'], to: 'dismissed', event: 'dismissed', least: 'reviewer' },
  promote: { from: ['open', 'dismissed'], to: 'promoted', event: 'promoted', least: 'approver' },
  reopen: { from: ['dismissed', 'promoted'], to: 'open', event: 'reopened', least: 'reviewer' },
  note: { from: ['open', 'dismissed', 'promoted'], to: undefined, event: 'noted', least: 'reviewer' },
} as const;
export type WatchDeed = keyof typeof DEEDS;

/**
 * What a person makes of an entry. `promote` says that it will be acted upon for what the prompt or page says, without
 * a claim that the pictures are similar.
 *
 * @throws UtsushiError `not_found`, `forbidden`, `usage`, or `conflict` when somebody else was faster
 */
export async function reviewWatch(
  db: Database,
  id: string,
  deed: { readonly type: WatchDeed; readonly reason: string },
  expectedSeq: number | undefined,
  by: { readonly actor: Actor; readonly at: Date },
): Promise<WatchEntry & { readonly events: WatchEvent[] }> {
  const { from, to, event, least } = DEEDS[deed.type];
  requireRole(by.actor, least);
  return db.transaction().execute(async (tx) => {
    const row = await tx
      .selectFrom('watch_entries')
      .selectAll()
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst();
    if (row === undefined) throw new UtsushiError('not_found', `nothing is watched under the id ${id}`);
    if (expectedSeq !== undefined && expectedSeq !== row.last_seq) {
      throw new UtsushiError('conflict', `it has changed; it is now ${row.state}`, {
        details: { lastSeq: row.last_seq, state: row.state },
      });
    }
    if (!(from as readonly string[]).includes(row.state))
      throw new UtsushiError('usage', `this entry is ${row.state}`);
    const seq = row.last_seq + 1;
    await tx
      .updateTable('watch_entries')
      .set({ state: to ?? row.state, last_event_at: by.at, last_seq: seq })
      .where('id', '=', id)
      .execute();
    await write(tx, id, seq, event, { reason: deed.reason }, { actor: by.actor.name, at: by.at });
    return showWatch(tx, id);
  });
}

async function write(
  tx: Executor,
  id: string,
  seq: number,
  type: WatchEvent['type'],
  body: Record<string, unknown>,
  by: By,
): Promise<void> {
  await tx
    .insertInto('watch_events')
    .values({ watch_id: id, seq, type, actor: by.actor, at: by.at, body: JSON.stringify(body) })
    .execute();
  await recordAudit(tx, [
    { at: by.at, kind: `watch.${type}`, subject: id, payload: { ...body, actor: by.actor } },
  ]);
  await announce(tx, 'watch', id);
}

function selectEntries(from: ReturnType<typeof entriesOf>) {
  return from
    .innerJoin('assets as a', 'a.id', 'w.asset_id')
    .innerJoin('outputs as o', 'o.id', 'w.output_id')
    .leftJoinLateral(
      (eb) =>
        eb
          .selectFrom('sightings')
          .select(['page_url', 'account'])
          .whereRef('sightings.output_id', '=', 'w.output_id')
          .orderBy('seen_at', 'desc')
          .limit(1)
          .as('s'),
      (join) => join.onTrue(),
    )
    .selectAll('w')
    .select(['a.title', 'o.sha256', 's.page_url', 's.account']);
}

const entriesOf = (db: Executor) => db.selectFrom('watch_entries as w');

type EntryRow = Awaited<ReturnType<ReturnType<typeof selectEntries>['execute']>>[number];

function toEntry(row: EntryRow): WatchEntry {
  return {
    id: row.id,
    outputId: row.output_id,
    outputSha256: row.sha256,
    assetId: row.asset_id,
    title: row.title,
    state: row.state,
    terms: row.terms,
    sightings: row.sightings,
    pageUrl: row.page_url,
    account: row.account,
    openedAt: row.opened_at,
    lastEventAt: row.last_event_at,
    lastSeq: row.last_seq,
  };
}
