import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { UtsushiError } from '../../../errors.ts';
import { CHILD_ENV, identity } from './child.ts';
import { DATABASE, mustFitVersion, type Cluster } from './cluster.ts';
import { writeInstance } from './instance.ts';
import {
  findPostmaster,
  occupantOf,
  readPostmasterFile,
  sameDirectory,
  type Postmaster,
} from './postmaster.ts';
import { logSize, openServerLog, readServerLog } from './server-log.ts';

/** Given on the command line, so that a new version of Utsushi changes them without editing anybody's file. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '128MB',
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  timezone: 'UTC',
  log_timezone: 'UTC',
  logging_collector: 'off',
  log_min_messages: 'warning',
  log_checkpoints: 'off',
  // statements carry what people entered; they do not belong in a log
  log_min_error_statement: 'panic',
} as const;

const READY_MS = 120_000;
const OLD_BACKENDS_MS = 30_000;
const PORT_MS = 1_000;

/** A server of this cluster and an open connection to its `utsushi` database. */
export interface Connected {
  postmaster: Postmaster;
  client: Client;
}

/** Connects to the running server of this cluster, or starts one. Call under the start lock. */
export async function ensureServer(cluster: Cluster, signal?: AbortSignal): Promise<Connected> {
  return (await adoptServer(cluster, signal)) ?? startServer(cluster, signal);
}

/** Connects to the server that runs on this cluster, whoever started it; undefined when none does. */
export async function adoptServer(cluster: Cluster, signal?: AbortSignal): Promise<Connected | undefined> {
  const postmaster = await findPostmaster(cluster.dir);
  const client = postmaster && (await connectWhenReady(cluster, postmaster, signal));
  if (!client) return undefined;
  if (cluster.instance.port !== postmaster.port) await recordPort(cluster, postmaster.port);
  return { postmaster, client };
}

/** Fast shutdown: clients are sent away, everything is written, and the process has ended when this returns. */
export async function stopServer(
  postmaster: Postmaster,
  dir: string,
  log: (message: string) => void,
): Promise<void> {
  for (const [signal, patienceMs] of [
    ['SIGINT', 60_000],
    ['SIGQUIT', 10_000], // does not write everything, but what is committed is in the WAL
  ] as const) {
    if ((await occupantOf(postmaster.pid, dir)) !== 'server') return;
    process.kill(postmaster.pid, signal);
    for (const deadline = Date.now() + patienceMs; Date.now() < deadline; await sleep(5)) {
      const occupant = await occupantOf(postmaster.pid, dir);
      if (occupant === 'nobody' || occupant === 'other') return;
    }
    log(`PostgreSQL (pid ${postmaster.pid}) did not stop within ${patienceMs / 1000} s of ${signal}`);
  }
}

async function startServer(cluster: Cluster, signal: AbortSignal | undefined): Promise<Connected> {
  const binaries = await cluster.binaries();
  await mustFitVersion(cluster, binaries);
  for (const deadline = Date.now() + OLD_BACKENDS_MS; ;) {
    signal?.throwIfAborted();
    await removeMisleadingPidFile(cluster.dir);
    const port = await choosePort(cluster.instance.port, cluster.place.log);
    const logStart = await logSize(cluster.place.dataDir);
    const postmaster = await spawnServer(cluster, binaries.postgres, port);
    let client: Client | undefined;
    try {
      client = await connectWhenReady(cluster, postmaster, signal);
    } catch (error) {
      await stopServer(postmaster, cluster.dir, cluster.place.log); // nobody has it yet
      throw error;
    }
    if (client) {
      if (cluster.instance.port !== port) await recordPort(cluster, port);
      return { postmaster, client };
    }
    const said = await readServerLog(cluster.place.dataDir, logStart);
    if (/could not (bind|create any TCP)/.test(said)) {
      cluster.instance.port = 0; // somebody took it between our look and PostgreSQL's
    } else if (/pre-existing shared memory block|"postmaster.pid" already exists/.test(said)) {
      // processes of a killed server are still on their way out, or another process started one
      await sleep(100);
      const adopted = await adoptServer(cluster, signal);
      if (adopted) return adopted;
    } else {
      throw doesNotStart(said);
    }
    if (Date.now() > deadline) throw doesNotStart(said);
  }
}

