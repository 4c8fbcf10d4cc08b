import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Hash, hammingDistance, hashFromWords } from '../../../../src/vision/fingerprint/hash.ts';
import { fromChunks, toChunks } from '../../../../src/vision/search/code-bits.ts';
import { type BaseParts, buildBase } from '../../../../src/vision/search/hamming-base.ts';
import { byDistance } from '../../../../src/vision/search/hamming-index.ts';
import { LinearIndex } from '../../../../src/vision/search/linear-index.ts';
import { MultiIndex } from '../../../../src/vision/search/multi-index.ts';

// Few set bits, so that near, equal and tied codes are common.
const code = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 6 }).map((bits) => {
  const words = new Uint32Array(8);
  for (const bit of bits) words[bit >> 5]! |= 1 << (bit & 31);
  return hashFromWords('pdq', words);
});
const id = fc.oneof(fc.nat(40), fc.constant(0xffffffff));
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('add' as const), id, code }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), id }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('begin building' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('end building' as const) }) },
);

const ALWAYS_PROBE = {
  scannedCode: Infinity,
  plannedBucket: 0,
  visitedBucket: 0,
  visitedPosting: 0,
  verifiedCode: 0,
};
const zero = hashFromWords('pdq', new Uint32Array(8));

/** A builder that is done when told. */
function slowBuilder() {
  let finish: (() => void) | undefined;
  return {
    build: (input: Parameters<typeof buildBase>[0]) =>
      new Promise<BaseParts>((resolve) => {
        finish = () => resolve(buildBase(input));
      }),
    finish: async () => {
      finish?.();
      finish = undefined;
      for (let i = 0; i < 5; i += 1) await Promise.resolve();
    },
  };
}

