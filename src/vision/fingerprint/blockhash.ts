import { bmvbhash } from 'blockhash-core';
import { HASH_WORDS, fromHex, hashFromWords } from './hash.ts';
import type { Hash } from './hash.ts';
import { KERNEL_SIDE, pictureKernel } from './picture-kernel.ts';
import { assertRaster } from './raster.ts';
import type { Raster } from './raster.ts';

/** Blocks on each side; one bit a block. */
const BLOCKS = 16;

/** Longest side handed to the package: enough for the block means, and a quarter of the work at 512x512. */
const MAX_SIDE = 256;

/** No block can be fewer pixels than one. */
export const BLOCKHASH_MIN_SIDE = BLOCKS;

/**
 * The 256-bit blockhash: 16x16 block means, each compared with the median of its quarter (four rows of blocks).
 *
 * Algorithm: Yang, Gu and Niu, "Block Mean Value Based Image Perceptual Hashing", 2006, as implemented by the package
 * blockhash-core. A side over 256 pixels is first averaged down to 256, so that a 512x512 raster takes the package's
 * exact path for sides divisible by 16. `toHex` gives the package's own hex digits.
 *
 * @param kernel compiled loops, or null for the package's own: the same result, later
 * @throws RangeError for a malformed raster or one with a side under 16 pixels
 */
export function blockhash(raster: Raster, kernel = pictureKernel()): Hash<'blockhash'> {
  assertRaster(raster);
  if (Math.min(raster.width, raster.height) < BLOCKHASH_MIN_SIDE) {
    throw new RangeError(
      `A blockhash needs ${BLOCKHASH_MIN_SIDE} pixels a side; this is ${raster.width}x${raster.height}.`,
    );
  }
  if (kernel !== null && raster.width === KERNEL_SIDE && raster.height === KERNEL_SIDE) {
    return hashOfBlocks(kernel.blockSums(raster.data), (MAX_SIDE / BLOCKS) ** 2);
  }
  const small = shrink(raster, Math.min(raster.width, MAX_SIDE), Math.min(raster.height, MAX_SIDE));
  return fromHex('blockhash', bmvbhash(withAlpha(small), BLOCKS));
}

/** The package's rule: a bit for "brighter than the median of its quarter", highest first; of a uniform one, if light. */
function hashOfBlocks(sums: Uint32Array, pixels: number): Hash<'blockhash'> {
  const words = new Uint32Array(HASH_WORDS);
  const quarter = sums.length / 4;
  for (let start = 0; start < sums.length; start += quarter) {
    const sorted = sums.slice(start, start + quarter).sort();
    const median = (sorted[quarter / 2 - 1]! + sorted[quarter / 2]!) / 2;
    const light = median > (pixels * 256 * 3) / 2;
    for (let i = start; i < start + quarter; i += 1) {
      const bit = sums.length - 1 - i;
      if (sums[i]! > median || (light && Math.abs(sums[i]! - median) < 1)) {
        words[bit >> 5]! |= 1 << (bit & 31);
      }
    }
  }
  return hashFromWords('blockhash', words);
}

/**
 * Area average: every target pixel is the mean of the source area it covers, in sRGB values, split pixels weighted by
 * their share. Returns the raster itself when nothing is to be done.
 */
function shrink(raster: Raster, width: number, height: number): Raster {
  if (raster.width === width && raster.height === height) return raster;
  if (raster.width === 2 * width && raster.height === 2 * height) return halve(raster);
  const columns = spans(raster.width, width);
  const rows = spans(raster.height, height);
  const data = new Uint8Array(width * height * 3);
  let at = 0;
  for (const row of rows) {
    for (const column of columns) {
      let red = 0;
      let green = 0;
      let blue = 0;
      let total = 0;
      for (let y = row.first; y <= row.last; y += 1) {
        for (let x = column.first; x <= column.last; x += 1) {
          const weight = share(row, y) * share(column, x);
          const from = (y * raster.width + x) * 3;
          red += weight * raster.data[from]!;
          green += weight * raster.data[from + 1]!;
          blue += weight * raster.data[from + 2]!;
          total += weight;
        }
      }
      data[at] = Math.floor(red / total + 0.5);
      data[at + 1] = Math.floor(green / total + 0.5);
      data[at + 2] = Math.floor(blue / total + 0.5);
      at += 3;
    }
  }
  return { width, height, data };
}

/** The usual case, 512x512 to 256x256, with the same rounding as the general one. */
function halve({ width, height, data }: Raster): Raster {
  const half = new Uint8Array((width / 2) * (height / 2) * 3);
  let at = 0;
  for (let y = 0; y < height; y += 2) {
    let top = y * width * 3;
    let bottom = top + width * 3;
    for (let x = 0; x < width; x += 2, top += 3, bottom += 3) {
      for (const end = at + 3; at < end; at += 1, top += 1, bottom += 1) {
        half[at] = (data[top]! + data[top + 3]! + data[bottom]! + data[bottom + 3]! + 2) >> 2;
      }
    }
  }
  return { width: width / 2, height: height / 2, data: half };
}

/** A target pixel's stretch of one source axis, from `start` to `end` in source pixels. */
interface Span {
  readonly start: number;
  readonly end: number;
  readonly first: number;
  readonly last: number;
}

function spans(from: number, to: number): Span[] {
  return Array.from({ length: to }, (_, i) => {
    const start = (i * from) / to;
    const end = ((i + 1) * from) / to;
    return { start, end, first: Math.floor(start), last: Math.ceil(end) - 1 };
  });
}

/** How much of source pixel `i` lies in the span: 0..1. */
function share(span: Span, i: number): number {
  return Math.min(i + 1, span.end) - Math.max(i, span.start);
}

/** RGBA, for the package reads four bytes a pixel whatever it is given: from three it makes a wrong hash silently. */
function withAlpha({ width, height, data }: Raster): { width: number; height: number; data: Uint8Array } {
  const rgba = new Uint8Array(width * height * 4);
  for (let from = 0, to = 0; to < rgba.length; from += 3, to += 4) {
    rgba[to] = data[from]!;
    rgba[to + 1] = data[from + 1]!;
    rgba[to + 2] = data[from + 2]!;
    rgba[to + 3] = 255;
  }
  return { width, height, data: rgba };
}
