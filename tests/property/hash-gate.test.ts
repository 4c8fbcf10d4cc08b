/**
 * Whether any work is near, as the indexes answer it, against comparing every view of every work with every view of the
 * output in every orientation. Small here; ten times the outputs with UTSUSHI_TEST_FULL=1.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import type { FeatureView, Views } from '../../src/vision/fingerprint/features.ts';
import { HASH_BITS, complement, hammingDistance, hashFromWords } from '../../src/vision/fingerprint/hash.ts';
import { structureDistance } from '../../src/vision/fingerprint/structure-hash.ts';
import type { WorkHashes, WorkView } from '../../src/vision/fingerprint/work-hashes.ts';
import { HashIndexes } from '../../src/vision/matching/hash-indexes.ts';

const OUTPUTS = process.env.UTSUSHI_TEST_FULL === '1' ? 1_000 : 100;
/** Enough for indexes to be made. */
const WORKS = 6_000;
const SOFT = 80;
const WHOLE = { x: 0, y: 0, width: 1, height: 1 };

let state = 2_463_534_242;
function word(): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return state >>> 0;
}
const below = (n: number) => word() % n;

/** A copy with exactly so many bits changed. */
function changed<T extends Uint32Array | Int32Array>(code: T, bits: number): T {
  const copy = code.slice() as T;
  const places = new Set<number>();
  while (places.size < bits) places.add(below(HASH_BITS));
  for (const bit of places) copy[bit >> 5]! ^= 1 << (bit & 31);
  return copy;
}

const randomPdq = () => hashFromWords('pdq', Uint32Array.from({ length: 8 }, word));
/** Structure hashes resemble each other: these are of ten families. */
const families = Array.from({ length: 10 }, () => Int32Array.from({ length: 8 }, word));
const randomStructure = () => changed(families[below(10)]!, below(100));

function workView(): WorkView {
  return { pdq: below(20) === 0 ? null : randomPdq(), structure: randomStructure() };
}

function outputView(): FeatureView {
  return {
    box: WHOLE,
    pdq: below(6) === 0 ? null : Array.from({ length: 8 }, randomPdq),
    structure: Array.from({ length: 8 }, randomStructure),
  };
}

/** An output whose view, laid like that, is about so far from the work's. */
function outputNear(view: WorkView, apart: number): Views {
  const views = Array.from({ length: 1 + below(2) }, outputView);
  const seen = views[below(views.length)]!;
  const orientation = below(8);
  const byPdq = view.pdq === null || seen.pdq === null ? SOFT : below(Math.floor(apart) + 1);
  const byStructure = Math.max(0, Math.min(HASH_BITS, Math.round(2 * (apart - byPdq))));
  (seen.structure as Int32Array[])[orientation] = changed(view.structure, byStructure);
  if (view.pdq !== null && seen.pdq !== null) {
    const pdq = changed(view.pdq, byPdq);
    (seen.pdq as (typeof pdq)[])[orientation] = below(2) === 0 ? pdq : complement(pdq);
  }
  return { views };
}

/** How far the nearest two views lie apart. */
function leastApart(works: Iterable<WorkHashes>, output: Views): number {
  let least = Infinity;
  for (const { views } of works) {
    for (const { pdq, structure } of views) {
      for (const seen of output.views) {
        for (const [i, code] of seen.structure.entries()) {
          const distance = pdq === null || seen.pdq === null ? SOFT : hammingDistance(pdq, seen.pdq[i]!);
          const byPdq = Math.min(distance, HASH_BITS - distance);
          least = Math.min(least, byPdq + structureDistance(structure, code) / 2);
        }
      }
    }
  }
  return least;
}

describe.each([
  ['few views, by PDQ alone where that does', Infinity],
  ['many views, by either hash', 0],
])('whether a work is near: %s', (_name, manyViews) => {
  const works = new Map<number, WorkHashes>();
  const indexes = new HashIndexes({ manyViews });

  beforeAll(async () => {
    const add = (id: number) => {
      const hashes = { views: Array.from({ length: 1 + below(2) }, workView) };
      works.set(id, hashes);
      indexes.add(id, hashes);
    };
    for (let id = 0; id < WORKS; id += 1) add(id);
    await indexes.settle();
    // In a base, beside it, and removed from it.
    for (let id = 0; id < WORKS; id += 7) {
      works.delete(id);
      indexes.remove(id);
    }
    for (let id = WORKS; id < WORKS + 500; id += 1) add(id);
  });

  it('is answered as by comparing with all', () => {
    const ids = [...works.keys()];
    const answers = { true: 0, false: 0 };
    for (let i = 0; i < OUTPUTS; i += 1) {
      const { views } = works.get(ids[below(ids.length)]!)!;
      const most = 30 + below(91);
      const output = outputNear(views[below(views.length)]!, most + below(9) - 4);
      const least = leastApart(works.values(), output);
      // At the limit and a little to either side.
      for (const limit of [most, least, least - 0.5, least + 0.25]) {
        const near = indexes.hasNear(output, limit);
        expect(near, `${limit} of ${least}`).toBe(least <= limit);
        answers[`${near}`] += 1;
      }
    }
    expect(Math.min(answers.true, answers.false)).toBeGreaterThan(OUTPUTS);
  });
});
