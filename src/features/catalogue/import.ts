import { createHash, randomUUID } from 'node:crypto';
import { asUtsushiError } from '../../errors.ts';
import type { ComputePool } from '../../platform/compute/pool.ts';
import { type BlobStore, readBounded } from '../../platform/storage/blobs.ts';
import type { Database, Executor } from '../../platform/storage/database.ts';
import type { Tier } from '../../vision/matching/policy.ts';
import { ALGORITHM_VERSION } from '../../vision/fingerprint/fingerprint.ts';
import { recordAudit } from '../audit/index.ts';
import { raiseVersion } from './catalogue.ts';
import { eachConcurrently } from './concurrently.ts';
import { type ExaminedReference, examineReference, writeFingerprints } from './examine.ts';
import { type ImportItem, type ManifestRow, titleFromFile } from './manifest.ts';

export interface ImportDependencies {
  readonly db: Database;
  readonly blobs: BlobStore;
  readonly compute: ComputePool;
  readonly clock: () => Date;
  readonly limits: { readonly maxPixels: number; readonly maxBytes: number };
}

export interface ImportOptions {
  /** Tier of assets whose manifest row names none. */
  readonly tier: Tier;
  readonly actor: string;
  /** Called after each item, in no particular order. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface ImportReport {
  readonly total: number;
  readonly imported: number;
  /** Already in the catalogue with the same bytes. */
  readonly unchanged: number;
  readonly failed: readonly { readonly file: string; readonly code: string; readonly message: string }[];
  readonly catalogueVersion: number;
}

/** A reference image, decoded and fingerprinted, ready to be written. */
interface Prepared extends ExaminedReference {
  readonly assetId: string;
  readonly file: string;
  readonly row: ManifestRow | undefined;
  readonly sha256: string;
}

// Large enough that a commit is cheap beside decoding, small enough that a kill loses a second of work.
const BATCH = 64;

/**
 * Imports reference images. Idempotent by asset and SHA-256, so an interrupted import is resumed by running it again.
 * A bad file or row is reported by name and never stops the rest.
 */
export async function importCatalogue(
  deps: ImportDependencies,
  items: readonly ImportItem[],
  options: ImportOptions,
): Promise<ImportReport> {
  const known = new Map(
    (await deps.db.selectFrom('reference_images').select(['asset_id', 'sha256', 'file']).execute()).map(
      (row) => [`${row.asset_id}/${row.sha256}`, row.file],
    ),
  );
  const described = describeAssets(items);
  const failed: { file: string; code: string; message: string }[] = [];
  let batch: Prepared[] = [];
  const revised = new Map<string, ManifestRow>();
  let imported = 0;
  let unchanged = 0;
  let done = 0;
  let writing: Promise<void> = Promise.resolve();

  const flush = () => {
    const full = batch;
    batch = [];
    writing = writing.then(async () => {
      const written = await writeBatch(deps, full, options);
      imported += written;
      // Another import may have brought the rest while these were being prepared.
      unchanged += full.length - written;
    });
    return writing;
  };

  const handle = async (item: ImportItem): Promise<void> => {
    try {
      if ('error' in item) throw item.error;
      const bytes = await readBounded(item.path, deps.limits.maxBytes);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const assetId = item.row?.asset_id ?? `sha-${sha256.slice(0, 24)}`;
      const key = `${assetId}/${sha256}`;
      if (known.has(key)) {
        unchanged += 1;
        const row = described.get(assetId);
        if (row !== undefined) revised.set(assetId, row);
        return;
      }
      known.set(key, item.file);
      try {
        const row = described.get(assetId);
        const prepared = await prepare(deps, { ...item, row }, { assetId, sha256, bytes });
        // Not in one expression: `batch` may be another array by the time the picture is prepared.
        batch.push(prepared);
      } catch (thrown) {
        known.delete(key);
        throw thrown;
      }
      if (batch.length >= BATCH) await flush();
    } catch (thrown) {
      const { code, message } = asUtsushiError(thrown);
      // A lost database is no fault of this file: stop, and say so once.
      if (code === 'internal') throw thrown;
      failed.push({ file: item.file, code, message });
    } finally {
      options.onProgress?.(++done, items.length);
    }
  };

  await eachConcurrently(items, deps.compute.size * 2, handle);
  await flush();
  await reviseAssets(deps, [...revised.values()], options);
  const { version } = await deps.db.selectFrom('catalogue_state').select('version').executeTakeFirstOrThrow();
  return { total: items.length, imported, unchanged, failed, catalogueVersion: version };
}

/**
 * What the manifest says of each asset, by its id. Several rows describe one asset, one for each picture: the last one
 * counts, but one that says nothing of licences does not undo another. Pictures are prepared in no order, so this
 * cannot wait for them.
 */
function describeAssets(items: readonly ImportItem[]): Map<string, ManifestRow> {
  const described = new Map<string, ManifestRow>();
  for (const item of items) {
    if ('error' in item || item.row === undefined) continue;
    const { row } = item;
    const licences = row.licences ?? described.get(row.asset_id)?.licences;
    described.set(row.asset_id, { ...row, licences });
  }
  return described;
}

