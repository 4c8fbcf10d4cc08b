import {
  DESCRIPTOR_WORDS,
  type Keypoints,
  LEVEL_FACTOR,
  descriptorDistance,
} from '../fingerprint/keypoints.ts';
import type { Transform } from './geometry.ts';

/** Side of the cells by which an output's points are looked up, pixels. */
export const CELL = 16;

/** An output's points by cell, row by row. */
export interface Buckets {
  readonly columns: number;
  readonly rows: number;
  readonly starts: Int32Array;
  readonly points: Uint16Array;
}

/** What points of works are paired with. */
export interface PairedOutput {
  readonly keypoints: Keypoints;
  readonly mirrored: Int32Array;
  readonly inverted: Int32Array;
  readonly both: Int32Array;
  readonly buckets: Buckets;
}

/** Which of an output's descriptors: as they are, mirrored, as a negative, or both. */
export type Side = 'keypoints' | 'mirrored' | 'inverted' | 'both';

export function descriptorsOf(output: PairedOutput, side: Side): Int32Array {
  return side === 'keypoints' ? output.keypoints.descriptors : output[side];
}

/** Levels of a work's points are below this. */
export const LEVELS = 16;

/** By level of a work's points: the level they have in the output, and how far from their place to look there, pixels. */
export interface Sizes {
  readonly level: Float64Array;
  readonly size: Float64Array;
}

/** @param levelShift what the map adds to levels */
export function sizesOf(levelShift: number, reach: number): Sizes {
  const level = Float64Array.from({ length: LEVELS }, (_, own) => own + levelShift);
  return { level, size: level.map((each) => reach * Math.max(1, LEVEL_FACTOR ** each * 0.5)) };
}

/** Pairs of points: of the work, and of the output; in step. */
export interface FoundPairs {
  readonly length: number;
  /** The work's point and the output's, by turns. */
  readonly points: Uint16Array;
  /** Bits in which they differ. */
  readonly distance: Uint8Array;
  /** How many of the work's points could have had a pair. */
  readonly possible: number;
}

/** Largest descriptor distance of a pair whose place already agrees. */
export const GUIDED_DISTANCE = 68;
/** Levels of points of a pair differ by at most so much. */
const LEVEL_SLACK = 1.8;
/** Levels beyond these are not in the output's pyramid. */
const LEAST_LEVEL = -1.5;
const GREATEST_LEVEL = 8.5;

export interface MatchingKernel {
  /** For each of the work's points the most similar of the output's near where the map puts it. */
  guidedPairs(work: Keypoints, output: PairedOutput, map: Transform, sizes: Sizes, side: Side): FoundPairs;
}

/** The loops in plain TypeScript, in the order of the compiled ones (assembly/matching.ts): results are equal bit for bit. */
export const plainMatchingKernel: MatchingKernel = {
  guidedPairs(work, output, map, sizes, side) {
    const { keypoints: o, buckets } = output;
    const descriptors = descriptorsOf(output, side);
    const used = new Uint8Array(o.count);
    const points = new Uint16Array(2 * work.count);
    const distance = new Uint8Array(work.count);
    let possible = 0;
    let length = 0;
    for (let i = 0; i < work.count; i += 1) {
      const w = map[6]! * work.x[i]! + map[7]! * work.y[i]! + map[8]!;
      const x = (map[0]! * work.x[i]! + map[1]! * work.y[i]! + map[2]!) / w;
      const y = (map[3]! * work.x[i]! + map[4]! * work.y[i]! + map[5]!) / w;
      if (!(w > 0 && x >= 0 && y >= 0 && x < o.width && y < o.height)) continue;
      const level = sizes.level[work.level[i]!]!;
      if (level < LEAST_LEVEL || level > GREATEST_LEVEL) continue;
      possible += 1;
      let best = -1;
      let least = GUIDED_DISTANCE + 1;
      const size = sizes.size[work.level[i]!]!;
      const c0 = Math.max(0, Math.floor((x - size) / CELL));
      const c1 = Math.min(buckets.columns - 1, Math.floor((x + size) / CELL));
      const r0 = Math.max(0, Math.floor((y - size) / CELL));
      const r1 = Math.min(buckets.rows - 1, Math.floor((y + size) / CELL));
      for (let r = r0; r <= r1; r += 1) {
        const to = buckets.starts[r * buckets.columns + c1 + 1]!;
        for (let k = buckets.starts[r * buckets.columns + c0]!; k < to; k += 1) {
          const q = buckets.points[k]!;
          if (used[q] || Math.abs(o.level[q]! - level) > LEVEL_SLACK) continue;
          const dx = o.x[q]! - x;
          const dy = o.y[q]! - y;
          if (dx * dx + dy * dy > size * size) continue;
          const d = descriptorDistance(
            work.descriptors,
            i * DESCRIPTOR_WORDS,
            descriptors,
            q * DESCRIPTOR_WORDS,
          );
          if (d < least) {
            least = d;
            best = q;
          }
        }
      }
      if (best < 0) continue;
      used[best] = 1;
      points[2 * length] = i;
      points[2 * length + 1] = best;
      distance[length] = least;
      length += 1;
    }
    return { length, points, distance, possible };
  },
};
