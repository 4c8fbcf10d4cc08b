import { sql } from 'kysely';
import { UtsushiError } from '../../errors.ts';
import type { Database, Executor } from '../../platform/storage/database.ts';
import {
  type AssetRow,
  type LicenceRow,
  REFERENCE_COLUMNS,
  type ReferenceImageRow,
} from '../../platform/storage/schema.ts';
import { recordAudit } from '../audit/index.ts';

/**
 * The catalogue's version: it rises in every transaction that changes what outputs are compared with, under the lock
 * of its one row. A sequence would not do: it hands out numbers before they commit, and out of order.
 */
export interface CatalogueVersion {
  readonly version: number;
  /** All stored outputs have been compared with every change up to here. */
  readonly matchedVersion: number;
}

export async function readVersion(db: Executor): Promise<CatalogueVersion> {
  const row = await db.selectFrom('catalogue_state').selectAll().executeTakeFirstOrThrow();
  return { version: row.version, matchedVersion: row.matched_version };
}

// A row lock would do as well, but shared row locks that overlap can starve a writer; advisory locks queue fairly.
const VERSION_LOCK = 0x7574766e;

/**
 * The version, held still until the transaction ends: catalogue changes wait, other checks do not. What is recorded
 * under it is either seen by the retroactive match of the next change or was compared with that change already.
 */
export async function holdVersion(tx: Executor): Promise<number> {
  await sql`select pg_advisory_xact_lock_shared(${VERSION_LOCK})`.execute(tx);
  return (await readVersion(tx)).version;
}

/** Raises the version; the caller's changes and the new version commit together. First statement of a transaction. */
export async function raiseVersion(tx: Executor): Promise<number> {
  await sql`select pg_advisory_xact_lock(${VERSION_LOCK})`.execute(tx);
  const row = await tx
    .updateTable('catalogue_state')
    .set({ version: sql`version + 1` })
    .returning('version')
    .executeTakeFirstOrThrow();
  return row.version;
}

/** Stored outputs are compared with the whole catalogue again by the next retroactive match. */
export async function forgetMatched(tx: Executor): Promise<void> {
  await tx.updateTable('catalogue_state').set({ matched_version: 0 }).execute();
}

export interface AssetSummary {
  readonly id: string;
  readonly title: string;
  readonly series: string | null;
  readonly tier: 'high' | 'standard';
  readonly enabled: boolean;
  readonly references: number;
  /** A picture to show for it; null when it has none. */
  readonly firstReferenceId: string | null;
}

export async function listAssets(
  db: Database,
  page: {
    readonly limit: number;
    readonly after?: string | undefined;
    /** Part of a title, series, alias, character, author or id, in any script's compatible form. */
    readonly q?: string | undefined;
    readonly tier?: 'high' | 'standard' | undefined;
    readonly ids?: readonly string[] | undefined;
  } = { limit: 1_000 },
): Promise<AssetSummary[]> {
  const q = page.q?.trim().normalize('NFKC') ?? '';
  return db
    .selectFrom('assets as a')
    .leftJoin('reference_images as r', 'r.asset_id', 'a.id')
    .select(['a.id', 'a.title', 'a.series', 'a.tier', 'a.enabled'])
    .select(({ fn }) => fn.count<number>('r.id').as('references'))
    .select(
      sql<string | null>`(select min(f.id::text) from reference_images f where f.asset_id = a.id)`.as(
        'firstReferenceId',
      ),
    )
    .$if(page.after !== undefined, (query) => query.where('a.id', '>', page.after!))
    .$if(page.tier !== undefined, (query) => query.where('a.tier', '=', page.tier!))
    .$if(page.ids !== undefined, (query) => query.where('a.id', '=', sql<string>`any(${page.ids})`))
    .$if(q !== '', (query) => query.where(named(q)))
    .groupBy('a.id')
    .orderBy('a.id')
    .limit(page.limit)
    .execute();
}

function named(q: string) {
  const part = `%${q.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
  return sql<boolean>`(normalize(concat_ws(' ', a.title, a.series, a.author), nfkc) ilike ${part} or a.id ilike ${part}
    or normalize(a.aliases::text || a.characters::text, nfkc) ilike ${part})`;
}

export interface AssetDetail {
  readonly asset: Omit<
    AssetRow,
    'aliases' | 'characters' | 'tags' | 'lora_names' | 'claim' | 'created_at'
  > & {
    aliases: string[];
    characters: string[];
    tags: string[];
    lora_names: string[];
    claim: Record<string, string | null>;
    created_at: Date;
  };
  readonly references: readonly ReferenceImageRow[];
  readonly licences: readonly (Omit<LicenceRow, 'id' | 'accounts' | 'domains' | 'territory'> & {
    id: number;
    accounts: string[];
    domains: string[];
    territory: string[];
  })[];
}

/** @throws UtsushiError `not_found` */
export async function showAsset(db: Database, id: string): Promise<AssetDetail> {
  const asset = await db.selectFrom('assets').selectAll().where('id', '=', id).executeTakeFirst();
  if (asset === undefined) throw new UtsushiError('not_found', `no asset has the id ${id}`);
  const references = await db
    .selectFrom('reference_images')
    .select(REFERENCE_COLUMNS)
    .where('asset_id', '=', id)
    .orderBy('file')
    .execute();
  const licences = await db
    .selectFrom('licences')
    .selectAll()
    .where('asset_id', '=', id)
    .orderBy('id')
    .execute();
  return { asset, references, licences };
}

/**
 * Takes an asset out of comparison, or puts it back: then every output seen in the meantime is compared with it.
 *
 * @throws UtsushiError `not_found`
 */
export async function setAssetEnabled(
  db: Database,
  id: string,
  enabled: boolean,
  by: { actor: string; at: Date },
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const version = await raiseVersion(tx);
    const updated = await tx
      .updateTable('assets')
      .set({ enabled })
      .where('id', '=', id)
      .returning('id')
      .executeTakeFirst();
    if (updated === undefined) throw new UtsushiError('not_found', `no asset has the id ${id}`);
    await tx
      .updateTable('reference_images')
      .set({ changed_version: version })
      .where('asset_id', '=', id)
      .execute();
    await recordAudit(tx, [
      {
        at: by.at,
        kind: enabled ? 'asset.enabled' : 'asset.disabled',
        subject: id,
        payload: { actor: by.actor, catalogueVersion: version },
      },
    ]);
  });
}
