import {
  DESCRIPTOR_WORDS,
  type Keypoints,
  bytes,
  nibbles,
  transformDescriptors,
} from '../fingerprint/keypoints.ts';
import { type Vocabulary, nearestWords, wordCount, wordsOf } from './vocabulary.ts';

/** Points of an output and of one work that look alike, in step. */
export interface Correspondences {
  readonly id: number;
  /** How much they say for this work: rare words and near descriptors count more. */
  readonly votes: number;
  readonly length: number;
  /** Index of the point in the output's keypoints and in the work's. */
  readonly output: Uint16Array;
  readonly work: Uint16Array;
  /** Descriptor distance, bits. */
  readonly distance: Uint8Array;
  /** 1 where the output's point looks like the work's mirrored. */
  readonly mirrored: Uint8Array;
  /** What each says for this work. */
  readonly vote: Float32Array;
}

/** What the index says of an output. */
export interface KeypointAnswer {
  /** The works with the most votes, most first. */
  readonly works: readonly Correspondences[];
  /**
   * How telling each of the output's points is, 0..1: 1 where at most one work has a point like it, 0 where all do.
   * First all points as they lie, then all points mirrored.
   */
  readonly rarity: Float32Array;
}

export interface KeypointQueryOptions {
  /** Works returned at most. */
  readonly top: number;
  /** Largest descriptor distance that counts. */
  readonly radius: number;
  /** At most so many of the output's points are asked about, as they lie and mirrored, evenly taken from its list. */
  readonly points: number;
  readonly mirroredPoints: number;
  /** At most so many stored points are compared, under the rarest words first: a bound on time at any size. */
  readonly postings: number;
}

export const KEYPOINT_QUERY: KeypointQueryOptions = {
  top: 24,
  radius: 44,
  points: 700,
  mirroredPoints: 450,
  postings: 400_000,
};

/** Of a point that no work's point resembles closely: nothing is known. */
const UNSEEN_RARITY = 0.8;

/** Size and direction (256ths of a turn) of a work's points. */
interface PointShapes {
  readonly level: Uint8Array;
  readonly turn: Uint8Array;
}

/** A point of the output, as it lies (0) or mirrored (1), that works are looked up for. */
interface Asked {
  readonly side: 0 | 1;
  readonly point: number;
  readonly word: number;
  readonly postings: number;
}

/** A run of works whose postings lie sorted by word. */
interface Segment {
  /** Where each word's postings start; one more than there are words. */
  readonly starts: Int32Array;
  readonly slotOf: Int32Array;
  readonly pointOf: Uint16Array;
  readonly descriptors: Int32Array;
}

/**
 * Finds works by keypoints: an inverted file of visual words with the full descriptors inline. A descriptor is compared
 * only with those filed under its nearest words, so a near one may be missed; a found one is exact.
 */
