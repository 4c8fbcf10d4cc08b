/** What one output asks of the hash indexes: all orientations of its views at once, and what the works cost. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { buildInThread } from '../src/platform/compute/build-index.ts';
import { vocabulary } from '../src/platform/compute/vocabulary.ts';
import { decodeImage } from '../src/platform/image/decode.ts';
import { type Views, extractViews } from '../src/vision/fingerprint/features.ts';
import { FINGERPRINT_RASTER, fingerprint } from '../src/vision/fingerprint/fingerprint.ts';
import { complement } from '../src/vision/fingerprint/hash.ts';
import { Matcher } from '../src/vision/matching/matcher.ts';
import { LinearIndex } from '../src/vision/search/linear-index.ts';
import { MultiIndex } from '../src/vision/search/multi-index.ts';
import { StructureIndex } from '../src/vision/search/structure-index.ts';
import { codeAt, randomCodes } from './support/codes.ts';
import { brief, collectGarbage, markdown, median, percentile } from './support/measure.ts';
import { timeInTurns } from './support/search.ts';
import type { BenchOptions, Section } from './support/section.ts';

const LIMITS = { maxPixels: 100_000_000 };
const K = 12;
/** Of fewer works the memory is lost in that of everything else. */
const FEWEST = 100_000;

export async function orientationsSection({ small, fixtures }: BenchOptions): Promise<Section> {
  const sizes = small ? [1_000] : [10_000, 100_000, 1_000_000];
  const outputs = await outputsIn(join(fixtures, 'outputs'), small ? 5 : 60);
  const indexed: string[][] = [];
  const kept: string[][] = [];
  for (const count of sizes) {
    const structures = structuresLike(outputs, count);
    // First, while little memory has been used and given back.
    kept.push(await worksOf(count, outputs, structures));
    indexed.push(await timesOf(count, outputs, structures));
  }
  return {
    file: 'speed-orientations.md',
    title: 'What one output asks of the hash indexes',
    note: `Eight orientations of each view of the ${outputs.length} outputs in fixtures/, ${brief(mean(outputs.map((each) => each.views.length)))} views each on average: by PDQ also as negatives. Stored are random PDQ hashes, and structure hashes mixed from the outputs' own, for these are far from random. Each output counts with the best of three passes, beyond a millisecond by its CPU time.`,
    body: [
      '## Both indexes',
      `Milliseconds an output, median (99 %): what lies within a radius, and the nearest ${K}; beside asking one code after the other.`,
      markdown(
        [
          'codes',
          'PDQ, r = 40',
          'PDQ, r = 64',
          `PDQ, nearest ${K}`,
          'one by one',
          'structure, r = 20',
          `structure, nearest ${K}`,
          'one by one',
          'answers of PDQ that differ from the linear index',
        ],
        indexed,
      ),
      '## Works of two views each',
      'A matcher as every worker has it, at standard depth. Near: whether any work is worth a closer look, which is all that is asked for most outputs. Memory: what the resident memory of the process grew by, everything but what the catalogue keeps of a work beside its hashes. Load: from hashes to a matcher that answers at full speed.',
      markdown(['works', 'near, median ms (99 %)', 'load, s', 'bytes a work'], kept),
    ].join('\n\n'),
  };
}

async function outputsIn(folder: string, most: number): Promise<Views[]> {
  const files = (await readdir(folder)).filter((file) => /\.(png|jpe?g|webp)$/.test(file)).toSorted();
  const outputs: Views[] = [];
  for (const file of files.slice(0, most)) {
    const decoded = await decodeImage(await readFile(join(folder, file)), FINGERPRINT_RASTER, LIMITS);
    const outcome = fingerprint(decoded.raster, decoded);
    if (outcome.hashable) outputs.push(extractViews(decoded.raster, decoded, outcome.fingerprint));
  }
  return outputs.filter(({ views }) => views.some(({ pdq }) => pdq !== null));
}

const pdqOf = ({ views }: Views) => views.flatMap(({ pdq }) => pdq ?? []);
const structuresOf = ({ views }: Views) => views.flatMap(({ structure }) => structure);

