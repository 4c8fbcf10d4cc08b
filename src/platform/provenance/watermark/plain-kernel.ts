/** Pixels on a side of the block that carries one bit. */
export const BLOCK = 8;

/**
 * How the encoder was given the picture. The published one makes no difference between bytes and fractions, but
 * OpenCV's conversion does: the neutral U of bytes is 128, that of fractions 0.5. Given bytes (the scripts of Stable
 * Diffusion 1 and 2) it moves the greatest cell; given fractions (SDXL, FLUX) the one farthest from neutral, whichever
 * side. Early diffusers also hands over red for blue.
 */
export const MANNERS = ['bytes', 'fractions', 'fractions, red for blue'] as const;
export type Manner = (typeof MANNERS)[number];

/** A message that is looked for in one manner. */
export interface Reading {
  /** 0 or 1 each. */
  readonly bits: Uint8Array;
  readonly manner: Manner;
}

/** What the blocks that carry each bit of a message say, added up; two numbers a bit. */
export interface Sums {
  /** Blocks whose cell lies in the upper half of its step, and all blocks. */
  readonly votes: Uint32Array;
  /** How far the blocks stand out from those around them times how much that counts, and how much they count. */
  readonly levels: Float64Array;
}

/** The inner loops of reading watermarks. A picture is read by rows of blocks, each eight rows of pixels. */
export interface WatermarkKernel {
  /** A new picture, so many whole blocks wide: sums of zeros for each reading. Those given out before are void. */
  begin(columns: number, readings: readonly Reading[]): Sums[];
  /** Measures the next row of blocks, given eight rows of pixels of three or four channels. */
  measure(pixels: Uint8Array, channels: number): void;
  /**
   * Adds to the sums what the last row but one says, by those around it; its outermost blocks have no neighbours.
   *
   * @param first number of the row's first block in the picture
   */
  hear(first: number): void;
}

/** The encoder's step: a bit is the half of it in which the chosen cell lies. */
const STEP = 36;
/** A Haar value of neutral colour: twice the neutral U. */
const NEUTRAL = { bytes: 256, fractions: 1 } as const;

/** Beyond these a difference comes from the picture, not from the mark. In the mark's own values. */
const MAX_STEP_UP = 4;
const MAX_LIFT = 8;
/** How much the other two signs count beside a block's level: what fits marked pictures after JPEG 80 best. */
const OF_TILT = 0.25;
const OF_LIFT = 0.1;

/** U = 0.492 (B - Y) with Y of BT.601; a Haar value is half the sum of four, here in whole parts of this many. */
const SCALE = 65_536;
const OF_ITS_OWN = Math.round(0.246 * 0.886 * SCALE);
const OF_THE_FAR = Math.round(0.246 * 0.299 * SCALE);
/** Beyond any sum; whole numbers of 32 bits keep the loop in integers. */
const LOWEST = -0x7fffffff;
const HIGHEST = 0x7fffffff;

/**
 * What the decoder needs of a row of blocks, in the mark's own values: the 16 cells of 2x2 pixels of each block's
 * blueness or redness after one Haar step, 0 where a colour is neutral.
 */
class Plane {
  /** The greatest and the least of the cells but the first, which the encoder leaves alone. */
  readonly greatest: Float64Array;
  readonly least: Float64Array;
  /** Mean of all cells. */
  readonly level: Float64Array;
  /** Mean of the upper two rows of cells, less that of the lower two. */
  readonly tilt: Float64Array;

  constructor(columns: number) {
    this.greatest = new Float64Array(columns);
    this.least = new Float64Array(columns);
    this.level = new Float64Array(columns);
    this.tilt = new Float64Array(columns);
  }

  write(column: number, greatest: number, least: number, upper: number, all: number): void {
    this.greatest[column] = greatest / SCALE;
    this.least[column] = least / SCALE;
    this.level[column] = all / (16 * SCALE);
    this.tilt[column] = (2 * upper - all) / (8 * SCALE);
  }
}

interface Row {
  readonly blue: Plane;
  readonly red: Plane;
}

/** The loops in plain TypeScript: for where WebAssembly is switched off and for the widest pictures. */
export class PlainWatermarkKernel implements WatermarkKernel {
  #columns = 0;
  /** The last row measured is the last of these. */
  #rows: Row[] = [];
  #heard: (Reading & Sums)[] = [];

