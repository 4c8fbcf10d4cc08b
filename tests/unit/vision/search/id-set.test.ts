import fc from 'fast-check';
import { expect, it } from 'vitest';
import { IdSet } from '../../../../src/vision/search/id-set.ts';

it('is a set of integers, as far apart as they may be', () => {
  const id = fc.oneof(fc.nat(40), fc.nat(2 ** 20));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), id), { maxLength: 60 }), (steps) => {
      const ids = new IdSet();
      const expected = new Set<number>();
      for (const [adding, each] of steps) {
        if (!adding) expect(ids.remove(each)).toBe(expected.delete(each));
        else if (expected.has(each)) expect(() => ids.add(each)).toThrow(RangeError);
        else {
          ids.add(each);
          expected.add(each);
        }
        expect(ids.size).toBe(expected.size);
        for (const [, other] of steps) expect(ids.has(other)).toBe(expected.has(other));
      }
    }),
  );
});

it('refuses what is no id', () => {
  for (const wrong of [-1, 0.5, 2 ** 31]) expect(() => new IdSet().add(wrong)).toThrow(RangeError);
});
