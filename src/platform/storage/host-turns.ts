import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Database } from './database.ts';

/** How often a host may be asked, over all workers of this database. */
export interface HostLimit {
  /** Between the beginnings of two requests. Milliseconds. */
  readonly intervalMs: number;
  /** Requests under way at the same time. */
  readonly atOnce: number;
}

/** Either a turn, or how long to wait before asking again. */
export type TurnOffer = { readonly turn: string } | { readonly waitMs: number };

// How often to look whether one of the requests of other processes has ended. Milliseconds.
const POLL_MS = 100;

/**
 * Asks for the right to send one request to a host. All processes that share the database share the limit; times are
 * those of the database's clock.
 *
 * @param lifetimeMs after which a turn that nobody gave back is free again: its process died
 */
export async function askTurn(
  db: Database,
  host: string,
  limit: HostLimit,
  lifetimeMs: number,
): Promise<TurnOffer> {
  return db.transaction().execute(async (tx) => {
    // Writing the row, even to what it was, locks it: the host's turns are given one after the other.
    const { rows } = await sql<{ wait: number }>`
      insert into fetch_hosts (host, next_at, closed_until) values (${host}, clock_timestamp(), '-infinity')
      on conflict (host) do update set host = excluded.host
      returning
        extract(epoch from greatest(next_at, closed_until) - clock_timestamp())::float8 * 1000 as wait`.execute(
      tx,
    );
    const { wait } = rows[0]!;
    if (wait > 0) return { waitMs: Math.ceil(wait) };
    await sql`delete from fetch_turns where host = ${host} and expires_at < clock_timestamp()`.execute(tx);
    const { under } = await tx
      .selectFrom('fetch_turns')
      .select(({ fn }) => fn.countAll<number>().as('under'))
      .where('host', '=', host)
      .executeTakeFirstOrThrow();
    if (under >= limit.atOnce) return { waitMs: POLL_MS };
    const turn = randomUUID();
    await sql`insert into fetch_turns (id, host, expires_at)
      values (${turn}, ${host}, clock_timestamp() + ${lifetimeMs} * interval '1 millisecond')`.execute(tx);
    await sql`update fetch_hosts
      set next_at = clock_timestamp() + ${limit.intervalMs} * interval '1 millisecond'
      where host = ${host}`.execute(tx);
    return { turn };
  });
}

export async function giveBackTurn(db: Database, turn: string): Promise<void> {
  await db.deleteFrom('fetch_turns').where('id', '=', turn).execute();
}

/** Nobody asks this host before `forMs` have passed. */
export async function closeHost(db: Database, host: string, forMs: number): Promise<void> {
  await sql`insert into fetch_hosts (host, next_at, closed_until)
    values (${host}, clock_timestamp(), clock_timestamp() + ${forMs} * interval '1 millisecond')
    on conflict (host) do update
    set closed_until = greatest(fetch_hosts.closed_until, excluded.closed_until)`.execute(db);
}