export class KeypointIndex {
  readonly #vocabulary: Vocabulary;
  readonly #slotById = new Map<number, number>();
  readonly #idBySlot: (number | undefined)[] = [];
  readonly #pointsBySlot: PointShapes[] = [];
  readonly #pending = new Map<number, { words: Int32Array; descriptors: Int32Array }>();
  #segments: Segment[] = [];

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
  }

  get size(): number {
    return this.#slotById.size;
  }

  /**
   * @param words the keypoints' words if they were computed before (see wordsOf); it is what takes the time here
   * @throws RangeError when the id is already stored
   */
  add(id: number, keypoints: Keypoints, words: Int32Array = wordsOf(this.#vocabulary, keypoints)): void {
    if (this.#slotById.has(id)) throw new RangeError(`Id ${id} is already in the index.`);
    const slot = this.#idBySlot.length;
    this.#idBySlot.push(id);
    this.#slotById.set(id, slot);
    this.#pointsBySlot.push({
      level: keypoints.level,
      turn: Uint8Array.from(keypoints.angle, (angle) => Math.round((angle / (2 * Math.PI)) * 256)),
    });
    this.#pending.set(slot, { words, descriptors: keypoints.descriptors });
  }

  /** Forgets the id; false when it was not there. Its postings go when segments are merged. */
  remove(id: number): boolean {
    const slot = this.#slotById.get(id);
    if (slot === undefined) return false;
    this.#slotById.delete(id);
    this.#idBySlot[slot] = undefined;
    this.#pending.delete(slot);
    return true;
  }

  query(keypoints: Keypoints, options: KeypointQueryOptions = KEYPOINT_QUERY): KeypointAnswer {
    this.#file();
    const rarity = new Float32Array(2 * keypoints.count).fill(UNSEEN_RARITY);
    if (this.size === 0) return { works: [], rarity };
    const found = new Collector(this.#idBySlot.length, keypoints, this.#pointsBySlot);
    const sides = [
      keypoints.descriptors,
      transformDescriptors(keypoints.descriptors, { mirrored: true, inverted: false }),
    ] as const;
    const asked = [
      ...this.#wordsOf(sides[0], 0, keypoints.count, options.points),
      ...this.#wordsOf(sides[1], 1, keypoints.count, options.mirroredPoints),
    ].toSorted((a, b) => a.postings - b.postings);
    let left = options.postings;
    for (const { side, point, word, postings } of asked) {
      left -= postings;
      if (left < 0) {
        rarity[side * keypoints.count + point] = Math.log(1 + this.size / postings) / Math.log(1 + this.size);
        continue;
      }
      found.begin(point, side);
      for (const segment of this.#segments) {
        scan(segment, word, sides[side], point, options.radius, found);
      }
      const rare = found.end(options.radius, this.size);
      if (rare !== undefined) rarity[side * keypoints.count + point] = rare;
    }
    return { works: found.best(options.top, this.#idBySlot), rarity };
  }

  /** Of some points, evenly taken, the word and how many works' points are filed under it. */
  #wordsOf(descriptors: Int32Array, side: 0 | 1, count: number, limit: number): Asked[] {
    const asked: Asked[] = [];
    const asking = Math.min(count, limit);
    const points = Uint16Array.from({ length: asking }, (_, i) => Math.floor((i * count) / asking));
    const chosen = new Int32Array(points.length * DESCRIPTOR_WORDS);
    for (const [i, point] of points.entries()) copyDescriptor(descriptors, point, chosen, i);
    for (const [i, word] of nearestWords(this.#vocabulary, chosen).entries()) {
      let postings = 0;
      for (const { starts } of this.#segments) postings += starts[word + 1]! - starts[word]!;
      asked.push({ side, point: points[i]!, word, postings });
    }
    return asked;
  }

  /** Brings pending works into a segment, and small segments together. */
  #file(): void {
    if (this.#pending.size === 0) return;
    this.#segments.push(buildSegment(this.#pending, wordCount(this.#vocabulary)));
    this.#pending.clear();
    while (this.#segments.length > 1) {
      const last = this.#segments.at(-1)!;
      const before = this.#segments.at(-2)!;
      if (before.slotOf.length > 2 * last.slotOf.length) break;
      this.#segments.splice(
        -2,
        2,
        mergeSegments(before, last, (slot) => this.#idBySlot[slot] !== undefined),
      );
    }
  }
}

/**
 * Of the bits in which a pair may differ, so many at most lie in the two middle words, and in the first half: farther
 * ones need no closer look. Of true pairs hardly any is lost.
 */
const MIDDLE_SHARE = 0.5;
const HALF_SHARE = 0.7;

function scan(
  segment: Segment,
  word: number,
  descriptors: Int32Array,
  point: number,
  radius: number,
  found: Collector,
): void {
  const q = point * DESCRIPTOR_WORDS;
  const q0 = descriptors[q]!;
  const q1 = descriptors[q + 1]!;
  const q2 = descriptors[q + 2]!;
  const q3 = descriptors[q + 3]!;
  const q4 = descriptors[q + 4]!;
  const q5 = descriptors[q + 5]!;
  const q6 = descriptors[q + 6]!;
  const q7 = descriptors[q + 7]!;
  const stored = segment.descriptors;
  const middleRadius = radius * MIDDLE_SHARE;
  const halfRadius = radius * HALF_SHARE;
  const end = segment.starts[word + 1]!;
  for (let p = segment.starts[word]!, at = p * DESCRIPTOR_WORDS; p < end; p += 1, at += DESCRIPTOR_WORDS) {
    // Bit counts of three words fit into nibbles together, those of all eight into bytes.
    const middle = bytes(nibbles(stored[at + 1]! ^ q1) + nibbles(stored[at + 2]! ^ q2));
    if (Math.imul(middle, 0x01010101) >>> 24 > middleRadius) continue;
    const half = middle + bytes(nibbles(stored[at]! ^ q0) + nibbles(stored[at + 3]! ^ q3));
    const halfDistance = Math.imul(half, 0x01010101) >>> 24;
    if (halfDistance > halfRadius) continue;
    const rest =
      bytes(nibbles(stored[at + 4]! ^ q4) + nibbles(stored[at + 5]! ^ q5)) +
      bytes(nibbles(stored[at + 6]! ^ q6) + nibbles(stored[at + 7]! ^ q7));
    const distance = halfDistance + (Math.imul(rest, 0x01010101) >>> 24);
    if (distance <= radius) found.add(segment.slotOf[p]!, segment.pointOf[p]!, distance);
  }
}

/**
 * Poses told apart while voting: turned by twelfths, sizes by two levels, as it lies or mirrored. Points that agree by
 * accident scatter over them, those of a copy do not.
 */
const TURNS = 12;
const SIZE_RANGE = 8;
const SIZES = SIZE_RANGE + 1;
const POSES = 2 * TURNS * SIZES;

/** For each work that is returned, how many of those with the most votes have their poses told apart. */
const SHORTLIST = 8;

/** Gathers correspondences; an output's point votes once for a work, with its nearest. */
class Collector {
  #slot = new Int32Array(4096);
  #output = new Uint16Array(4096);
  #work = new Uint16Array(4096);
  #distance = new Uint8Array(4096);
  #mirrored = new Uint8Array(4096);
  #vote = new Float32Array(4096);
  #length = 0;
  #begin = 0;
  #point = 0;
  #side = 0;
  readonly #votes: Float32Array;
  readonly #lastAt: Int32Array;
  readonly #level: Uint8Array;
  readonly #turn: Float32Array;
  readonly #shapes: readonly PointShapes[];

  constructor(slots: number, output: Keypoints, shapes: readonly PointShapes[]) {
    this.#votes = new Float32Array(slots);
    this.#lastAt = new Int32Array(slots).fill(-1);
    this.#level = output.level;
    this.#turn = Float32Array.from(output.angle, (angle) => (angle / (2 * Math.PI)) * TURNS);
    this.#shapes = shapes;
  }

  begin(point: number, mirrored: number): void {
    this.#begin = this.#length;
    this.#point = point;
    this.#side = mirrored;
  }

  add(slot: number, work: number, distance: number): void {
    let at = this.#lastAt[slot]!;
    if (at < this.#begin) {
      if (this.#length === this.#slot.length) this.#grow();
      at = this.#length;
      this.#length += 1;
      this.#lastAt[slot] = at;
      this.#slot[at] = slot;
      this.#output[at] = this.#point;
      this.#mirrored[at] = this.#side;
    } else if (distance >= this.#distance[at]!) return;
    this.#work[at] = work;
    this.#distance[at] = distance;
  }

  /** A point that looks like many works says little for each. */
  end(radius: number, works: number): number | undefined {
    const alike = this.#length - this.#begin;
    if (alike === 0) return undefined;
    const rarity = Math.log(1 + works / alike);
    for (let i = this.#begin; i < this.#length; i += 1) {
      const nearness = 1 - this.#distance[i]! / (radius + 1);
      const vote = rarity * rarity * (0.15 + nearness);
      this.#vote[i] = vote;
      this.#votes[this.#slot[i]!]! += vote;
    }
    return rarity / Math.log(1 + works);
  }

  best(top: number, idBySlot: readonly (number | undefined)[]): Correspondences[] {
    const shortlist = this.#shortlist(top * SHORTLIST, idBySlot);
    const rankOf = new Int16Array(idBySlot.length).fill(-1);
    for (const [rank, slot] of shortlist.entries()) rankOf[slot] = rank;
    const members = shortlist.map((): number[] => []);
    for (let i = 0; i < this.#length; i += 1) {
      const rank = rankOf[this.#slot[i]!]!;
      if (rank >= 0) members[rank]!.push(i);
    }
    return shortlist
      .map((slot, rank) => ({ slot, list: members[rank]!, votes: this.#votesOfBestPose(members[rank]!) }))
      .toSorted((a, b) => b.votes - a.votes || a.slot - b.slot)
      .slice(0, top)
      .map(({ slot, list, votes }) => ({
        id: idBySlot[slot]!,
        votes,
        length: list.length,
        output: Uint16Array.from(list, (i) => this.#output[i]!),
        work: Uint16Array.from(list, (i) => this.#work[i]!),
        distance: Uint8Array.from(list, (i) => this.#distance[i]!),
        mirrored: Uint8Array.from(list, (i) => this.#mirrored[i]!),
        vote: Float32Array.from(list, (i) => this.#vote[i]!),
      }));
  }

  /** At least `count` slots with the most votes where there are so many, in no order. */
  #shortlist(count: number, idBySlot: readonly (number | undefined)[]): number[] {
    // Numbers alone sort much faster than slots by their number.
    const least = this.#votes.toSorted().at(-count) ?? 0;
    const slots: number[] = [];
    for (let slot = 0; slot < idBySlot.length; slot += 1) {
      const votes = this.#votes[slot]!;
      if (votes > 0 && votes >= least && idBySlot[slot] !== undefined) slots.push(slot);
    }
    return slots;
  }

  #votesOfBestPose(members: readonly number[]): number {
    poses.fill(0);
    for (const i of members) {
      const point = this.#output[i]!;
      const side = this.#mirrored[i]!;
      const vote = this.#vote[i]!;
      const shape = this.#shapes[this.#slot[i]!]!;
      const work = this.#work[i]!;
      // A mirrored work's angles run the other way.
      const own = (shape.turn[work]! * TURNS) / 256;
      const first = Math.floor(this.#turn[point]! - (side ? -own : own) + 2 * TURNS);
      const size = (this.#level[point]! - shape.level[work]! + SIZE_RANGE) / 2;
      // Differences of level are whole numbers: even ones lie on a bin, odd ones between two.
      for (let each = Math.floor(size); each <= Math.ceil(size); each += 1) {
        const row = (side * SIZES + each) * TURNS;
        poses[row + (first % TURNS)]! += vote;
        poses[row + ((first + 1) % TURNS)]! += vote;
      }
    }
    let most = 0;
    for (let i = 0; i < POSES; i += 1) if (poses[i]! > most) most = poses[i]!;
    return most;
  }

  #grow(): void {
    const grown = <T extends Float32Array | Int32Array | Uint16Array | Uint8Array>(to: T, from: T): T => {
      to.set(from);
      return to;
    };
    const n = this.#slot.length * 2;
    this.#slot = grown(new Int32Array(n), this.#slot);
    this.#output = grown(new Uint16Array(n), this.#output);
    this.#work = grown(new Uint16Array(n), this.#work);
    this.#distance = grown(new Uint8Array(n), this.#distance);
    this.#mirrored = grown(new Uint8Array(n), this.#mirrored);
    this.#vote = grown(new Float32Array(n), this.#vote);
  }
}

const poses = new Float32Array(POSES);

function buildSegment(
  works: ReadonlyMap<number, { words: Int32Array; descriptors: Int32Array }>,
  words: number,
): Segment {
  let total = 0;
  const starts = new Int32Array(words + 1);
  for (const work of works.values()) {
    total += work.words.length;
    for (const word of work.words) starts[word + 1]! += 1;
  }
  for (let w = 0; w < words; w += 1) starts[w + 1]! += starts[w]!;
  const next = starts.slice();
  const slotOf = new Int32Array(total);
  const pointOf = new Uint16Array(total);
  const descriptors = new Int32Array(total * DESCRIPTOR_WORDS);
  for (const [slot, work] of works) {
    for (const [point, word] of work.words.entries()) {
      const at = next[word]!;
      next[word] = at + 1;
      slotOf[at] = slot;
      pointOf[at] = point;
      copyDescriptor(work.descriptors, point, descriptors, at);
    }
  }
  return { starts, slotOf, pointOf, descriptors };
}

function copyDescriptor(from: Int32Array, i: number, to: Int32Array, j: number): void {
  for (let k = 0; k < DESCRIPTOR_WORDS; k += 1)
    to[j * DESCRIPTOR_WORDS + k] = from[i * DESCRIPTOR_WORDS + k]!;
}

function mergeSegments(a: Segment, b: Segment, alive: (slot: number) => boolean): Segment {
  const words = a.starts.length - 1;
  const starts = new Int32Array(words + 1);
  const room = a.slotOf.length + b.slotOf.length;
  const slotOf = new Int32Array(room);
  const pointOf = new Uint16Array(room);
  const descriptors = new Int32Array(room * DESCRIPTOR_WORDS);
  let at = 0;
  for (let w = 0; w < words; w += 1) {
    for (const s of [a, b]) {
      for (let p = s.starts[w]!; p < s.starts[w + 1]!; p += 1) {
        if (!alive(s.slotOf[p]!)) continue;
        slotOf[at] = s.slotOf[p]!;
        pointOf[at] = s.pointOf[p]!;
        copyDescriptor(s.descriptors, p, descriptors, at);
        at += 1;
      }
    }
    starts[w + 1] = at;
  }
  return {
    starts,
    slotOf: slotOf.slice(0, at),
    pointOf: pointOf.slice(0, at),
    descriptors: descriptors.slice(0, at * DESCRIPTOR_WORDS),
  };
}
