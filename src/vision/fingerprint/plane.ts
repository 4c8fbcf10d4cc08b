import type { Raster } from './raster.ts';

/** One channel of a picture, row by row from the top left; values 0..255, fractions allowed. */
export interface Plane {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/** Luma (BT.601) of every pixel. */
export function lumaPlane({ width, height, data }: Raster): Plane {
  const luma = new Float32Array(width * height);
  for (let i = 0, p = 0; i < luma.length; i += 1, p += 3) {
    luma[i] = 0.299 * data[p]! + 0.587 * data[p + 1]! + 0.114 * data[p + 2]!;
  }
  return { width, height, data: luma };
}

// Kept from call to call, for large arrays are slow to allocate and to clear. No result refers to it.
let scratch = new Float32Array(0);

/** Room for `length` numbers, whatever they are. */
function borrowed(length: number): Float32Array {
  if (scratch.length < length) scratch = new Float32Array(length);
  return scratch;
}

const round = Math.fround;

function binomial(a: number, b: number, c: number, d: number, e: number): number {
  return round(round(round(round(a + e) + round(4 * round(b + d))) + round(6 * c)) * 0.0625);
}

/**
 * Smoothed by the binomial filter 1 4 6 4 1 along each axis (a Gaussian of sigma 1); edges repeat. Rounded at every step
 * as assembly/keypoints.ts does.
 */
export function smooth({ width, height, data }: Plane): Plane {
  const rows = borrowed(data.length);
  const last = width - 1;
  for (let y = 0; y < height; y += 1) {
    const start = y * width;
    const end = start + last;
    const at = (x: number) => data[start + Math.min(last, Math.max(0, x))]!;
    for (const x of [0, 1, last - 1, last]) {
      if (x >= 0) rows[start + x] = binomial(at(x - 2), at(x - 1), at(x), at(x + 1), at(x + 2));
    }
    let b = data[start]!;
    let c = data[start + 1]!;
    let d = data[start + 2]!;
    let e = data[start + 3]!;
    for (let i = start + 2; i < end - 1; i += 1) {
      const a = b;
      b = c;
      c = d;
      d = e;
      e = data[i + 2]!;
      rows[i] = binomial(a, b, c, d, e);
    }
  }
  const smoothed = new Float32Array(data.length);
  const bottom = height - 1;
  for (let y = 0; y < height; y += 1) {
    const c = y * width;
    const a = Math.max(0, y - 2) * width;
    const b = Math.max(0, y - 1) * width;
    const d = Math.min(bottom, y + 1) * width;
    const e = Math.min(bottom, y + 2) * width;
    for (let x = 0; x < width; x += 1) {
      smoothed[c + x] = binomial(rows[a + x]!, rows[b + x]!, rows[c + x]!, rows[d + x]!, rows[e + x]!);
    }
  }
  return { width, height, data: smoothed };
}

/** For each of `to` places along a side, the one of `from` before it and the share that the next one has. */
export function sampling(from: number, to: number): { first: Int32Array; share: Float32Array } {
  const first = new Int32Array(to);
  const share = new Float32Array(to);
  for (let i = 0; i < to; i += 1) {
    const at = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5));
    first[i] = Math.floor(at);
    share[i] = at - first[i]!;
  }
  return { first, share };
}

/** Brought to another size by bilinear sampling; smooth first when shrinking. Pixel centres keep their place. */
export function resample(plane: Plane, width: number, height: number): Plane {
  const data = new Float32Array(width * height);
  const row = borrowed(plane.width);
  const columns = sampling(plane.width, width);
  const lines = sampling(plane.height, height);
  const last = plane.width - 1;
  for (let y = 0; y < height; y += 1) {
    const top = lines.first[y]!;
    const fy = lines.share[y]!;
    const a = top * plane.width;
    const b = Math.min(plane.height - 1, top + 1) * plane.width;
    for (let x = 0; x < plane.width; x += 1) {
      const upper = plane.data[a + x]!;
      row[x] = upper + round(round(plane.data[b + x]! - upper) * fy);
    }
    for (let x = 0; x < width; x += 1) {
      const left = columns.first[x]!;
      const value = row[left]!;
      data[y * width + x] = value + round(round(row[Math.min(last, left + 1)]! - value) * columns.share[x]!);
    }
  }
  return { width, height, data };
}
