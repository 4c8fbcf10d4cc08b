/**
 * The fast index against the linear one: not one pair within the radius may be missed, none invented. Small here; ten
 * times the size with UTSUSHI_TEST_FULL=1.
 */
import { readFile, readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { decodeImage } from '../../src/platform/image/decode.ts';
import { FINGERPRINT_RASTER } from '../../src/vision/fingerprint/fingerprint.ts';
import { type Hash, hashFromWords } from '../../src/vision/fingerprint/hash.ts';
import { pdqOriented } from '../../src/vision/fingerprint/pdq.ts';
import type { IndexHit } from '../../src/vision/search/hamming-index.ts';
import { LinearIndex } from '../../src/vision/search/linear-index.ts';
import { MultiIndex } from '../../src/vision/search/multi-index.ts';

const FULL = process.env.UTSUSHI_TEST_FULL === '1';
const CODES = FULL ? 60_000 : 5_000;
const QUERIES = FULL ? 300 : 30;
const MOST_RADIUS = 64;
const ALWAYS_PROBE = {
  scannedCode: Infinity,
  plannedBucket: 0,
  visitedBucket: 0,
  visitedPosting: 0,
  verifiedCode: 0,
};

/** xorshift32: the same codes in every run. */
function random(seed: number) {
  let state = seed;
  const word = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  return { word, below: (n: number) => word() % n };
}

type Code = Hash<'pdq'>;

function uniform({ word }: ReturnType<typeof random>): Code {
  return hashFromWords('pdq', Uint32Array.from({ length: 8 }, word));
}

/** A copy with up to `most` bits changed. */
function near(code: Code, most: number, { below }: ReturnType<typeof random>): Code {
  const words = Uint32Array.from(code);
  for (let flips = below(most + 1); flips > 0; flips -= 1) {
    const bit = below(256);
    words[bit >> 5]! ^= 1 << (bit & 31);
  }
  return hashFromWords('pdq', words);
}

const fixtures = fileURLToPath(new URL('../../fixtures/', import.meta.url));

/** All orientations of this project's pictures. */
async function pictureCodes(): Promise<Code[]> {
  const codes: Code[] = [];
  for (const folder of ['catalogue', 'outputs']) {
    const files = (await readdir(`${fixtures}${folder}`)).filter((file) => /\.(png|jpe?g|webp)$/.test(file));
    for (const file of FULL ? files : files.slice(0, 40)) {
      const bytes = await readFile(`${fixtures}${folder}/${file}`);
      const { raster } = await decodeImage(bytes, FINGERPRINT_RASTER, { maxPixels: 100_000_000 });
      codes.push(...pdqOriented(raster).hashes);
    }
  }
  return codes;
}

const sets: Record<string, () => Promise<Code[]> | Code[]> = {
  random: () => {
    const source = random(1);
    return Array.from({ length: CODES }, () => uniform(source));
  },
  clustered: () => {
    const source = random(2);
    const centres = Array.from({ length: 20 }, () => uniform(source));
    return Array.from({ length: CODES }, (_, i) => near(centres[i % 20]!, 60, source));
  },
  constant: () => Array.from({ length: CODES }, () => hashFromWords('pdq', new Uint32Array(8))),
  duplicated: () => {
    const source = random(3);
    const some = Array.from({ length: CODES / 10 }, () => near(uniform(source), 40, source));
    return Array.from({ length: CODES }, () => some[source.below(some.length)]!);
  },
  // As PDQ hashes are: half of the bits set, few of them free.
  skewed: () => {
    const source = random(5);
    const centre = uniform(source);
    return Array.from({ length: CODES }, () => near(centre, 12, source));
  },
  'of pictures': pictureCodes,
};

/** The code, and as many like it as a picture has orientations: quarters negated, and up to 30 other bits. */
function orientations(code: Code, source: ReturnType<typeof random>): Code[] {
  return Array.from({ length: 8 }, (_, i) => {
    if (i === 0) return code;
    const words = code.map((word, w) => {
      // Two rows of sixteen columns a word.
      const columns = i & 1 ? 0xaaaaaaaa : 0;
      const rows = i & 2 ? 0xffff0000 : 0;
      const all = i & 4 ? 0xffffffff : 0;
      return word ^ columns ^ rows ^ all ^ (w & source.below(4));
    });
    return near(hashFromWords('pdq', words), 30, source);
  });
}

const key = (hits: readonly IndexHit[]) =>
  Float64Array.from(hits, ({ id, distance }) => id * 512 + distance).sort();

/** By set, how many pairs within the radius were found by all. */
const truePairs = new Map<string, number>();
afterAll(() => {
  if (FULL) {
    const counts = [...truePairs].map(([name, pairs]) => `${name} ${pairs.toLocaleString('en')}`);
    process.stdout.write(`pairs within the radius, none missed, none invented: ${counts.join(', ')}\n`);
  }
  expect([...truePairs.values()].reduce((sum, pairs) => sum + pairs, 0)).toBeGreaterThan(100_000);
});

describe.each(Object.keys(sets))('codes: %s', (name) => {
  it('finds at every radius exactly what the linear index finds', { timeout: 600_000 }, async () => {
    const codes = await sets[name]!();
    const linear = new LinearIndex();
    const indexes = [
      new MultiIndex({ leastChanges: 1, costs: ALWAYS_PROBE }),
      new MultiIndex({ leastChanges: 1, costs: ALWAYS_PROBE, plain: true }),
      new MultiIndex({ leastChanges: 1 }),
    ];
    for (const [id, code] of codes.entries()) {
      for (const index of [linear, ...indexes]) index.add(id, code);
      // The last codes stay beside the base.
      if (id === codes.length - 50) for (const index of indexes) await index.settle();
    }
    for (let id = 7; id < codes.length; id += 97) {
      for (const index of [linear, ...indexes]) expect(index.remove(id)).toBe(true);
    }
    const source = random(6);
    for (let i = 0; i < QUERIES; i += 1) {
      const query = i % 5 === 0 ? uniform(source) : near(codes[source.below(codes.length)]!, i % 40, source);
      const all = linear.query(query, MOST_RADIUS);
      // Each query at one or two radii in CI, six in the full run; all radii come up.
      for (let radius = (i * 7) % 65; radius <= MOST_RADIUS; radius += FULL ? 11 : 33) {
        const expected = key(all.filter((hit) => hit.distance <= radius));
        for (const index of indexes) {
          const found = key(index.query(query, radius));
          // Millions of numbers in the full run: compared one by one only to say where they differ.
          if (Buffer.compare(Buffer.from(found.buffer), Buffer.from(expected.buffer)) !== 0) {
            expect(found).toEqual(expected);
          }
        }
        truePairs.set(name, (truePairs.get(name) ?? 0) + expected.length);
      }
      if (i % 10 === 0) {
        for (const codes of [[query], orientations(query, source)]) {
          for (const radius of [256, 96, (i * 7) % 65]) {
            const question = { k: 20, radius, negatives: codes.length > 1 };
            const nearest = linear.nearest(codes, question);
            for (const index of indexes) expect(index.nearest(codes, question)).toEqual(nearest);
          }
        }
      }
    }
  });
});
