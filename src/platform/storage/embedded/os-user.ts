import { readFile } from 'node:fs/promises';
import { UtsushiError } from '../../../errors.ts';
import { run, type RunAs } from './child.ts';

/** An existing account of this machine that PostgreSQL runs as. */
export interface OsUser extends RunAs {
  name: string;
}

/** Whether this process is root, under which PostgreSQL refuses to run. */
export function isRoot(): boolean {
  return process.geteuid?.() === 0;
}

async function passwd(): Promise<OsUser[]> {
  const text = await readFile('/etc/passwd', 'utf8').catch(() => '');
  return text
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length >= 4)
    .map(([name, , uid, gid]) => ({ name: name!, uid: Number(uid), gid: Number(gid) }));
}

/**
 * Whom the server runs as when we are root: who already owns the cluster; else the user asked for; else the ordinary
 * user who owns the data directory; else `postgres`, else `nobody`. No account is created. undefined = as ourselves.
 */
export async function chooseOsUser(wanted: {
  clusterOwner?: RunAs | undefined;
  name?: string | undefined;
  dataDirOwner: RunAs;
}): Promise<OsUser | undefined> {
  if (!isRoot()) return undefined;
  const users = await passwd();
  const byUid = (owner: RunAs): OsUser =>
    users.find((user) => user.uid === owner.uid) ?? { name: `uid ${owner.uid}`, ...owner };
  if (wanted.clusterOwner) {
    if (wanted.clusterOwner.uid !== 0) return byUid(wanted.clusterOwner);
    throw new UtsushiError(
      'database_unavailable',
      'The database cluster belongs to root, as whom PostgreSQL refuses to run. Give it back to the user it had, for example: chown -R postgres: CLUSTER',
    );
  }
  if (wanted.name !== undefined) {
    const named = users.find((user) => user.name === wanted.name);
    if (named && named.uid !== 0) return named;
    throw new UtsushiError(
      'database_unavailable',
      `PostgreSQL cannot run as OS user "${wanted.name}": ${named ? 'it is root' : 'there is no such user'}.`,
    );
  }
  if (wanted.dataDirOwner.uid !== 0) return byUid(wanted.dataDirOwner);
  const fallback = ['postgres', 'nobody']
    .map((name) => users.find((user) => user.name === name))
    .find(Boolean);
  if (fallback) return fallback;
  throw new UtsushiError(
    'database_unavailable',
    'PostgreSQL refuses to run as root, and this machine has neither a user "postgres" nor "nobody" to run it as.',
  );
}

/** Whether `user` can enter `directory`. Asked of the system, as that user: mode bits alone do not know ACLs. */
export async function canEnter(directory: string, user: OsUser): Promise<boolean> {
  const { code } = await run('/bin/sh', ['-c', 'cd "$0" && [ -x . ]', directory], { user });
  return code === 0;
}
