import { sql } from 'kysely';
import type { Executor } from '../../platform/storage/database.ts';
import { type Features, decodeFeatures } from '../../vision/fingerprint/features.ts';
import { ALGORITHM_VERSION } from '../../vision/fingerprint/fingerprint.ts';
import type { Tier } from '../../vision/matching/policy.ts';
import type { Work } from '../../vision/matching/verify-shortlist.ts';

/** What a match needs to know of a reference image. */
export interface IndexedReference {
  readonly referenceId: string;
  readonly assetId: string;
  readonly file: string;
  readonly title: string;
  readonly tier: Tier;
}

/** A reference image as it is looked at closely. */
export interface KnownWork extends Work {
  readonly reference: IndexedReference;
}

/** Reads what a closer look needs of reference images, and keeps what was needed last. */
export class KnownWorks {
  /** By number, the one needed last at the end. */
  readonly #kept = new Map<number, KnownWork>();
  readonly #most: number;
  /** Counts what was forgotten: what was read before may be out of date. */
  #forgotten = 0;

  /** @param most so many works that were looked at last are kept in memory, some 30 KB each */
  constructor(most: number) {
    this.#most = most;
  }

  /** @returns by number; without those that are gone or no longer watched for */
  async read(db: Executor, numbers: readonly number[]): Promise<ReadonlyMap<number, KnownWork>> {
    const works = new Map<number, KnownWork>();
    const missing: number[] = [];
    for (const number of numbers) {
      const kept = this.#kept.get(number);
      if (kept === undefined) missing.push(number);
      else works.set(number, kept);
    }
    if (missing.length > 0) {
      const before = this.#forgotten;
      for (const [number, work] of await readWorks(db, missing)) works.set(number, work);
      if (before !== this.#forgotten) return works;
    }
    for (const [number, work] of works) {
      this.#kept.delete(number);
      this.#kept.set(number, work);
    }
    for (const number of this.#kept.keys()) {
      if (this.#kept.size <= this.#most) break;
      this.#kept.delete(number);
    }
    return works;
  }

  /** To be called when a reference image or its asset has changed. */
  forget(number: number): void {
    this.#forgotten += 1;
    this.#kept.delete(number);
  }
}

async function readWorks(db: Executor, numbers: readonly number[]): Promise<[number, KnownWork][]> {
  const rows = await withFeatures(db, numbers)
    .innerJoin('assets as a', 'a.id', 'r.asset_id')
    .where('a.enabled', '=', true)
    .select(['r.id as referenceId', 'r.asset_id as assetId', 'r.file', 'a.title', 'a.tier'])
    .execute();
  return rows.map(({ number, features, ...reference }) => [
    number,
    { key: reference.assetId, features: decodeFeatures(features!), reference },
  ]);
}

/** The features of reference images by number; without those that have none by this algorithm. */
export async function readFeatures(
  db: Executor,
  numbers: readonly number[],
): Promise<ReadonlyMap<number, Features>> {
  const rows = await withFeatures(db, numbers).execute();
  return new Map(rows.map(({ number, features }) => [number, decodeFeatures(features!)]));
}

function withFeatures(db: Executor, numbers: readonly number[]) {
  return db
    .selectFrom('reference_images as r')
    .innerJoin('fingerprints as f', (join) =>
      join.onRef('f.sha256', '=', 'r.sha256').on('f.algorithm_version', '=', ALGORITHM_VERSION),
    )
    .where('r.number', '=', sql<number>`any(${numbers}::integer[])`)
    .where('f.features', 'is not', null)
    .select(['r.number', 'f.features']);
}