  begin(columns: number, readings: readonly Reading[]): Sums[] {
    this.#columns = columns;
    this.#rows = Array.from({ length: 3 }, () => ({ blue: new Plane(columns), red: new Plane(columns) }));
    this.#heard = readings.map((reading) => ({
      ...reading,
      votes: new Uint32Array(2 * reading.bits.length),
      levels: new Float64Array(2 * reading.bits.length),
    }));
    return this.#heard;
  }

  measure(pixels: Uint8Array, channels: number): void {
    const row = this.#rows.shift()!;
    this.#rows.push(row);
    const stride = pixels.length / BLOCK;
    for (let column = 0; column < this.#columns; column++) {
      let blueGreatest = LOWEST;
      let blueLeast = HIGHEST;
      let blueUpper = 0;
      let blueAll = 0;
      let redGreatest = LOWEST;
      let redLeast = HIGHEST;
      let redUpper = 0;
      let redAll = 0;
      for (let y = 0; y < 4; y++) {
        let at = y * 2 * stride + column * BLOCK * channels;
        for (let x = 0; x < 4; x++, at += 2 * channels) {
          const right = at + channels;
          const below = at + stride;
          const corner = right + stride;
          const g = pixels[at + 1]! + pixels[right + 1]! + pixels[below + 1]! + pixels[corner + 1]!;
          const r = pixels[at]! + pixels[right]! + pixels[below]! + pixels[corner]! - g;
          const b = pixels[at + 2]! + pixels[right + 2]! + pixels[below + 2]! + pixels[corner + 2]! - g;
          const blue = (Math.imul(OF_ITS_OWN, b) - Math.imul(OF_THE_FAR, r)) | 0;
          const red = (Math.imul(OF_ITS_OWN, r) - Math.imul(OF_THE_FAR, b)) | 0;
          blueAll = (blueAll + blue) | 0;
          redAll = (redAll + red) | 0;
          if ((x | y) === 0) continue;
          if (blue > blueGreatest) blueGreatest = blue;
          if (blue < blueLeast) blueLeast = blue;
          if (red > redGreatest) redGreatest = red;
          if (red < redLeast) redLeast = red;
        }
        if (y === 1) {
          blueUpper = blueAll;
          redUpper = redAll;
        }
      }
      row.blue.write(column, blueGreatest, blueLeast, blueUpper, blueAll);
      row.red.write(column, redGreatest, redLeast, redUpper, redAll);
    }
  }

  hear(first: number): void {
    for (const manner of MANNERS) {
      const readings = this.#heard.filter((one) => one.manner === manner);
      if (readings.length > 0) this.#hear(manner, readings, first);
    }
  }

  #hear(manner: Manner, readings: readonly (Reading & Sums)[], first: number): void {
    const colour = manner === 'fractions, red for blue' ? 'red' : 'blue';
    const inBytes = manner === 'bytes';
    const neutral = inBytes ? NEUTRAL.bytes : NEUTRAL.fractions;
    const [above, { greatest, least, level, tilt }, below] = this.#rows.map((row) => row[colour]) as [
      Plane,
      Plane,
      Plane,
    ];
    for (let column = 1; column < this.#columns - 1; column++) {
      const a = level[column - 1]!;
      const b = level[column + 1]!;
      const c = above.level[column]!;
      const d = below.level[column]!;
      const most = Math.max(Math.max(a, b), Math.max(c, d));
      const fewest = Math.min(Math.min(a, b), Math.min(c, d));
      const own = level[column]!;
      // The mean of the middle two: an edge beside the block does not count.
      const around = (a + b + c + d - most - fewest) / 2;
      const outstanding = clamp(own - around, MAX_STEP_UP) + OF_TILT * clamp(tilt[column]!, MAX_STEP_UP);
      let cell = greatest[column]!;
      let side = 1;
      if (!inBytes && -(least[column]! + neutral) > cell + neutral) {
        cell = least[column]!;
        side = -1;
      }
      const lift = side * (cell - (16 * own - cell) / 15);
      const distance = side * (cell + neutral);
      const weight = 1 / (1 + most - fewest);
      const said = weight * (side * outstanding + OF_LIFT * clamp(lift, MAX_LIFT));
      const upper = distance - STEP * Math.floor(distance / STEP) > STEP / 2 ? 1 : 0;
      for (const { bits, votes, levels } of readings) {
        const bit = 2 * ((first + column) % bits.length);
        votes[bit]! += upper;
        votes[bit + 1]! += 1;
        levels[bit]! += said;
        levels[bit + 1]! += weight;
      }
    }
  }
}

const clamp = (value: number, most: number) => (value > most ? most : value < -most ? -most : value);
