/**
 * Real pictures against the published C++ tool's hashes. The corpus is not part of this repository: name its folder in
 * UTSUSHI_EVAL_DIR. Without it this suite says so and skips.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { bareDecode } from '../../../bench/support/bare-decode.ts';
import { decodeImage } from '../../../src/platform/image/decode.ts';
import { FINGERPRINT_RASTER } from '../../../src/vision/fingerprint/fingerprint.ts';
import { fromHex, hammingDistance, toHex } from '../../../src/vision/fingerprint/hash.ts';
import { pdq } from '../../../src/vision/fingerprint/pdq.ts';

const corpus = process.env['UTSUSHI_EVAL_DIR'];
if (corpus === undefined)
  console.warn('skipped: UTSUSHI_EVAL_DIR is not set, so there are no real pictures to hash');

interface Vector {
  readonly file: string;
  readonly hash: string;
  readonly quality: number;
}

describe.skipIf(corpus === undefined)('PDQ of real pictures', () => {
  const vectors = () => {
    const { pack } = JSON.parse(readFileSync(join(corpus!, 'pdq-vectors.json'), 'utf8')) as {
      pack: Vector[];
    };
    expect(pack.length).toBeGreaterThan(100);
    return pack.map((vector) => ({ ...vector, bytes: readFileSync(join(corpus!, 'pack', vector.file)) }));
  };

  test('equals the reference bit for bit, hash and quality, on the same pixels', async () => {
    const different: string[] = [];
    for (const { file, bytes, hash, quality } of vectors()) {
      const found = pdq(await bareDecode(bytes));
      if (toHex(found.hash) !== hash || found.quality !== quality) different.push(file);
    }
    expect(different).toEqual([]);
  });

  test('is a few bits off at most through our own decode path', async () => {
    const far: string[] = [];
    for (const { file, bytes, hash } of vectors()) {
      const { raster } = await decodeImage(bytes, FINGERPRINT_RASTER, { maxPixels: 100_000_000 });
      if (hammingDistance(pdq(raster).hash, fromHex('pdq', hash)) > 4) far.push(file);
    }
    expect(far).toEqual([]);
  });
});
