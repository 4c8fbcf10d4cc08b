import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { UtsushiError } from '../../errors.ts';
import type { Database } from '../../platform/storage/database.ts';
import type { AlertStanding, AlertState, Decision } from './alert.ts';
import { veil } from './blind.ts';
import { stateOf } from './journal.ts';

/** What of the inbox is wanted. Lists mean any of their values; what is left out restricts nothing. */
export interface InboxFilter {
  readonly state?: readonly AlertStanding[] | undefined;
  readonly tier?: readonly ('high' | 'standard')[] | undefined;
  readonly kind?: readonly ('reproduction' | 'adaptation')[] | undefined;
  /** `none` for alerts that nobody decided. */
  readonly decision?: readonly (Decision | 'none')[] | undefined;
  /** Names; `none` for alerts that nobody has taken. */
  readonly assignee?: readonly string[] | undefined;
  readonly source?: readonly string[] | undefined;
  readonly assetId?: string | undefined;
  readonly clusterId?: string | undefined;
  /** Those that stand under this rule, e.g. `tolerance:3`. */
  readonly rule?: string | undefined;
  readonly minConfidence?: number | undefined;
  readonly dueBefore?: Date | undefined;
  /** Part of a title, series, asset id or source; or a whole account, SHA-256 or alert id. */
  readonly q?: string | undefined;
}

export const INBOX_SORTS = ['priority', 'due', 'newest', 'recent', 'confidence'] as const;
export type InboxSort = (typeof INBOX_SORTS)[number];

export interface InboxPage {
  readonly limit: number;
  readonly sort?: InboxSort | undefined;
  /** `next` of the page before. */
  readonly after?: string | undefined;
}

export interface AlertSummary extends AlertState {
  readonly id: string;
  readonly outputId: string;
  readonly outputSha256: string;
  readonly assetId: string;
  readonly referenceId: string | null;
  readonly title: string;
  readonly series: string | null;
  readonly tier: 'high' | 'standard';
  readonly source: string;
  readonly clusterId: string;
  /** Alerts of the cluster, this one included. */
  readonly clusterSize: number;
  readonly reliance: readonly { readonly assetId: string; readonly term: string; readonly where: string }[];
  readonly priority: number;
  readonly dueAt: Date;
  /** The newest event; to be given back as `expectedSeq`. */
  readonly lastSeq: number;
}

/** By which the inbox can be narrowed; each is counted as if it were not narrowed by itself. */
export const FACETS = ['state', 'tier', 'kind', 'decision', 'assignee', 'source'] as const;
export type Facet = (typeof FACETS)[number];

export interface Inbox {
  readonly alerts: readonly AlertSummary[];
  readonly total: number;
  /** Give it as `after` for the next page; null at the end. */
  readonly next: string | null;
  readonly counts: Readonly<Record<Facet, Readonly<Record<string, number>>>>;
}

const ORDERS = {
  priority: { column: 'priority', direction: 'desc', cast: sql`float8` },
  due: { column: 'due_at', direction: 'asc', cast: sql`timestamptz` },
  newest: { column: 'opened_at', direction: 'desc', cast: sql`timestamptz` },
  recent: { column: 'last_event_at', direction: 'desc', cast: sql`timestamptz` },
  confidence: { column: 'confidence', direction: 'desc', cast: sql`float8` },
} as const;

/**
 * One page of the inbox with how many there are of everything.
 *
 * @param viewer from whom decisions that wait for a second one are kept, unless they are theirs; undefined: from nobody
 */
export async function readInbox(
  db: Database,
  filter: InboxFilter,
  page: InboxPage,
  viewer?: string,
): Promise<Inbox> {
  const narrowed = await narrowing(db, filter);
  const [rows, cube] = await Promise.all([
    selectPage(db, filter, narrowed, page),
    narrowed === undefined ? readCounts(db) : countNarrowed(db, narrowed),
  ]);
  const shown = rows.slice(0, page.limit);
  const [titles, sizes] = await Promise.all([titlesOf(db, shown), clusterSizes(db, shown)]);
  const last = rows.length > page.limit ? shown.at(-1) : undefined;
  return {
    alerts: shown.map((row) => ({
      ...veil(toSummary(row, titles), viewer),
      clusterSize: sizes.get(row.cluster_id)!,
    })),
    total: cube.filter((cell) => FACETS.every((facet) => passes(filter, facet, cell))).reduce(sumUp, 0),
    next: last === undefined ? null : encodeCursor(page.sort ?? 'priority', last),
    counts: Object.fromEntries(
      FACETS.map((facet) => [facet, countsOf(cube, filter, facet)]),
    ) as Inbox['counts'],
  };
}

