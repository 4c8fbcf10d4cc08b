import type { Executor } from '../../platform/storage/database.ts';
import { ALGORITHM_VERSION, decodeFingerprint } from '../../vision/fingerprint/fingerprint.ts';
import { selfDistance } from '../../vision/matching/match.ts';
import type { Tier } from '../../vision/matching/policy.ts';
import { LinearIndex } from '../../vision/search/linear-index.ts';
import type { HammingIndex } from '../../vision/search/hamming-index.ts';
import { readVersion } from './catalogue.ts';

/** What a match needs to know of a reference image. */
export interface IndexedReference {
  readonly referenceId: string;
  readonly assetId: string;
  readonly file: string;
  readonly title: string;
  readonly tier: Tier;
  /** How much the picture differs from itself turned; see selfDistance. */
  readonly self: number;
}

/**
 * The catalogue's hashes in this process's memory, tagged with the catalogue version they show. `refresh` reads only
 * what changed since.
 */
export class LiveIndex {
  readonly #index = new LinearIndex();
  readonly #byId = new Map<number, IndexedReference>();
  readonly #idOf = new Map<string, number>();
  #nextId = 0;
  #version: number;
  #refreshing: Promise<void> | undefined;

  /** @param after leave out what had not changed since this version: the retroactive match looks for the rest only */
  constructor(after = 0) {
    this.#version = after;
  }

  /** The catalogue version that the index shows. */
  get version(): number {
    return this.#version;
  }

  /** Reference images of enabled assets. */
  get size(): number {
    return this.#byId.size;
  }

  get hashes(): HammingIndex {
    return this.#index;
  }

  reference(id: number): IndexedReference {
    const found = this.#byId.get(id);
    if (found === undefined) throw new RangeError(`the index holds no reference image ${id}`);
    return found;
  }

  /** Brings the index to the newest committed version. Callers at the same time share one reading. */
  async refresh(db: Executor): Promise<void> {
    // One that began before this call may have missed what was committed just now, so the second one reads again.
    await this.#refreshing;
    this.#refreshing ??= this.#read(db).finally(() => {
      this.#refreshing = undefined;
    });
    await this.#refreshing;
  }

  async #read(db: Executor): Promise<void> {
    // The version is read first: what commits in between is read too, and simply read once more by the next refresh.
    const { version } = await readVersion(db);
    if (version === this.#version) return;
    const rows = await changedReferences(db, this.#version);
    for (const row of rows) {
      const old = this.#idOf.get(row.referenceId);
      if (old !== undefined) {
        this.#index.remove(old);
        this.#byId.delete(old);
        this.#idOf.delete(row.referenceId);
      }
      if (!row.enabled) continue;
      const id = this.#nextId++;
      const fingerprint = decodeFingerprint(row.data);
      this.#index.add(id, fingerprint.views[0]!.pdq[0]!);
      this.#byId.set(id, {
        referenceId: row.referenceId,
        assetId: row.assetId,
        file: row.file,
        title: row.title,
        tier: row.tier,
        self: selfDistance(fingerprint),
      });
      this.#idOf.set(row.referenceId, id);
    }
    this.#version = version;
  }
}

function changedReferences(db: Executor, after: number) {
  return db
    .selectFrom('reference_images as r')
    .innerJoin('assets as a', 'a.id', 'r.asset_id')
    .innerJoin('fingerprints as f', (join) =>
      join.onRef('f.sha256', '=', 'r.sha256').on('f.algorithm_version', '=', ALGORITHM_VERSION),
    )
    .where('r.changed_version', '>', after)
    .select([
      'r.id as referenceId',
      'r.asset_id as assetId',
      'r.file',
      'a.title',
      'a.tier',
      'a.enabled',
      'f.data',
    ])
    .orderBy('r.changed_version')
    .execute();
}
