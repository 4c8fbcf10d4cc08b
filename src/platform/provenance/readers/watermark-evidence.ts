import { BLOCK, type Plane, Strip } from './watermark-blocks.ts';
import type { Pixels } from '../reader.ts';

/** The encoder's step: a bit is the half of it in which the chosen cell lies. */
const STEP = 36;

/**
 * How the encoder was given the picture. The published one makes no difference between bytes and fractions, but
 * OpenCV's conversion does: the neutral U of bytes is 128, that of fractions 0.5. Given bytes (the scripts of Stable
 * Diffusion 1 and 2) it moves the greatest cell; given fractions (SDXL, FLUX) the one farthest from neutral, whichever
 * side. Early diffusers also hands over red for blue.
 */
const MANNERS = ['bytes', 'fractions', 'fractions, red for blue'] as const;
export type Manner = (typeof MANNERS)[number];

/** A Haar value of neutral colour: twice the neutral U. */
const NEUTRAL = { bytes: 256, fractions: 1 } as const;

/** Beyond these a difference comes from the picture, not from the mark. In the mark's own values. */
const MAX_STEP_UP = 4;
const MAX_LIFT = 8;
/** How much the other two signs count beside a block's level: what fits marked pictures after JPEG 80 best. */
const OF_TILT = 0.25;
const OF_LIFT = 0.1;

/**
 * What the blocks of a picture say about one message in one manner: the bits as the published decoder reads them, and
 * how far each block stands out from those around it.
 *
 * The second outlives JPEG, which takes the fine values the first needs but keeps, block by block, most of the level
 * that a 1 moves 18/16 further from neutral than a 0 does, and some of the tilt and of the one cell that carries it.
 */
export class Evidence {
  readonly bits: Uint8Array;
  readonly manner: Manner;
  readonly #ones: Float64Array;
  readonly #all: Float64Array;
  readonly #weighted: Float64Array;
  readonly #weights: Float64Array;
  #columns = 0;
  #standing: Standing | undefined;

  constructor(bits: Uint8Array, manner: Manner) {
    this.bits = bits;
    this.manner = manner;
    this.#ones = new Float64Array(bits.length);
    this.#all = new Float64Array(bits.length);
    this.#weighted = new Float64Array(bits.length);
    this.#weights = new Float64Array(bits.length);
  }

  /** Adds what the rows of a strip say, the first and last left out. */
  add({ said, weight, upper }: Reading, columns: number, firstRow: number, rows: number): void {
    this.#columns = columns;
    this.#standing = undefined;
    const ones = this.#ones;
    const all = this.#all;
    const weighted = this.#weighted;
    const weights = this.#weights;
    const length = this.bits.length;
    for (let row = 1; row < rows - 1; row++) {
      let bit = ((firstRow + row) * columns + 1) % length;
      for (let block = row * columns + 1; block < (row + 1) * columns - 1; block++) {
        all[bit]! += 1;
        ones[bit]! += upper[block]!;
        weighted[bit]! += said[block]!;
        weights[bit]! += weight[block]!;
        if (++bit === length) bit = 0;
      }
    }
  }

