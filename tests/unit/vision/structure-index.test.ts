import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { structureDistance } from '../../../src/vision/fingerprint/structure-hash.ts';
import { byDistance } from '../../../src/vision/search/hamming-index.ts';
import { StructureIndex } from '../../../src/vision/search/structure-index.ts';

/** Few bits set, so that near, equal and tied codes are common. */
const code = fc
  .array(fc.integer({ min: 0, max: 255 }), { maxLength: 6 })
  .map((bits) =>
    bits.reduce(
      (words, bit) => words.with(bit >> 5, words[bit >> 5]! | (1 << (bit & 31))),
      new Int32Array(8),
    ),
  );
const step = fc.record({ add: fc.boolean(), id: fc.nat(60), code });

function byScan(stored: ReadonlyMap<number, Int32Array>, asked: readonly Int32Array[], radius: number) {
  return [...stored]
    .map(([id, each]) => ({
      id,
      distance: Math.min(...asked.map((one) => structureDistance(one, each))),
    }))
    .filter(({ distance }) => distance <= radius)
    .toSorted(byDistance);
}

describe.each([
  ['WebAssembly', false],
  ['plain', true],
])('StructureIndex, %s', (_name, plain) => {
  it('finds what comparing with all finds, whatever was added and removed in whatever order', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 120 }),
        fc.array(code, { minLength: 1, maxLength: 16 }),
        fc.integer({ min: 0, max: 256 }),
        fc.integer({ min: 1, max: 80 }),
        (steps, asked, radius, k) => {
          const index = new StructureIndex(plain);
          const stored = new Map<number, Int32Array>();
          for (const each of steps) {
            if (!each.add) expect(index.remove(each.id)).toBe(stored.delete(each.id));
            else if (stored.has(each.id)) {
              expect(() => index.add(each.id, each.code)).toThrow(RangeError);
            } else {
              index.add(each.id, each.code);
              stored.set(each.id, each.code);
            }
            expect(index.size).toBe(stored.size);
          }
          expect(index.nearest(asked, { k, radius })).toEqual(byScan(stored, asked, radius).slice(0, k));
        },
      ),
      { numRuns: plain ? 60 : 150 },
    );
  });

  it('is right after thousands were removed and others put in between', () => {
    const index = new StructureIndex(plain);
    const stored = new Map<number, Int32Array>();
    const codes = fc.sample(code, { numRuns: 6_000, seed: 5 });
    const put = (id: number) => {
      index.add(id, codes[id]!);
      stored.set(id, codes[id]!);
    };
    for (let id = 0; id < 6_000; id += 2) put(id);
    for (let id = 0; id < 6_000; id += 2) {
      if (id % 10 === 0) continue;
      expect(index.remove(id)).toBe(true);
      stored.delete(id);
    }
    for (let id = 1; id < 3_000; id += 70) put(id);
    const asked = codes.slice(0, 3);
    expect(index.size).toBe(stored.size);
    expect(index.nearest(asked, { k: 2_000 })).toEqual(byScan(stored, asked, 256).slice(0, 2_000));
  });

  it('has nothing to say when it is empty', () => {
    expect(new StructureIndex(plain).nearest([new Int32Array(8)], { k: 3 })).toEqual([]);
  });
});
