import { asUtsushiError } from '../../errors.ts';
import type { Executor } from '../../platform/storage/database.ts';
import { ALGORITHM_VERSION } from '../../vision/fingerprint/fingerprint.ts';
import { recordAudit } from '../audit/index.ts';
import { raiseVersion } from './catalogue.ts';
import { eachConcurrently } from './concurrently.ts';
import { type ExaminedReference, examineReference, writeFingerprints } from './examine.ts';
import type { ImportDependencies } from './import.ts';

export interface ReindexReport {
  /** Pictures that are found again. */
  readonly renewed: number;
  /** Pictures that this version cannot recognise; they are not tried again until the next one. */
  readonly failed: readonly { readonly file: string; readonly code: string; readonly message: string }[];
}

/** As in an import: a kill loses a second of work. */
const BATCH = 64;

/**
 * How many reference images, alike ones counted once, another version of Utsushi fingerprinted.
 *
 * @param after of those only that changed after this catalogue version
 */
export async function countOutdated(db: Executor, after = -1): Promise<number> {
  const { outdated } = await db
    .selectFrom('reference_images')
    .where('changed_version', '>', after)
    .where('hashed_by', 'is distinct from', ALGORITHM_VERSION)
    .select((eb) => eb.fn.count<number>('sha256').distinct().as('outdated'))
    .executeTakeFirstOrThrow();
  return Number(outdated);
}

/**
 * Fingerprints anew, from the pictures kept, what another version of Utsushi fingerprinted: prints of two versions
 * cannot be compared. Does nothing where nothing is outdated; interrupted, it is resumed by running it again.
 */
export async function reindexCatalogue(
  deps: ImportDependencies,
  onProgress?: (done: number, total: number) => void,
): Promise<ReindexReport> {
  const total = await countOutdated(deps.db);
  const failed: { file: string; code: string; message: string }[] = [];
  let done = 0;
  while (done < total) {
    const page = await outdatedPictures(deps.db);
    if (page.length === 0) break;
    const examined: ({ sha256: string } & ExaminedReference)[] = [];
    const unrecognised: string[] = [];
    await eachConcurrently(page, deps.compute.size * 2, async ({ sha256, file }) => {
      try {
        const looks = await examineReference(deps, { path: deps.blobs.path(sha256) });
        examined.push({ sha256, ...looks });
      } catch (thrown) {
        const { code, message, retryable } = asUtsushiError(thrown);
        // What may pass is no reason to give a work up.
        if (code === 'internal' || retryable) throw thrown;
        unrecognised.push(sha256);
        failed.push({ file, code, message });
      }
    });
    await writePage(deps, examined, unrecognised);
    done += page.length;
    onProgress?.(Math.min(done, total), total);
  }
  return { renewed: done - failed.length, failed };
}

function outdatedPictures(db: Executor): Promise<{ sha256: string; file: string }[]> {
  return db
    .selectFrom('reference_images')
    .where('hashed_by', 'is distinct from', ALGORITHM_VERSION)
    .groupBy('sha256')
    .select((eb) => ['sha256', eb.fn.min('file').as('file')])
    .limit(BATCH)
    .execute();
}

async function writePage(
  deps: ImportDependencies,
  examined: readonly ({ readonly sha256: string } & ExaminedReference)[],
  unrecognised: readonly string[],
): Promise<void> {
  await deps.db.transaction().execute(async (tx) => {
    const version = await raiseVersion(tx);
    if (examined.length > 0) await writeFingerprints(tx, examined);
    const pictures = [
      ...examined.map(({ sha256, hashes }) => ({ sha256, hashes: Buffer.from(hashes) })),
      ...unrecognised.map((sha256) => ({ sha256, hashes: null })),
    ];
    for (const { sha256, hashes } of pictures) {
      await tx
        .updateTable('reference_images')
        .set({ hashes, hashed_by: ALGORITHM_VERSION, changed_version: version })
        .where('sha256', '=', sha256)
        .execute();
    }
    await recordAudit(tx, [
      {
        at: deps.clock(),
        kind: 'catalogue.reindexed',
        subject: ALGORITHM_VERSION,
        payload: {
          renewed: examined.map(({ sha256 }) => sha256),
          unrecognised,
          catalogueVersion: version,
        },
      },
    ]);
  });
}