/** Alerts, the ones with the newest events first. */
export async function listAlerts(
  db: Database,
  filter: { readonly limit: number; readonly assetId?: string | undefined } = { limit: 100 },
): Promise<AlertSummary[]> {
  const page = { limit: filter.limit, sort: 'recent' } as const;
  const narrowed = await narrowing(db, { assetId: filter.assetId });
  const rows = (await selectPage(db, {}, narrowed, page)).slice(0, filter.limit);
  const [titles, sizes] = await Promise.all([titlesOf(db, rows), clusterSizes(db, rows)]);
  return rows.map((row) => ({ ...toSummary(row, titles), clusterSize: sizes.get(row.cluster_id)! }));
}

/** @throws UtsushiError `not_found` */
export async function findAlert(db: Database, id: string): Promise<AlertSummary> {
  const row = await selectAlerts(db).where('alerts.id', '=', id).executeTakeFirst();
  if (row === undefined) throw new UtsushiError('not_found', `no alert has the id ${id}`);
  const [titles, sizes] = await Promise.all([titlesOf(db, [row]), clusterSizes(db, [row])]);
  return { ...toSummary(row, titles), clusterSize: sizes.get(row.cluster_id)! };
}

function selectAlerts(db: Database) {
  return db.selectFrom('alerts').selectAll('alerts');
}

type PageRow = Awaited<ReturnType<ReturnType<typeof selectAlerts>['execute']>>[number];

/** One row more than wanted, to know whether there is a next page. */
async function selectPage(
  db: Database,
  filter: InboxFilter,
  narrowed: Condition | undefined,
  page: InboxPage,
): Promise<PageRow[]> {
  const sort = page.sort ?? 'priority';
  const { column, direction, cast } = ORDERS[sort];
  let query = selectAlerts(db);
  for (const condition of [...facetConditions(filter), ...(narrowed === undefined ? [] : [narrowed])]) {
    query = query.where(condition);
  }
  if (page.after !== undefined) {
    const cursor = decodeCursor(sort, page.after);
    const ref = sql.ref(`alerts.${column}`);
    const beyond = direction === 'desc' ? sql`<` : sql`>`;
    query = query.where(
      sql<SqlBool>`(${ref}, alerts.id) ${beyond} (${cursor.value}::${cast}, ${cursor.id}::uuid)`,
    );
  }
  return query
    .orderBy(`alerts.${column}`, direction)
    .orderBy('alerts.id', direction)
    .limit(page.limit + 1)
    .execute();
}

interface Cell extends Record<Facet, string> {
  readonly n: number;
}

/** How many alerts there are of each combination of facets: from these come the total and every count. */
async function readCounts(db: Database): Promise<Cell[]> {
  const cells = await db.selectFrom('alert_counts').selectAll().where('n', '>', 0).execute();
  return cells.map((cell) => (cell.state === 'second-review' ? { ...cell, decision: 'none' } : cell));
}

async function countNarrowed(db: Database, narrowed: Condition): Promise<Cell[]> {
  const { rows } = await sql<Cell>`
    select state, tier, kind, coalesce(${settledDecision}, 'none') as decision, coalesce(assignee, 'none') as assignee, source,
           count(*)::int as n
      from alerts where ${narrowed} group by 1, 2, 3, 4, 5, 6`.execute(db);
  return rows;
}

function countsOf(cube: readonly Cell[], filter: InboxFilter, facet: Facet): Record<string, number> {
  const counts: Record<string, number> = {};
  const others = FACETS.filter((other) => other !== facet);
  for (const cell of cube) {
    if (others.every((other) => passes(filter, other, cell)))
      counts[cell[facet]] = (counts[cell[facet]] ?? 0) + cell.n;
  }
  return counts;
}

function passes(filter: InboxFilter, facet: Facet, cell: Cell): boolean {
  const wanted: readonly string[] | undefined = filter[facet];
  return wanted === undefined || wanted.length === 0 || wanted.includes(cell[facet]);
}

const sumUp = (sum: number, { n }: Cell) => sum + n;

type Condition = RawBuilder<SqlBool>;

/** A decision that waits for a second one is nothing to filter by: it would tell what the first reviewer said. */
const settledDecision = sql`case when alerts.state = 'second-review' then null else alerts.decision end`;

function facetConditions(filter: InboxFilter): Condition[] {
  return FACETS.flatMap((facet) => {
    const wanted: readonly string[] | undefined = filter[facet];
    if (wanted === undefined || wanted.length === 0) return [];
    const column = facet === 'decision' ? settledDecision : sql.ref(`alerts.${facet}`);
    const isAny = sql<SqlBool>`${column} = any(${[...wanted]}::text[])`;
    const mayLack = facet === 'decision' || facet === 'assignee';
    return [mayLack && wanted.includes('none') ? sql<SqlBool>`(${column} is null or ${isAny})` : isAny];
  });
}

