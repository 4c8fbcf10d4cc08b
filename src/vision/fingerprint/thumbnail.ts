import type { Raster } from './raster.ts';
import { viewsKernel } from './views-kernel.ts';

export interface LumaThumbnail {
  readonly width: number;
  readonly height: number;
  readonly luma: Uint8Array;
}

/**
 * A small picture kept for comparing after alignment: luma, and chroma (Cb, Cr, 128 = grey) at a quarter of its sides,
 * each sample the mean of its area. Bytes, row by row.
 */
export interface Thumbnail extends LumaThumbnail {
  readonly chromaWidth: number;
  readonly chromaHeight: number;
  readonly cb: Uint8Array;
  readonly cr: Uint8Array;
}

/** Longer side in pixels of what is kept of a work. */
export const WORK_THUMB = 72;
/** Longer side in pixels of an output: a work pasted at a quarter of its width must still fill some 64 pixels. */
export const OUTPUT_THUMB = 256;

/**
 * @param side longer side in pixels; a smaller raster is not enlarged
 * @param kernel compiled loops, or null for the plain ones: the same result, later
 */
export function thumbnail(raster: Raster, side: number, kernel = viewsKernel()): Thumbnail {
  const k = Math.min(1, side / Math.max(raster.width, raster.height));
  const width = Math.max(4, Math.round(raster.width * k));
  const height = Math.max(4, Math.round(raster.height * k));
  const chromaWidth = Math.max(1, Math.round(width / 4));
  const chromaHeight = Math.max(1, Math.round(height / 4));
  const chroma = { width: chromaWidth, height: chromaHeight };
  const made = kernel?.colourThumbnail(raster, { width, height }, chroma) ?? null;
  if (made !== null) return { width, height, chromaWidth, chromaHeight, ...made };
  const rgb = shrink(raster.data, raster.width, raster.height, width, height);
  const coarse = shrink(rgb, width, height, chromaWidth, chromaHeight);
  const luma = new Uint8Array(width * height);
  for (let i = 0, p = 0; i < luma.length; i += 1, p += 3) {
    luma[i] = 0.299 * rgb[p]! + 0.587 * rgb[p + 1]! + 0.114 * rgb[p + 2]! + 0.5;
  }
  const cb = new Uint8Array(chromaWidth * chromaHeight);
  const cr = new Uint8Array(chromaWidth * chromaHeight);
  for (let i = 0, p = 0; i < cb.length; i += 1, p += 3) {
    const r = coarse[p]!;
    const g = coarse[p + 1]!;
    const b = coarse[p + 2]!;
    cb[i] = 128.5 - 0.168736 * r - 0.331264 * g + 0.499 * b;
    cr[i] = 128.5 + 0.499 * r - 0.418688 * g - 0.081312 * b;
  }
  return { width, height, luma, chromaWidth, chromaHeight, cb, cr };
}

/**
 * A thumbnail's luma alone, of a picture whose raster has lost its proportions.
 *
 * @param side longer side in pixels; a smaller raster is not enlarged
 * @param size the picture's own
 * @param kernel compiled loops, or null for the plain ones: the same result, later
 */
export function lumaThumbnail(
  raster: Raster,
  side: number,
  size: { readonly width: number; readonly height: number },
  kernel = viewsKernel(),
): LumaThumbnail {
  const { width: columns, height: rows, data } = raster;
  const k = Math.min(side, Math.max(columns, rows)) / Math.max(size.width, size.height);
  const width = Math.max(4, Math.round(size.width * k));
  const height = Math.max(4, Math.round(size.height * k));
  const made = kernel?.thumbnail(raster, width, height) ?? null;
  if (made !== null) return { width, height, luma: made };
  const luma = new Uint8Array(width * height);
  const edges = Int32Array.from({ length: width + 1 }, (_, i) => 3 * Math.floor((i * columns) / width));
  for (let y = 0, at = 0; y < height; y += 1) {
    const top = Math.floor((y * rows) / height);
    const bottom = Math.max(top + 1, Math.floor(((y + 1) * rows) / height));
    for (let x = 0; x < width; x += 1, at += 1) {
      const left = edges[x]!;
      const right = Math.max(left + 3, edges[x + 1]!);
      let r = 0;
      let g = 0;
      let b = 0;
      for (let row = top; row < bottom; row += 1) {
        const start = 3 * columns * row;
        for (let p = start + left; p < start + right; p += 3) {
          r += data[p]!;
          g += data[p + 1]!;
          b += data[p + 2]!;
        }
      }
      luma[at] = (3 * (0.299 * r + 0.587 * g + 0.114 * b)) / ((bottom - top) * (right - left)) + 0.5;
    }
  }
  return { width, height, luma };
}

/** Mean of each target pixel's source pixels, three channels; nearest whole source pixels. */
function shrink(
  data: ArrayLike<number>,
  width: number,
  height: number,
  toWidth: number,
  toHeight: number,
): Float32Array {
  const to = new Float32Array(toWidth * toHeight * 3);
  const column = Int32Array.from({ length: toWidth + 1 }, (_, i) => Math.floor((i * width) / toWidth));
  for (let y = 0, at = 0; y < toHeight; y += 1) {
    const top = Math.floor((y * height) / toHeight);
    const bottom = Math.max(top + 1, Math.floor(((y + 1) * height) / toHeight));
    for (let x = 0; x < toWidth; x += 1, at += 3) {
      const left = column[x]!;
      const right = Math.max(left + 1, column[x + 1]!);
      let r = 0;
      let g = 0;
      let b = 0;
      for (let sy = top; sy < bottom; sy += 1) {
        for (let p = (sy * width + left) * 3, end = (sy * width + right) * 3; p < end; p += 3) {
          r += data[p]!;
          g += data[p + 1]!;
          b += data[p + 2]!;
        }
      }
      const n = (bottom - top) * (right - left);
      to[at] = r / n;
      to[at + 1] = g / n;
      to[at + 2] = b / n;
    }
  }
  return to;
}