describe.each([
  ['WebAssembly', false],
  ['plain', true],
])('MultiIndex, %s', (_name, plain) => {
  it('answers as the linear index does, whatever is added, removed and built meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60 }),
        code,
        fc.integer({ min: 0, max: 70 }),
        fc.integer({ min: 1, max: 50 }),
        fc.boolean(),
        fc.array(code, { maxLength: 3 }),
        async (steps, query, radius, k, probing, others) => {
          const builder = slowBuilder();
          const index = new MultiIndex({
            build: builder.build,
            plain,
            leastChanges: 1,
            ...(probing ? { costs: ALWAYS_PROBE } : {}),
          });
          const linear = new LinearIndex();
          for (const s of steps) {
            if (s.do === 'begin building') void index.settle();
            else if (s.do === 'end building') await builder.finish();
            else if (s.do === 'remove') expect(index.remove(s.id)).toBe(linear.remove(s.id));
            else if (linear.get(s.id) !== undefined) {
              expect(() => index.add(s.id, s.code)).toThrow(RangeError);
            } else {
              index.add(s.id, s.code);
              linear.add(s.id, s.code);
            }
            expect(index.size).toBe(linear.size);
          }
          expect(index.query(query, radius).toSorted(byDistance)).toEqual(
            linear.query(query, radius).toSorted(byDistance),
          );
          for (const question of [{ k }, { k, radius }, { k, radius, negatives: true }]) {
            for (const codes of [[query], [query, ...others]]) {
              expect(index.nearest(codes, question)).toEqual(linear.nearest(codes, question));
            }
          }
          for (const s of steps) if ('id' in s) expect(index.get(s.id)).toEqual(linear.get(s.id));
        },
      ),
      { numRuns: plain ? 60 : 150 },
    );
  });

  it('finds thousands of codes at once, by probing and by scanning', async () => {
    for (const costs of [ALWAYS_PROBE, { ...ALWAYS_PROBE, scannedCode: 0 }]) {
      const index = new MultiIndex({ plain, costs });
      // All 8,128 codes with one or two of 127 bits set, every tenth of them twice.
      let next = 0;
      for (let a = 0; a < 127; a += 1) {
        for (let b = a; b < 127; b += 1, next += 1) {
          const words = new Uint32Array(8);
          words[a >> 5]! |= 1 << (a & 31);
          words[b >> 5]! |= 1 << (b & 31);
          index.add(next, hashFromWords('pdq', words));
          if (next % 10 === 0) index.add(1_000_000 + next, hashFromWords('pdq', words));
        }
      }
      await index.settle();
      const hits = index.query(zero, 20);
      expect(hits).toHaveLength(8128 + 813);
      expect(new Set(hits.map((hit) => hit.id)).size).toBe(hits.length);
      expect(index.query(zero, 1)).toHaveLength(127 + 13);
      expect(index.nearest([zero], { k: 9000 })).toHaveLength(8128 + 813);
    }
  });

  it('stays as it was when a base cannot be built, and builds it the next time', async () => {
    let fails = true;
    const build = async (input: Parameters<typeof buildBase>[0]) => {
      if (fails) throw new Error('no thread');
      return buildBase(input);
    };
    const index = new MultiIndex({ build, plain, leastChanges: 2 });
    index.add(1, zero);
    index.add(2, zero);
    const failed = index.settle();
    index.add(3, zero);
    await expect(failed).rejects.toThrow('no thread');
    expect(index.nearest([zero], { k: 5 }).map((hit) => hit.id)).toEqual([1, 2, 3]);
    fails = false;
    await index.settle();
    expect(index.nearest([zero], { k: 5 }).map((hit) => hit.id)).toEqual([1, 2, 3]);
    expect(index.remove(2)).toBe(true);
    expect(index.remove(2)).toBe(false);
    expect(index.size).toBe(2);
  });

  it('keeps its own copy of a code', () => {
    const index = new MultiIndex({ plain });
    const words = new Uint32Array(8);
    index.add(1, hashFromWords('pdq', words));
    words.fill(0xffffffff);
    expect(index.nearest([zero], { k: 1 })).toEqual([{ id: 1, distance: 0 }]);
  });

  it('refuses senseless ids, radii and counts', () => {
    const index = new MultiIndex({ plain });
    for (const bad of [-1, 1.5, 2 ** 32, Number.NaN]) expect(() => index.add(bad, zero)).toThrow(RangeError);
    for (const bad of [-1, 257, 0.5]) expect(() => index.query(zero, bad)).toThrow(RangeError);
    for (const bad of [0, -1, 1.5]) expect(() => index.nearest([zero], { k: bad })).toThrow(RangeError);
    expect(() => index.nearest([zero], { k: 1, radius: 0.5 })).toThrow(RangeError);
    expect(() =>
      index.nearest(
        Array.from({ length: 129 }, () => zero),
        { k: 1 },
      ),
    ).toThrow(RangeError);
    expect(index.nearest([zero], { k: 3 })).toEqual([]);
    expect(index.nearest([], { k: 3 })).toEqual([]);
    expect(index.query(zero, 256)).toEqual([]);
  });
});

describe('the permutation of bits', () => {
  const words = fc.uint32Array({ minLength: 8, maxLength: 8 });
  const chunksOf = (hash: Hash<'pdq'>) => {
    const chunks = new Uint16Array(16);
    toChunks(hash, chunks, 0);
    return chunks;
  };

  it('can be undone and leaves distances as they are', () => {
    fc.assert(
      fc.property(words, words, (a, b) => {
        const [one, other] = [hashFromWords('pdq', a), hashFromWords('pdq', b)];
        expect(fromChunks(chunksOf(one), 0)).toEqual(one);
        const apart = (hash: Hash<'pdq'>) => hashFromWords('pdq', new Uint32Array(chunksOf(hash).buffer));
        expect(hammingDistance(apart(one), apart(other))).toBe(hammingDistance(one, other));
      }),
    );
  });

  it('puts one coefficient of every row into each chunk, far apart', () => {
    const chunkOf = (k: number) => {
      const bit = new Uint32Array(8);
      bit[k >> 5] = 1 << (k & 31);
      return chunksOf(hashFromWords('pdq', bit)).findIndex((chunk) => chunk !== 0);
    };
    for (let k = 0; k < 256; k += 1) {
      const [x, y] = [k % 16, Math.floor(k / 16)];
      expect(chunkOf(k)).toBe((x + 5 * y + 3 * Math.floor(y / 4)) % 16);
    }
  });
});
