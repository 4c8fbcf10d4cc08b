/**
 * Trains the vocabulary of visual words from this project's own fixtures and writes it beside the code that reads it:
 *
 *   node --import tsx scripts/train-vocabulary.ts
 *
 * Deterministic: the same fixtures and the same sharp give the same bytes. Takes a few minutes. A new vocabulary needs
 * a new algorithm version, for the words of stored works are kept with them.
 */
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeImage } from '../src/platform/image/decode.ts';
import { FEATURE_SIDE } from '../src/vision/fingerprint/features.ts';
import { DESCRIPTOR_WORDS, OUTPUT_KEYPOINTS, extractKeypoints } from '../src/vision/fingerprint/keypoints.ts';
import { trainVocabulary } from '../src/vision/search/vocabulary.ts';

const BRANCHES = 128;
const LEAVES = 128;
const ROUNDS = 5;
/** More points than are ever asked about: the faint ones make the words finer. */
const POINTS = { ...OUTPUT_KEYPOINTS, limit: 2000 };

const root = fileURLToPath(new URL('..', import.meta.url));
const files: string[] = [];
for (const folder of ['fixtures/catalogue', 'fixtures/outputs']) {
  const names = await readdir(join(root, folder));
  files.push(
    ...names
      .filter((name) => !name.endsWith('.jsonl'))
      .toSorted()
      .map((name) => join(root, folder, name)),
  );
}
const descriptors: Int32Array[] = [];
for (const file of files) {
  const { raster } = await decodeImage(
    await readFile(file),
    { longerSide: FEATURE_SIDE },
    { maxPixels: 1e8 },
  );
  const found = extractKeypoints(raster, POINTS);
  descriptors.push(found.descriptors.subarray(0, found.count * DESCRIPTOR_WORDS));
}
const sample = new Int32Array(descriptors.reduce((sum, each) => sum + each.length, 0));
let at = 0;
for (const each of descriptors) {
  sample.set(each, at);
  at += each.length;
}
process.stderr.write(`${files.length} pictures, ${sample.length / DESCRIPTOR_WORDS} descriptors: training\n`);
const { centres } = trainVocabulary(sample, BRANCHES, LEAVES, ROUNDS);
const file = join(root, 'src', 'vision', 'search', 'vocabulary.bin');
await writeFile(file, new Uint8Array(centres.buffer, centres.byteOffset, centres.byteLength));
process.stderr.write(`wrote ${file}\n`);
