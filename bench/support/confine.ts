import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';

/**
 * Has a process, and all it starts from now on, run on one core alone, as a container with a limit of one does.
 *
 * @throws Error where there is no `taskset` (Linux only)
 */
export async function confine(pid: number, nth: number): Promise<void> {
  const core = String(nth % availableParallelism());
  await promisify(execFile)('taskset', ['--all-tasks', '--cpu-list', '--pid', core, String(pid)]);
}