/** Starts the server in a session of its own, so that neither our death nor a Ctrl-C in our terminal reaches it. */
async function spawnServer(cluster: Cluster, postgres: string, port: number): Promise<Postmaster> {
  const settings = Object.entries({ ...SETTINGS, port: String(port) });
  const log = await openServerLog(cluster.place.dataDir);
  try {
    const child = spawn(
      postgres,
      ['-D', cluster.dir, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      {
        cwd: '/',
        env: CHILD_ENV,
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
        ...identity(cluster.user),
      },
    );
    await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
    child.unref();
    cluster.place.log(`started PostgreSQL (pid ${child.pid}) on 127.0.0.1:${port}`);
    return { pid: child.pid!, port, startedAt: new Date() };
  } finally {
    await log.close();
  }
}

/** A connection as soon as the server takes one; undefined when the server ended instead. */
async function connectWhenReady(
  cluster: Cluster,
  postmaster: Postmaster,
  signal: AbortSignal | undefined,
): Promise<Client | undefined> {
  for (const deadline = Date.now() + READY_MS; ; await sleep(15)) {
    signal?.throwIfAborted();
    let failure: unknown;
    try {
      const client = await connect(cluster, postmaster.port, DATABASE);
      const { rows } = await client.query<{ dir: string }>(`SELECT current_setting('data_directory') AS dir`);
      // in a copied data directory the password fits the original's server too
      if (await sameDirectory(rows[0]!.dir, cluster.dir)) return client;
      await client.end();
    } catch (error) {
      failure = error;
      const code = (error as { code?: string }).code ?? '';
      if (code === '3D000') await createDatabase(cluster, postmaster.port);
      if (code === '28P01') {
        throw new UtsushiError(
          'database_unavailable',
          `The database in ${cluster.dir} does not accept the password kept in ${cluster.place.dataDir}. Restore postgres-password from a backup, or stop all utsushi processes and remove it: a new password is set.`,
          { cause: error },
        );
      }
    }
    // asked after trying, so that a server which ended is not waited for
    if ((await occupantOf(postmaster.pid, cluster.dir)) !== 'server') return undefined;
    if (Date.now() > deadline) {
      throw new UtsushiError(
        'database_unavailable',
        `PostgreSQL runs (pid ${postmaster.pid}) but took no connection on 127.0.0.1:${postmaster.port} for ${READY_MS / 1000} s.`,
        { cause: failure },
      );
    }
  }
}

async function connect(cluster: Cluster, port: number, database: string): Promise<Client> {
  const client = new Client({
    host: '127.0.0.1',
    port,
    database,
    user: DATABASE,
    password: cluster.password,
    // pg would otherwise take this from PGSSLMODE
    ssl: false,
    application_name: DATABASE,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
  });
  client.on('error', () => {}); // it also rejects what is being waited for; unheard it would end the process
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => {});
    throw error;
  }
}

async function createDatabase(cluster: Cluster, port: number): Promise<void> {
  const client = await connect(cluster, port, 'postgres');
  try {
    await client.query(`CREATE DATABASE ${DATABASE}`);
  } catch (error) {
    if ((error as { code?: string }).code !== '42P04') throw error; // it exists by now
  } finally {
    await client.end();
  }
}

/**
 * A stale pid file whose number now belongs to something else under the same user would keep PostgreSQL from starting.
 * One whose process is dead stays: PostgreSQL finds out by it whether old backends still use the shared memory.
 */
async function removeMisleadingPidFile(dir: string): Promise<void> {
  const path = join(dir, 'postmaster.pid');
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return;
  const claimed = await readPostmasterFile(dir);
  const misleading = claimed ? (await occupantOf(claimed.pid, dir)) === 'other' : text.trim() === '';
  if (misleading) await rm(path, { force: true });
}

/** The port of last time if it is free, for others hold connection strings with it; else any free one. */
async function choosePort(preferred: number, log: (message: string) => void): Promise<number> {
  if (preferred) {
    for (const deadline = Date.now() + PORT_MS; Date.now() < deadline; await sleep(100)) {
      if (await isFree(preferred)) return preferred;
    }
    log(`port ${preferred} is taken by another program; choosing another one`);
  }
  for (;;) {
    // below the range from which systems take the ports of outgoing connections
    const port = randomInt(15_000, 32_000);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

async function recordPort(cluster: Cluster, port: number): Promise<void> {
  cluster.instance.port = port;
  await writeInstance(cluster.place.dataDir, cluster.instance);
}

function doesNotStart(said: string): UtsushiError {
  const last = said.trim().split('\n').slice(-8).join('\n');
  return new UtsushiError(
    'database_unavailable',
    `PostgreSQL does not start. It said:\n${last || '(nothing)'}`,
  );
}
