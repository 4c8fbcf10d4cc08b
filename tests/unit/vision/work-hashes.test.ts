import { describe, expect, it } from 'vitest';
import { hashFromWords } from '../../../src/vision/fingerprint/hash.ts';
import {
  type WorkHashes,
  decodeWorkHashes,
  encodeWorkHashes,
} from '../../../src/vision/fingerprint/work-hashes.ts';

const words = (first: number) => Array.from({ length: 8 }, (_, i) => Math.imul(first + i, 0x9e3779b1));
const pdq = (first: number) =>
  hashFromWords(
    'pdq',
    Uint32Array.from(words(first), (word) => word >>> 0),
  );
const structure = (first: number) => Int32Array.from(words(first));

const works: WorkHashes[] = [
  { views: [{ pdq: pdq(1), structure: structure(2) }] },
  {
    views: [
      { pdq: null, structure: structure(3) },
      { pdq: pdq(4), structure: structure(5) },
    ],
  },
  {
    views: [
      { pdq: pdq(6), structure: structure(7) },
      { pdq: null, structure: structure(8) },
    ],
  },
];

/** As the database puts them together. */
function record(id: number, hashes: WorkHashes): Buffer {
  const head = Buffer.alloc(4);
  head.writeInt32BE(id);
  return Buffer.concat([head, encodeWorkHashes(hashes)]);
}

describe('the hashes of works', () => {
  it('are read as they were written, any number in a row', () => {
    const bytes = Uint8Array.from(Buffer.concat(works.map((hashes, i) => record(1_000_000 + i, hashes))));
    expect([...decodeWorkHashes(bytes)]).toEqual(works.map((hashes, i) => ({ id: 1_000_000 + i, hashes })));
    expect([...decodeWorkHashes(new Uint8Array(0))]).toEqual([]);
  });

  it('take 68 bytes for the first view that is hashed', () => {
    expect(encodeWorkHashes(works[0]!)).toHaveLength(68);
    expect(encodeWorkHashes(works[1]!)).toHaveLength(4 + 32 + 64);
  });

  it('are refused when cut short', () => {
    const bytes = Uint8Array.from(record(7, works[2]!));
    expect(() => [...decodeWorkHashes(bytes.slice(0, -4))]).toThrow(RangeError);
  });
});
