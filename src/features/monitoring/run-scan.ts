import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { UtsushiError, asUtsushiError } from '../../errors.ts';
import type { Spool } from '../../platform/storage/blobs.ts';
import type { Database, Executor } from '../../platform/storage/database.ts';
import { openSightings } from '../checks/index.ts';
import { closeIncidents, raiseIncident } from '../incidents/index.ts';
import {
  type Item,
  type ItemFailure,
  type Json,
  type Source,
  type SourceSpec,
  catalogueQueries,
} from '../sources/index.ts';
import { type Monitor, toMonitor } from './monitors.ts';
import { canonicalUrl } from './canonical-url.ts';
import { type ScanSummary, countChecked, findScan } from './scans.ts';

export interface ScanDependencies {
  readonly db: Database;
  readonly spool: Spool;
  readonly clock: () => Date;
  readonly openSource: (spec: SourceSpec, queries: readonly string[]) => Promise<Source>;
  /** Gives pending sightings their check job, behind whatever people asked for. */
  readonly enqueue: (sightingIds: readonly string[]) => Promise<void>;
  /** The most sightings of one scan that wait for their check: the source is read no faster than it is checked. */
  readonly mostPending: number;
  /** How long a silent process keeps a scan to itself. Milliseconds. */
  readonly leaseMs: number;
}

export interface ScanProgress {
  readonly seen: number;
  readonly new: number;
  readonly skipped: number;
  /** Of the new ones, how many are checked or have failed. */
  readonly finished: number;
}

export interface ScanOptions {
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: ScanProgress) => void | Promise<void>;
  /** A failure of the source now ends the scan; else it stays open for the next attempt. */
  readonly lastAttempt: boolean;
}

/** Items written in one transaction. */
const BATCH = 50;
const POLL_MS = 250;
const READ_ATTEMPTS = 3;
const SCAN_FAILED = 'scan-failed';
const UTSUSHI = 'utsushi';

/**
 * Works on a scan until every item of its source is recorded and checked, from where whoever worked on it before left
 * off. One process at a time: the others wait, and find it done.
 *
 * @returns what came of it, also when the source failed for good
 * @throws UtsushiError when it is worth another attempt; the signal's reason when it is aborted
 */
export async function runScan(
  deps: ScanDependencies,
  scanId: string,
  options: ScanOptions,
): Promise<ScanSummary> {
  const scan = new RunningScan(deps, scanId, options);
  if (!(await scan.acquire())) return findScan(deps.db, scanId);
  try {
    await scan.work();
  } catch (thrown) {
    options.signal.throwIfAborted();
    const error = asUtsushiError(thrown);
    if (error.code === 'scan_taken_over' || (error.retryable && !options.lastAttempt)) throw error;
    await scan.fail(error);
  } finally {
    await scan.release();
  }
  return findScan(deps.db, scanId);
}

/** One process's turn at a scan. Everything it writes is fenced by its lease: once that is lost nothing is written. */
class RunningScan {
  readonly #deps: ScanDependencies;
  readonly #id: string;
  readonly #options: ScanOptions;
  readonly #owner = randomUUID();
  #monitor!: Monitor;
  #renewal: NodeJS.Timeout | undefined;
  #counts = { seen: 0, new: 0, skipped: 0 };

  constructor(deps: ScanDependencies, id: string, options: ScanOptions) {
    this.#deps = deps;
    this.#id = id;
    this.#options = options;
  }

