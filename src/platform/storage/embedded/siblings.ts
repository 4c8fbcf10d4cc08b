import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isAlive } from './postmaster.ts';

/** A name beside `path` to build it under before it is renamed into place; it tells whose work it is. */
export function temporarySibling(path: string): string {
  return `${path}.tmp-${process.pid}-${randomBytes(4).toString('hex')}`;
}

/** Removes what processes killed in the middle of their work left beside `path`. */
export async function removeAbandonedSiblings(path: string): Promise<void> {
  const prefix = `${basename(path)}.tmp-`;
  for (const name of await readdir(dirname(path)).catch(() => [])) {
    const pid = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : Number.NaN;
    if (Number.isInteger(pid) && !(await isAlive(pid))) {
      await rm(join(dirname(path), name), { recursive: true, force: true });
    }
  }
}
