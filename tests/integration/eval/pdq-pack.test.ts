/**
 * Real pictures against the published C++ tool's hashes. The corpus is not part of this repository: name its folder in
 * UTSUSHI_EVAL_DIR. Without it this suite says so and skips.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decodeImage } from '../../../src/platform/image/decode.ts';
import { FINGERPRINT_RASTER } from '../../../src/vision/fingerprint/fingerprint.ts';
import { toHex } from '../../../src/vision/fingerprint/hash.ts';
import { pdq } from '../../../src/vision/fingerprint/pdq.ts';

const corpus = process.env['UTSUSHI_EVAL_DIR'];
if (corpus === undefined)
  console.warn('skipped: UTSUSHI_EVAL_DIR is not set, so there are no real pictures to hash');

describe.skipIf(corpus === undefined)('PDQ of real pictures', () => {
  test('equals the reference bit for bit, hash and quality, through our own decode path', async () => {
    const vectors = JSON.parse(readFileSync(join(corpus!, 'pdq-vectors.json'), 'utf8')) as {
      pack: { file: string; hash: string; quality: number }[];
    };
    expect(vectors.pack.length).toBeGreaterThan(100);
    const different: string[] = [];
    for (const { file, hash, quality } of vectors.pack) {
      const bytes = readFileSync(join(corpus!, 'pack', file));
      const { raster } = await decodeImage(bytes, FINGERPRINT_RASTER, { maxPixels: 100_000_000 });
      const found = pdq(raster);
      if (toHex(found.hash) !== hash || found.quality !== quality) different.push(file);
    }
    expect(different).toEqual([]);
  });
});
