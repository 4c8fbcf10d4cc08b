import { sql } from 'kysely';
import type { PoolClient } from 'pg';
import type { ConnectionPool, Executor } from './database.ts';

/** Something that changed, for whoever looks at it now. */
export interface Change {
  /** What kind of record, e.g. `alert`. */
  readonly type: string;
  readonly id: string;
}

const CHANNEL = 'utsushi_live';
const RECONNECT_MS = 2_000;

/** Tells every process of a change, when and only when the caller's transaction commits. */
export async function announce(tx: Executor, type: string, id: string): Promise<void> {
  await sql`select pg_notify(${CHANNEL}, ${JSON.stringify({ type, id })})`.execute(tx);
}

type Listener = (change: Change) => void;

/**
 * What every process announces, through one connection of this process. A change that happened while the connection
 * was away is not told; instead listeners then hear `{type: 'resync', id: ''}` and read again what they show. Needs a
 * connection that is this process's own, so a pooler before the database must pool by session.
 */
export class LiveFeed {
  readonly #pool: ConnectionPool;
  readonly #listeners = new Set<Listener>();
  #client: PoolClient | undefined;
  #opening: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  /** Calls back on every change from when this resolves, until the returned function is called. */
  async subscribe(listener: Listener): Promise<() => void> {
    this.#listeners.add(listener);
    try {
      await this.#open();
    } catch (thrown) {
      this.#listeners.delete(listener);
      throw thrown;
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#drop();
    };
  }

  close(): void {
    this.#closed = true;
    this.#listeners.clear();
    this.#drop();
  }

  async #open(): Promise<void> {
    if (this.#client !== undefined) return;
    this.#opening ??= this.#connect().finally(() => {
      this.#opening = undefined;
    });
    await this.#opening;
  }

  async #connect(): Promise<void> {
    const client = await this.#pool.connect();
    let isLost = false;
    const lost = () => {
      if (isLost) return;
      isLost = true;
      if (this.#client !== client) return;
      this.#client = undefined;
      client.release(true);
      this.#reconnectLater();
    };
    client.on('error', lost);
    client.on('end', lost);
    client.on('notification', ({ payload }) => {
      const change = JSON.parse(payload!) as Change;
      for (const listener of this.#listeners) listener(change);
    });
    try {
      await client.query(`listen ${CHANNEL}`);
    } catch (thrown) {
      client.release(true);
      throw thrown;
    }
    this.#client = client;
    if (this.#closed || this.#listeners.size === 0) this.#drop();
  }

  #reconnectLater(): void {
    if (this.#closed || this.#listeners.size === 0) return;
    this.#retry = setTimeout(() => {
      this.#open().then(
        () => {
          for (const listener of this.#listeners) listener({ type: 'resync', id: '' });
        },
        () => this.#reconnectLater(),
      );
    }, RECONNECT_MS).unref();
  }

  #drop(): void {
    clearTimeout(this.#retry);
    const client = this.#client;
    this.#client = undefined;
    // It still listens: nobody else may use it.
    client?.release(true);
  }
}
