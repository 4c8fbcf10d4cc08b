import { UtsushiError } from '../../errors.ts';
import type { Executor } from '../../platform/storage/database.ts';
import { buildInThread } from '../../platform/compute/build-index.ts';
import { vocabulary } from '../../platform/compute/vocabulary.ts';
import { decodeFeatures } from '../../vision/fingerprint/features.ts';
import { ALGORITHM_VERSION } from '../../vision/fingerprint/fingerprint.ts';
import { Matcher } from '../../vision/matching/matcher.ts';
import type { Depth, Policy, Tier } from '../../vision/matching/policy.ts';
import { readVersion } from './catalogue.ts';

/** What a match needs to know of a reference image. */
export interface IndexedReference {
  readonly referenceId: string;
  readonly assetId: string;
  readonly file: string;
  readonly title: string;
  readonly tier: Tier;
}

/** Reads the policy in force. */
export type PolicyReader = (db: Executor) => Promise<Policy>;

/**
 * The catalogue's fingerprints and features in this process's memory, tagged with the catalogue version they show.
 * `refresh` reads only what changed since.
 */
export class LiveIndex {
  readonly #matcher = new Matcher(vocabulary(), buildInThread);
  readonly #byId = new Map<number, IndexedReference>();
  readonly #idOf = new Map<string, number>();
  readonly #policyInForce: PolicyReader;
  #depths: Readonly<Record<Tier, Depth>> | undefined;
  #nextId = 0;
  #version: number;
  #refreshing: Promise<void> | undefined;
  /** On the process's monotonic clock, in milliseconds: until when the index is known to have been current. */
  #currentAt = -Infinity;

  /**
   * @param policyInForce says for each tier how deep its works are searched
   * @param after leave out what had not changed since this version: the retroactive match looks for the rest only
   */
  constructor(policyInForce: PolicyReader, after = 0) {
    this.#policyInForce = policyInForce;
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

  /** Milliseconds since the database last confirmed that the index shows the newest version; Infinity before that. */
  get age(): number {
    return performance.now() - this.#currentAt;
  }

  /**
   * @param maxAgeMs how long ago the database may last have confirmed the index
   * @throws UtsushiError `index_stale`
   */
  requireYoungerThan(maxAgeMs: number): void {
    if (this.age <= maxAgeMs) return;
    const since = Number.isFinite(this.age) ? `for ${Math.round(this.age / 1_000)} s` : 'yet';
    throw new UtsushiError(
      'index_stale',
      `the catalogue in memory was not confirmed ${since}; the bound is ${maxAgeMs / 1_000} s`,
    );
  }

  get matcher(): Matcher {
    return this.#matcher;
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
    const asked = performance.now();
    const { version } = await readVersion(db);
    this.#searchAsDeepAs(await this.#policyInForce(db));
    if (version === this.#version) {
      this.#currentAt = asked;
      return;
    }
    const rows = await changedReferences(db, this.#version);
    for (const row of rows) {
      const old = this.#idOf.get(row.referenceId);
      if (old !== undefined) {
        this.#matcher.remove(old);
        this.#byId.delete(old);
        this.#idOf.delete(row.referenceId);
      }
      if (!row.enabled) continue;
      const id = this.#nextId++;
      const deep = this.#depths![row.tier] === 'deep';
      this.#matcher.add(id, row.assetId, decodeFeatures(row.features!), deep);
      this.#byId.set(id, {
        referenceId: row.referenceId,
        assetId: row.assetId,
        file: row.file,
        title: row.title,
        tier: row.tier,
      });
      this.#idOf.set(row.referenceId, id);
    }
    this.#version = version;
    this.#currentAt = asked;
    // Not waited for, and nothing is lost when it fails: the next change tries again.
    void this.#matcher.settle().catch((thrown: unknown) => process.emitWarning(thrown as Error));
  }

  /** Works that were indexed under another policy are filed by their keypoints, or no longer. */
  #searchAsDeepAs({ tiers }: Policy): void {
    const depths = { high: tiers.high.depth, standard: tiers.standard.depth };
    const before = this.#depths;
    this.#depths = depths;
    if (before === undefined) return;
    for (const [id, { tier }] of this.#byId) {
      if (depths[tier] !== before[tier]) this.#matcher.search(id, depths[tier]);
    }
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
    .where('f.features', 'is not', null)
    .select([
      'r.id as referenceId',
      'r.asset_id as assetId',
      'r.file',
      'a.title',
      'a.tier',
      'a.enabled',
      'f.features',
    ])
    .orderBy('r.changed_version')
    .execute();
}