async function prepare(
  deps: ImportDependencies,
  item: { readonly path: string; readonly file: string; readonly row: ManifestRow | undefined },
  known: { assetId: string; sha256: string; bytes: Buffer },
): Promise<Prepared> {
  const looks = await examineReference(deps, { bytes: known.bytes });
  await deps.blobs.put(known.bytes);
  return { assetId: known.assetId, file: item.file, row: item.row, sha256: known.sha256, ...looks };
}

async function writeBatch(
  deps: ImportDependencies,
  batch: Prepared[],
  options: ImportOptions,
): Promise<number> {
  if (batch.length === 0) return 0;
  return deps.db.transaction().execute(async (tx) => {
    const version = await raiseVersion(tx);
    const at = deps.clock();
    const assets = new Map(batch.map((reference) => [reference.assetId, reference]));
    for (const { assetId, file, row } of assets.values()) {
      await upsertAsset(tx, {
        id: assetId,
        row,
        title: row?.title ?? titleFromFile(file),
        tier: row?.tier ?? options.tier,
        at,
      });
    }
    await writeFingerprints(tx, batch);
    const written = await tx
      .insertInto('reference_images')
      .values(
        batch.map(({ assetId, file, sha256, format, width, height, hashes }) => ({
          id: randomUUID(),
          asset_id: assetId,
          sha256,
          file,
          format,
          width,
          height,
          hashes: Buffer.from(hashes),
          hashed_by: ALGORITHM_VERSION,
          changed_version: version,
        })),
      )
      .onConflict((conflict) => conflict.doNothing())
      .returning(['asset_id', 'sha256', 'file'])
      .execute();
    await recordAudit(
      tx,
      written.map((reference) => ({
        at,
        kind: 'reference.imported',
        subject: reference.asset_id,
        payload: { ...reference, actor: options.actor, catalogueVersion: version },
      })),
    );
    return written.length;
  });
}

async function upsertAsset(
  tx: Executor,
  {
    id,
    row,
    title,
    tier,
    at,
  }: { id: string; row: ManifestRow | undefined; title: string; tier: Tier; at: Date },
): Promise<void> {
  const described = {
    series: row?.series ?? null,
    title,
    aliases: JSON.stringify(row?.aliases ?? []),
    characters: JSON.stringify(row?.characters ?? []),
    tags: JSON.stringify(row?.tags ?? []),
    lora_names: JSON.stringify(row?.lora_names ?? []),
    author: row?.author ?? null,
    rights_holder: row?.rights_holder ?? null,
    claim: JSON.stringify({
      right: row?.right ?? null,
      document: row?.right_document ?? null,
      territory: row?.right_territory ?? null,
      expires: row?.right_expires ?? null,
    }),
    human_authorship: row?.human_authorship ?? null,
    tier,
    published: row?.published ?? null,
  };
  await tx
    .insertInto('assets')
    .values({ id, ...described, enabled: true, created_at: at })
    // A folder says nothing of an asset that a manifest described before; only a manifest may change it.
    .onConflict((conflict) =>
      row === undefined ? conflict.doNothing() : conflict.column('id').doUpdateSet(described),
    )
    .execute();
  // A manifest that says nothing of licences leaves those alone that are there.
  if (row?.licences === undefined) return;
  await tx.deleteFrom('licences').where('asset_id', '=', id).execute();
  if (row.licences.length === 0) return;
  await tx
    .insertInto('licences')
    .values(
      row.licences.map((licence) => ({
        asset_id: id,
        licensee: licence.licensee,
        accounts: JSON.stringify(licence.accounts),
        domains: JSON.stringify(licence.domains),
        valid_from: licence.from ?? null,
        valid_until: licence.until ?? null,
        territory: JSON.stringify(licence.territory),
      })),
    )
    .execute();
}

/** Takes over what the manifest now says of assets whose pictures were already there. */
async function reviseAssets(
  deps: ImportDependencies,
  rows: ManifestRow[],
  options: ImportOptions,
): Promise<void> {
  if (rows.length === 0) return;
  await deps.db.transaction().execute(async (tx) => {
    const before = await tx
      .selectFrom('assets')
      .select(['id', 'title', 'tier', 'series', 'aliases', 'characters'])
      .where(
        'id',
        'in',
        rows.map((row) => row.asset_id),
      )
      .execute();
    const old = new Map(before.map((asset) => [asset.id, asset]));
    const shownOtherwise: string[] = [];
    for (const row of rows) {
      const tier = row.tier ?? options.tier;
      const was = old.get(row.asset_id);
      if (was !== undefined && (was.tier !== tier || namesIn(was) !== namesIn(row)))
        shownOtherwise.push(row.asset_id);
      await upsertAsset(tx, { id: row.asset_id, row, title: row.title, tier, at: deps.clock() });
    }
    if (shownOtherwise.length === 0) return;
    // Names and tier are held in every worker's memory: only a new version makes it read them again.
    const version = await raiseVersion(tx);
    await tx
      .updateTable('reference_images')
      .set({ changed_version: version })
      .where('asset_id', 'in', shownOtherwise)
      .execute();
  });
}

function namesIn(asset: {
  title: string;
  series?: string | null | undefined;
  aliases: string[];
  characters: string[];
}): string {
  return JSON.stringify([asset.title, asset.series ?? null, asset.aliases, asset.characters]);
}
