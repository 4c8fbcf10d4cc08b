import type { Pixels } from '../reader.ts';

/** Pixels on a side of the block that carries one bit. */
export const BLOCK = 8;

/**
 * What the decoder needs of every block of 8x8 pixels, in parts of the mark's own values: the 16 cells of 2x2 pixels
 * of its blueness or redness after one Haar step, 0 where a colour is neutral. Each array holds one value a block, row
 * by row.
 */
export interface Plane {
  /** The greatest and the least of the cells but the first, which the encoder leaves alone. */
  readonly greatest: Float64Array;
  readonly least: Float64Array;
  /** Mean of all cells. */
  readonly level: Float64Array;
  /** Mean of the upper two rows of cells, less that of the lower two. */
  readonly tilt: Float64Array;
}

/** U = 0.492 (B - Y) with Y of BT.601; a Haar value is half the sum of four, here in whole parts of this many. */
const SCALE = 65_536;
const OF_ITS_OWN = Math.round(0.246 * 0.886 * SCALE);
const OF_THE_FAR = Math.round(0.246 * 0.299 * SCALE);
const OF_GREEN = OF_ITS_OWN - OF_THE_FAR;
/** Beyond any sum; whole numbers of 32 bits keep the loop in integers. */
const LOWEST = -0x7fffffff;
const HIGHEST = 0x7fffffff;

/** Rows of blocks at a time, reused for one strip after another. */
export class Strip {
  readonly columns: number;
  readonly blue: Plane;
  readonly red: Plane;

  constructor(columns: number, mostRows: number) {
    this.columns = columns;
    const plane = (): Plane => ({
      greatest: new Float64Array(columns * mostRows),
      least: new Float64Array(columns * mostRows),
      level: new Float64Array(columns * mostRows),
      tilt: new Float64Array(columns * mostRows),
    });
    this.blue = plane();
    this.red = plane();
  }

  /** Measures these rows of blocks; the first becomes row 0 of the strip. */
  measure(pixels: Pixels, firstRow: number, rows: number): void {
    for (let row = 0; row < rows; row++) this.#measureRow(pixels, firstRow + row, row * this.columns);
  }

  #measureRow({ width, channels, data }: Pixels, row: number, into: number): void {
    const stride = width * channels;
    for (let column = 0; column < this.columns; column++) {
      let blueGreatest = LOWEST;
      let blueLeast = HIGHEST;
      let blueUpper = 0;
      let blueAll = 0;
      let redGreatest = LOWEST;
      let redLeast = HIGHEST;
      let redUpper = 0;
      let redAll = 0;
      for (let y = 0; y < 4; y++) {
        let at = (row * BLOCK + y * 2) * stride + column * BLOCK * channels;
        for (let x = 0; x < 4; x++, at += 2 * channels) {
          const right = at + channels;
          const below = at + stride;
          const corner = right + stride;
          const r = data[at]! + data[right]! + data[below]! + data[corner]!;
          const g = data[at + 1]! + data[right + 1]! + data[below + 1]! + data[corner + 1]!;
          const b = data[at + 2]! + data[right + 2]! + data[below + 2]! + data[corner + 2]!;
          const green = Math.imul(OF_GREEN, g);
          const blue = (Math.imul(OF_ITS_OWN, b) - Math.imul(OF_THE_FAR, r) - green) | 0;
          const red = (Math.imul(OF_ITS_OWN, r) - Math.imul(OF_THE_FAR, b) - green) | 0;
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
      const block = into + column;
      write(this.blue, block, blueGreatest, blueLeast, blueUpper, blueAll);
      write(this.red, block, redGreatest, redLeast, redUpper, redAll);
    }
  }
}

function write(
  plane: Plane,
  block: number,
  greatest: number,
  least: number,
  upper: number,
  all: number,
): void {
  plane.greatest[block] = greatest / SCALE;
  plane.least[block] = least / SCALE;
  plane.level[block] = all / (16 * SCALE);
  plane.tilt[block] = (2 * upper - all) / (8 * SCALE);
}