  /** Waits for the lease. @returns false when the scan ended meanwhile */
  async acquire(): Promise<boolean> {
    const { db } = this.#deps;
    for (;;) {
      this.#options.signal.throwIfAborted();
      const taken = await db
        .updateTable('scans')
        .set({ lease_owner: this.#owner, lease_until: this.#leaseEnd() })
        .where('id', '=', this.#id)
        .where('state', '=', 'running')
        .where((eb) => eb.or([eb('lease_until', 'is', null), eb('lease_until', '<', sql<Date>`now()`)]))
        .returning(['monitor_id', 'seen', 'new', 'skipped'])
        .executeTakeFirst();
      if (taken !== undefined) {
        const row = await db
          .selectFrom('monitors')
          .selectAll()
          .where('id', '=', taken.monitor_id)
          .executeTakeFirstOrThrow();
        this.#monitor = toMonitor(row);
        this.#counts = { seen: taken.seen, new: taken.new, skipped: taken.skipped };
        this.#renewal = setInterval(() => void this.#renew(), this.#deps.leaseMs / 3);
        return true;
      }
      const { state, ...progress } = await findScan(db, this.#id);
      if (state !== 'running') return false;
      await this.#options.onProgress?.({ ...progress, finished: progress.checked + progress.failed });
      await this.#pause(POLL_MS * 4);
    }
  }

  async work(): Promise<void> {
    const { db, enqueue } = this.#deps;
    const { cursor, listed } = await db
      .selectFrom('scans')
      .select(['cursor', 'listed'])
      .where('id', '=', this.#id)
      .executeTakeFirstOrThrow();
    // Whoever was at it before may have died between writing these down and queueing them.
    await enqueue(await this.#pendingIds());
    if (!listed) await this.#list(cursor as Json | null);
    await this.#untilPending(0);
    await this.#finish();
  }

  async #list(cursor: Json | null): Promise<void> {
    const { db, openSource } = this.#deps;
    const { signal } = this.#options;
    const queries = await catalogueQueries(db, this.#monitor.scope);
    const source = await openSource(this.#monitor.source, queries);
    let batch: (Item | ItemFailure)[] = [];
    let stoppedShort: string | null = null;
    const commit = async (reached?: Json) => {
      if (batch.length > 0 || reached !== undefined) await this.#commit(source, batch, reached);
      batch = [];
      await this.#untilPending(this.#deps.mostPending - BATCH);
    };
    for await (const event of source.items({ ...(cursor === null ? {} : { cursor }), signal })) {
      signal.throwIfAborted();
      if (event.type === 'checkpoint') {
        stoppedShort = event.stoppedShort;
        await commit(event.cursor);
      } else {
        batch.push(event);
        if (batch.length >= BATCH) await commit();
      }
    }
    await commit();
    await this.#fenced(db, { listed: true, stopped_short: stoppedShort });
  }

  /** Writes one batch down: what is new as pending sightings, what failed as failures, and how far this came. */
  async #commit(source: Source, batch: readonly (Item | ItemFailure)[], reached?: Json): Promise<void> {
    const { db, spool, clock, enqueue } = this.#deps;
    const failures = batch.filter((each) => each.type === 'failure');
    // A source may name a picture twice; once is enough.
    const items = new Map(
      batch.filter((each) => each.type === 'item').map((item) => [keyOf(item), { item, key: keyOf(item) }]),
    );
    const keys = [...items.keys()].toSorted();
    const knownBefore = await this.#known(db, keys);
    const found: Found[] = [];
    for (const { item, key } of items.values()) {
      const read = await this.#examine(source, item, key, knownBefore.get(key));
      if (read.type === 'failure') failures.push(read);
      else found.push(read);
    }
    const at = clock();
    const written = await db.transaction().execute(async (tx) => {
      await this.#fenced(tx, {});
      const fresh = await this.#claim(tx, found, at);
      const isNew = new Set(fresh.filter(({ sighted }) => sighted).map(({ key }) => key));
      const counted = fresh.length;
      await openSightings(
        tx,
        found.filter(({ key }) => isNew.has(key)).map((each) => this.#sightingOf(each)),
        at,
      );
      const broken = await this.#recordFailures(tx, failures, at);
      await this.#fenced(tx, {
        seen: sql<number>`seen + ${counted + broken}`,
        new: sql<number>`new + ${isNew.size}`,
        skipped: sql<number>`skipped + ${counted - isNew.size}`,
        ...(reached === undefined ? {} : { cursor: JSON.stringify(reached) }),
      });
      return { isNew, counted, broken };
    });
    this.#counts = {
      seen: this.#counts.seen + written.counted + written.broken,
      new: this.#counts.new + written.isNew.size,
      skipped: this.#counts.skipped + written.counted - written.isNew.size,
    };
    // What another scan of this source noted a moment earlier needs no bytes of ours.
    for (const { id, key, spooled } of found) if (spooled && !written.isNew.has(key)) await spool.remove(id);
    await enqueue(found.filter(({ key }) => written.isNew.has(key)).map(({ id }) => id));
  }

  /** What to call an item's sighting, and its bytes in the spool where only the source can read them. */
  async #examine(
    source: Source,
    item: Item,
    key: string,
    known: Known | undefined,
  ): Promise<Found | ItemFailure> {
    if (/^https?:/i.test(item.imageUrl)) {
      return { type: 'found', item, key, validator: null, id: this.#sightingId(key, null), spooled: false };
    }
    let bytes: Uint8Array;
    try {
      bytes = await this.#read(source, item.imageUrl);
    } catch (thrown) {
      this.#options.signal.throwIfAborted();
      const error = asUtsushiError(thrown);
      // What may pass must not be passed over: the scan goes on from the last checkpoint later.
      if (error.retryable) throw error;
      return { type: 'failure', where: item.imageUrl, error };
    }
    const validator = createHash('sha256').update(bytes).digest('hex');
    const id = this.#sightingId(key, validator);
    const spooled = known?.validator !== validator;
    if (spooled) await this.#deps.spool.put(id, bytes);
    return { type: 'found', item, key, validator, id, spooled };
  }

  async #read(source: Source, imageUrl: string): Promise<Uint8Array> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await source.read(imageUrl, this.#options.signal);
      } catch (thrown) {
        if (attempt === READ_ATTEMPTS || !asUtsushiError(thrown).retryable) throw thrown;
        await this.#pause(1_000 * attempt);
      }
    }
  }

  /**
   * Marks items as seen by this scan.
   *
   * @returns those that this scan had not counted yet, and whether each is to be sighted: never seen, or changed
   */
  async #claim(
    tx: Executor,
    found: readonly Found[],
    at: Date,
  ): Promise<{ key: string; sighted: boolean }[]> {
    if (found.length === 0) return [];
    const { sourceKey } = this.#monitor;
    const rows = found
      .toSorted((a, b) => (a.key < b.key ? -1 : 1))
      .map(({ key, validator }) => ({
        source_key: sourceKey,
        item_key: key,
        validator,
        last_scan_id: this.#id,
        last_seen_at: at,
      }));
    const inserted = new Set(
      (
        await tx
          .insertInto('source_items')
          .values(rows)
          .onConflict((conflict) => conflict.doNothing())
          .returning('item_key')
          .execute()
      ).map((row) => row.item_key),
    );
    const older = rows.filter((row) => !inserted.has(row.item_key));
    const known = await this.#known(
      tx,
      older.map((row) => row.item_key),
    );
    if (older.length > 0) {
      await tx
        .insertInto('source_items')
        .values(older)
        .onConflict((conflict) =>
          conflict.columns(['source_key', 'item_key']).doUpdateSet((eb) => ({
            validator: eb.ref('excluded.validator'),
            last_scan_id: eb.ref('excluded.last_scan_id'),
            last_seen_at: eb.ref('excluded.last_seen_at'),
          })),
        )
        .execute();
    }
    return rows.flatMap(({ item_key: key, validator }) => {
      if (inserted.has(key)) return [{ key, sighted: true }];
      const before = known.get(key)!;
      const changed = before.validator !== validator;
      return before.scanId === this.#id && !changed ? [] : [{ key, sighted: changed }];
    });
  }

  async #known(db: Executor, keys: readonly string[]): Promise<Map<string, Known>> {
    if (keys.length === 0) return new Map();
    const rows = await db
      .selectFrom('source_items')
      .select(['item_key', 'validator', 'last_scan_id'])
      .where('source_key', '=', this.#monitor.sourceKey)
      .where('item_key', 'in', [...keys])
      .execute();
    return new Map(rows.map((row) => [row.item_key, { validator: row.validator, scanId: row.last_scan_id }]));
  }

  async #recordFailures(tx: Executor, failures: readonly ItemFailure[], at: Date): Promise<number> {
    if (failures.length === 0) return 0;
    const recorded = await tx
      .insertInto('scan_failures')
      .values(
        failures.map(({ where, error }) => ({
          scan_id: this.#id,
          item: where,
          code: error.code,
          message: error.message,
          at,
        })),
      )
      .onConflict((conflict) => conflict.doNothing())
      .returning('item')
      .execute();
    return recorded.length;
  }

  #sightingOf({ id, item }: Found) {
    return {
      id,
      scanId: this.#id,
      acquisition: 'fetched' as const,
      acquiredBy: `monitor ${this.#monitor.name}`,
      imageUrl: item.imageUrl,
      pageUrl: item.pageUrl,
      account: item.account,
      accountId: item.accountId,
      postedAt: item.postedAt,
      territory: this.#monitor.territory,
      text: item.text,
      declared: item.declared,
    };
  }

  /** The same item in the same scan has the same id, so that doing a batch again leaves nothing behind in the spool. */
  #sightingId(key: string, validator: string | null): string {
    const digest = createHash('sha256').update(`${this.#id} ${key} ${validator}`).digest();
    digest[6] = (digest[6]! & 0x0f) | 0x80;
    digest[8] = (digest[8]! & 0x3f) | 0x80;
    const hex = digest.toString('hex');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
      '-',
    );
  }

  /** Waits until at most `most` sightings of this scan wait for their check, and says how far it is. */
  async #untilPending(most: number): Promise<void> {
    for (;;) {
      const { count } = await this.#deps.db
        .selectFrom('sightings')
        .where('scan_id', '=', this.#id)
        .where('state', '=', 'pending')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .executeTakeFirstOrThrow();
      await this.#options.onProgress?.({ ...this.#counts, finished: this.#counts.new - count });
      if (count <= most) return;
      await this.#pause(POLL_MS);
    }
  }

  async #pendingIds(): Promise<string[]> {
    const rows = await this.#deps.db
      .selectFrom('sightings')
      .select('id')
      .where('scan_id', '=', this.#id)
      .where('state', '=', 'pending')
      .execute();
    return rows.map((row) => row.id);
  }

  async #finish(): Promise<void> {
    const { db, clock } = this.#deps;
    const at = clock();
    await db.transaction().execute(async (tx) => {
      const counted = await countChecked(tx, this.#id);
      await this.#fenced(tx, { ...counted, state: 'done', finished_at: at });
      await this.#keepCursor(tx);
      await closeIncidents(tx, SCAN_FAILED, { of: this.#monitor.name }, { actor: UTSUSHI, at });
    });
  }

  /** The source cannot be read for now; what was read of it stays, and the next scan goes on from there. */
  async fail(error: UtsushiError): Promise<void> {
    const { db, clock } = this.#deps;
    const at = clock();
    const { name } = this.#monitor;
    await db.transaction().execute(async (tx) => {
      await this.#fenced(tx, {
        state: 'failed',
        finished_at: at,
        error: JSON.stringify(error.toJSON()),
      });
      await this.#keepCursor(tx);
      await raiseIncident(
        tx,
        {
          kind: SCAN_FAILED,
          subject: name,
          severity: 'warning',
          message: {
            ja: `モニター「${name}」の巡回に失敗しました: ${error.message}`,
            en: `The monitor ${name} could not read its source: ${error.message}`,
          },
          details: { scanId: this.#id, code: error.code, remedy: error.remedy },
        },
        at,
      );
    });
  }

  async #keepCursor(tx: Executor): Promise<void> {
    await tx
      .updateTable('monitors')
      .set({ cursor: sql<string>`(select cursor from scans where id = ${this.#id})` })
      .where('id', '=', this.#monitor.id)
      // Its source was changed meanwhile: this says nothing about the new one.
      .where('source_key', '=', this.#monitor.sourceKey)
      .execute();
  }

  /** Changes the scan's row, if it is still this process's. @throws UtsushiError `lease_lost` */
  async #fenced(db: Executor, change: Record<string, unknown>): Promise<void> {
    const { numUpdatedRows } = await db
      .updateTable('scans')
      .set({ ...change, lease_until: this.#leaseEnd() })
      .where('id', '=', this.#id)
      .where('lease_owner', '=', this.#owner)
      .where('state', '=', 'running')
      .executeTakeFirst();
    if (numUpdatedRows === 0n)
      throw new UtsushiError('scan_taken_over', `another process goes on with the scan ${this.#id}`);
  }

  async #renew(): Promise<void> {
    await this.#deps.db
      .updateTable('scans')
      .set({ lease_until: this.#leaseEnd() })
      .where('id', '=', this.#id)
      .where('lease_owner', '=', this.#owner)
      .execute()
      // The next write finds out whether the lease is still held.
      .catch(() => {});
  }

  async release(): Promise<void> {
    clearInterval(this.#renewal);
    await this.#deps.db
      .updateTable('scans')
      .set({ lease_owner: null, lease_until: null })
      .where('id', '=', this.#id)
      .where('lease_owner', '=', this.#owner)
      .execute()
      // It runs out by itself.
      .catch(() => {});
  }

  /** By the database's clock, which all processes share. */
  #leaseEnd() {
    return sql<Date>`now() + make_interval(secs => ${this.#deps.leaseMs / 1_000})`;
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#options;
    await sleep(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

interface Known {
  readonly validator: string | null;
  readonly scanId: string;
}

/** An item of a batch, ready to be written down. */
interface Found {
  readonly type: 'found';
  readonly item: Item;
  readonly key: string;
  readonly validator: string | null;
  readonly id: string;
  readonly spooled: boolean;
}

/** What makes two items one: the picture's address, the page's, and whose it is. */
function keyOf({ imageUrl, pageUrl, accountId, account }: Item): string {
  const parts = [
    canonicalUrl(imageUrl),
    pageUrl === null ? null : canonicalUrl(pageUrl),
    accountId ?? account,
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
