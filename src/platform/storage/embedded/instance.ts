import { randomBytes } from 'node:crypto';
import { chmod, chown, link, mkdir, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UtsushiError } from '../../../errors.ts';
import { isRoot } from './os-user.ts';
import { temporarySibling } from './siblings.ts';

/** What `instance.json` in a data directory remembers about its database. */
export interface Instance {
  instanceId: string;
  /** Where the cluster is: relative to the data directory, so that this can be moved, or absolute outside of it. */
  cluster: string;
  /** TCP port on 127.0.0.1, kept from start to start; 0 before the first. */
  port: number;
  /** false until initdb has finished: until then a missing cluster means that nothing was lost. */
  initialised: boolean;
}

const INSTANCE = 'instance.json';
const PASSWORD = 'postgres-password';

/** Makes the data directory, closed to others, and gives its one true path. */
export async function prepareDataDir(dataDir: string): Promise<string> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const real = await realpath(dataDir);
  const { uid, mode } = await stat(real);
  // as root the group may have the right to pass through (see openTheWay in cluster.ts); it is decided there
  const closed = isRoot() ? mode & 0o710 : 0o700;
  if ((uid === process.geteuid?.() || isRoot()) && (mode & 0o777) !== closed) await chmod(real, closed);
  return real;
}

/** Reads `instance.json`; undefined when there is none. */
export async function readInstance(dataDir: string): Promise<Instance | undefined> {
  const path = join(dataDir, INSTANCE);
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  try {
    const found = JSON.parse(text) as Partial<Instance>;
    if (typeof found.instanceId === 'string' && typeof found.cluster === 'string') {
      return {
        instanceId: found.instanceId,
        cluster: found.cluster,
        port: Number(found.port) || 0,
        initialised: found.initialised !== false,
      };
    }
  } catch {
    // said below
  }
  throw new UtsushiError(
    'database_unavailable',
    `${path} is damaged. Restore it from a backup; if the cluster is ${join(dataDir, 'postgres')}, removing ${INSTANCE} is enough: it is written anew.`,
  );
}

/** Writes the first `instance.json`; if there is one by now, that stays. Gives the one that counts. */
export async function createInstance(dataDir: string, instance: Instance): Promise<Instance> {
  await writePrivate(join(dataDir, INSTANCE), textOf(instance), link).catch(keepExisting);
  return (await readInstance(dataDir)) ?? instance;
}

/** Replaces `instance.json` in one step. */
export async function writeInstance(dataDir: string, instance: Instance): Promise<void> {
  await writePrivate(join(dataDir, INSTANCE), textOf(instance), rename);
}

/** The password of the database role; undefined when the file is missing. */
export async function readPassword(dataDir: string): Promise<string | undefined> {
  return (await readIfThere(join(dataDir, PASSWORD)))?.trim() || undefined;
}

/** A new random password, safe in a URL. */
export function newPassword(): string {
  return randomBytes(24).toString('base64url');
}

/** Keeps `password`, unless one is already kept. Gives the one that counts. */
export async function keepPassword(dataDir: string, password: string): Promise<string> {
  await writePrivate(join(dataDir, PASSWORD), `${password}\n`, link).catch(keepExisting);
  return (await readPassword(dataDir)) ?? password;
}

function textOf(instance: Instance): string {
  return `${JSON.stringify(instance, null, 2)}\n`;
}

function keepExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error; // another process was quicker; its file is as good as ours
}

/** Writes a 0600 file under a temporary name, to disk, and puts it in place with `place`. */
async function writePrivate(
  path: string,
  text: string,
  place: (from: string, to: string) => Promise<void>,
): Promise<void> {
  const temporary = temporarySibling(path);
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    // root at work in somebody's data directory must not lock its owner out
    const owner = await stat(dirname(path));
    if (isRoot() && owner.uid !== 0) await chown(temporary, owner.uid, owner.gid);
    await place(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
