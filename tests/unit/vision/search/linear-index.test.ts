import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { complement, hammingDistance, hashFromWords } from '../../../../src/vision/fingerprint/hash.ts';
import type { Hash } from '../../../../src/vision/fingerprint/hash.ts';
import { byDistance } from '../../../../src/vision/search/hamming-index.ts';
import { LinearIndex } from '../../../../src/vision/search/linear-index.ts';

// Few set bits, so that near, equal and tied codes are common.
const code = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 6 }).map((bits) => {
  const words = new Uint32Array(8);
  for (const bit of bits) words[bit >> 5]! |= 1 << (bit & 31);
  return hashFromWords('pdq', words);
});
const id = fc.oneof(fc.nat(40), fc.constant(0xffffffff));
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ add: fc.constant(true), id, code }) },
  { weight: 1, arbitrary: fc.record({ add: fc.constant(false), id, code }) },
);

describe('LinearIndex', () => {
  it('answers as a map searched naively does, through adding and removing', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 120 }),
        code,
        fc.integer({ min: 0, max: 256 }),
        fc.integer({ min: 1, max: 50 }),
        (steps, query, radius, k) => {
          const index = new LinearIndex();
          const naive = new Map<number, Hash<'pdq'>>();
          for (const s of steps) {
            if (!s.add) expect(index.remove(s.id)).toBe(naive.delete(s.id));
            else if (naive.has(s.id)) expect(() => index.add(s.id, s.code)).toThrow(RangeError);
            else {
              index.add(s.id, s.code);
              naive.set(s.id, s.code);
            }
          }
          const all = [...naive]
            .map(([key, stored]) => ({ id: key, distance: hammingDistance(stored, query) }))
            .toSorted(byDistance);
          expect(index.size).toBe(naive.size);
          expect(index.query(query, radius).toSorted(byDistance)).toEqual(
            all.filter((hit) => hit.distance <= radius),
          );
          expect(index.nearest([query], { k })).toEqual(all.slice(0, k));
          const others = steps.slice(0, 3).map((s) => s.code);
          for (const negatives of [false, true]) {
            const codes = [query, ...others].flatMap((each) =>
              negatives ? [each, complement(each)] : [each],
            );
            expect(index.nearest([query, ...others], { k, radius, negatives })).toEqual(
              [...naive]
                .map(([key, stored]) => ({
                  id: key,
                  distance: Math.min(...codes.map((each) => hammingDistance(stored, each))),
                }))
                .filter((hit) => hit.distance <= radius)
                .toSorted(byDistance)
                .slice(0, k),
            );
          }
          for (const [key, stored] of naive) expect(index.get(key)).toEqual(stored);
        },
      ),
    );
  });

  it('answers alike over a thousand random codes', () => {
    const codes = fc.sample(fc.uint32Array({ minLength: 8, maxLength: 8 }), { numRuns: 1000, seed: 7 });
    const hashes = codes.map((words) => hashFromWords('pdq', words));
    const index = new LinearIndex();
    for (const [i, hash] of hashes.entries()) index.add(i, hash);
    const query = hashes[500]!;
    const all = hashes
      .map((hash, i) => ({ id: i, distance: hammingDistance(hash, query) }))
      .toSorted(byDistance);
    expect(index.nearest([query], { k: 20 })).toEqual(all.slice(0, 20));
    expect(index.query(query, 110).toSorted(byDistance)).toEqual(all.filter((hit) => hit.distance <= 110));
  });

  it('keeps its own copy of a code', () => {
    const index = new LinearIndex();
    const words = new Uint32Array(8);
    index.add(1, hashFromWords('pdq', words));
    words.fill(0xffffffff);
    expect(index.nearest([hashFromWords('pdq', new Uint32Array(8))], { k: 1 })).toEqual([
      { id: 1, distance: 0 },
    ]);
  });

  it('refuses senseless ids, radii and counts', () => {
    const index = new LinearIndex();
    const zero = hashFromWords('pdq', new Uint32Array(8));
    for (const bad of [-1, 1.5, 2 ** 32, Number.NaN]) expect(() => index.add(bad, zero)).toThrow(RangeError);
    for (const bad of [-1, 257, 0.5]) expect(() => index.query(zero, bad)).toThrow(RangeError);
    for (const bad of [0, -1, 1.5]) expect(() => index.nearest([zero], { k: bad })).toThrow(RangeError);
    expect(index.nearest([zero], { k: 3 })).toEqual([]);
    expect(() => index.nearest([zero], { k: 3, radius: 257 })).toThrow(RangeError);
  });
});