/** Codes in a row, 8 words each: each cell of four directions is that of one output, or by one in three that of another. */
function structuresLike(outputs: readonly Views[], count: number): Int32Array {
  const own = outputs.flatMap(structuresOf);
  const random = randomCodes(count * 2);
  const codes = new Int32Array(count * 8);
  for (let i = 0; i < count; i += 1) {
    const words = random.subarray(i * 16, i * 16 + 16);
    const [a, b] = [own[words[8]! % own.length]!, own[words[9]! % own.length]!];
    for (let w = 0; w < 8; w += 1) {
      let cells = 0;
      for (let cell = 0; cell < 8; cell += 1) {
        if (((words[w]! >>> (cell * 4)) & 15) < 5) cells |= 15 << (cell * 4);
      }
      codes[i * 8 + w] = (a[w]! & ~cells) | (b[w]! & cells);
    }
  }
  return codes;
}

async function timesOf(count: number, outputs: readonly Views[], structures: Int32Array): Promise<string[]> {
  const codes = randomCodes(count);
  const [hashes, linear, byStructure] = [new MultiIndex(), new LinearIndex(), new StructureIndex()];
  for (let i = 0; i < count; i += 1) {
    hashes.add(i, codeAt(codes, i));
    linear.add(i, codeAt(codes, i));
    byStructure.add(i, structures.subarray(i * 8, i * 8 + 8));
  }
  await hashes.settle();
  const nearest = (output: Views, radius = 256) =>
    hashes.nearest(pdqOf(output), { k: K, radius, negatives: true });
  const times = timeInTurns<Views>(
    {
      40: (output) => nearest(output, 40),
      64: (output) => nearest(output, 64),
      all: (output) => nearest(output),
      structure20: (output) => byStructure.nearest(structuresOf(output), { k: K, radius: 20 }),
      structure: (output) => byStructure.nearest(structuresOf(output), { k: K }),
    },
    outputs,
  );
  // By far the slowest: of every sixth output only.
  const some = outputs.filter((_, i) => i % 6 === 0);
  const oneByOne = timeInTurns<Views>(
    {
      pdq: (output) => {
        for (const code of pdqOf(output)) {
          hashes.nearest([code], { k: K });
          hashes.nearest([complement(code)], { k: K });
        }
      },
      structure: (output) => {
        for (const code of structuresOf(output)) byStructure.nearest([code], { k: K });
      },
    },
    some,
  );
  const wrong = some.filter((output) => {
    const expected = linear.nearest(pdqOf(output), { k: K, negatives: true });
    return JSON.stringify(nearest(output)) !== JSON.stringify(expected);
  });
  return [
    count.toLocaleString('en'),
    medianAndMost(times['40']!),
    medianAndMost(times['64']!),
    medianAndMost(times['all']!),
    medianAndMost(oneByOne['pdq']!),
    medianAndMost(times['structure20']!),
    medianAndMost(times['structure']!),
    medianAndMost(oneByOne['structure']!),
    `${wrong.length} of ${some.length}`,
  ];
}

async function worksOf(count: number, outputs: readonly Views[], structures: Int32Array): Promise<string[]> {
  const codes = randomCodes(count * 2);
  collectGarbage();
  const before = process.memoryUsage.rss();
  const started = performance.now();
  const matcher = new Matcher(vocabulary(), buildInThread);
  for (let i = 0; i < count; i += 1) {
    const views = [i, (i + 1) % count].map((at, view) => ({
      pdq: codeAt(codes, 2 * i + view),
      structure: structures.subarray(at * 8, at * 8 + 8),
    }));
    matcher.add(i, { views });
  }
  await matcher.settle();
  const seconds = (performance.now() - started) / 1_000;
  // What the builder's thread used is given back by and by.
  await setTimeout(2_000);
  collectGarbage();
  const bytes = (process.memoryUsage.rss() - before) / count;
  const { near } = timeInTurns<Views>({ near: (output) => matcher.hasNear(output) }, outputs);
  return [
    count.toLocaleString('en'),
    medianAndMost(near!),
    brief(seconds),
    count < FEWEST ? '' : brief(bytes),
  ];
}

/** Of microseconds, in milliseconds. */
function medianAndMost(times: readonly number[]): string {
  return `${brief(median(times) / 1_000)} (${brief(percentile(times, 0.99) / 1_000)})`;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
