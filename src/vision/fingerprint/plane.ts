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

/** Smoothed by the binomial filter 1 4 6 4 1 along each axis (a Gaussian of sigma 1); edges repeat. */
export function smooth({ width, height, data }: Plane): Plane {
  const rows = borrowed(data.length);
  const last = width - 1;
  for (let y = 0; y < height; y += 1) {
    const start = y * width;
    const end = start + last;
    const at = (x: number) => data[start + Math.min(last, Math.max(0, x))]!;
    for (const x of [0, 1, last - 1, last]) {
      if (x >= 0)
        rows[start + x] = (at(x - 2) + at(x + 2) + 4 * (at(x - 1) + at(x + 1)) + 6 * at(x)) * 0.0625;
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
      rows[i] = (a + e + 4 * (b + d) + 6 * c) * 0.0625;
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
      smoothed[c + x] =
        (rows[a + x]! + rows[e + x]! + 4 * (rows[b + x]! + rows[d + x]!) + 6 * rows[c + x]!) * 0.0625;
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
  const kx = plane.width / width;
  const ky = plane.height / height;
  const left = new Int32Array(width);
  const right = new Int32Array(width);
  const share = new Float32Array(width);
  for (let x = 0; x < width; x += 1) {
    const sx = Math.min(plane.width - 1, Math.max(0, (x + 0.5) * kx - 0.5));
    left[x] = Math.floor(sx);
    right[x] = Math.min(plane.width - 1, left[x]! + 1);
    share[x] = sx - left[x]!;
  }
  for (let y = 0; y < height; y += 1) {
    const sy = Math.min(plane.height - 1, Math.max(0, (y + 0.5) * ky - 0.5));
    const top = Math.floor(sy);
    const fy = sy - top;
    const a = top * plane.width;
    const b = Math.min(plane.height - 1, top + 1) * plane.width;
    for (let x = 0; x < width; x += 1) {
      const l = left[x]!;
      const r = right[x]!;
      const fx = share[x]!;
      const upper = plane.data[a + l]! + (plane.data[a + r]! - plane.data[a + l]!) * fx;
      const lower = plane.data[b + l]! + (plane.data[b + r]! - plane.data[b + l]!) * fx;
      data[y * width + x] = upper + (lower - upper) * fy;
    }
  }
  return { width, height, data };
}
