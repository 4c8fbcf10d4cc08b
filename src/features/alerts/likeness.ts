import { randomUUID } from 'node:crypto';
import { type RawBuilder, sql } from 'kysely';
import type { Executor } from '../../platform/storage/database.ts';
import {
  ALGORITHM_VERSION,
  type Fingerprint,
  decodeFingerprint,
} from '../../vision/fingerprint/fingerprint.ts';
import { toHex } from '../../vision/fingerprint/hash.ts';
import type { Decision } from './alert.ts';

/** An output's PDQ hashes in the eight orientations, as PostgreSQL reads bits (`x` and hex digits). */
export interface OutputHashes {
  readonly upright: string;
  readonly all: readonly string[];
  /** PDQ quality, 0..100. */
  readonly quality: number;
}

/**
 * Bits of 256 within which two outputs are near-copies: the distance that PDQ's authors give for photographs of quality
 * 50 and more (ThreatExchange, hashing/hashing.pdf). Softer pictures have unsteady hashes, so they must be closer.
 */
const NEAR_COPY = { sharp: 31, soft: 10, sharpFrom: 50 } as const;
/** Unlike pictures are 128 bits apart, give or take 8 or so; what is this close has something in common. */
export const ALIKE = 80;

export function nearCopyRadius(quality: number): number {
  return quality >= NEAR_COPY.sharpFrom ? NEAR_COPY.sharp : NEAR_COPY.soft;
}

/**
 * By the algorithm in force, else by the last one before it: after an update an output keeps its old print until it is
 * seen again. Whole pictures are hashed by PDQ in every version, and the hashes that alerts and clusters carry are never
 * made anew, so those of two versions are compared all the same.
 */
const newestPrint = (db: Executor) =>
  db
    .selectFrom('fingerprints')
    .select('fingerprints.data')
    .orderBy((eb) => eb('algorithm_version', '=', ALGORITHM_VERSION), 'desc')
    .orderBy((eb) => eb.fn('length', ['algorithm_version']), 'desc')
    .orderBy('algorithm_version', 'desc')
    .limit(1);

/** @returns undefined for a picture that could not be hashed, or never was */
export async function fingerprintBySha256(db: Executor, sha256: string): Promise<Fingerprint | undefined> {
  const row = await newestPrint(db).where('fingerprints.sha256', '=', sha256).executeTakeFirst();
  return row === undefined ? undefined : decodeFingerprint(row.data);
}

/** @returns undefined for an output that could not be hashed */
export async function hashesOf(db: Executor, outputId: string): Promise<OutputHashes | undefined> {
  const row = await newestPrint(db)
    .innerJoin('outputs', 'outputs.sha256', 'fingerprints.sha256')
    .where('outputs.id', '=', outputId)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { quality, views } = decodeFingerprint(row.data);
  const all = views[0]!.pdq.map((hash) => `x${toHex(hash)}`);
  return { upright: all[0]!, all, quality };
}

/** Bits between a stored hash and the nearest of the output's orientations. */
export function distanceTo(column: string, hashes: OutputHashes): RawBuilder<number> {
  const each = hashes.all.map((hash) => sql`bit_count(${sql.ref(column)} # ${hash}::bit(256))`);
  return sql<number>`least(${sql.join(each)})::int`;
}

/**
 * The cluster that an output of this series belongs to: the one whose first output is nearest, if that is a near-copy;
 * else a new one. Compared with the first output only, so that a cluster cannot drift from one picture to another. The
 * search is exact, over the clusters of the series.
 */
export async function joinCluster(
  tx: Executor,
  seriesKey: string,
  hashes: OutputHashes | undefined,
  at: Date,
): Promise<string> {
  if (hashes !== undefined) {
    const distance = distanceTo('clusters.hash', hashes);
    const nearest = await tx
      .selectFrom('clusters')
      .select('id')
      .where('series_key', '=', seriesKey)
      .where('hash', 'is not', null)
      .where(distance, '<=', nearCopyRadius(hashes.quality))
      .orderBy(distance)
      .orderBy('opened_at')
      .limit(1)
      .executeTakeFirst();
    if (nearest !== undefined) return nearest.id;
  }
  const id = randomUUID();
  await tx
    .insertInto('clusters')
    .values({
      id,
      series_key: seriesKey,
      hash: hashes === undefined ? null : sql`${hashes.upright}::bit(256)`,
      opened_at: at,
    })
    .execute();
  return id;
}

/** An alert that a person decided, close to the output at hand. Distance in bits of 256. */
export interface Precedent {
  readonly alertId: string;
  readonly decision: Decision;
  readonly decidedBy: string;
  readonly distance: number;
  /** Against the same reference image, and a near-copy: what was decided there holds here. */
  readonly nearCopy: boolean;
}

/**
 * The nearest outputs that a person confirmed or called not similar to this asset: one of each decision against the
 * same reference image, one against others.
 */
export async function precedentsFor(
  db: Executor,
  of: { readonly assetId: string; readonly referenceId: string | null; readonly except?: string },
  hashes: OutputHashes | undefined,
): Promise<Precedent[]> {
  if (hashes === undefined) return [];
  const decided = db
    .selectFrom('alerts')
    .select(['id', 'decision', 'decided_by'])
    .select(distanceTo('alerts.hash', hashes).as('distance'))
    .select(sql<boolean>`reference_id is not distinct from ${of.referenceId}::uuid`.as('same'))
    .where('asset_id', '=', of.assetId)
    .where('state', '=', 'decided')
    .where('decision', 'in', ['confirm', 'not-similar'])
    .where('inherited_from', 'is', null)
    .where('hash', 'is not', null)
    .$if(of.except !== undefined, (query) => query.where('id', '!=', of.except!));
  const rows = await db
    .selectFrom(decided.as('decided'))
    .selectAll()
    .where('distance', '<=', ALIKE)
    .distinctOn(['decision', 'same'])
    .orderBy('decision')
    .orderBy('same')
    .orderBy('distance')
    .execute();
  return rows.map((row) => ({
    alertId: row.id,
    decision: row.decision!,
    decidedBy: row.decided_by!,
    distance: row.distance,
    nearCopy: row.same && row.distance <= nearCopyRadius(hashes.quality),
  }));
}
