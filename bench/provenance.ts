/** What reading provenance costs in a check, what damaged files do to it, and how often a watermark is found. */
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { decodeImage, decodeUntouched } from '../src/platform/image/decode.ts';
import { type Pixels, TrustList, readProvenance } from '../src/platform/provenance/index.ts';
import { scoreWatermarks } from '../src/platform/provenance/readers/watermark.ts';
import { FINGERPRINT_RASTER } from '../src/vision/fingerprint/fingerprint.ts';
import { readDamagedFiles } from '../tests/support/damaged-files.ts';
import {
  type Manner,
  type RawPicture,
  SD1_MESSAGE,
  SDXL_MESSAGE,
  embedWatermark,
  rawPicture,
} from '../tests/support/provenance-encoders.ts';
import {
  noisy,
  picturesIn,
  pixelsOf,
  squareOf,
  throughJpeg,
  throughWebp,
} from '../tests/support/worn-pictures.ts';
import { withInterval } from './statistics.ts';
import { brief, collectGarbage, cpuMs, markdown, median, percentile } from './support/measure.ts';
import type { BenchOptions, Section } from './support/section.ts';

const LIMITS = { maxPixels: 100_000_000 };
const INFOTEXT =
  'masterpiece, 1girl, moonlit_rooftop, <lora:ink-lines:0.7>\nNegative prompt: lowres, text\nSteps: 28, Sampler: Euler a, CFG scale: 7, Seed: 42, Size: 1024x1024, Model: dream_v3, Version: v1.10.1';

export async function provenanceSection(options: BenchOptions): Promise<Section> {
  return {
    file: 'provenance.md',
    title: 'Provenance',
    note: 'What the bytes and samples of a picture say about who generated it.',
    body: [await cost(options), await damaged(options), await watermarks(options)].join('\n\n'),
  };
}

const FORMATS: Record<string, (picture: Sharp) => Sharp> = {
  'PNG, RGB': (picture) => picture.png(),
  'PNG, RGBA': (picture) => picture.ensureAlpha(0.999).png(),
  'JPEG, quality 90': (picture) => picture.jpeg({ quality: 90 }),
  'WebP, quality 90': (picture) => picture.webp({ quality: 90 }),
};
const SIDES = [512, 1024];
/** Calls timed together: the operating system counts CPU time coarsely, and decoding leaves much to collect. */
const REPEATS = { readers: 100, samples: 5, decode: 5 };
/** Calls before: a check runs in a process that has done many, whose code is compiled. */
const WARM_UP = { readers: 1_000, samples: 50, decode: 50 };

async function cost({ small }: BenchOptions): Promise<string> {
  const rounds = small ? 1 : 9;
  const rows: string[][] = [];
  for (const side of small ? SIDES.slice(0, 1) : SIDES) {
    for (const [name, encode] of Object.entries(FORMATS)) {
      const { data, ...raw } = rawPicture(1, side, side);
      const bytes = await encode(sharp(data, { raw }))
        .withExif({ IFD0: { ImageDescription: INFOTEXT } })
        .toBuffer();
      rows.push([`${side} x ${side}`, name, ...(await costOf(bytes, rounds))]);
    }
  }
  const head = [
    'picture',
    'file',
    'readers, median ms',
    'p95',
    'samples for them, median ms',
    'readers / decoding',
  ];
  return [
    '## Cost in a check',
    `CPU time of all threads, once warm, over ${rounds} rounds of ${REPEATS.readers} calls of the readers and ${REPEATS.decode} of decoding, for a textured picture with a prompt in its EXIF. **Readers**: everything that looks at containers, metadata, hidden layers and the watermark, given bytes and samples. **Samples**: hidden layers and watermarks lie in the samples as stored, so the picture is decoded once more, as it is. The ratio compares the readers with decoding the picture for its fingerprint, in the same rounds.`,
    markdown(head, rows),
  ].join('\n\n');
}

