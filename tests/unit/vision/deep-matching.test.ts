import { describe, expect, it } from 'vitest';
import {
  type KeypointOptions,
  OUTPUT_KEYPOINTS,
  WORK_KEYPOINTS,
  extractKeypoints,
} from '../../../src/vision/fingerprint/keypoints.ts';
import type { Raster } from '../../../src/vision/fingerprint/raster.ts';
import { structureDistance, structureHashes } from '../../../src/vision/fingerprint/structure-hash.ts';
import { OUTPUT_THUMB, WORK_THUMB, thumbnail } from '../../../src/vision/fingerprint/thumbnail.ts';
import { trimBox } from '../../../src/vision/fingerprint/trim.ts';
import { ORIENTATIONS } from '../../../src/vision/fingerprint/pdq.ts';
import {
  type Verification,
  glance,
  orientedMap,
  prepareOutput,
  propose,
  verify,
} from '../../../src/vision/matching/verify.ts';
import {
  type Evidence,
  confidenceOf,
  describeChange,
  runnerUpTo,
} from '../../../src/vision/matching/score.ts';
import { KEYPOINT_QUERY, KeypointIndex } from '../../../src/vision/search/keypoint-index.ts';
import { trainVocabulary } from '../../../src/vision/search/vocabulary.ts';
import { draw, grey, lay, pixel } from './pictures.ts';

const WHOLE = { x: 0, y: 0, width: 1, height: 1 };
const view = (raster: Raster, options: KeypointOptions, side: number) => ({
  keypoints: extractKeypoints(raster, options),
  thumb: thumbnail(raster, side),
});
/** Overlapping tilted discs, another picture for each seed: unlike rectangles, no two of its corners are alike. */
function scene(seed: number, width: number, height: number): Raster {
  let state = Math.imul(seed, 0x9e3779b1) >>> 0;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const discs = Array.from({ length: 40 }, () => ({
    x: random() * width,
    y: random() * height,
    a: 8 + random() * 50,
    b: 8 + random() * 50,
    tilt: random() * Math.PI,
    colour: [0, 1, 2].map(() => Math.floor(random() * 256)) as [number, number, number],
  }));
  return draw(width, height, (x, y) => {
    const over = discs.findLast((disc) => {
      const dx = x - disc.x;
      const dy = y - disc.y;
      const u = (dx * Math.cos(disc.tilt) + dy * Math.sin(disc.tilt)) / disc.a;
      const v = (dy * Math.cos(disc.tilt) - dx * Math.sin(disc.tilt)) / disc.b;
      return u * u + v * v < 1;
    });
    return over?.colour ?? grey(235);
  });
}

const pictures = Array.from({ length: 12 }, (_, i) => scene(i + 1, 360, 300));
const works = pictures.map((raster) => view(raster, WORK_KEYPOINTS, WORK_THUMB));

function sampleOf(list: typeof works): Int32Array {
  return Int32Array.from(list.flatMap((work) => [...work.keypoints.descriptors]));
}

const vocabulary = trainVocabulary(sampleOf(works), 8, 8, 3);

function filled(): KeypointIndex {
  const index = new KeypointIndex(vocabulary);
  for (const [id, work] of works.entries()) index.add(id, work.keypoints);
  return index;
}

const index = filled();

function best(raster: Raster): { id: number; verification: Verification } | null {
  const { keypoints, thumb } = view(raster, OUTPUT_KEYPOINTS, OUTPUT_THUMB);
  const { works: found, rarity } = index.query(keypoints);
  const output = prepareOutput(keypoints, thumb, rarity);
  const verified = found.flatMap((f) => {
    const proposal = propose(f, keypoints, works[f.id]!.keypoints);
    if (proposal === null) return [];
    const seen = glance(works[f.id]!, output, proposal.transform);
    return [{ id: f.id, verification: verify(works[f.id]!, output, seen) }];
  });
  const agreement = ({ verification: v }: { verification: Verification }) =>
    v.weight * Math.max(0, v.alignment.structure);
  return verified.toSorted((a, b) => agreement(b) - agreement(a))[0] ?? null;
}

/** Draws `inner` at (left, top), shrunk by `shrink`, on another picture. */
function paste(inner: Raster, on: Raster, left: number, top: number, shrink: number): Raster {
  return draw(on.width, on.height, (x, y) => {
    const u = Math.floor((x - left) * shrink);
    const v = Math.floor((y - top) * shrink);
    return u >= 0 && v >= 0 && u < inner.width && v < inner.height ? pixel(inner, u, v) : pixel(on, x, y);
  });
}

function crop(raster: Raster, left: number, top: number, width: number, height: number): Raster {
  return draw(width, height, (x, y) => pixel(raster, left + x, top + y));
}

