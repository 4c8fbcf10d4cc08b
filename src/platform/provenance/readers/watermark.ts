import { type Finding, finding } from '../finding.ts';
import type { Pixels } from '../reader.ts';

const READER = 'stable-diffusion-watermark';

/**
 * The marks that Stable Diffusion's reference code, diffusers and their kin put into pictures with the `dwtDct` method
 * of invisible-watermark. The scale was published for the 48 bits of SDXL; the 136 of SD 1 use it in proportion.
 */
const MARKS = [
  { name: 'Stable Diffusion XL', bits: bitsOf('b3ec907bb19e'), likely: 34, veryLikely: 36 },
  {
    name: 'Stable Diffusion 1/2',
    bits: bitsOf(Buffer.from('StableDiffusionV1', 'latin1').toString('hex')),
    likely: 97,
    veryLikely: 102,
  },
] as const;

/** The encoder refuses anything smaller. Pixels. */
const SMALLEST = 256 * 256;
/** A picture with fewer blocks is read whole at once. */
const MANY_BLOCKS = 4_096;
/** A sample is every fourth row of blocks, of a very large picture fewer: at most about this many blocks. */
const SAMPLE_EVERY = 4;
const SAMPLE_BLOCKS = 16_384;
/** In a sample, this share of equal bits earns a full reading; one unmarked picture in ten has it by chance. */
const WORTH_A_FULL_READING = 0.56;
/** How far the blocks, not only their majorities, must agree with the mark: standard deviations above chance. */
const MIN_AGREEMENT = 4;

/**
 * JPEG pulls nearly neutral colours back to where every bit reads 0, and the published decoder, which holds each bit
 * against a fixed line, loses the mark. Held against each other the bits still tell: a 1 lifts the largest value of its
 * block 18 further above the rest than a 0. This is the correlation of that lift with the mark, in standard deviations
 * (Fisher's z). Of 1,377 unmarked pictures none reached 4.2; chance alone gives 5 once in three million.
 */
const CONTRAST = { worthAFullReading: 1, likely: 4.3, veryLikely: 5 } as const;
/** A lift beyond this comes from the picture, not from the mark. In sums of four U values. */
const MAX_LIFT = 40;

/** A level further than this from its surroundings comes from the picture, not from the mark. In U values. */
const MAX_LEVEL = 2;

export interface WatermarkScore {
  readonly name: string;
  /** Bits that the published decoder reads as the mark has them. */
  readonly equal: number;
  readonly of: number;
  /** The second reading, see CONTRAST, together with the third where that says more, see Levels. */
  readonly contrast: number;
  readonly level: 'very likely' | 'likely' | 'none';
}

/** How well the pixels agree with each known mark. */
export function scoreWatermarks(pixels: Pixels): WatermarkScore[] {
  const { width, height, channels } = pixels;
  if (channels < 3 || width * height < SMALLEST || pixels.data.length < width * height * channels) return [];
  const rows = Math.floor(height / 8);
  const columns = Math.floor(width / 8);
  if (rows * columns > MANY_BLOCKS) {
    const sample = MARKS.map(({ bits }) => new Vote(bits));
    const every = Math.max(SAMPLE_EVERY, Math.ceil((rows * columns) / SAMPLE_BLOCKS));
    for (let row = 0; row < rows; row += every) readRow(pixels, row, columns, sample);
    const promising = sample.some(
      (vote) =>
        !vote.complete ||
        vote.equal >= vote.of * WORTH_A_FULL_READING ||
        vote.contrast >= CONTRAST.worthAFullReading,
    );
    if (!promising) return sample.map((vote, i) => scoreOf(vote, MARKS[i]!));
  }
  const votes = MARKS.map(({ bits }) => new Vote(bits));
  const levels = new Levels(rows, columns);
  for (let row = 0; row < rows; row++) readRow(pixels, row, columns, votes, levels);
  return votes.map((vote, i) => scoreOf(vote, MARKS[i]!, levels));
}

/** The invisible marks of Stable Diffusion, as findings; what is below "likely" is no finding. */
export function readWatermark(pixels: Pixels): Finding[] {
  return scoreWatermarks(pixels)
    .filter(({ level }) => level !== 'none')
    .map(({ name, equal, of, contrast, level }) => {
      const sure = level === 'very likely';
      const said = `${equal}/${of}, ${contrast.toFixed(1)}σ`;
      return finding({
        reader: READER,
        about: 'watermark',
        grade: sure ? 'watermark' : 'none',
        where: 'pixels (dwtDct)',
        value: `${name}: ${said}`,
        generative: sure,
        sentence: sure
          ? {
              ja: `画素に ${name} の電子透かしが読み取れます(${of} ビット中 ${equal} ビット一致、相関 ${contrast.toFixed(1)}σ、「非常に可能性が高い」)。鍵は公開されており、偽造もできます。`,
              en: `The pixels carry the watermark of ${name} (${equal} of ${of} bits equal, correlation ${contrast.toFixed(1)}σ: “very likely”); its key is public, so it can be forged.`,
            }
          : {
              ja: `画素に ${name} の電子透かしらしきものがあります(${of} ビット中 ${equal} ビット一致、相関 ${contrast.toFixed(1)}σ)。偶然でも起こるため、証拠とはなりません。`,
              en: `The pixels may carry the watermark of ${name} (${equal} of ${of} bits equal, correlation ${contrast.toFixed(1)}σ); chance can do that, so it is no evidence.`,
            },
      });
    });
}