async function costOf(bytes: Buffer, rounds: number): Promise<string[]> {
  const options = { trust: new TrustList([]), now: new Date() };
  const pixels: Pixels | undefined = await decodeUntouched(bytes, LIMITS);
  const steps = {
    readers: () => readProvenance(bytes, pixels, options),
    samples: () => decodeUntouched(bytes, LIMITS),
    decode: () => decodeImage(bytes, FINGERPRINT_RASTER, LIMITS),
  };
  const entries = Object.entries(steps) as [keyof typeof steps, () => Promise<unknown>][];
  for (const [name, step] of entries) for (let i = 0; i < WARM_UP[name]; i += 1) await step();
  const spent: Record<keyof typeof steps, number[]> = { readers: [], samples: [], decode: [] };
  collectGarbage();
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, step] of entries) {
      const before = cpuMs();
      for (let i = 0; i < REPEATS[name]; i += 1) await step();
      spent[name].push((cpuMs() - before) / REPEATS[name]);
    }
  }
  const { readers, samples, decode } = spent;
  const ratio = median(readers.map((ms, i) => ms / decode[i]!));
  return [brief(median(readers)), brief(percentile(readers, 0.95)), brief(median(samples)), ratio.toFixed(2)];
}

async function damaged({ small }: BenchOptions): Promise<string> {
  const count = small ? 100 : 100_000;
  const { slowest, grown, found, verified } = await readDamagedFiles(count);
  return [
    '## Damaged files',
    `${count.toLocaleString('en')} files of all readers' formats with bytes changed, cut out, doubled or cut off, every third with damaged samples too: no reader threw, or there would be no page. The same runs as a test: \`UTSUSHI_TEST_FULL=1 npx vitest run tests/integration/provenance/fuzz.test.ts\`.`,
    markdown(
      [
        'slowest file, ms of CPU',
        'memory grew by at most',
        'something still found in',
        'signatures called verified',
      ],
      [[brief(slowest), `${Math.max(0, grown).toFixed(0)} MiB`, found.toLocaleString('en'), `${verified}`]],
    ),
  ].join('\n\n');
}

/** Mark, message, its place among the scores, how its encoder is given the picture, and pixels a side it makes. */
const MARKS: readonly (readonly [
  name: string,
  message: Buffer,
  which: number,
  manner: Manner,
  side: number,
])[] = [
  ['Stable Diffusion XL, fractions', SDXL_MESSAGE, 0, 'fractions', 1024],
  ['Stable Diffusion XL, red for blue', SDXL_MESSAGE, 0, 'fractions, red for blue', 1024],
  ['Stable Diffusion XL, bytes', SDXL_MESSAGE, 0, 'bytes', 1024],
  ['Stable Diffusion 1, bytes', SD1_MESSAGE, 1, 'bytes', 512],
];

/** What may happen to a marked picture. */
const AFTERWARDS: Record<string, (picture: RawPicture) => RawPicture | Promise<Pixels>> = {
  'as embedded': (picture) => picture,
  'JPEG 95': (picture) => throughJpeg(picture, 95),
  'JPEG 90': (picture) => throughJpeg(picture, 90),
  'JPEG 85': (picture) => throughJpeg(picture, 85),
  'JPEG 80': (picture) => throughJpeg(picture, 80),
  'JPEG 80, 4:4:4': (picture) => throughJpeg(picture, 80, '4:4:4'),
  'WebP 80': (picture) => throughWebp(picture, 80),
  noise: (picture) => noisy(picture, 8, 1),
  'noise, JPEG 80': (picture) => throughJpeg(noisy(picture, 4, 1), 80),
};

