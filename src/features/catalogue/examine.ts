import { UtsushiError } from '../../errors.ts';
import type { ComputePool } from '../../platform/compute/pool.ts';
import type { PictureSource } from '../../platform/compute/tasks.ts';
import type { Executor } from '../../platform/storage/database.ts';
import { encodeFeatures } from '../../vision/fingerprint/features.ts';
import { ALGORITHM_VERSION, decodeFingerprint } from '../../vision/fingerprint/fingerprint.ts';
import { encodeWorkHashes, workHashes } from '../../vision/fingerprint/work-hashes.ts';

/** All that is stored of a reference image's looks. Size in pixels. */
export interface ExaminedReference {
  readonly format: string;
  readonly width: number;
  readonly height: number;
  readonly fingerprint: Uint8Array;
  readonly features: Uint8Array;
  readonly hashes: Uint8Array;
}

/** @throws UtsushiError about the picture, `unhashable_reference` among others */
export async function examineReference(
  { compute, limits }: { readonly compute: ComputePool; readonly limits: PictureSource['limits'] },
  source: PictureSource['source'],
): Promise<ExaminedReference> {
  const examined = await compute.examine({ source, limits, role: 'work', depth: 'deep' });
  if ('unhashable' in examined.outcome) {
    throw new UtsushiError(
      'unhashable_reference',
      `nothing to recognise it by (${examined.outcome.unhashable}); it cannot be watched for`,
    );
  }
  return {
    format: examined.format,
    width: examined.width,
    height: examined.height,
    fingerprint: examined.outcome.fingerprint,
    features: encodeFeatures(examined.outcome.features),
    hashes: encodeWorkHashes(workHashes(examined.outcome.features)),
  };
}

/** Stores what pictures are compared by, once for each SHA-256. */
export async function writeFingerprints(
  tx: Executor,
  examined: readonly ({ readonly sha256: string } & ExaminedReference)[],
): Promise<void> {
  await tx
    .insertInto('fingerprints')
    .values(
      [...new Map(examined.map((each) => [each.sha256, each])).values()].map(
        ({ sha256, fingerprint, features }) => ({
          sha256,
          algorithm_version: ALGORITHM_VERSION,
          quality: decodeFingerprint(fingerprint).quality,
          data: Buffer.from(fingerprint),
          features: Buffer.from(features),
        }),
      ),
    )
    // A picture that was seen as an output before has its hashes there, but no features.
    .onConflict((conflict) =>
      conflict
        .columns(['sha256', 'algorithm_version'])
        .doUpdateSet((eb) => ({ features: eb.ref('excluded.features') })),
    )
    .execute();
}
