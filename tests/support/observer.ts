/**
 * Looks into an installation's embedded database from outside: by plain connections that hold no share of the server,
 * so that what is observed is neither kept alive nor put right by the observer.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { describeEmbeddedPostgres } from '../../src/platform/storage/embedded/index.ts';
import { eventually } from './installation.ts';
import { FULL } from './scene.ts';

const GIVE_UP_MS = FULL ? 300_000 : 100_000;

export class Observer {
  readonly #dataDir: string;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  /** The pid of the PostgreSQL server; undefined when none runs. */
  async postmaster(): Promise<number | undefined> {
    return (await describeEmbeddedPostgres(this.#dataDir))?.pid;
  }

  /** The rows; undefined while the server cannot be reached. */
  async query<R extends pg.QueryResultRow>(text: string): Promise<R[] | undefined> {
    const server = await describeEmbeddedPostgres(this.#dataDir);
    if (server?.running !== true) return undefined;
    const password = (await readFile(join(this.#dataDir, 'postgres-password'), 'utf8')).trim();
    const client = new pg.Client({
      host: '127.0.0.1',
      port: server.port!,
      user: 'utsushi',
      database: 'utsushi',
      password,
      connectionTimeoutMillis: 5_000,
    });
    client.on('error', () => {});
    try {
      await client.connect();
      return (await client.query<R>(text)).rows;
    } catch {
      return undefined;
    } finally {
      await client.end().catch(() => {});
    }
  }

  /** How many sightings are in each state; undefined while the server cannot be reached. */
  async sightings(): Promise<{ pending: number; done: number; failed: number } | undefined> {
    const rows = await this.query<{ pending: number; done: number; failed: number }>(
      `select count(*) filter (where state = 'pending')::int as pending,
              count(*) filter (where state = 'done')::int as done,
              count(*) filter (where state = 'failed')::int as failed
         from sightings`,
    );
    return rows?.[0];
  }

  /** Waits until this many sightings more than `before` are done, so that what comes next happens in the middle. */
  async doneSince(before: number, count: number): Promise<void> {
    await eventually(
      `${count} more sightings to be done`,
      async () => ((await this.sightings())?.done ?? 0) >= before + count,
      GIVE_UP_MS,
    );
  }

  async nonePending(): Promise<void> {
    await eventually(
      'no sighting to be pending',
      async () => (await this.sightings())?.pending === 0,
      GIVE_UP_MS,
    );
  }
}
