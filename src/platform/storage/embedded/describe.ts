import { readFile, realpath, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { clusterState } from './cluster.ts';
import { readInstance } from './instance.ts';
import { findPostmaster } from './postmaster.ts';
import { serverLogPath } from './server-log.ts';

/** What can be seen of an embedded database from outside. */
export interface EmbeddedPostgresDescription {
  instanceId: string;
  clusterDir: string;
  running: boolean;
  pid?: number;
  startedAt?: Date;
  /** The port it listens on now, or did last. */
  port?: number;
  /** PostgreSQL's major version, of the cluster. */
  version?: string;
  /** OS user (uid) who owns the cluster and as whom the server runs. */
  uid?: number;
  logFile: string;
  /** Why it could not be started as it is. */
  problem?: string;
}

/** Looks at the database of a data directory without starting or changing anything; undefined when it never had one. */
export async function describeEmbeddedPostgres(
  dataDir: string,
): Promise<EmbeddedPostgresDescription | undefined> {
  const real = await realpath(dataDir).catch(() => undefined);
  const instance = real === undefined ? undefined : await readInstance(real);
  if (!real || !instance) return undefined;
  const clusterDir = resolve(real, instance.cluster);
  const description: EmbeddedPostgresDescription = {
    instanceId: instance.instanceId,
    clusterDir,
    running: false,
    logFile: serverLogPath(real),
    ...(instance.port ? { port: instance.port } : {}),
  };
  try {
    const state = await clusterState(clusterDir);
    if (state !== 'cluster') {
      return instance.initialised ? { ...description, problem: `${clusterDir}: ${state}` } : description;
    }
    description.version = (await readFile(join(clusterDir, 'PG_VERSION'), 'utf8')).trim();
    description.uid = (await stat(clusterDir)).uid;
  } catch (error) {
    return { ...description, problem: (error as Error).message };
  }
  return { ...description, running: false, ...(await runningServer(clusterDir)) };
}

async function runningServer(clusterDir: string): Promise<Partial<EmbeddedPostgresDescription>> {
  const server = await findPostmaster(clusterDir);
  return server ? { running: true, ...server } : {};
}
