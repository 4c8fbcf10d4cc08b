import { hostname } from 'node:os';
import type { Client } from 'pg';
import { UtsushiError } from '../../../errors.ts';

/** First half of the advisory lock keys of claims; the second is the hash of the claim's name. */
const CLAIM_LOCKS = 0x5554_5355;
/** PostgreSQL cuts application_name to this many bytes. */
const NAME_BYTES = 63;

export interface ServiceClaim {
  /** Aborted when the claim is gone without having been released: its connection was lost. */
  readonly lost: AbortSignal;
  /** Gives the claim up. Not needed before ending the connection. */
  release(): Promise<void>;
}

const claimedBy = new WeakMap<Client, Set<string>>();

/**
 * Claims the service `name` (for example `up`) for this process in the database that `client` is connected to. The claim
 * is an advisory lock of that session: it ends with the connection, so a killed owner leaves nothing behind. `client`
 * must be a connection of its own: not from a pool, not through a transaction pooler, and with keep-alive when remote.
 * Only one claim at a time should be made on a client: the session's application_name tells others whose it is.
 *
 * @param description what else tells the owner apart, short and ASCII, for example `port 4300`
 * @throws UtsushiError data_dir_in_use, naming the owner's pid, start time, description and host
 */
export async function claimService(client: Client, name: string, description: string): Promise<ServiceClaim> {
  const held = claimedBy.get(client) ?? new Set<string>();
  claimedBy.set(client, held);
  // the server would give the same session its own lock again
  if (held.has(name)) throw inUse(name, 'this process itself');
  held.add(name);
  try {
    const { rows } = await client.query<{ got: boolean }>(
      'SELECT pg_try_advisory_lock($1, hashtext($2)) AS got',
      [CLAIM_LOCKS, name],
    );
    if (!rows[0]!.got) throw inUse(name, await ownerOf(client, name));
    await client.query(`SELECT set_config('application_name', $1, false)`, [ownName(name, description)]);
  } catch (error) {
    held.delete(name);
    throw error;
  }
  const lost = new AbortController();
  const onEnd = (): void =>
    lost.abort(new UtsushiError('database_unavailable', `The claim "${name}" was lost.`));
  client.once('end', onEnd);
  return {
    lost: lost.signal,
    async release() {
      if (!held.delete(name)) return;
      client.off('end', onEnd);
      if (lost.signal.aborted) return;
      await client.query('SELECT pg_advisory_unlock($1, hashtext($2)), set_config($3, $4, false)', [
        CLAIM_LOCKS,
        name,
        'application_name',
        'utsushi',
      ]);
    },
  };
}

/** What others read when they are refused. The host comes last: it is what may be cut off. */
function ownName(name: string, description: string): string {
  const started = new Date(Date.now() - process.uptime() * 1000).toISOString().replace(/\.\d+Z$/, 'Z');
  const text = `${name} pid ${process.pid} since ${started}, ${description} on ${hostname()}`;
  return text.replaceAll(/[^ -~]/g, '?').slice(0, NAME_BYTES);
}

async function ownerOf(client: Client, name: string): Promise<string> {
  const { rows } = await client.query<{ owner: string | null }>(
    `SELECT a.application_name AS owner
       FROM pg_locks l JOIN pg_stat_activity a USING (pid)
      WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND l.classid = $1::bigint::oid AND l.objid = (hashtext($2)::bigint & 4294967295)::oid`,
    [CLAIM_LOCKS, name],
  );
  return rows[0]?.owner?.replace(`${name} `, '') || 'its owner is not known';
}

function inUse(name: string, owner: string): UtsushiError {
  return new UtsushiError(
    'data_dir_in_use',
    `Another \`utsushi ${name}\` is already at work here: ${owner}.`,
  );
}
