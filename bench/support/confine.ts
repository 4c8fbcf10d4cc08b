import { execFile } from 'node:child_process';
import { cpus } from 'node:os';
import { promisify } from 'node:util';
import { childrenOf } from './process-cpu.ts';

/** Of the machine: what a process may use of them changes when it is confined. */
export const CORES = cpus().length;

/**
 * Has a process, its children, and all they start from now on run on the first so many cores alone, as a container does.
 *
 * @throws Error where there is no `taskset` (Linux only)
 */
export async function confine(pid: number, cores: number): Promise<void> {
  const list = `0-${Math.min(cores, CORES) - 1}`;
  for (const each of [pid, ...(await childrenOf(pid))])
    await promisify(execFile)('taskset', ['--all-tasks', '--cpu-list', '--pid', list, String(each)]);
}