describe('keypoints, index and verification together', () => {
  it('finds the work in a crop and says which part', () => {
    const match = best(crop(pictures[3]!, 90, 60, 200, 180))!;
    expect(match.id).toBe(3);
    expect(match.verification.overlap.work).toBeCloseTo((200 * 180) / (360 * 300), 1);
    expect(match.verification.overlap.output).toBeGreaterThan(0.97);
    expect(match.verification.alignment.structure).toBeGreaterThan(0.8);
    const [[left, top]] = match.verification.quad as [[number, number]];
    expect(left).toBeCloseTo(-90 / 200, 1);
    expect(top).toBeCloseTo(-60 / 180, 1);
  });

  it('finds it pasted small into another picture', () => {
    const match = best(paste(pictures[5]!, scene(99, 512, 400), 260, 40, 2))!;
    expect(match.id).toBe(5);
    const [topLeft, , bottomRight] = match.verification.quad as [number, number][];
    expect(topLeft![0]).toBeCloseTo(260 / 512, 1);
    expect(topLeft![1]).toBeCloseTo(40 / 400, 1);
    expect(bottomRight![0]).toBeCloseTo(440 / 512, 1);
    expect(bottomRight![1]).toBeCloseTo(190 / 400, 1);
  });

  it('finds it mirrored and cropped', () => {
    const match = best(crop(lay(pictures[8]!, 'mirrored'), 40, 30, 260, 220))!;
    expect(match.id).toBe(8);
    expect(match.verification.mirrored).toBe(true);
    expect(match.verification.alignment.structure).toBeGreaterThan(0.8);
  });

  it('finds little for a picture it does not hold', () => {
    const match = best(scene(1234, 360, 300));
    expect(match?.verification.alignment.structure ?? 0).toBeLessThan(0.6);
    expect(match?.verification.weight ?? 0).toBeLessThan(20);
  });
});

describe('confidence', () => {
  const runnerUp = runnerUpTo(new Map(), 'any');
  const evidenceOf = (verification: Verification): Evidence => ({
    verification,
    support: 10,
    hashDistance: 120,
    structureDistance: 120,
    proposedBy: 'keypoints',
    runnerUp,
  });
  const confidence = (verification: Verification) => confidenceOf(evidenceOf(verification));

  it('is high for a crop and low for another picture', () => {
    expect(confidence(best(crop(pictures[3]!, 90, 60, 200, 180))!.verification)).toBeGreaterThan(0.6);
    const stranger = best(scene(1234, 360, 300));
    if (stranger !== null) expect(confidence(stranger.verification)).toBeLessThan(0.3);
  });

  it('takes the second best of the other works as the runner-up, and a typical one where there are fewer', () => {
    const scores = new Map([
      ['own', 5],
      ['twin', 4],
      ['rival', -1],
      ['other', -6],
    ]);
    expect(runnerUpTo(scores, 'own')).toBe(-1);
    expect(runnerUpTo(new Map([['own', 5]]), 'own')).toBe(runnerUp);
  });

  it('describes what happened to the work', () => {
    const mirrored = crop(lay(pictures[8]!, 'mirrored'), 40, 30, 260, 220);
    const { id, verification } = best(mirrored)!;
    const description = describeChange(
      evidenceOf(verification),
      works[id]!.keypoints,
      extractKeypoints(mirrored, OUTPUT_KEYPOINTS),
    );
    expect(description.changes).toContain('mirrored');
    expect(description.changes).toContain('partial');
    expect(description.changes).not.toContain('rotated');
    expect(description.scale).toBeCloseTo(1, 1);
  });
});

describe('KeypointIndex', () => {
  const { keypoints } = view(pictures[4]!, OUTPUT_KEYPOINTS, OUTPUT_THUMB);

  it('asks about points there are, and as many as it may, whatever their number', () => {
    // 450 of 653: in floating point 653 / (653 / 450) is a little more than 450.
    for (const count of [1, 449, 450, 451, 582, 653, 745]) {
      const many = (values: Float32Array) => Float32Array.from({ length: count }, (_, i) => values[i % 50]!);
      const { width, height, descriptors } = keypoints;
      const words = descriptors.length / Math.max(1, keypoints.x.length);
      const asked = {
        width,
        height,
        count,
        x: many(keypoints.x),
        y: many(keypoints.y),
        angle: many(keypoints.angle),
        level: Uint8Array.from({ length: count }, (_, i) => keypoints.level[i % 50]!),
        descriptors: Int32Array.from({ length: count * words }, (_, i) => descriptors[i % (50 * words)]!),
      };
      const options = {
        ...KEYPOINT_QUERY,
        radius: 256,
        points: 450,
        mirroredPoints: 450,
        postings: Infinity,
      };
      const { works: found } = index.query(asked, options);
      const points = new Set(found.flatMap(({ output }) => [...output]));
      expect(Math.max(...points)).toBeLessThan(count);
      expect(points.size).toBeLessThanOrEqual(450);
    }
  });

  it('answers the same whatever the order of filing', () => {
    const slow = new KeypointIndex(vocabulary);
    for (const [id, work] of works.entries()) {
      slow.add(id, work.keypoints);
      slow.query(keypoints);
    }
    expect(slow.query(keypoints)).toEqual(index.query(keypoints));
  });

  it('compares no more stored points than it may, the rarest first, and still finds the work', () => {
    const bounded = index.query(keypoints, { ...KEYPOINT_QUERY, postings: 4_000 });
    expect(bounded.works[0]!.id).toBe(4);
    const all = index.query(keypoints).works[0]!;
    expect(bounded.works[0]!.length).toBeLessThan(all.length / 2);
  });

  it('forgets what is removed and refuses what is there', () => {
    const changing = filled();
    expect(changing.query(keypoints).works[0]!.id).toBe(4);
    expect(changing.remove(4)).toBe(true);
    expect(changing.remove(4)).toBe(false);
    expect(changing.query(keypoints).works.map((work) => work.id)).not.toContain(4);
    changing.add(4, works[4]!.keypoints);
    expect(() => changing.add(4, works[4]!.keypoints)).toThrow(RangeError);
    expect(changing.query(keypoints).works[0]!.id).toBe(4);
    expect(changing.size).toBe(12);
  });
});