/** What narrows the inbox besides its facets; undefined when nothing does. */
async function narrowing(db: Database, filter: InboxFilter): Promise<Condition | undefined> {
  const parts: RawBuilder<unknown>[] = [];
  if (filter.assetId !== undefined) parts.push(sql`alerts.asset_id = ${filter.assetId}`);
  if (filter.clusterId !== undefined) parts.push(sql`alerts.cluster_id = ${filter.clusterId}`);
  // Not a rule that only the first of two reviewers named.
  if (filter.rule !== undefined)
    parts.push(sql`alerts.rule ->> 'id' = ${filter.rule} and alerts.state <> 'second-review'`);
  if (filter.minConfidence !== undefined) parts.push(sql`alerts.confidence >= ${filter.minConfidence}`);
  if (filter.dueBefore !== undefined) parts.push(sql`alerts.due_at < ${filter.dueBefore}`);
  const q = filter.q?.trim() ?? '';
  if (q !== '') parts.push(await search(db, q));
  return parts.length === 0 ? undefined : sql<SqlBool>`${sql.join(parts, sql` and `)}`;
}

/** Looked up first in the short tables, so that the long one is only read where it can match. */
async function search(db: Database, q: string): Promise<RawBuilder<unknown>> {
  if (/^[0-9a-f]{64}$/i.test(q))
    return sql`alerts.output_id in (select id from outputs where sha256 = ${q.toLowerCase()})`;
  if (/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(q)) return sql`alerts.id = ${q}::uuid`;
  const part = `%${q.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
  const bare = q.replace(/^@/, '').toLowerCase();
  const [assets, sources, outputs] = await Promise.all([
    sql<{ key: string }>`select id as key from assets
      where title ilike ${part} or series ilike ${part} or id ilike ${part}`.execute(db),
    sql<{ key: string }>`select distinct source as key from alert_counts where source ilike ${part}`.execute(
      db,
    ),
    sql<{ key: string }>`select distinct output_id as key from sightings
      where lower(account) in (${bare}, ${`@${bare}`}) and output_id is not null`.execute(db),
  ]);
  const keys = ({ rows }: { rows: { key: string }[] }) => rows.map(({ key }) => key);
  return sql`(alerts.asset_id = any(${keys(assets)}::text[]) or alerts.source = any(${keys(sources)}::text[])
    or alerts.output_id = any(${keys(outputs)}::uuid[]))`;
}

async function titlesOf(db: Database, rows: readonly PageRow[]) {
  const [assets, outputs] = await Promise.all([
    select(
      rows,
      ({ asset_id }) => asset_id,
      (ids) => db.selectFrom('assets').select(['id', 'title', 'series']).where('id', 'in', ids).execute(),
    ),
    select(
      rows,
      ({ output_id }) => output_id,
      (ids) => db.selectFrom('outputs').select(['id', 'sha256']).where('id', 'in', ids).execute(),
    ),
  ]);
  return {
    asset: new Map(assets.map((asset) => [asset.id, asset])),
    sha256: new Map(outputs.map(({ id, sha256 }) => [id, sha256])),
  };
}

async function clusterSizes(db: Database, rows: readonly PageRow[]): Promise<Map<string, number>> {
  const sizes = await select(
    rows,
    ({ cluster_id }) => cluster_id,
    (ids) =>
      db
        .selectFrom('alerts')
        .select('cluster_id')
        .select(({ fn }) => fn.countAll<number>().as('n'))
        .where('cluster_id', 'in', ids)
        .groupBy('cluster_id')
        .execute(),
  );
  return new Map(sizes.map(({ cluster_id, n }) => [cluster_id, n]));
}

async function select<T>(
  rows: readonly PageRow[],
  idOf: (row: PageRow) => string,
  query: (ids: string[]) => Promise<T[]>,
): Promise<T[]> {
  const ids = [...new Set(rows.map(idOf))];
  return ids.length === 0 ? [] : query(ids);
}

function toSummary(
  row: PageRow,
  names: Awaited<ReturnType<typeof titlesOf>>,
): Omit<AlertSummary, 'clusterSize'> {
  const asset = names.asset.get(row.asset_id)!;
  return {
    id: row.id,
    outputId: row.output_id,
    outputSha256: names.sha256.get(row.output_id)!,
    assetId: row.asset_id,
    referenceId: row.reference_id,
    title: asset.title,
    series: asset.series,
    tier: row.tier,
    source: row.source,
    clusterId: row.cluster_id,
    reliance: row.reliance,
    priority: row.priority,
    dueAt: row.due_at,
    lastSeq: row.last_seq,
    ...stateOf(row),
  };
}

function encodeCursor(sort: InboxSort, row: PageRow): string {
  const value = row[ORDERS[sort].column];
  return Buffer.from(JSON.stringify([sort, value, row.id])).toString('base64url');
}

function decodeCursor(sort: InboxSort, after: string): { value: string | number; id: string } {
  try {
    const [made, value, id] = JSON.parse(Buffer.from(after, 'base64url').toString()) as [
      string,
      string,
      string,
    ];
    if (
      made === sort &&
      (typeof value === 'string' || typeof value === 'number') &&
      /^[0-9a-f-]{36}$/.test(id)
    )
      return { value, id };
  } catch {
    // Said below.
  }
  throw new UtsushiError('invalid_request', '`after` is not the `next` of a page in this order');
}
