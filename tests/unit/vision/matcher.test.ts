import { beforeAll, describe, expect, it } from 'vitest';
import { type Features, extractFeatures, extractViews } from '../../../src/vision/fingerprint/features.ts';
import { fingerprint } from '../../../src/vision/fingerprint/fingerprint.ts';
import { hammingDistance } from '../../../src/vision/fingerprint/hash.ts';
import { ORIENTATIONS } from '../../../src/vision/fingerprint/pdq.ts';
import type { Raster } from '../../../src/vision/fingerprint/raster.ts';
import { structureDistance } from '../../../src/vision/fingerprint/structure-hash.ts';
import { workHashes } from '../../../src/vision/fingerprint/work-hashes.ts';
import { Matcher, idsOf } from '../../../src/vision/matching/matcher.ts';
import { verifyShortlist } from '../../../src/vision/matching/verify-shortlist.ts';
import { trainVocabulary } from '../../../src/vision/search/vocabulary.ts';
import { collage, draw, lay, pixel } from './pictures.ts';

const WIDTH = 400;
const HEIGHT = 300;
const pictures = Array.from({ length: 8 }, (_, i) => collage(i + 1, WIDTH, HEIGHT));

/** As the product brings a picture to the size that hashes are made of. */
function stretched(raster: Raster): Raster {
  return draw(512, 512, (x, y) =>
    pixel(raster, Math.floor((x * raster.width) / 512), Math.floor((y * raster.height) / 512)),
  );
}

function hashed(raster: Raster) {
  const whole = fingerprint(stretched(raster), raster);
  if (!whole.hashable) throw new Error('a picture of this test cannot be hashed');
  return whole.fingerprint;
}

const viewsOf = (raster: Raster) => extractViews(stretched(raster), raster, hashed(raster));
const negative = (raster: Raster) =>
  draw(raster.width, raster.height, (x, y) => {
    const [r, g, b] = pixel(raster, x, y);
    return [255 - r, 255 - g, 255 - b];
  });
const framed = (raster: Raster) =>
  draw(raster.width + 160, raster.height + 100, (x, y) =>
    x >= 100 && x < 100 + raster.width && y >= 30 && y < 30 + raster.height
      ? pixel(raster, x - 100, y - 30)
      : [30, 60, 90],
  );

const vocabulary = trainVocabulary(
  Int32Array.from({ length: 512 * 8 }, (_, i) => Math.imul(i + 1, 0x9e3779b1)),
  8,
  8,
  3,
);
const featuresOf = (raster: Raster, role: 'work' | 'output') =>
  extractFeatures(raster, hashed(raster), role, vocabulary);

let works: Features[];
beforeAll(() => {
  works = pictures.map((raster) => featuresOf(raster, 'work'));
});

function standard(): Matcher {
  const matcher = new Matcher(vocabulary);
  for (const [id, work] of works.entries()) matcher.add(id, workHashes(work));
  return matcher;
}

describe('the views of an output', () => {
  it.each([
    ['as it is', pictures[0]!],
    ['framed', framed(pictures[0]!)],
  ])('are nearly the same from the stretched raster: %s', (_, raster) => {
    const { views } = viewsOf(raster);
    const closely = featuresOf(raster, 'output').views;
    expect(views).toHaveLength(closely.length);
    for (const [i, view] of views.entries()) {
      const other = closely[i]!;
      for (const share of ['x', 'y', 'width', 'height'] as const)
        expect(Math.abs(view.box[share] - other.box[share])).toBeLessThan(2 / 256);
      for (let k = 0; k < ORIENTATIONS.length; k += 1) {
        expect(hammingDistance(view.pdq![k]!, other.pdq![k]!)).toBeLessThan(40);
        expect(structureDistance(view.structure[k]!, other.structure[k]!)).toBeLessThan(20);
      }
    }
  });
});

describe('at standard depth', () => {
  it('a closer look is due where a work is near: turned, as a negative, or within a frame', () => {
    const matcher = standard();
    expect(matcher.depth).toBe('standard');
    for (const orientation of ORIENTATIONS)
      expect(matcher.hasNear(viewsOf(lay(pictures[2]!, orientation)))).toBe(true);
    expect(matcher.hasNear(viewsOf(negative(pictures[3]!)))).toBe(true);
    expect(matcher.hasNear(viewsOf(framed(pictures[4]!)))).toBe(true);
    for (const stranger of [900, 901, 902, 903])
      expect(matcher.hasNear(viewsOf(collage(stranger, WIDTH, HEIGHT)))).toBe(false);
  });

  it('nothing is shortlisted unless a work is near, and then the right one is verified', () => {
    const matcher = standard();
    expect(idsOf(matcher.shortlist(featuresOf(collage(900, WIDTH, HEIGHT), 'output')))).toEqual([]);
    const shortlist = matcher.shortlist(featuresOf(lay(pictures[5]!, 'mirrored'), 'output'));
    const known = new Map(works.map((features, id) => [id, { key: `work ${id}`, features }] as const));
    expect(verifyShortlist(shortlist, known)[0]).toMatchObject({ id: 5, orientation: 'mirrored' });
    // What is not there any more is passed over.
    known.delete(5);
    expect(verifyShortlist(shortlist, known).map(({ id }) => id)).not.toContain(5);
  });

  it('a removed work is near nothing, and can come back deeply', () => {
    const matcher = standard();
    const output = viewsOf(pictures[6]!);
    expect(matcher.remove(6)).toBe(true);
    expect(matcher.remove(6)).toBe(false);
    expect(matcher.hasNear(output)).toBe(false);
    expect(matcher.size).toBe(works.length - 1);
    matcher.addDeep(6, workHashes(works[6]!), works[6]!);
    expect(matcher).toMatchObject({ size: works.length, depth: 'deep' });
    // Deep works need no gate, so this one speaks of the others only.
    expect(matcher.hasNear(output)).toBe(false);
    expect(idsOf(matcher.shortlist(featuresOf(pictures[6]!, 'output')))).toEqual([6]);
    expect(() => matcher.add(6, workHashes(works[6]!))).toThrow(RangeError);
  });
});
