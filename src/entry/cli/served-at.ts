import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isAlive } from '../../platform/storage/embedded/index.ts';

const served = z.object({ pid: z.int().positive(), url: z.url() });

const fileIn = (dataDir: string) => join(dataDir, 'served.json');

/**
 * Writes into the data directory where this process serves the console, which `up --port` may say otherwise than the
 * configuration does. Taken back when disposed of.
 */
export async function announceServed(dataDir: string, url: string): Promise<AsyncDisposable> {
  const file = fileIn(dataDir);
  await writeFile(file, JSON.stringify({ pid: process.pid, url } satisfies z.infer<typeof served>));
  return { [Symbol.asyncDispose]: () => rm(file, { force: true }) };
}

/** Where a living process on this machine serves the console of a data directory; undefined when none says so. */
export async function servedAt(dataDir: string): Promise<string | undefined> {
  try {
    const { pid, url } = served.parse(JSON.parse(await readFile(fileIn(dataDir), 'utf8')));
    return (await isAlive(pid)) ? url : undefined;
  } catch {
    // Nobody serves it, or it is half written: the configuration's own address is as good a guess.
    return undefined;
  }
}
