import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { run } from './child.ts';

/** A running server process of a cluster. */
export interface Postmaster {
  pid: number;
  port: number;
  startedAt: Date;
}

/** What `postmaster.pid` in the cluster claims, true or stale; undefined when there is none or it is half written. */
export async function readPostmasterFile(clusterDir: string): Promise<Postmaster | undefined> {
  const text = await readFile(join(clusterDir, 'postmaster.pid'), 'utf8').catch(() => '');
  const [pid, , startedAt, port] = text.split('\n').map((line) => Number(line.trim()));
  if (!pid || !startedAt || !port) return undefined;
  return { pid: Math.abs(pid), port, startedAt: new Date(startedAt * 1000) }; // negative: a single-user session
}

/** The server that runs on this cluster, if one does: its pid file is believed only if that process is one. */
export async function findPostmaster(clusterDir: string): Promise<Postmaster | undefined> {
  const claimed = await readPostmasterFile(clusterDir);
  return claimed && (await occupantOf(claimed.pid, clusterDir)) === 'server' ? claimed : undefined;
}

/** Who has a pid now. `ending`: a process on its way out, which has no command line any more but may hold its port. */
export type Occupant = 'nobody' | 'ending' | 'server' | 'other';

/** Whether `pid` is, now, a PostgreSQL server started on `clusterDir`, or something else: pids are reused. */
export async function occupantOf(pid: number, clusterDir: string): Promise<Occupant> {
  if (!(await isAlive(pid))) return 'nobody';
  const args = await commandLine(pid);
  if (!args[0]) return 'ending';
  const served = args[args.indexOf('-D') + 1];
  if (!args.includes('-D') || served === undefined || !basename(args[0]).startsWith('postgres'))
    return 'other';
  return (await sameDirectory(served, clusterDir)) ? 'server' : 'other';
}

/** Whether a process exists and has not ended: a zombie nobody waits for (container without init) has. */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  if (process.platform !== 'linux') return true;
  const status = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  return status.slice(status.lastIndexOf(')') + 2, status.lastIndexOf(')') + 3) !== 'Z';
}

/** /proc/PID/cmdline is open to all, unlike /proc/PID/cwd, which root in a container may not read of other users. */
async function commandLine(pid: number): Promise<string[]> {
  if (process.platform === 'linux') {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
  }
  const { stdout } = await run('/bin/ps', ['-ww', '-o', 'command=', '-p', String(pid)]);
  const [program = '', directory = ''] = stdout.trim().split(/ -D | -c /);
  return [program, '-D', directory];
}

/** Whether two paths name the same existing directory. */
export async function sameDirectory(a: string, b: string): Promise<boolean> {
  if (a === b) return true; // even when it was removed under a running server
  try {
    // a directory may have several names (bind mounts, links): compare the directory itself
    const [one, other] = await Promise.all([stat(a), stat(b)]);
    return one.dev === other.dev && one.ino === other.ino;
  } catch {
    return false;
  }
}
