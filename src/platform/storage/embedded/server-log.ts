import { constants } from 'node:fs';
import { open, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';

/** The log and its one predecessor together never hold much more than twice this. */
const LIMIT_BYTES = 8 * 1024 * 1024;

/** What PostgreSQL writes on stderr. It is in the data directory, not in the cluster: as root we must not write where
 * the database's user could have left a symlink. */
export function serverLogPath(dataDir: string): string {
  return join(dataDir, 'postgres.log');
}

const APPEND =
  constants.O_WRONLY |
  constants.O_APPEND |
  constants.O_CREAT |
  constants.O_NOFOLLOW; /* 0600, never through a link */

/** Opens the log for a server that will inherit it. */
export async function openServerLog(dataDir: string) {
  await boundServerLog(dataDir);
  return open(serverLogPath(dataDir), APPEND, 0o600);
}

/**
 * Keeps the log bounded. The running server holds the file open, so its end is copied aside and it is emptied in
 * place; the server appends, so it goes on at the new end.
 */
export async function boundServerLog(dataDir: string): Promise<void> {
  const path = serverLogPath(dataDir);
  if ((await logSize(dataDir)) <= LIMIT_BYTES) return;
  const kept = await readServerLog(dataDir, Math.max(0, (await logSize(dataDir)) - LIMIT_BYTES));
  const previous = await open(`${path}.1`, APPEND | constants.O_TRUNC, 0o600);
  await previous.writeFile(kept).finally(() => previous.close());
  await truncate(path, 0);
}

/** Size of the log in bytes: where the next line will begin. */
export async function logSize(dataDir: string): Promise<number> {
  return stat(serverLogPath(dataDir)).then(
    (found) => found.size,
    () => 0,
  );
}

/** What the log says from byte `start` on, at most 8 MiB. */
export async function readServerLog(dataDir: string, start: number): Promise<string> {
  const file = await open(serverLogPath(dataDir), 'r').catch(() => undefined);
  if (!file) return '';
  try {
    const length = Math.min(LIMIT_BYTES, Math.max(0, (await file.stat()).size - start));
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, start);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
