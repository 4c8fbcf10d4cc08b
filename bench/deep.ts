/** What a check costs beyond decoding, at both depths and by catalogue size; what an import costs. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { vocabulary } from '../src/platform/compute/vocabulary.ts';
import { decodeImage, decodeTo } from '../src/platform/image/decode.ts';
import {
  FEATURE_SIDE,
  type Features,
  encodeFeatures,
  extractFeatures,
  extractViews,
} from '../src/vision/fingerprint/features.ts';
import { FINGERPRINT_RASTER, fingerprint } from '../src/vision/fingerprint/fingerprint.ts';
import type { Raster } from '../src/vision/fingerprint/raster.ts';
import { workHashes } from '../src/vision/fingerprint/work-hashes.ts';
import { Matcher, idsOf } from '../src/vision/matching/matcher.ts';
import { type Work, verifyShortlist } from '../src/vision/matching/verify-shortlist.ts';
import { brief, cpuMs, markdown, median, percentile } from './support/measure.ts';
import type { BenchOptions, Section } from './support/section.ts';

const LIMITS = { maxPixels: 100_000_000 };
const PICTURE = /\.(png|jpe?g|webp|img)$/i;
/** Works in the catalogue; outputs measured at each size. */
const SIZES = [1_000, 10_000];
const SMALL_SIZES = [60];
const OUTPUTS = 120;
const IMPORTED = 150;

export async function deepSection(options: BenchOptions): Promise<Section> {
  const { small, fixtures, pack } = options;
  const folder = pack ?? join(fixtures, 'catalogue');
  const files = (await pictures(folder)).toSorted();
  // Works are made of one half, the other half is what is looked for.
  const [known, others] = [files.filter((_, i) => i % 2 === 0), files.filter((_, i) => i % 2 === 1)];
  const imported = await importCost(evenly(files, small ? 4 : IMPORTED));
  const sources = await Promise.all(evenly(known, small ? 6 : 400).map(rasterOf));
  const works = new Map<number, Work>();
  const standard = new Matcher(vocabulary());
  const deep = new Matcher(vocabulary());
  const rows: string[][] = [];
  for (const size of small ? SMALL_SIZES : SIZES) {
    for (let id = works.size; id < size; id += 1) {
      const features = featuresOf(madeOf(sources, id));
      const hashes = workHashes(features);
      works.set(id, { key: String(id), features });
      standard.add(id, hashes);
      deep.addDeep(id, hashes, features);
    }
    await standard.settle();
    await deep.settle();
    rows.push(...(await checkCosts(evenly(others, small ? 4 : OUTPUTS), { standard, deep, works })));
  }
  return {
    file: 'speed-deep.md',
    title: 'Cost of a check beyond decoding',
    note: `CPU time of one process (a core, and what the garbage collector does beside it), ${pack === undefined ? "pictures of this project's own catalogue" : 'real pictures of a development corpus'}. Works are made of one half of them: two of these pictures side by side, each cut, turned and sized at random, so that their points are real ones and no two works are alike. The other half are the outputs looked for, so nearly all are different pictures, as most outputs are.`,
    body: [
      markdown(['works', 'depth', 'step', 'median ms', '90 % below'], rows),
      '',
      markdown(['import, deep', ''], imported),
    ].join('\n'),
  };
}

interface Catalogue {
  readonly standard: Matcher;
  readonly deep: Matcher;
  readonly works: ReadonlyMap<number, Work>;
}

async function checkCosts(
  files: readonly string[],
  { standard, deep, works }: Catalogue,
): Promise<string[][]> {
  const spent = new Map<string, number[]>();
  const timed = <T>(step: string, work: () => T): T => {
    const before = cpuMs();
    const result = work();
    spent.set(step, [...(spent.get(step) ?? []), cpuMs() - before]);
    return result;
  };
  let near = 0;
  for (const file of files) {
    const bytes = await readFile(file);
    const stretched = await decodeImage(bytes, FINGERPRINT_RASTER, LIMITS);
    const { raster } = await decodeImage(bytes, { longerSide: FEATURE_SIDE }, LIMITS);
    const hashed = fingerprint(stretched.raster, stretched);
    if (!hashed.hashable) continue;
    timed('standard/all', () => {
      fingerprint(stretched.raster, stretched);
      const views = extractViews(stretched.raster, stretched, hashed.fingerprint);
      if (standard.hasNear(views)) near += 1;
    });
    timed('deep/all', () => {
      const features = timed('deep/fingerprint and features', () => {
        fingerprint(stretched.raster, stretched);
        return extractFeatures(raster, hashed.fingerprint, 'output', vocabulary());
      });
      const shortlist = timed('deep/search', () => deep.shortlist(features, false));
      timed('deep/verification', () => verifyShortlist(shortlist, only(works, idsOf(shortlist))));
    });
  }
  const size = works.size.toLocaleString('en');
  const rows = [...spent].map(([name, times]) => {
    const [depth, step] = name.split('/') as [string, string];
    const shown =
      step === 'all'
        ? `**all**${depth === 'standard' ? `; ${near} of ${files.length} go on to a closer look, which costs as much as deep` : ''}`
        : step;
    return [size, depth, shown, brief(median(times)), brief(percentile(times, 0.9))];
  });
  return rows.toSorted(([, a], [, b]) => b!.localeCompare(a!));
}

