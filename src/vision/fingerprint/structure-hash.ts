import type { Box } from './trim.ts';
import type { LumaThumbnail } from './thumbnail.ts';
import { nthSmallest } from './nth.ts';
import { type Plane, resample, smooth } from './plane.ts';
import { type Part, viewsKernel } from './views-kernel.ts';

/**
 * A 256-bit hash of where lines run, whatever their colours: 8x8 cells, four directions modulo half a turn. Survives
 * inverting, recolouring and line drawing, where a hash of luma does not.
 */
const SIDE = 64;
const CELLS = 8;
const WORDS = 8;

/**
 * Hashes of the eight orientations, in the order of ORIENTATIONS; 8 words each.
 *
 * @param kernel compiled loops, or null for the plain ones: the same result, later
 */
export function structureHashes(thumb: LumaThumbnail, box: Box, kernel = viewsKernel()): Int32Array[] {
  const left = Math.floor(box.x * thumb.width);
  const top = Math.floor(box.y * thumb.height);
  const part = {
    left,
    top,
    width: Math.max(4, Math.min(thumb.width - left, Math.round(box.width * thumb.width))),
    height: Math.max(4, Math.min(thumb.height - top, Math.round(box.height * thumb.height))),
  };
  const bits = binary(kernel?.directionEnergy(thumb, part) ?? directionEnergy(thumb, part));
  return SOURCES.map((sources) => pack(bits, sources));
}

export function structureDistance(a: Int32Array, b: Int32Array): number {
  let total = 0;
  for (let k = 0; k < WORDS; k += 1) {
    let v = a[k]! ^ b[k]!;
    v -= (v >>> 1) & 0x55555555;
    v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
    total += Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
  }
  return total;
}

function directionEnergy(thumb: LumaThumbnail, { left, top, width, height }: Part): Float32Array {
  const part = new Float32Array(width * height);
  for (let y = 0; y < height; y += 1) {
    const row = (top + y) * thumb.width + left;
    part.set(thumb.luma.subarray(row, row + width), y * width);
  }
  let plane: Plane = { width, height, data: part };
  while (Math.min(plane.width, plane.height) >= 2 * SIDE)
    plane = resample(smooth(plane), plane.width >> 1, plane.height >> 1);
  const { data } = smooth(resample(plane, SIDE, SIDE));
  const energy = new Float32Array(CELLS * CELLS * 4);
  const gradient = (i: number, step: number) => data[i + step]! - data[i - step]!;
  let sum = 0;
  for (let y = 1; y < SIDE - 1; y += 1)
    for (let x = 1; x < SIDE - 1; x += 1)
      sum += length(gradient(y * SIDE + x, 1), gradient(y * SIDE + x, SIDE));
  const mean = sum / SIDE / SIDE + 0.5;
  for (let y = 1; y < SIDE - 1; y += 1) {
    for (let x = 1; x < SIDE - 1; x += 1) {
      const gx = gradient(y * SIDE + x, 1);
      const gy = gradient(y * SIDE + x, SIDE);
      const m = length(gx, gy);
      if (m === 0) continue;
      const strength = m / (m + mean) / (m * m);
      const c = (gx * gx - gy * gy) * strength;
      const s = 2 * gx * gy * strength;
      // Each sample counts for the four nearest cells, so that a small shift changes little.
      const u = (x + 0.5) / 8 - 0.5;
      const v = (y + 0.5) / 8 - 0.5;
      for (let j = Math.floor(v); j <= Math.floor(v) + 1; j += 1) {
        for (let i = Math.floor(u); i <= Math.floor(u) + 1; i += 1) {
          if (i < 0 || j < 0 || i >= CELLS || j >= CELLS) continue;
          const weight = (1 - Math.abs(u - i)) * (1 - Math.abs(v - j));
          const at = (j * CELLS + i) * 4;
          if (c > 0) energy[at]! += c * weight;
          else energy[at + 2]! -= c * weight;
          if (s > 0) energy[at + 1]! += s * weight;
          else energy[at + 3]! -= s * weight;
        }
      }
    }
  }
  return energy;
}

/** Of a vector, as V8 computes Math.hypot: written out, for the kernel computes it too, and no engine need. */
function length(x: number, y: number): number {
  const longer = Math.max(Math.abs(x), Math.abs(y));
  if (longer === 0) return 0;
  const ratio = Math.min(Math.abs(x), Math.abs(y)) / longer;
  return Math.sqrt(1 + ratio * ratio) * longer;
}

/** Half of all bits: those above the median of their kind (diagonals are rarer than uprights). */
function binary(energy: Float32Array): Uint8Array {
  const bits = new Uint8Array(energy.length);
  for (const kinds of [
    [0, 2],
    [1, 3],
  ]) {
    const values = energy.filter((_, i) => kinds.includes(i & 3));
    const median = nthSmallest(values, values.length >> 1);
    for (let i = 0; i < bits.length; i += 1) if (kinds.includes(i & 3)) bits[i] = energy[i]! > median ? 1 : 0;
  }
  return bits;
}

/** For each orientation, where each bit comes from. */
const SOURCES = Array.from({ length: 8 }, (_, orientation) => sourcesOf(orientation));

/** Orientation i as (mirrored?, quarter turns): the picture is mirrored first, then turned clockwise. */
function sourcesOf(orientation: number): Uint8Array {
  const sources = new Uint8Array(CELLS * CELLS * 4);
  const mirrored = orientation >= 4;
  const turns = orientation & 3;
  for (let y = 0; y < CELLS; y += 1) {
    for (let x = 0; x < CELLS; x += 1) {
      // Where the laid picture's cell (x, y) comes from.
      let sx = x;
      let sy = y;
      for (let t = 0; t < turns; t += 1) [sx, sy] = [sy, CELLS - 1 - sx];
      if (mirrored) sx = CELLS - 1 - sx;
      for (let d = 0; d < 4; d += 1) {
        let from = d;
        // A quarter turn exchanges 0 and 90, 45 and 135 degrees; mirroring the latter only.
        if (turns & 1) from = (from + 2) & 3;
        if (mirrored && from & 1) from ^= 2;
        sources[(y * CELLS + x) * 4 + d] = (sy * CELLS + sx) * 4 + from;
      }
    }
  }
  return sources;
}

function pack(bits: Uint8Array, sources: Uint8Array): Int32Array {
  const words = new Int32Array(WORDS);
  for (let bit = 0; bit < sources.length; bit += 1) words[bit >> 5]! |= bits[sources[bit]!]! << (bit & 31);
  return words;
}
