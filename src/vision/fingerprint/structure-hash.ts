import type { Box } from './trim.ts';
import type { LumaThumbnail } from './thumbnail.ts';
import { type Plane, resample, smooth } from './plane.ts';

/**
 * A 256-bit hash of where lines run, whatever their colours: 8x8 cells, four directions modulo half a turn. Survives
 * inverting, recolouring and line drawing, where a hash of luma does not.
 */
const SIDE = 64;
const CELLS = 8;
const WORDS = 8;

/** Hashes of the eight orientations, in the order of ORIENTATIONS; 8 words each. */
export function structureHashes(thumb: LumaThumbnail, box: Box): Int32Array[] {
  const energy = directionEnergy(thumb, box);
  const bits = binary(energy);
  return Array.from({ length: 8 }, (_, i) => pack(bits, i));
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

function directionEnergy(thumb: LumaThumbnail, box: Box): Float32Array {
  const x0 = Math.floor(box.x * thumb.width);
  const y0 = Math.floor(box.y * thumb.height);
  const w = Math.max(4, Math.min(thumb.width - x0, Math.round(box.width * thumb.width)));
  const h = Math.max(4, Math.min(thumb.height - y0, Math.round(box.height * thumb.height)));
  const part = new Float32Array(w * h);
  for (let y = 0; y < h; y += 1)
    for (let x = 0; x < w; x += 1) part[y * w + x] = thumb.luma[(y0 + y) * thumb.width + x0 + x]!;
  let plane: Plane = { width: w, height: h, data: part };
  while (Math.min(plane.width, plane.height) >= 2 * SIDE)
    plane = resample(smooth(plane), plane.width >> 1, plane.height >> 1);
  const { data } = smooth(resample(plane, SIDE, SIDE));
  const energy = new Float32Array(CELLS * CELLS * 4);
  const gradient = (i: number, step: number) => data[i + step]! - data[i - step]!;
  let sum = 0;
  for (let y = 1; y < SIDE - 1; y += 1)
    for (let x = 1; x < SIDE - 1; x += 1)
      sum += Math.hypot(gradient(y * SIDE + x, 1), gradient(y * SIDE + x, SIDE));
  const mean = sum / SIDE / SIDE + 0.5;
  for (let y = 1; y < SIDE - 1; y += 1) {
    for (let x = 1; x < SIDE - 1; x += 1) {
      const gx = gradient(y * SIDE + x, 1);
      const gy = gradient(y * SIDE + x, SIDE);
      const m = Math.hypot(gx, gy);
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

/** Half of all bits: those above the median of their kind (diagonals are rarer than uprights). */
function binary(energy: Float32Array): Uint8Array {
  const bits = new Uint8Array(energy.length);
  for (const kinds of [
    [0, 2],
    [1, 3],
  ]) {
    const values = energy.filter((_, i) => kinds.includes(i & 3)).sort();
    const median = values[values.length >> 1]!;
    for (let i = 0; i < bits.length; i += 1) if (kinds.includes(i & 3)) bits[i] = energy[i]! > median ? 1 : 0;
  }
  return bits;
}

/** Orientation i as (mirrored?, quarter turns): the picture is mirrored first, then turned clockwise. */
function pack(bits: Uint8Array, orientation: number): Int32Array {
  const words = new Int32Array(WORDS);
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
        const bit = (y * CELLS + x) * 4 + d;
        if (bits[(sy * CELLS + sx) * 4 + from]) words[bit >> 5]! |= 1 << (bit & 31);
      }
    }
  }
  return words;
}
