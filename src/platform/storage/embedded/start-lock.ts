import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import lockfile from 'proper-lockfile';
import { UtsushiError } from '../../../errors.ts';

/** A killed holder's lock is free after this long (plus at most a second: lock times are kept in whole seconds). */
const STALE_MS = 5_000;
/** Longer than any start but one that replays a great deal of WAL. */
const GIVE_UP_MS = 180_000;

/**
 * Runs `work` while no other process starts or stops the server of this data directory.
 *
 * The lock keeps order, it does not carry safety: two processes that find the same abandoned lock could both take it
 * over. So every step under it is atomic by itself (rename, PostgreSQL's own postmaster.pid) and can be repeated.
 */
export async function withStartLock<T>(
  dataDir: string,
  work: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const release = await take(dataDir, signal);
  try {
    return await work();
  } finally {
    await release().catch(() => {}); // it was taken over, or the directory is gone: nothing is ours any more
  }
}

async function take(dataDir: string, signal: AbortSignal | undefined): Promise<() => Promise<void>> {
  const path = join(dataDir, 'start.lock');
  for (const deadline = Date.now() + GIVE_UP_MS; ;) {
    signal?.throwIfAborted();
    try {
      return await lockfile.lock(dataDir, {
        lockfilePath: path,
        stale: STALE_MS,
        update: 1_000,
        realpath: false,
        onCompromised: () => {}, // see above; the default would end the process
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ELOCKED') throw error;
    }
    if (Date.now() > deadline) {
      throw new UtsushiError(
        'database_unavailable',
        `Another process has been starting or stopping the database for ${GIVE_UP_MS / 1000} s (its lock: ${path}).`,
      );
    }
    await sleep(20 + Math.random() * 40, undefined, signal ? { signal } : {});
  }
}