describe('aligning whole views', () => {
  it.each(ORIENTATIONS)('lays the work on its picture %s', (orientation) => {
    const laid = lay(pictures[2]!, orientation);
    const { keypoints, thumb } = view(laid, OUTPUT_KEYPOINTS, OUTPUT_THUMB);
    const output = prepareOutput(keypoints, thumb, new Float32Array(2 * keypoints.count).fill(1));
    // What undoes the laying, by trying all: exactly one must agree.
    const agreeing = ORIENTATIONS.filter((_, i) => {
      const map = orientedMap(pictures[2]!, WHOLE, laid, WHOLE, i);
      return glance(works[2]!, output, map).look.structure > 0.8;
    });
    const inverse = { rot90: 'rot270', rot270: 'rot90' } as Record<string, string>;
    expect(agreeing).toEqual([inverse[orientation] ?? orientation]);
    // The structure hash chooses the same one.
    const own = structureHashes(works[2]!.thumb, WHOLE)[0]!;
    const distances = structureHashes(thumb, WHOLE).map((hash) => structureDistance(hash, own));
    expect(ORIENTATIONS[distances.indexOf(Math.min(...distances))]).toBe(agreeing[0]);
  });

  it('agrees with the negative, whose tone is reversed', () => {
    const negative = draw(360, 300, (x, y) => {
      const [r, g, b] = pixel(pictures[2]!, x, y);
      return [255 - r, 255 - g, 255 - b];
    });
    const { keypoints, thumb } = view(negative, OUTPUT_KEYPOINTS, OUTPUT_THUMB);
    const output = prepareOutput(keypoints, thumb, new Float32Array(2 * keypoints.count).fill(1));
    const map = orientedMap(pictures[2]!, WHOLE, negative, WHOLE, 0);
    const seen = verify(works[2]!, output, glance(works[2]!, output, map, true));
    expect(seen.alignment.structure).toBeGreaterThan(0.8);
    expect(seen.alignment.tone).toBeLessThan(-0.9);
    expect(seen.inliers).toBeGreaterThan(50);
    // The same picture at the same size: every pair lies at one place.
    expect(seen.correspondences).toHaveLength(seen.inliers);
    for (const [x, y, u, v] of seen.correspondences) expect(Math.hypot(x - u, y - v)).toBeLessThan(0.03);
  });
});

describe('trimBox', () => {
  it('finds a coloured frame that is wider on one side', () => {
    const framed = draw(400, 300, (x, y) =>
      x >= 100 && x < 380 && y >= 30 && y < 290 ? pixel(pictures[1]!, x - 100, y - 30) : [200, 30, 90],
    );
    const box = trimBox(thumbnail(framed, OUTPUT_THUMB))!;
    expect(box.x).toBeCloseTo(0.25, 1);
    expect(box.y).toBeCloseTo(0.1, 1);
    expect(box.width).toBeCloseTo(0.7, 1);
    expect(box.height).toBeCloseTo(260 / 300, 1);
  });

  it('leaves a picture without a frame, and a flat one, alone', () => {
    expect(
      trimBox(
        thumbnail(
          draw(64, 64, () => grey(9)),
          OUTPUT_THUMB,
        ),
      ),
    ).toBeNull();
    const noise = draw(128, 128, (x, y) => grey(Math.imul(x + 31 * y, 2654435761) >>> 24));
    expect(trimBox(thumbnail(noise, OUTPUT_THUMB))).toBeNull();
  });

  it('takes no part of a soft gradient for two borders at once', () => {
    for (const range of [16, 20, 24, 28]) {
      const gradient = draw(128, 128, (_, y) => grey(100 + Math.floor((y * range) / 128)));
      expect(trimBox(thumbnail(gradient, OUTPUT_THUMB))).toBeNull();
    }
  });
});
