/**
 * A compute child: decodes and fingerprints one picture at a time, so that a crash in native code costs one job and
 * never the process that holds the queue. Started by ComputePool only.
 */
import { createHash } from 'node:crypto';
import { asUtsushiError } from '../../errors.ts';
import { FINGERPRINT_RASTER, encodeFingerprint, fingerprint } from '../../vision/fingerprint/fingerprint.ts';
import { FEATURE_SIDE, extractFeatures } from '../../vision/fingerprint/features.ts';
import { decodeImage, shrinkToJpeg } from '../image/decode.ts';
import { readBounded } from '../storage/blobs.ts';
import { vocabulary } from './vocabulary.ts';
import type { ExamineTask, Examined, FromChild, ToChild } from './tasks.ts';

async function examine(task: ExamineTask): Promise<Examined> {
  const started = performance.now();
  const { source, limits } = task;
  const bytes = 'bytes' in source ? source.bytes : await readBounded(source.path, limits.maxBytes);
  const decoded = await decodeImage(bytes, FINGERPRINT_RASTER, limits);
  const inProportion = await decodeImage(bytes, { longerSide: FEATURE_SIDE }, limits);
  const decodedAt = performance.now();
  const result = fingerprint(decoded.raster, { width: decoded.width, height: decoded.height });
  const outcome = result.hashable
    ? {
        fingerprint: encodeFingerprint(result.fingerprint),
        features: extractFeatures(inProportion.raster, result.fingerprint, task.role, vocabulary()),
      }
    : { unhashable: result.reason };
  const fingerprintedAt = performance.now();
  return {
    sha256: createHash('sha256').update(bytes).digest('hex'),
    byteLength: bytes.length,
    format: decoded.format,
    width: decoded.width,
    height: decoded.height,
    outcome,
    ...(task.shrinkTo === undefined ? {} : { shrunk: await shrinkToJpeg(bytes, task.shrinkTo, limits) }),
    ms: { decode: decodedAt - started, fingerprint: fingerprintedAt - decodedAt },
  };
}

function answer(message: FromChild): void {
  // The parent may have gone away in between; without it there is nobody to answer.
  if (process.connected) process.send!(message);
}

process.on('message', ({ id, task }: ToChild) => {
  examine(task).then(
    (value) => answer({ id, value }),
    (thrown: unknown) => answer({ id, error: asUtsushiError(thrown).toJSON() }),
  );
});
// The terminal sends Ctrl-C to the whole process group; it is the parent that decides when a child ends.
process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit(0));
