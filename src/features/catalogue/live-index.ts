import { sql } from 'kysely';
import { UtsushiError } from '../../errors.ts';
import type { Executor } from '../../platform/storage/database.ts';
import { buildInThread } from '../../platform/compute/build-index.ts';
import { vocabulary } from '../../platform/compute/vocabulary.ts';
import { ALGORITHM_VERSION } from '../../vision/fingerprint/fingerprint.ts';
import { type WorkHashes, decodeWorkHashes } from '../../vision/fingerprint/work-hashes.ts';
import { Matcher } from '../../vision/matching/matcher.ts';
import type { Depth, Policy, Tier } from '../../vision/matching/policy.ts';
import { readVersion } from './catalogue.ts';
import { type KnownWork, KnownWorks, readFeatures } from './known-works.ts';
import { countOutdated } from './reindex.ts';

/** Reads the policy in force. */
export type PolicyReader = (db: Executor) => Promise<Policy>;

/** Hashes read at once: a few megabytes; and features. */
const HASHES_A_PAGE = 20_000;
const FEATURES_A_PAGE = 200;

/**
 * What the catalogue's works are found by, in this process's memory, tagged with the catalogue version it shows.
 * `refresh` reads only what changed since. What a closer look needs is read when it is needed.
 */
export class LiveIndex {
  #matcher = newMatcher();
  readonly #works: KnownWorks;
  readonly #policyInForce: PolicyReader;
  readonly #after: number;
  #depths: Depths | undefined;
  #version: number;
  #refreshing: Promise<void> | undefined;
  /** On the process's monotonic clock, in milliseconds: until when the index is known to have been current. */
  #currentAt = -Infinity;

  /**
   * @param policyInForce says for each tier how deep its works are searched
   * @param after leave out what had not changed since this version: the retroactive match looks for the rest only
   * @param worksKept see KnownWorks
   */
  constructor(
    policyInForce: PolicyReader,
    { after = 0, worksKept = 100 }: { readonly after?: number; readonly worksKept?: number } = {},
  ) {
    this.#works = new KnownWorks(worksKept);
    this.#policyInForce = policyInForce;
    this.#after = after;
    this.#version = after;
  }

  /** The catalogue version that the index shows. */
  get version(): number {
    return this.#version;
  }

  /** Reference images of enabled assets. */
  get size(): number {
    return this.#matcher.size;
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

  /** Whether works are searched as deeply as this policy says; the index follows a new one when it is refreshed. */
  searchesAs({ tiers }: Policy): boolean {
    return this.#depths?.high === tiers.high.depth && this.#depths.standard === tiers.standard.depth;
  }

  get matcher(): Matcher {
    return this.#matcher;
  }

  /**
   * What a closer look needs of shortlisted reference images, as it is in the database now: whoever records what comes
   * of it holds the catalogue's version meanwhile (see holdVersion).
   */
  works(db: Executor, ids: readonly number[]): Promise<ReadonlyMap<number, KnownWork>> {
    return this.#works.read(db, ids);
  }

  /**
   * Brings the index to the newest committed version. Callers at the same time share one reading.
   *
   * @throws UtsushiError `catalogue_outdated`
   */
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
    const policy = await this.#policyInForce(db);
    const depths = depthsOf(policy);
    const sameDepths = this.searchesAs(policy);
    if (!sameDepths || version !== this.#version) {
      // Left out silently, they would be missed silently. What was read before was asked about before.
      const outdated = await countOutdated(db, sameDepths ? this.#version : this.#after);
      if (outdated > 0) {
        throw new UtsushiError(
          'catalogue_outdated',
          `another version of Utsushi fingerprinted ${outdated} reference images`,
        );
      }
      // Under other depths works are filed otherwise: all are read again, and the index changes at once at the end.
      const matcher = sameDepths ? this.#matcher : newMatcher();
      await this.#load(db, matcher, sameDepths ? this.#version : this.#after, depths);
      this.#matcher = matcher;
      this.#depths = depths;
      this.#version = version;
      // Not waited for, and nothing is lost when it fails: the next change tries again.
      void matcher.settle().catch((thrown: unknown) => process.emitWarning(thrown as Error));
    }
    this.#currentAt = asked;
  }

  /** Brings into the matcher what changed after a version. */
  async #load(db: Executor, matcher: Matcher, after: number, depths: Depths): Promise<void> {
    const special = await specialReferences(db, after, depths);
    let deep = new Map<number, WorkHashes>();
    const fileDeep = async () => {
      const features = await readFeatures(db, [...deep.keys()]);
      for (const [id, hashes] of deep) {
        const known = features.get(id);
        if (known !== undefined) matcher.addDeep(id, hashes, known);
      }
      deep = new Map();
    };
    for await (const page of changedHashes(db, after)) {
      for (const { id, hashes } of decodeWorkHashes(page)) {
        matcher.remove(id);
        this.#works.forget(id);
        const how = special.get(id);
        if (how === 'disabled') continue;
        if (how !== 'deep') matcher.add(id, hashes);
        else if (deep.set(id, hashes).size === FEATURES_A_PAGE) await fileDeep();
      }
    }
    await fileDeep();
  }
}

type Depths = Readonly<Record<Tier, Depth>>;

function newMatcher(): Matcher {
  return new Matcher(vocabulary(), buildInThread);
}

function depthsOf({ tiers }: Policy): Depths {
  return { high: tiers.high.depth, standard: tiers.standard.depth };
}

/** The reference images that changed and are not simply searched at standard depth. */
async function specialReferences(
  db: Executor,
  after: number,
  depths: Depths,
): Promise<ReadonlyMap<number, 'disabled' | 'deep'>> {
  const deepTiers = (['high', 'standard'] as const).filter((tier) => depths[tier] === 'deep');
  const rows = await db
    .selectFrom('reference_images as r')
    .innerJoin('assets as a', 'a.id', 'r.asset_id')
    .where('r.changed_version', '>', after)
    .where((eb) => eb.or([eb('a.enabled', '=', false), eb('a.tier', 'in', [...deepTiers, 'none' as never])]))
    .select(['r.number', 'a.enabled'])
    .execute();
  return new Map(rows.map(({ number, enabled }) => [number, enabled ? 'deep' : 'disabled']));
}

interface HashPage {
  readonly read: number;
  /** The largest number; null where nothing was read. */
  readonly last: number | null;
  readonly records: Buffer | null;
}

/** The hashes of all reference images that changed, by rising number, as decodeWorkHashes takes them. */
async function* changedHashes(db: Executor, after: number): AsyncGenerator<Uint8Array> {
  for (let page = hashPage(db, after, 0); ;) {
    const { read, last, records } = await page;
    if (records === null) return;
    const more = read === HASHES_A_PAGE;
    if (more) {
      // The database reads on while this page is filed; whoever waits for the next one hears of a failure.
      page = hashPage(db, after, last!);
      page.catch(() => {});
    }
    // Copied, so that words begin where words must.
    yield new Uint8Array(records);
    if (!more) return;
  }
}

async function hashPage(db: Executor, after: number, last: number): Promise<HashPage> {
  // One value for thousands of rows: reading them one by one would take most of the time.
  const { rows } = await sql<HashPage>`
    select count(*)::integer as read, max(number) as last,
           string_agg(int4send(number) || hashes, '' order by number) as records
      from (select number, hashes from reference_images
             where number > ${last} and changed_version > ${after}
               and hashed_by = ${ALGORITHM_VERSION} and hashes is not null
             order by number limit ${HASHES_A_PAGE}) page`.execute(db);
  return rows[0]!;
}
