/** CPU time of other processes, as the operating system counts it. Linux only. */
import { readFile, readdir } from 'node:fs/promises';

/** What the kernel reports in hundredths of a second. */
const MS_A_TICK = 10;

interface Stat {
  readonly parent: number;
  readonly own: number;
  /** Of children that have ended. */
  readonly ended: number;
}

async function statOf(pid: number): Promise<Stat | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined);
  if (stat === undefined) return undefined;
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [user, system, endedUser, endedSystem] = fields.slice(11, 15) as [number, number, number, number];
  return {
    parent: fields[1]!,
    own: (user + system) * MS_A_TICK,
    ended: (endedUser + endedSystem) * MS_A_TICK,
  };
}

/** Milliseconds of CPU that a process has used itself, and those that its children have, the ended ones included. */
export async function processCpu(pid: number): Promise<{ own: number; children: number }> {
  const [self, children] = await Promise.all([statOf(pid), childrenOf(pid)]);
  if (self === undefined) return { own: 0, children: 0 };
  const living = await Promise.all(children.map(statOf));
  return { own: self.own, children: living.reduce((sum, each) => sum + (each?.own ?? 0), self.ended) };
}

/** Process ids of the living children of a process. */
export async function childrenOf(pid: number): Promise<number[]> {
  const pids = (await readdir('/proc')).map(Number).filter((each) => each > 0);
  const all = await Promise.all(pids.map(statOf));
  return pids.filter((_, i) => all[i]?.parent === pid);
}

export async function parentOf(pid: number): Promise<number> {
  return (await statOf(pid))!.parent;
}
