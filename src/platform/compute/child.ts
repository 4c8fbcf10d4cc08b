/**
 * A compute child: decodes and fingerprints one picture at a time, so that a crash in native code costs one job and
 * never the process that holds the queue. Started by ComputePool only.
 */
import { createHash } from 'node:crypto';
import { asUtsushiError } from '../../errors.ts';
import {
  FINGERPRINT_RASTER,
  decodeFingerprint,
  encodeFingerprint,
  fingerprint,
} from '../../vision/fingerprint/fingerprint.ts';
import { FEATURE_SIDE, extractFeatures, extractViews } from '../../vision/fingerprint/features.ts';
import type { Raster } from '../../vision/fingerprint/raster.ts';
import {
  decodeImage,
  decodeTo,
  decodeUntouched,
  encodeJpeg,
  renderJpeg,
  requireFormat,
} from '../image/decode.ts';
import { readBounded } from '../storage/blobs.ts';
import { vocabulary } from './vocabulary.ts';
import { type Pixels, type Provenance, TrustList, readProvenance } from '../provenance/index.ts';
import type { FromChild, OperationName, Operations, PictureSource, ToChild } from './tasks.ts';

type Implementations = {
  [N in OperationName]: (
    task: Parameters<Operations[N]>[0],
    trust: TrustList,
  ) => Promise<ReturnType<Operations[N]>>;
};

const operations: Implementations = {
  examine: async (task, trust) => {
    const started = performance.now();
    const { limits } = task;
    const bytes = await bytesOf(task);
    const isDeep = task.depth === 'deep';
    const wantsProvenance = task.role === 'output' && task.pixelsOnly !== true;
    const { rasters, untouched, ...decoded } = await decodeTo(
      bytes,
      [FINGERPRINT_RASTER, ...(isDeep || task.shrink === true ? [{ longerSide: FEATURE_SIDE }] : [])],
      limits,
      { untouched: wantsProvenance },
    );
    const [whole, inProportion] = rasters as [Raster, Raster?];
    const decodedAt = performance.now();
    const result = fingerprint(whole, decoded);
    const outcome = result.hashable
      ? {
          fingerprint: encodeFingerprint(result.fingerprint),
          features: isDeep
            ? extractFeatures(inProportion!, result.fingerprint, task.role, vocabulary())
            : extractViews(whole, decoded, result.fingerprint),
        }
      : { unhashable: result.reason };
    const fingerprintedAt = performance.now();
    const provenance = wantsProvenance ? await provenanceOf(bytes, untouched, trust) : null;
    const readAt = performance.now();
    return {
      sha256: task.sha256 ?? createHash('sha256').update(bytes).digest('hex'),
      byteLength: bytes.length,
      ...decoded,
      outcome,
      provenance,
      ...(task.shrink === true ? { shrunk: await encodeJpeg(inProportion!) } : {}),
      ms: {
        decode: decodedAt - started,
        fingerprint: fingerprintedAt - decodedAt,
        provenance: readAt - fingerprintedAt,
      },
    };
  },
  // What is known of the picture needs no raster of its own again.
  lookCloser: async (task) => {
    const bytes = await bytesOf(task);
    const { raster } = await decodeImage(bytes, { longerSide: FEATURE_SIDE }, task.limits);
    return extractFeatures(raster, decodeFingerprint(task.fingerprint), 'output', vocabulary());
  },
  // A file that no decoder reads may still say where it comes from.
  readProvenance: async (task, trust) => {
    const bytes = await bytesOf(task);
    const provenance = await provenanceOf(bytes, await decodeUntouched(bytes, task.limits), trust);
    // To find nothing in what is no picture says nothing of a picture.
    if (provenance.findings.length === 0) requireFormat(bytes);
    return provenance;
  },
  render: async (task) => renderJpeg(await bytesOf(task), task.longerSide, task.limits),
  drawEvidence: async (task) => {
    // Loaded on demand: most children never draw, and the font takes a moment.
    const { drawEvidence } = await import('../image/evidence-picture.ts');
    const work = await bytesOf({ source: task.work, limits: task.limits });
    return drawEvidence(work, await bytesOf(task), task.drawing, task.limits);
  },
  simulateCopy: async (task) => {
    const { simulateCopy } = await import('../image/simulate-copy.ts');
    return simulateCopy(await bytesOf(task), task.kind, task.limits);
  },
};

async function bytesOf({ source, limits }: PictureSource): Promise<Uint8Array> {
  return 'bytes' in source ? source.bytes : readBounded(source.path, limits.maxBytes);
}

async function provenanceOf(
  bytes: Uint8Array,
  pixels: Pixels | undefined,
  trust: TrustList,
): Promise<Provenance> {
  return readProvenance(bytes, pixels, { trust, now: new Date() });
}

let trusted: { pem: string; list: TrustList } | undefined;

function trustList(pem: readonly string[]): TrustList {
  const key = pem.join('\n');
  if (trusted?.pem !== key) trusted = { pem: key, list: new TrustList([...pem]) };
  return trusted.list;
}

async function perform({ operation, task, trustedPem }: ToChild): Promise<unknown> {
  return operations[operation](task as never, trustList(trustedPem));
}

function answer(message: FromChild): void {
  // The parent may have gone away in between; without it there is nobody to answer.
  if (process.connected) process.send!(message);
}

process.on('message', (message: ToChild) => {
  const { id } = message;
  void perform(message)
    .then(
      (value) => answer({ id, value }),
      (thrown: unknown) => answer({ id, error: asUtsushiError(thrown).toJSON() }),
    )
    .then(forgetPixels);
});

/**
 * A picture leaves megabytes outside the heap behind. V8 counts them, and every eight pictures or so walks the whole
 * heap to be rid of them, 15 ms each time; the young part of it, where all of them are, takes a fraction of one.
 */
function forgetPixels(): void {
  globalThis.gc?.({ type: 'minor' });
}

// The terminal sends Ctrl-C to the whole process group; it is the parent that decides when a child ends.
process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit(0));
