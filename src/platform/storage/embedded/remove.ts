import { rm } from 'node:fs/promises';
import { UtsushiError } from '../../../errors.ts';
import { describeEmbeddedPostgres } from './describe.ts';

/**
 * Deletes the database of a data directory, wherever its cluster lies. For directories that were only made for a
 * moment; deleting such a directory alone would leave a cluster behind that lies outside of it.
 *
 * @throws UtsushiError `data_dir_in_use` while its server runs
 */
export async function removeEmbeddedPostgres(dataDir: string): Promise<void> {
  const found = await describeEmbeddedPostgres(dataDir);
  if (found === undefined) return;
  if (found.running) {
    throw new UtsushiError('data_dir_in_use', `its database server runs (pid ${found.pid})`);
  }
  await rm(found.clusterDir, { recursive: true, force: true });
}
