import { readFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { scoreWatermarks } from '../../../src/platform/provenance/readers/watermark.ts';
import {
  type RawPicture,
  SD1_MESSAGE,
  SDXL_MESSAGE,
  embedWatermark,
  rawPicture,
} from '../../support/provenance-encoders.ts';
import { noisy, picturesIn, pixelsOf, squareOf, throughJpeg } from '../../support/worn-pictures.ts';

const cases = [
  ['SDXL', SDXL_MESSAGE, 0, ['bytes', 'fractions', 'fractions, red for blue']],
  ['SD 1', SD1_MESSAGE, 1, ['bytes']],
] as const;

describe.each(cases)('%s', (_, message, which, manners) => {
  test.each([1, 2, 3, 4])(
    'found in a textured picture (%i) as embedded, after JPEG and after noise',
    async (seed) => {
      const marked = embedWatermark(rawPicture(seed, 1024, 1024), message);
      for (const [what, pixels] of [
        ['as embedded', marked],
        ['with an alpha channel', withAlpha(marked)],
        ['JPEG 95', await throughJpeg(marked, 95)],
        ['JPEG 80', await throughJpeg(marked, 80)],
        ['noise', noisy(marked, 8, 1)],
        ['noise and JPEG 80', await throughJpeg(noisy(marked, 4, 2), 80)],
      ] as const) {
        const scores = scoreWatermarks(pixels);
        expect({ what, ...scores[which] }).toMatchObject({ what, level: 'very likely' });
        expect({ what, other: scores[1 - which]!.level }).toEqual({ what, other: 'none' });
      }
    },
  );

  test('nearly every bit is read where the encoder could write it', () => {
    const score = scoreWatermarks(embedWatermark(rawPicture(1, 1024, 1024), message))[which]!;
    expect(score.equal / score.of).toBeGreaterThan(0.85);
  });

  // Flat drawings of full colour leave the encoder no room: what it writes is clipped away at once.
  test('found in at least nine of ten drawings as embedded, and in four of five after noise', async () => {
    const files = (await picturesIn(path.join('fixtures', 'catalogue'))).filter((_, i) => i % 3 === 0);
    let embedded = 0;
    let afterNoise = 0;
    for (const file of files) {
      const marked = embedWatermark(await squareOf(file, 768), message);
      if (scoreWatermarks(marked)[which]!.level === 'very likely') embedded++;
      if (scoreWatermarks(noisy(marked, 8, 1))[which]!.level === 'very likely') afterNoise++;
    }
    expect(embedded / files.length).toBeGreaterThanOrEqual(0.9);
    expect(afterNoise / files.length).toBeGreaterThanOrEqual(0.8);
  });

  // Halved colours and coarse steps take the values that carry the mark; how far its blocks stand out remains.
  test.each(manners)('given %s, found in half of the drawings after JPEG 80', async (manner) => {
    const files = (await picturesIn(path.join('fixtures', 'catalogue'))).filter((_, i) => i % 4 === 0);
    let found = 0;
    for (const file of files) {
      const marked = embedWatermark(await squareOf(file, which === 0 ? 1024 : 512), message, manner);
      if (scoreWatermarks(await throughJpeg(marked, 80))[which]!.level === 'very likely') found++;
    }
    expect(found / files.length).toBeGreaterThanOrEqual(0.5);
  });

  test('halved, cropped off the grid or turned, the mark is lost', async () => {
    const { data, ...raw } = embedWatermark(rawPicture(1, 1024, 1024), message);
    const marked = () => sharp(data, { raw });
    for (const changed of [
      marked().resize(512),
      marked().extract({ left: 3, top: 5, width: 1000, height: 1000 }),
      marked().rotate(90),
    ])
      expect(scoreWatermarks(await pixelsOf(await changed.png().toBuffer()))[which]!.level).toBe('none');
  });
});

// See marked/mark.py, which made the pictures and wrote down what the published decoder reads in them.
describe('marked by another implementation, with OpenCV, PyWavelets and Pillow', () => {
  const folder = path.join(import.meta.dirname, 'marked');
  const names: Record<string, string> = {
    sdxl: 'Stable Diffusion XL',
    sd1: 'Stable Diffusion 1',
    sd2: 'Stable Diffusion 2',
    flux: 'FLUX',
  };

  test('every picture is found to carry its mark, after JPEG 80 and after noise too, and no other', async () => {
    const files = await picturesIn(folder);
    expect(files).toHaveLength(14);
    for (const file of files) {
      const name = path.basename(file);
      const found = scoreWatermarks(await pixelsOf(file)).filter(({ level }) => level !== 'none');
      expect({ name, found }).toMatchObject({
        name,
        found: [{ name: names[name.split('-')[0]!], level: 'very likely' }],
      });
    }
  });

  test('as embedded, as many bits are read as the published decoder reads', async () => {
    const published = JSON.parse(await readFile(path.join(folder, 'published.json'), 'utf8')) as object;
    const [score] = scoreWatermarks(await pixelsOf(path.join(folder, 'sd1-bytes.webp'))).filter(
      ({ name }) => name === names['sd1'],
    );
    expect(score).toMatchObject({ equal: 136, of: 136 });
    expect(published).toMatchObject({ 'sd1-bytes.webp': 136 });
  });
});

describe('unmarked', () => {
  const folders = [path.join('fixtures', 'catalogue'), path.join('fixtures', 'outputs')];
  test.each(folders)('%s: none is "very likely"', async (folder) => {
    for (const file of await picturesIn(folder)) {
      const pixels = await pixelsOf(file);
      for (const { level } of scoreWatermarks(pixels))
        expect(`${file}: ${level}`).not.toBe(`${file}: very likely`);
      // Some fixtures are smaller than the encoder takes; enlarged, every one is judged.
      const enlarged = await squareOf(file, 640);
      for (const { level } of [
        ...scoreWatermarks(enlarged),
        ...scoreWatermarks(await throughJpeg(enlarged, 80)),
      ])
        expect(`${file}: ${level}`).not.toBe(`${file}: very likely`);
    }
  });

  const evaluation = process.env['UTSUSHI_EVAL_DIR'];
  test.skipIf(evaluation === undefined)(
    '500 pictures of the evaluation pack: none is "very likely"',
    async () => {
      let judged = 0;
      for (const file of await picturesIn(path.join(evaluation!, 'pack'))) {
        if (judged === 500) break;
        const scores = scoreWatermarks(await pixelsOf(await readFile(file)));
        if (scores.length === 0) continue;
        judged++;
        for (const { level } of scores) expect(`${file}: ${level}`).not.toBe(`${file}: very likely`);
      }
      expect(judged).toBe(500);
    },
  );

  test('too small, or without colours, is not judged', () => {
    expect(scoreWatermarks(rawPicture(1, 200, 200))).toEqual([]);
    expect(
      scoreWatermarks({ width: 512, height: 512, channels: 1, data: new Uint8Array(512 * 512) }),
    ).toEqual([]);
    expect(scoreWatermarks({ width: 512, height: 512, channels: 3, data: new Uint8Array(7) })).toEqual([]);
    expect(scoreWatermarks(rawPicture(1, 1, 70_000))).toEqual([]);
  });

  // 16,384 pixels is the widest that the compiled loops have room for.
  test.each([
    [24, 2_740],
    [2_740, 24],
    [16_391, 25],
    [16_392, 25],
    [70_000, 24],
    [24, 70_000],
  ])('%i x %i is judged', (width, height) => {
    for (const channels of [3, 4] as const) {
      const scores = scoreWatermarks(rawPicture(width, width, height, channels));
      expect(scores.map(({ level }) => level)).toEqual(['none', 'none', 'none', 'none']);
    }
  });

  test('a very wide picture is found to carry its mark too', () => {
    const marked = embedWatermark(rawPicture(1, 24_000, 64), SDXL_MESSAGE);
    expect(scoreWatermarks(marked)[0]).toMatchObject({ level: 'very likely' });
  });
});

function withAlpha({ width, height, data }: RawPicture): RawPicture {
  const out = Buffer.alloc(width * height * 4, 255);
  for (let i = 0; i < width * height; i++) data.copy(out, i * 4, i * 3, i * 3 + 3);
  return { width, height, channels: 4, data: out };
}