function scoreOf(vote: Vote, mark: (typeof MARKS)[number], levels?: Levels): WatermarkScore {
  const { equal, of } = vote;
  const lift = vote.contrast;
  // Where the lift says nothing, no level makes up for it; where it says all, none is needed.
  const isOpen = lift >= CONTRAST.worthAFullReading && lift < CONTRAST.veryLikely;
  const level = isOpen ? (levels?.contrast(mark.bits) ?? 0) : 0;
  // Two readings that do not depend on each other: of a sum of two the deviation is the root of two.
  const contrast = Math.max(lift, (lift + level) / Math.SQRT2);
  const meant = vote.agreement >= MIN_AGREEMENT;
  const reaches = (bits: number, sigma: number) => (meant && equal >= bits) || contrast >= sigma;
  const judged = reaches(mark.veryLikely, CONTRAST.veryLikely)
    ? 'very likely'
    : reaches(mark.likely, CONTRAST.likely)
      ? 'likely'
      : 'none';
  return { name: mark.name, equal, of, contrast, level: judged };
}

/** The majority, per bit of a mark, of what the blocks say. */
class Vote {
  readonly #bits: Uint8Array;
  readonly #ones: Uint32Array;
  readonly #all: Uint32Array;
  readonly #lift: Float64Array;

  constructor(bits: Uint8Array) {
    this.#bits = bits;
    this.#ones = new Uint32Array(bits.length);
    this.#all = new Uint32Array(bits.length);
    this.#lift = new Float64Array(bits.length);
  }

  get of(): number {
    return this.#bits.length;
  }

  add(block: number, bit: number, lift: number): void {
    const at = block % this.#bits.length;
    this.#all[at]!++;
    this.#ones[at]! += bit;
    this.#lift[at]! += lift;
  }

  get complete(): boolean {
    return this.#all.every((count) => count > 0);
  }