async function watermarks({ small, fixtures, pack }: BenchOptions): Promise<string> {
  const drawings = await picturesIn(join(fixtures, 'catalogue'));
  const kinds: Record<string, ((side: number) => Promise<RawPicture> | RawPicture)[]> = {
    textured: Array.from({ length: small ? 1 : 6 }, (_, i) => (side) => rawPicture(i + 1, side, side)),
    'flat drawings (fixtures)': drawings
      .filter((_, i) => i % 3 === 0)
      .slice(0, small ? 1 : 12)
      .map((file) => (side) => squareOf(file, side)),
  };
  if (pack !== undefined)
    for (const [kind, files] of await kindsOf(pack))
      kinds[`of the corpus: ${kind}`] = files
        .slice(0, small ? 1 : 4)
        .map((file) => (side) => squareOf(file, side));
  const rows: string[][] = [];
  const all = new Map(MARKS.map(([name]) => [name, Object.keys(AFTERWARDS).map(() => 0)]));
  let pictures = 0;
  for (const [kind, load] of Object.entries(kinds)) {
    pictures += load.length;
    for (const [name, message, which, manner, side] of MARKS) {
      const found = Object.keys(AFTERWARDS).map(() => 0);
      for (const picture of load) {
        const marked = embedWatermark(await picture(side), message, manner);
        for (const [i, change] of Object.values(AFTERWARDS).entries())
          if (scoreWatermarks(await change(marked))[which]?.level === 'very likely') found[i]! += 1;
      }
      for (const [i, count] of found.entries()) all.get(name)![i]! += count;
      rows.push([`${kind} (${load.length})`, name, ...found.map(String)]);
    }
  }
  for (const [name, found] of all)
    rows.push([`all (${pictures})`, name, ...found.map((count) => withInterval(count, pictures))]);
  return [
    '## Watermarks found',
    'Marks embedded by an implementation of the published algorithm of our own: how many pictures are "very likely" marked, and for all of them the share in % with its 95 % interval. Stable Diffusion XL marks 1024 x 1024 pixels, Stable Diffusion 1 512 x 512. Its encoder is given fractions by SDXL\'s own code and by diffusers, early versions of which hand over red for blue; bytes by the scripts of Stable Diffusion 1. JPEG halves the colours (4:2:0) unless it says 4:4:4. Resizing, turning or cropping off the grid of eight pixels loses the mark.',
    markdown(['pictures', 'mark', ...Object.keys(AFTERWARDS)], rows),
    await unmarked(small, drawings, pack),
  ].join('\n\n');
}

/** Pictures of a corpus by kind, where its list says one. */
async function kindsOf(pack: string): Promise<Map<string, string[]>> {
  const kinds = new Map<string, string[]>();
  const list = await readFile(join(pack, 'pack.tsv'), 'utf8').catch(() => '');
  const kindOf = new Map(
    list.split('\n').map((line) => {
      const [file, , , , kind] = line.split('\t');
      return [file, kind] as const;
    }),
  );
  for (const file of await picturesIn(pack)) {
    const kind = kindOf.get(basename(file)) ?? 'all';
    kinds.set(kind, [...(kinds.get(kind) ?? []), file]);
  }
  return kinds;
}

async function unmarked(
  small: boolean,
  drawings: readonly string[],
  pack: string | undefined,
): Promise<string> {
  const files = pack === undefined ? drawings : await picturesIn(pack);
  const levels = { 'very likely': 0, likely: 0, none: 0 };
  let judged = 0;
  for (const file of small ? files.slice(0, 5) : files) {
    const jpeg = await sharp(file).flatten({ background: '#fff' }).jpeg({ quality: 80 }).toBuffer();
    for (const picture of [file, jpeg]) {
      const scores = scoreWatermarks(await pixelsOf(picture));
      if (scores.length === 0) continue;
      judged += 1;
      const worst = (['very likely', 'likely', 'none'] as const).find((level) =>
        scores.some((score) => score.level === level),
      )!;
      levels[worst] += 1;
    }
  }
  return `Unmarked pictures: ${judged.toLocaleString('en')} judged, each as it is and as JPEG 80, for each of the marks known: ${levels['very likely']} called "very likely", ${levels.likely} "likely" (no finding counts below "very likely").`;
}
