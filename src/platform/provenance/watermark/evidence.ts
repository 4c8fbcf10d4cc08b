import { watermarkKernel } from './kernel.ts';
import {
  type Neighbourhood,
  type Vector,
  fisherZ,
  neighbourhood,
  rotated,
  unit,
  without,
} from './patterns.ts';
import { BLOCK, type Reading, type Sums } from './plain-kernel.ts';
import type { Pixels } from '../reader.ts';

/**
 * What the blocks of a picture say about one message in one manner: the bits as the published decoder reads them, and
 * how far each block stands out from those around it.
 *
 * The second outlives JPEG, which takes the fine values the first needs but keeps, block by block, most of the level
 * that a 1 moves 18/16 further from neutral than a 0 does, and some of the tilt and of the one cell that carries it.
 */
export class Evidence {
  readonly #bits: Uint8Array;
  readonly #columns: number;
  readonly #sums: Sums;
  #standing: Standing | undefined;

  constructor(bits: Uint8Array, columns: number, sums: Sums) {
    this.#bits = bits;
    this.#columns = columns;
    this.#sums = sums;
  }

  /** Bits that the published decoder reads as the message has them. */
  get equal(): number {
    const { votes } = this.#sums;
    let equal = 0;
    for (let i = 0; i < this.#bits.length; i++) {
      const all = votes[2 * i + 1]!;
      // The published decoder rounds its mean so that an even vote counts as one.
      if (all > 0 && Number(votes[2 * i]! * 255 > all * 127) === this.#bits[i]) equal++;
    }
    return equal;
  }

  /** Bits that the message and {@link contrast} have in common: whether their blocks stand out more than the average. */
  get outstanding(): number {
    const { values, own } = this.#stand();
    return values.reduce((equal, value, i) => equal + Number(value * own[i]! > 0), 0);
  }

  /** How far the blocks, not only their majorities, read as the message has them: standard deviations above chance. */
  get agreement(): number {
    const { votes } = this.#sums;
    let agree = 0;
    let total = 0;
    for (let i = 0; i < this.#bits.length; i++) {
      const ones = votes[2 * i]!;
      const all = votes[2 * i + 1]!;
      agree += this.#bits[i] === 1 ? ones : all - ones;
      total += all;
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
    const { length } = this.#bits;
    const freedom = Math.sqrt(length - 2 - neighbours.taken.length);
    const first = fisherZ(values, neighbours.own) * freedom;
    if (first < atLeast) return first;
    const message = Float64Array.from(this.#bits);
    const taken = [...neighbours.taken, unit(neighbours.own)!];
    const rest = without(values, taken);
    let squares = 0;
    for (let by = 1; by < length; by++)
      squares += (fisherZ(rest, without(rotated(message, by), taken)) * freedom) ** 2;
    return first / Math.max(1, Math.sqrt(squares / (length - 1)));
  }

  #stand(): Standing {
    if (this.#standing !== undefined) return this.#standing;
    const { levels } = this.#sums;
    const means = new Float64Array(this.#bits.length);
    for (let i = 0; i < means.length; i++) {
      const weights = levels[2 * i + 1]!;
      if (weights > 0) means[i] = levels[2 * i]! / weights;
    }
    const { taken, own } = neighbourhood(this.#bits, this.#columns);
    this.#standing = { taken, own, values: without(means, taken) };
    return this.#standing;
  }
}

interface Standing extends Neighbourhood {
  /** How far the blocks of each bit stand out, without what their neighbours carry. */
  readonly values: Vector;
}

/** Blocks in one strip. */
const STRIP_BLOCKS = 2_048;
/** A strip has at least this many rows, of which the outer two are only neighbours. */
const LEAST_ROWS = 10;
/** About so many blocks are read at a time, and at most so many times; 1024 x 1024 pixels have 16,384. */
const PASS_BLOCKS = 3_072;
const MOST_PASSES = 21;

/**
 * Reads the blocks of a picture in passes of strips spread over its height, of which each adds others. A very large
 * picture is not read to its end.
 *
 * @param pixels three or four channels, at least three blocks wide and high
 * @yields after each pass the evidence for each reading, good until the next one
 */
export function* gather(
  { width, height, channels, data }: Pixels,
  readings: readonly Reading[],
): Generator<Evidence[]> {
  const columns = Math.floor(width / BLOCK);
  const rows = Math.floor(height / BLOCK);
  const high = Math.min(rows, Math.max(LEAST_ROWS, Math.ceil(STRIP_BLOCKS / columns)));
  const step = high - 2;
  const strips = Math.ceil((rows - 2) / step);
  const passes = Math.max(1, Math.min(strips, Math.round((rows * columns) / PASS_BLOCKS)));
  const rowBytes = BLOCK * width * channels;
  const kernel = watermarkKernel(columns);
  const sums = kernel.begin(columns, readings);
  for (let pass = 0; pass < Math.min(passes, MOST_PASSES); pass++) {
    // The first pass starts away from the upper edge, where frames and skies are.
    for (let at = (pass + (passes >> 1)) % passes; at < strips; at += passes) {
      const first = at * step;
      for (let row = first; row < Math.min(first + high, rows); row++) {
        kernel.measure(data.subarray(row * rowBytes, (row + 1) * rowBytes), channels);
        if (row >= first + 2) kernel.hear((row - 1) * columns);
      }
    }
    yield readings.map(({ bits }, i) => new Evidence(bits, columns, sums[i]!));
  }
}
