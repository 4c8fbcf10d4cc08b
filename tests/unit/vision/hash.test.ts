import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  complement,
  fromBytes,
  fromHex,
  hammingDistance,
  hashFromWords,
  popcount32,
  toBytes,
  toHex,
} from '../../../src/vision/fingerprint/hash.ts';

const words = fc.uint32Array({ minLength: 8, maxLength: 8 });
const pdqHash = words.map((w) => hashFromWords('pdq', w));

function slowDistance(a: Uint32Array, b: Uint32Array): number {
  const bits = (w: Uint32Array): string => Array.from(w, (x) => x.toString(2).padStart(32, '0')).join('');
  const other = bits(b);
  return [...bits(a)].filter((bit, i) => bit !== other[i]).length;
}

describe('hash', () => {
  it('counts bits as counting them one by one does', () => {
    fc.assert(fc.property(pdqHash, pdqHash, (a, b) => hammingDistance(a, b) === slowDistance(a, b)));
    expect([0, 1, -1, 0x80000000, 0xffffffff].map(popcount32)).toEqual([0, 1, 32, 1, 32]);
  });

  it('has a distance that is a metric', () => {
    fc.assert(
      fc.property(pdqHash, pdqHash, pdqHash, (a, b, c) => {
        expect(hammingDistance(a, a)).toBe(0);
        expect(hammingDistance(a, b)).toBe(hammingDistance(b, a));
        expect(hammingDistance(a, b) === 0).toBe(toHex(a) === toHex(b));
        expect(hammingDistance(a, c)).toBeLessThanOrEqual(hammingDistance(a, b) + hammingDistance(b, c));
      }),
    );
  });

  it('has a complement that differs in every bit and mirrors distances', () => {
    fc.assert(
      fc.property(pdqHash, pdqHash, (a, b) => {
        expect(hammingDistance(a, complement(a))).toBe(256);
        expect(hammingDistance(a, complement(b))).toBe(256 - hammingDistance(a, b));
      }),
    );
  });

  it('survives hex and bytes, which spell the same digits', () => {
    fc.assert(
      fc.property(pdqHash, (a) => {
        expect(fromHex('pdq', toHex(a))).toEqual(a);
        expect(fromHex('pdq', toHex(a).toUpperCase())).toEqual(a);
        expect(fromBytes('pdq', toBytes(a))).toEqual(a);
        expect(Buffer.from(toBytes(a)).toString('hex')).toBe(toHex(a));
      }),
    );
  });

  it('prints bit 0 last and bit 255 first', () => {
    expect(toHex(hashFromWords('pdq', Uint32Array.of(1, 0, 0, 0, 0, 0, 0, 0x80000000)))).toBe(
      `8${'0'.repeat(62)}1`,
    );
  });

  it('reads bytes that lie within a larger buffer', () => {
    const padded = new Uint8Array(40).fill(7);
    padded.set(toBytes(fromHex('pdq', '0f'.repeat(32))), 5);
    expect(toHex(fromBytes('pdq', padded.subarray(5, 37)))).toBe('0f'.repeat(32));
  });

  it('refuses what is no hash', () => {
    expect(() => fromHex('pdq', 'ab')).toThrow(RangeError);
    expect(() => fromHex('pdq', 'g'.repeat(64))).toThrow(RangeError);
    expect(() => fromBytes('pdq', new Uint8Array(31))).toThrow(RangeError);
    expect(() => hashFromWords('pdq', new Uint32Array(7))).toThrow(RangeError);
  });

  it('compares unlike kinds only against the compiler', () => {
    const a = fromHex('pdq', '0'.repeat(64));
    const b = fromHex('blockhash', '0'.repeat(64));
    // @ts-expect-error hashes of unlike kinds have no distance
    expect(hammingDistance(a, b)).toBe(0);
  });
});
