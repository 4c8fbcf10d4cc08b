import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blockhash } from '../../../src/vision/fingerprint/blockhash.ts';
import {
  ALGORITHM_VERSION,
  decodeFingerprint,
  encodeFingerprint,
  fingerprint,
  FLAT_DEVIATION,
  MIN_QUALITY,
} from '../../../src/vision/fingerprint/fingerprint.ts';
import type { Fingerprint } from '../../../src/vision/fingerprint/fingerprint.ts';
import { hashFromWords } from '../../../src/vision/fingerprint/hash.ts';
import { pdq, pdqOriented } from '../../../src/vision/fingerprint/pdq.ts';
import type { Raster } from '../../../src/vision/fingerprint/raster.ts';
import { collage, draw, grey } from './pictures.ts';

const source = { width: 800, height: 600 };
const fp = (raster: Raster, from = source): ReturnType<typeof fingerprint> => fingerprint(raster, from);

describe('fingerprint', () => {
  it('holds the hashes of the whole picture', () => {
    const picture = collage(1);
    const { hashes, quality } = pdqOriented(picture);
    expect(fp(picture)).toEqual({
      hashable: true,
      fingerprint: {
        algorithm: ALGORITHM_VERSION,
        quality,
        views: [{ name: 'whole', quality, pdq: hashes, blockhash: blockhash(picture) }],
      },
    });
  });

  it('does not hash sources under 16 pixels a side', () => {
    expect(fp(collage(1), { width: 15, height: 900 })).toEqual({ hashable: false, reason: 'too-small' });
    expect(fp(collage(1), { width: 900, height: 15 })).toEqual({ hashable: false, reason: 'too-small' });
    expect(fp(collage(1), { width: 16, height: 16 }).hashable).toBe(true);
  });

  it('does not hash flat pictures, whatever the level or a little noise', () => {
    for (const level of [0, 1, 128, 255]) {
      expect(fp(draw(512, 512, () => grey(level)))).toEqual({ hashable: false, reason: 'flat' });
    }
    const noisy = draw(512, 512, (x, y) => grey(200 + (Math.imul(x * 512 + y, 0x9e3779b1) >>> 31)));
    expect(fp(noisy)).toEqual({ hashable: false, reason: 'flat' });
    expect(FLAT_DEVIATION).toBeLessThan(9);
  });

  it('does not hash soft gradients', () => {
    const gradient = draw(512, 512, (x) => grey(80 + Math.floor(x / 6)));
    expect(pdq(gradient).quality).toBeLessThan(MIN_QUALITY);
    expect(fp(gradient)).toEqual({ hashable: false, reason: 'low-quality' });
  });

  it('does hash a simple flat logo, pale on white, under the published quality of 50', () => {
    const logo = draw(512, 512, (x, y) => grey((x - 256) ** 2 + (y - 230) ** 2 < 150 ** 2 ? 215 : 255));
    expect(pdq(logo).quality).toBeLessThan(50);
    expect(fp(logo).hashable).toBe(true);
  });

  it('refuses rasters of another size or channel count', () => {
    expect(() => fp(collage(1, 256, 256))).toThrow(RangeError);
    expect(() => fp({ width: 512, height: 512, data: new Uint8Array(512 * 512 * 4) })).toThrow(RangeError);
  });
});

const words = fc.uint32Array({ minLength: 8, maxLength: 8 });
const quality = fc.integer({ min: 0, max: 100 });
const anyFingerprint: fc.Arbitrary<Fingerprint> = fc.record({
  algorithm: fc.stringMatching(/^[a-z0-9-]{1,20}$/),
  quality,
  views: fc.array(
    fc.record({
      name: fc.constant('whole' as const),
      quality,
      pdq: fc.array(
        words.map((w) => hashFromWords('pdq', w)),
        { minLength: 8, maxLength: 8 },
      ),
      blockhash: words.map((w) => hashFromWords('blockhash', w)),
    }),
    { minLength: 1, maxLength: 3 },
  ),
});

describe('stored fingerprint', () => {
  it('comes back as it was, also from within a larger buffer', () => {
    fc.assert(
      fc.property(anyFingerprint, (value) => {
        const bytes = encodeFingerprint(value);
        expect(decodeFingerprint(bytes)).toEqual(value);
        expect(decodeFingerprint(Buffer.concat([Buffer.from('xyz'), bytes]).subarray(3))).toEqual(value);
      }),
    );
  });

  it('notices every changed byte and every cut', () => {
    fc.assert(
      fc.property(anyFingerprint, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, where, flip) => {
        const bytes = encodeFingerprint(value);
        const changed = bytes.slice();
        changed[where % bytes.length]! ^= flip;
        expect(() => decodeFingerprint(changed)).toThrow(/^Damaged fingerprint/);
        expect(() => decodeFingerprint(bytes.subarray(0, where % bytes.length))).toThrow(
          /^Damaged fingerprint/,
        );
      }),
    );
  });

  it('keeps its format: bytes written once must stay readable', () => {
    const ones = new Uint32Array(8).fill(0x01020304);
    const bytes = encodeFingerprint({
      algorithm: 'utsushi-1',
      quality: 77,
      views: [
        {
          name: 'whole',
          quality: 66,
          pdq: Array.from({ length: 8 }, () => hashFromWords('pdq', ones)),
          blockhash: hashFromWords('blockhash', ones),
        },
      ],
    });
    expect(bytes).toHaveLength(4 + 9 + 2 + 2 + 9 * 32 + 4);
    const head = Buffer.concat([
      Buffer.from([0x55, 0x46, 1, 9]),
      Buffer.from('utsushi-1'),
      Buffer.from([77, 1, 0, 66]),
    ]);
    expect(Buffer.from(bytes.subarray(0, -4)).toString('hex')).toBe(
      head.toString('hex') + '01020304'.repeat(72),
    );
  });

  it('refuses to write what it could not read', () => {
    const value = fc.sample(anyFingerprint, { numRuns: 1, seed: 1 })[0]!;
    expect(() => encodeFingerprint({ ...value, quality: 101 })).toThrow(RangeError);
    expect(() => encodeFingerprint({ ...value, algorithm: '写し' })).toThrow(RangeError);
    expect(() => encodeFingerprint({ ...value, views: [] })).toThrow(RangeError);
    expect(() => encodeFingerprint({ ...value, views: [{ ...value.views[0]!, pdq: [] }] })).toThrow(
      RangeError,
    );
  });
});