  /** Bits that the published decoder reads as the message has them. */
  get equal(): number {
    let equal = 0;
    // The published decoder rounds its mean so that an even vote counts as one.
    for (let i = 0; i < this.bits.length; i++)
      if (this.#all[i]! > 0 && Number(this.#ones[i]! * 255 > this.#all[i]! * 127) === this.bits[i]) equal++;
    return equal;
  }

  /** Bits that the message and {@link contrast} have in common: whether their blocks stand out more than the average. */
  get outstanding(): number {
    const { values, own } = this.#stand();
    return values.reduce((equal, value, i) => equal + Number(value * own[i]! > 0), 0);
  }

  /** How far the blocks, not only their majorities, read as the message has them: standard deviations above chance. */
  get agreement(): number {
    let agree = 0;
    let total = 0;
    for (let i = 0; i < this.bits.length; i++) {
      agree += this.bits[i] === 1 ? this.#ones[i]! : this.#all[i]! - this.#ones[i]!;
      total += this.#all[i]!;
    }
    return total === 0 ? 0 : (agree - total / 2) / Math.sqrt(total / 4);
  }

  /**
   * How far the blocks of the message's ones stand out further than those of its zeros, in standard deviations
   * (Fisher's z of the partial correlation).
   *
   * What a block's neighbours carry moves it too, most of all that of the block with which it shares JPEG's block of
   * colours; that is taken out first. And the result is divided by what the message gives at every other rotation: a
   * picture that repeats itself, as knitting does, agrees with any message that has a rhythm, but no better in its
   * right place than elsewhere.
   *
   * @param atLeast below this the rotations are not tried, as they could only lower it
   */
  contrast(atLeast: number): number {
    const { values, ...neighbours } = this.#stand();
    const message = Float64Array.from(this.bits);
    const freedom = Math.sqrt(message.length - 2 - neighbours.taken.length);
    const first = fisherZ(values, neighbours.own) * freedom;
    if (first < atLeast) return first;
    const taken = [...neighbours.taken, unit(neighbours.own)!];
    const rest = without(values, taken);
    let squares = 0;
    for (let by = 1; by < message.length; by++)
      squares += (fisherZ(rest, without(rotated(message, by), taken)) * freedom) ** 2;
    return first / Math.max(1, Math.sqrt(squares / (message.length - 1)));
  }

  #stand(): Standing {
    if (this.#standing !== undefined) return this.#standing;
    const means = this.#weighted.map((sum, i) => (this.#weights[i]! > 0 ? sum / this.#weights[i]! : 0));
    const { taken, own } = neighbourhood(this.bits, this.#columns);
    this.#standing = { taken, own, values: without(means, taken) };
    return this.#standing;
  }
}

interface Neighbourhood {
  /** What the neighbours of each bit's blocks carry, orthonormal, with the mean as the first. */
  readonly taken: readonly Vector[];
  /** What is left of the message without that. */
  readonly own: Vector;
}

interface Standing extends Neighbourhood {
  /** How far the blocks of each bit stand out, without what their neighbours carry. */
  readonly values: Vector;
}

/** What each block of a strip says in one manner. */
interface Reading {
  /** How far it stands out from the four around it, times how much that counts. */
  readonly said: Float64Array;
  readonly weight: Float64Array;
  /** 1 where the cell that carries the bit lies in the upper half of its step. */
  readonly upper: Uint8Array;
}

/** Writes what the blocks of a plane say, those with neighbours on all sides. */
function hear(
  { greatest, least, level, tilt }: Plane,
  manner: Manner,
  columns: number,
  rows: number,
  { said, weight, upper }: Reading,
): void {
  const inBytes = manner === 'bytes';
  const neutral = inBytes ? NEUTRAL.bytes : NEUTRAL.fractions;
  for (let row = 1; row < rows - 1; row++)
    for (let block = row * columns + 1; block < (row + 1) * columns - 1; block++) {
      const a = level[block - 1]!;
      const b = level[block + 1]!;
      const c = level[block - columns]!;
      const d = level[block + columns]!;
      const most = Math.max(Math.max(a, b), Math.max(c, d));
      const fewest = Math.min(Math.min(a, b), Math.min(c, d));
      const own = level[block]!;
      // The mean of the middle two: an edge beside the block does not count.
      const around = (a + b + c + d - most - fewest) / 2;
      const outstanding = clamp(own - around, MAX_STEP_UP) + OF_TILT * clamp(tilt[block]!, MAX_STEP_UP);
      let cell = greatest[block]!;
      let side = 1;
      if (!inBytes && -(least[block]! + neutral) > cell + neutral) {
        cell = least[block]!;
        side = -1;
      }
      const lift = side * (cell - (16 * own - cell) / 15);
      const distance = side * (cell + neutral);
      const counts = 1 / (1 + most - fewest);
      weight[block] = counts;
      said[block] = counts * (side * outstanding + OF_LIFT * clamp(lift, MAX_LIFT));
      upper[block] = distance - STEP * Math.floor(distance / STEP) > STEP / 2 ? 1 : 0;
    }
}

/** Blocks in one strip: few enough to stay in the processor's cache. */
const STRIP_BLOCKS = 2_048;
/** A strip has at least this many rows, of which the outer two are only neighbours. */
const LEAST_ROWS = 10;
/** About so many blocks are read at a time, and at most so many times; 1024 x 1024 pixels have 16,384. */
const PASS_BLOCKS = 3_072;
const MOST_PASSES = 21;

/**
 * Gives the evidence the blocks of a picture, in passes of strips spread over its height, of which each adds others. A
 * very large picture is not read to its end.
 *
 * @yields how many passes it has read
 */
export function* gather(pixels: Pixels, evidence: readonly Evidence[]): Generator<number> {
  const columns = Math.floor(pixels.width / BLOCK);
  const rows = Math.floor(pixels.height / BLOCK);
  const high = Math.min(rows, Math.max(LEAST_ROWS, Math.ceil(STRIP_BLOCKS / columns)));
  const step = high - 2;
  const strips = Math.ceil((rows - 2) / step);
  const passes = Math.max(1, Math.min(strips, Math.round((rows * columns) / PASS_BLOCKS)));
  const strip = new Strip(columns, high);
  const reading: Reading = {
    said: new Float64Array(columns * high),
    weight: new Float64Array(columns * high),
    upper: new Uint8Array(columns * high),
  };
  for (let pass = 0; pass < Math.min(passes, MOST_PASSES); pass++) {
    // The first pass starts away from the upper edge, where frames and skies are.
    for (let at = (pass + (passes >> 1)) % passes; at < strips; at += passes) {
      const first = at * step;
      const count = Math.min(high, rows - first);
      strip.measure(pixels, first, count);
      for (const manner of MANNERS) {
        const messages = evidence.filter((one) => one.manner === manner);
        if (messages.length === 0) continue;
        const plane = manner === 'fractions, red for blue' ? strip.red : strip.blue;
        hear(plane, manner, columns, count, reading);
        for (const one of messages) one.add(reading, columns, first, count);
      }
    }
    yield pass + 1;
  }
}

// Patterns over the bits of a message, as vectors

type Vector = Float64Array;

const known = new WeakMap<Uint8Array, { readonly columns: number; readonly found: Neighbourhood }>();

/** The neighbourhood of a message in pictures so many blocks wide; the last one is kept, as widths repeat. */
function neighbourhood(bits: Uint8Array, columns: number): Neighbourhood {
  const last = known.get(bits);
  if (last?.columns === columns) return last.found;
  const message = Float64Array.from(bits);
  const taken = carriedAround(message, columns);
  const found = { taken, own: without(message, taken) };
  known.set(bits, { columns, found });
  return found;
}

/**
 * What the neighbours of each bit's blocks carry, as far as it differs from the message itself. JPEG's block of colours
 * holds two blocks side by side, the first of them with an even number.
 */
function carriedAround(message: Vector, columns: number): Vector[] {
  const length = message.length;
  const at = (by: number) => rotated(message, by);
  const sum = (a: Vector, b: Vector) => a.map((value, i) => value + b[i]!);
  const patterns = [
    sum(at(1), at(-1)),
    sum(at(columns), at(-columns)),
    sum(at(columns + 1), at(-columns - 1)),
    sum(at(columns - 1), at(1 - columns)),
  ];
  if (columns % 2 === 0 && length % 2 === 0) {
    const before = at(-1);
    patterns.push(
      at(1).map((after, i) => (i % 2 === 0 ? after - before[i]! : before[i]! - after)),
      message.map((_, i) => (i % 2 === 0 ? 1 : -1)),
    );
  }
  const taken: Vector[] = [new Float64Array(length).fill(1 / Math.sqrt(length))];
  for (const pattern of patterns) {
    const varying = norm(without(pattern, taken.slice(0, 1)));
    const rest = without(pattern, taken);
    const direction = norm(rest) < 0.2 * varying ? undefined : unit(rest);
    if (direction === undefined) continue;
    const own = unit(without(message, taken));
    // Where the width makes neighbours carry the same bits, taking them out would take the message itself.
    if (own === undefined || Math.abs(dot(direction, own)) > 0.9) continue;
    taken.push(direction);
  }
  return taken;
}

const clamp = (value: number, most: number) => (value > most ? most : value < -most ? -most : value);

function rotated(message: Vector, by: number): Vector {
  const { length } = message;
  const shift = ((by % length) + length) % length;
  return message.map((_, i) => message[(i + shift) % length]!);
}

function dot(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

const norm = (a: Vector) => Math.sqrt(dot(a, a));

function unit(a: Vector): Vector | undefined {
  const length = norm(a);
  return length < 1e-9 ? undefined : a.map((value) => value / length);
}

/** What is left of a vector without its parts along these orthonormal ones. */
function without(vector: Vector, taken: readonly Vector[]): Vector {
  const rest = Float64Array.from(vector);
  for (const direction of taken) {
    const along = dot(rest, direction);
    for (let i = 0; i < rest.length; i++) rest[i]! -= along * direction[i]!;
  }
  return rest;
}

/** Fisher's transform of the correlation of two vectors of mean 0. */
function fisherZ(a: Vector, b: Vector): number {
  const size = norm(a) * norm(b);
  // A correlation of exactly 1 has no finite z; a picture in which nothing varies has no correlation.
  return size < 1e-12 ? 0 : Math.atanh(clamp(dot(a, b) / size, 0.9999));
}