function only(works: ReadonlyMap<number, Work>, ids: readonly number[]): Map<number, Work> {
  return new Map(ids.map((id) => [id, works.get(id)!]));
}

async function importCost(files: readonly string[]): Promise<string[][]> {
  const whole: number[] = [];
  const keypointBytes: number[] = [];
  const storedBytes: number[] = [];
  for (const file of files) {
    const bytes = await readFile(file);
    const before = cpuMs();
    const sizes = [FINGERPRINT_RASTER, { longerSide: FEATURE_SIDE }] as const;
    const { rasters, ...size } = await decodeTo(bytes, sizes, LIMITS, { untouched: false });
    const hashed = fingerprint(rasters[0], size);
    if (!hashed.hashable) continue;
    const features = extractFeatures(rasters[1], hashed.fingerprint, 'work', vocabulary());
    storedBytes.push(encodeFeatures(features).length);
    whole.push(cpuMs() - before);
    keypointBytes.push(features.keypoints.count * 40);
  }
  const mean = whole.reduce((a, b) => a + b, 0) / whole.length;
  return [
    ['pictures a second a core: decode, fingerprint, features, encode', brief(1_000 / mean)],
    ['keypoint data of an asset, largest', `${brief(Math.max(...keypointBytes) / 1_024)} KB`],
    ['all features of an asset, median', `${brief(median(storedBytes) / 1_024)} KB`],
  ];
}

function featuresOf(raster: Raster): Features {
  const hashed = fingerprint(raster, raster);
  return extractFeatures(raster, hashed.hashable ? hashed.fingerprint : undefined, 'work', vocabulary());
}

async function pictures(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return names.filter((name) => PICTURE.test(name)).map((name) => join(folder, name));
}

async function rasterOf(file: string): Promise<Raster> {
  const { raster } = await decodeImage(await readFile(file), { longerSide: FEATURE_SIDE }, LIMITS);
  return raster;
}

/** As FINGERPRINT_RASTER has them, so that one raster serves hashes and features. */
const MADE_SIDE = 512;

/** Two pictures side by side, each cut, turned and sized at random; the same for the same number. */
function madeOf(sources: readonly Raster[], seed: number): Raster {
  let state = seed + 1;
  const random = () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
  const half = () => {
    const from = sources[Math.floor(random() * sources.length)]!;
    const turn = random() * 2 * Math.PI;
    const step = (0.6 + 0.8 * random()) * (Math.min(from.width, from.height) / MADE_SIDE);
    return {
      from,
      a: Math.cos(turn) * step,
      b: Math.sin(turn) * step,
      x: from.width * (0.3 + 0.4 * random()),
      y: from.height * (0.3 + 0.4 * random()),
    };
  };
  const halves = [half(), half()];
  const data = new Uint8Array(MADE_SIDE * MADE_SIDE * 3);
  for (let y = 0, at = 0; y < MADE_SIDE; y += 1) {
    for (let x = 0; x < MADE_SIDE; x += 1, at += 3) {
      const right = 2 * x >= MADE_SIDE ? 1 : 0;
      const { from, a, b, x: left, y: top } = halves[right]!;
      const u = x - MADE_SIDE * (right ? 0.75 : 0.25);
      const v = y - MADE_SIDE / 2;
      const sx = mirrored(Math.floor(left + a * u - b * v), from.width);
      const sy = mirrored(Math.floor(top + b * u + a * v), from.height);
      const p = (sy * from.width + sx) * 3;
      data[at] = from.data[p]!;
      data[at + 1] = from.data[p + 1]!;
      data[at + 2] = from.data[p + 2]!;
    }
  }
  return { width: MADE_SIDE, height: MADE_SIDE, data };
}

/** Pictures go on mirrored beyond their border. */
function mirrored(at: number, size: number): number {
  const turn = ((at % (2 * size)) + 2 * size) % (2 * size);
  return turn < size ? turn : 2 * size - 1 - turn;
}

function evenly<T>(list: readonly T[], count: number): T[] {
  if (list.length <= count) return [...list];
  return Array.from({ length: count }, (_, i) => list[Math.floor((i * list.length) / count)]!);
}
