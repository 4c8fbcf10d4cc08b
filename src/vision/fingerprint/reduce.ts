import type { Raster } from './raster.ts';
import { reduceKernel } from './reduce-kernel.ts';
import { type Taps, WEIGHT_BITS, tapsOf } from './taps.ts';

/** Of a blended row's values these many bits stand behind the point. */
const FRACTION_BITS = 7;

/**
 * Brings a picture to fewer pixels, each the mean of the area that it covers, parts of pixels included. Rows are
 * blended first, then columns, in whole numbers throughout. Why by area: docs/decisions/0020.
 *
 * @param width of the result, at most the picture's
 * @param height of the result, at most the picture's
 * @throws RangeError when the picture is smaller than the result
 */
export function reduce(picture: Raster, width: number, height: number): Raster {
  if (width > picture.width || height > picture.height) {
    throw new RangeError(
      `A picture of ${picture.width}x${picture.height} cannot be reduced to ${width}x${height}.`,
    );
  }
  const rows = tapsOf(picture.height, height);
  const columns = tapsOf(picture.width, width);
  const data = reduceKernel()?.reduce(picture, rows, columns) ?? reducePlainly(picture, rows, columns);
  return { width, height, data };
}

/**
 * The same without a kernel, for pictures and machines that it is not made for.
 *
 * @returns three bytes a pixel, as many pixels as columns times rows
 */
export function reducePlainly({ width, data }: Raster, rows: Taps, columns: Taps): Uint8Array {
  const bytes = width * 3;
  const blended = new Int32Array(bytes);
  const result = new Uint8Array(rows.first.length * columns.first.length * 3);
  let to = 0;
  for (let y = 0; y < rows.first.length; y += 1) {
    blended.fill(1 << (FRACTION_BITS - 1));
    let at = rows.first[y]! * bytes;
    for (let k = rows.from[y]!; k < rows.from[y + 1]!; k += 1, at += bytes) {
      const weight = rows.weights[k]!;
      for (let x = 0; x < bytes; x += 1) blended[x]! += weight * data[at + x]!;
    }
    for (let x = 0; x < bytes; x += 1) blended[x]! >>= FRACTION_BITS;
    for (let x = 0; x < columns.first.length; x += 1) {
      for (let channel = 0; channel < 3; channel += 1) {
        let sum = 1 << (2 * WEIGHT_BITS - FRACTION_BITS - 1);
        let sample = columns.first[x]! * 3 + channel;
        for (let k = columns.from[x]!; k < columns.from[x + 1]!; k += 1, sample += 3) {
          sum += columns.weights[k]! * blended[sample]!;
        }
        result[to] = sum >> (2 * WEIGHT_BITS - FRACTION_BITS);
        to += 1;
      }
    }
  }
  return result;
}
