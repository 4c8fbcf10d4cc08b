import { describe, expect, it } from 'vitest';
import { structureDistance } from '../../../src/vision/fingerprint/structure-hash.ts';
import { StructureIndex } from '../../../src/vision/search/structure-index.ts';

let state = 7;
function random(): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state;
}
/** Few bits differ between any two, so that distances are often equal. */
const code = () => Int32Array.from({ length: 8 }, () => 1 << (random() >>> 29));

const codes = Array.from({ length: 300 }, (_, i) => ({ id: i >> 1, code: code() }));

function byScan(stored: typeof codes, asked: readonly Int32Array[], k: number) {
  const nearest = new Map<number, number>();
  for (const each of stored) {
    const distance = Math.min(...asked.map((one) => structureDistance(one, each.code)));
    nearest.set(each.id, Math.min(distance, nearest.get(each.id) ?? Infinity));
  }
  return [...nearest]
    .map(([id, distance]) => ({ id, distance }))
    .toSorted((a, b) => a.distance - b.distance || a.id - b.id)
    .slice(0, k);
}

describe('StructureIndex', () => {
  it('finds what comparing with all finds, before and after removals', () => {
    const index = new StructureIndex();
    for (const each of codes) index.add(each.id, each.code);
    const asked = [code(), code(), code()];
    expect(index.nearest(asked, 7)).toEqual(byScan(codes, asked, 7));
    for (let id = 0; id < 150; id += 3) index.remove(id);
    const left = codes.filter(({ id }) => id % 3 !== 0);
    expect(index.size).toBe(left.length);
    expect(index.nearest(asked, 7)).toEqual(byScan(left, asked, 7));
    expect(index.nearest(asked, 500)).toEqual(byScan(left, asked, 500));
  });

  it('has nothing to say when it is empty', () => {
    expect(new StructureIndex().nearest([code()], 3)).toEqual([]);
  });
});