  get equal(): number {
    let equal = 0;
    // The published decoder rounds its mean so that an even vote counts as one.
    for (const [i, bit] of this.#bits.entries())
      if (this.#all[i]! > 0 && Number(this.#ones[i]! * 255 > this.#all[i]! * 127) === bit) equal++;
    return equal;
  }

  get contrast(): number {
    const means = this.#lift.map((lift, i) => lift / Math.max(1, this.#all[i]!));
    return contrastOf(means, (rotation, into) => {
      for (let i = 0; i < this.of; i++) into[i] = this.#bits[(i + rotation) % this.of]!;
    });
  }

  get agreement(): number {
    let agree = 0;
    let total = 0;
    for (const [i, bit] of this.#bits.entries()) {
      agree += bit === 1 ? this.#ones[i]! : this.#all[i]! - this.#ones[i]!;
      total += this.#all[i]!;
    }
    return total === 0 ? 0 : (agree - total / 2) / Math.sqrt(total / 4);
  }
}

/**
 * How well values agree with what a mark predicts, in standard deviations, divided by what the same bits give at every
 * other rotation of the mark: a picture that repeats itself, as knitting does, agrees with any mark that has a rhythm,
 * but no better in its right place than elsewhere.
 *
 * @param values one a bit of the mark
 * @param predict writes what the mark, turned by so many bits, would make of them
 */
function contrastOf(values: Float64Array, predict: (rotation: number, into: Float64Array) => void): number {
  const predicted = new Float64Array(values.length);
  const z = (rotation: number): number => {
    predict(rotation, predicted);
    return fisherZ(values, predicted);
  };
  let elsewhere = 0;
  for (let rotation = 1; rotation < values.length; rotation++) elsewhere += z(rotation) ** 2;
  return z(0) / Math.max(1, Math.sqrt(elsewhere / (values.length - 1)));
}

function fisherZ(values: Float64Array, predicted: Float64Array): number {
  const count = values.length;
  let mean = 0;
  let middle = 0;
  for (let i = 0; i < count; i++) {
    mean += values[i]! / count;
    middle += predicted[i]! / count;
  }
  let together = 0;
  let spread = 0;
  let swing = 0;
  for (let i = 0; i < count; i++) {
    const value = values[i]! - mean;
    const wanted = predicted[i]! - middle;
    together += value * wanted;
    spread += value * value;
    swing += wanted * wanted;
  }
  const deviation = Math.sqrt(spread * swing);
  // A correlation of exactly 1 has no finite z; a picture in which nothing varies has no correlation.
  const correlation = deviation === 0 ? 0 : Math.max(-0.999, Math.min(0.999, together / deviation));
  return Math.atanh(correlation) * Math.sqrt(count - 3);
}

/**
 * The third reading, for what JPEG with halved colours leaves: of the four blocks of the mark that lie in one block of
 * its colours it keeps little more than their common level, which each 1 lifts. How far every four lie above their
 * surroundings is held against how many ones the mark has there.
 */
class Levels {
  readonly #rows: number;
  readonly #columns: number;
  /** Mean U of each block of the mark. */
  readonly #means: Float32Array;

  constructor(rows: number, columns: number) {
    this.#rows = rows;
    this.#columns = columns;
    this.#means = new Float32Array(rows * columns);
  }

  set(block: number, mean: number): void {
    this.#means[block] = mean;
  }

  contrast(bits: Uint8Array): number {
    const count = bits.length;
    const heights = new Float64Array(count);
    const seen = new Float64Array(count);
    /** How often each bit shares its level with each other one. */
    const together = Array.from({ length: count }, () => new Map<number, number>());
    for (const [blocks, height] of this.#fours()) {
      const four = blocks.map((block) => block % count);
      for (const bit of four) {
        heights[bit]! += height;
        seen[bit]!++;
        for (const other of four) together[bit]!.set(other, (together[bit]!.get(other) ?? 0) + 1);
      }
    }
    const values = heights.map((height, i) => height / Math.max(1, seen[i]!));
    return contrastOf(values, (rotation, into) => {
      for (let i = 0; i < count; i++) {
        let ones = 0;
        for (const [other, times] of together[i]!) ones += times * bits[(other + rotation) % count]!;
        into[i] = ones / Math.max(1, seen[i]!);
      }
    });
  }

  /** Four blocks at a time, with how far their level lies above that around them. */
  *#fours(): Generator<[blocks: number[], height: number]> {
    const across = Math.floor(this.#columns / 2);
    const down = Math.floor(this.#rows / 2);
    const blocksAt = (row: number, column: number) => {
      const first = 2 * row * this.#columns + 2 * column;
      return [first, first + 1, first + this.#columns, first + this.#columns + 1];
    };
    const level = Float32Array.from({ length: across * down }, (_, i) =>
      blocksAt(Math.floor(i / across), i % across).reduce((sum, block) => sum + this.#means[block]! / 4, 0),
    );
    for (let row = 1; row < down - 1; row++)
      for (let column = 1; column < across - 1; column++) {
        const at = row * across + column;
        const around = [level[at - 1]!, level[at + 1]!, level[at - across]!, level[at + across]!];
        around.sort((a, b) => a - b);
        const height = level[at]! - (around[1]! + around[2]!) / 2;
        yield [blocksAt(row, column), Math.max(-MAX_LEVEL, Math.min(MAX_LEVEL, height))];
      }
  }
}

/**
 * Reads one row of blocks of 8x8 pixels: the U plane halved by one Haar step gives 4x4 values; the largest of them but
 * the first carries the bit in its remainder by 36. (The library's name promises a cosine transform after the Haar
 * step; its code, encoder and decoder alike, takes none.) Sums of four U values are twice the Haar value, hence 72.
 */
function readRow(
  { width, channels, data }: Pixels,
  row: number,
  columns: number,
  votes: readonly Vote[],
  levels?: Levels,
): void {
  const stride = width * channels;
  for (let column = 0; column < columns; column++) {
    let largest = -1;
    let all = 0;
    let first = 0;
    for (let y = 0; y < 4; y++) {
      let at = (row * 8 + y * 2) * stride + column * 8 * channels;
      for (let x = 0; x < 4; x++, at += 2 * channels) {
        const sum =
          uOf(data, at) +
          uOf(data, at + channels) +
          uOf(data, at + stride) +
          uOf(data, at + stride + channels);
        if ((x | y) === 0) {
          first = sum;
          continue;
        }
        all += sum;
        if (sum > largest) largest = sum;
      }
    }
    const bit = largest % 72 > 36 ? 1 : 0;
    const lift = Math.min(MAX_LIFT, largest - all / 15);
    for (const vote of votes) vote.add(row * columns + column, bit, lift);
    levels?.set(row * columns + column, (first + all) / 64);
  }
}

/** U of OpenCV's 8-bit BGR-to-YUV, in its own fixed-point arithmetic. */
function uOf(data: Uint8Array, at: number): number {
  const blue = data[at + 2]!;
  const luma = (data[at]! * 4899 + data[at + 1]! * 9617 + blue * 1868 + 8192) >> 14;
  const u = ((blue - luma) * 8061 + (128 << 14) + 8192) >> 14;
  return u < 0 ? 0 : u > 255 ? 255 : u;
}

function bitsOf(hex: string): Uint8Array {
  const bytes = Buffer.from(hex, 'hex');
  return Uint8Array.from({ length: bytes.length * 8 }, (_, i) => (bytes[i >> 3]! >> (7 - (i & 7))) & 1);
}
