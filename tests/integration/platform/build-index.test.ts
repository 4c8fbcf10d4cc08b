import { expect, test } from 'vitest';
import { buildInThread } from '../../../src/platform/compute/build-index.ts';
import { hashFromWords } from '../../../src/vision/fingerprint/hash.ts';
import { MultiIndex } from '../../../src/vision/search/multi-index.ts';

function codes(count: number) {
  let state = 1;
  const word = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  return Array.from({ length: count }, () => hashFromWords('pdq', Uint32Array.from({ length: 8 }, word)));
}

test.each([
  ['WebAssembly', false],
  ['plain', true],
])(
  'a base built in a thread is taken over in place, and again with what changed: %s',
  async (_name, plain) => {
    const index = new MultiIndex({ build: buildInThread, leastChanges: 100, plain });
    const all = codes(3_000);
    for (const [id, code] of all.slice(0, 2_000).entries()) index.add(id, code);
    const built = index.settle();
    // While the thread works, codes come and go.
    expect(index.remove(5)).toBe(true);
    for (let id = 2_000; id < 3_000; id += 1) index.add(id, all[id]!);
    expect(index.query(all[6]!, 0)).toEqual([{ id: 6, distance: 0 }]);
    await built;
    await index.settle();
    expect(index.size).toBe(2_999);
    for (const [id, code] of all.entries()) {
      expect(index.query(code, 31)).toEqual(id === 5 ? [] : [{ id, distance: 0 }]);
    }
  },
);

test('a thread that fails says so', async () => {
  const base = {
    parts: { memory: new SharedArrayBuffer(64), count: 1000, heads: 1000 },
    dead: new Uint8Array(125),
  };
  const nothing = { ids: new Uint32Array(0), chunks: new Uint16Array(0) };
  await expect(buildInThread({ base, ...nothing, plain: true })).rejects.toMatchObject({
    code: 'compute_crashed',
  });
});
