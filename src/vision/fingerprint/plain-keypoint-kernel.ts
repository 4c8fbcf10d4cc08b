import { type Plane, sampling } from './plane.ts';

/** Descriptor length in 32-bit words. */
export const DESCRIPTOR_WORDS = 8;

/** Points of one level before selection: x, y and strength of each, the strongest first, equal ones by rows. */
export interface Extrema {
  readonly count: number;
  /** Three numbers a point. */
  readonly points: Float32Array;
}

/** The one or two strongest gradient directions around a point; void when the next point is described. */
export interface Described {
  readonly count: number;
  /** Radians. */
  readonly angles: Float64Array;
  /** DESCRIPTOR_WORDS words a direction. */
  readonly descriptors: Int32Array;
}

/** The inner loops of keypoints. Planes that come from one are to be given to no other. */
export interface KeypointKernel {
  /** A new picture: planes given out before are void. */
  begin(luma: Plane): Plane;
  smooth(plane: Plane): Plane;
  resample(plane: Plane, width: number, height: number): Plane;
  /** Where the plane differs from the blurred one more than anywhere around. */
  extrema(plane: Plane, blurred: Plane, minContrast: number): Extrema;
  /** @param px,py in pixels of the plane */
  describe(plane: Plane, px: number, py: number): Described;
}

export const TURN = 2 * Math.PI;

/** Points nearer to the border of their level than this have no stable neighbourhood. Pixels of the level. */
const MARGIN = 4;
/** Ratio of principal curvatures above which a point lies on an edge. */
export const EDGE_RATIO = 12;

export const PEAKS = 36;
export const PEAK_RADIUS = 7;
/** By place around a point; rows of one more than the neighbourhood is wide, the last of each 0. */
export const PEAK_WEIGHTS = peakWeights(PEAK_RADIUS, 3);

function peakWeights(radius: number, sigma: number): Float32Array {
  const width = 2 * radius + 2;
  return Float32Array.from({ length: (width - 1) * width }, (_, i) => {
    const u = (i % width) - radius;
    const v = Math.floor(i / width) - radius;
    const d = u * u + v * v;
    return u > radius || d > radius * radius + 1 ? 0 : Math.exp(-d / (2 * sigma * sigma));
  });
}

/** Samples along a side of the neighbourhood, cells along a side, directions. */
export const SAMPLES = 12;
export const CELLS = 4;
export const BINS = 8;
/** Distance of samples in pixels of the level. */
export const SPACING = 1.75;
export const SAMPLE_WEIGHTS = Float32Array.from({ length: SAMPLES * SAMPLES }, (_, i) => {
  const u = (i % SAMPLES) - (SAMPLES - 1) / 2;
  const v = Math.floor(i / SAMPLES) - (SAMPLES - 1) / 2;
  return Math.exp(-(u * u + v * v) / (2 * (SAMPLES / 2) ** 2));
});
/** Of a sample's row or column: first of the two cells it counts for (with a margin of one), and its share of the second. */
export const CELL_OF = Int32Array.from({ length: SAMPLES }, (_, i) => Math.floor(cellOf(i)));
export const CELL_SHARE = Float32Array.from({ length: SAMPLES }, (_, i) => cellOf(i) - CELL_OF[i]!);

function cellOf(sample: number): number {
  return ((sample + 0.5) * CELLS) / SAMPLES + 0.5;
}

const round = Math.fround;
const TURN_3 = round(-0.00740014);
const TURN_2 = round(0.025355644);
const TURN_1 = round(0.052142777);
const TURN_0 = round(0.15915494);

/** Direction of (x, y) in turns, 0 to below 1, to about a thousandth; much faster than Math.atan2. */
function turnsOf(y: number, x: number): number {
  const ax = Math.abs(x);
  const ay = Math.abs(y);
  const larger = Math.max(ax, ay);
  if (larger === 0) return 0;
  const a = round(Math.min(ax, ay) / larger);
  const s = round(a * a);
  let r = round(round(TURN_3 * s) + TURN_2);
  r = round(round(r * s) - TURN_1);
  r = round(round(round(r * s) * a) + round(a * TURN_0));
  if (ay > ax) r = round(0.25 - r);
  if (x < 0) r = round(0.5 - r);
  if (y < 0) r = round(1 - r);
  return r >= 1 ? 0 : r;
}

function lengthOf(y: number, x: number): number {
  return round(Math.sqrt(round(round(x * x) + round(y * y))));
}

function binomial(a: number, b: number, c: number, d: number, e: number): number {
  return round(round(round(round(a + e) + round(4 * round(b + d))) + round(6 * c)) * 0.0625);
}

/**
 * Smoothed by the binomial filter 1 4 6 4 1 along each axis (a Gaussian of sigma 1); edges repeat. Rounded at every step
 * as assembly/keypoints.ts does.
 */
function smooth({ width, height, data }: Plane): Plane {
  const rows = new Float32Array(data.length);
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

/** Brought to another size by bilinear sampling; smooth first when shrinking. Pixel centres keep their place. */
function resample(plane: Plane, width: number, height: number): Plane {
  const data = new Float32Array(width * height);
  const row = new Float32Array(plane.width);
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

/** More than there are points of a level. */
const INDEX_RANGE = 2 ** 18;

function strongestFirst(points: Float32Array): Extrema {
  // Numbers alone sort many times faster than indices by a function: a float's bits are in the order of its size.
  const bits = new Int32Array(points.buffer);
  const count = points.length / 3;
  const keys = Float64Array.from({ length: count }, (_, i) => -bits[3 * i + 2]! * INDEX_RANGE + i).sort();
  const sorted = new Float32Array(points.length);
  for (const [to, key] of keys.entries()) {
    const i = key - Math.floor(key / INDEX_RANGE) * INDEX_RANGE;
    sorted.set(points.subarray(3 * i, 3 * i + 3), 3 * to);
  }
  return { count, points: sorted };
}

/** A second gradient direction this strong gives a second point. */
export const SECOND_PEAK = 0.8;
const smoothedPeaks = new Float32Array(PEAKS);

/** The one or two strongest gradient directions around a point, radians, from their histogram. */
function directions(peaks: Float32Array): number[] {
  let top = 0;
  for (let i = 0; i < PEAKS; i += 1) {
    const v =
      6 * peaks[i]! +
      4 * (peaks[(i + 1) % PEAKS]! + peaks[(i + PEAKS - 1) % PEAKS]!) +
      peaks[(i + 2) % PEAKS]! +
      peaks[(i + PEAKS - 2) % PEAKS]!;
    smoothedPeaks[i] = v;
    if (v > smoothedPeaks[top]!) top = i;
  }
  const result = [peakAt(top)];
  let second = -1;
  for (let i = 0; i < PEAKS; i += 1) {
    const v = smoothedPeaks[i]!;
    if (i === top || v < SECOND_PEAK * smoothedPeaks[top]!) continue;
    if (v < smoothedPeaks[(i + 1) % PEAKS]! || v <= smoothedPeaks[(i + PEAKS - 1) % PEAKS]!) continue;
    if (second < 0 || v > smoothedPeaks[second]!) second = i;
  }
  if (second >= 0) result.push(peakAt(second));
  return result;
}

function peakAt(i: number): number {
  const l = smoothedPeaks[(i + PEAKS - 1) % PEAKS]!;
  const c = smoothedPeaks[i]!;
  const r = smoothedPeaks[(i + 1) % PEAKS]!;
  const bend = l - 2 * c + r;
  const shift = bend < 0 ? (0.5 * (l - r)) / bend : 0;
  return (((((i + shift) / PEAKS) * TURN) % TURN) + TURN) % TURN;
}

/** The two thresholds of the bits, in multiples of the mean cell. */
export const LOW_THRESHOLD = 0.5;
export const HIGH_THRESHOLD = 1.5;

/*
 * Word r (0..3) holds the low-threshold bits of row r, word 4 + r the high ones; in a word, byte c is column c and
 * bit o direction o.
 */
function binarise(cells: Float32Array, descriptors: Int32Array, at: number): void {
  let sum = 0;
  for (let row = 1; row <= CELLS; row += 1) {
    const from = (row * (CELLS + 2) + 1) * BINS;
    for (let i = from; i < from + CELLS * BINS; i += 1) sum += cells[i]!;
  }
  const mean = sum / (CELLS * CELLS * BINS);
  const low = mean * LOW_THRESHOLD;
  const high = mean * HIGH_THRESHOLD;
  for (let row = 0; row < CELLS; row += 1) {
    const from = ((row + 1) * (CELLS + 2) + 1) * BINS;
    let lows = 0;
    let highs = 0;
    for (let bit = 0; bit < CELLS * BINS; bit += 1) {
      const v = cells[from + bit]!;
      if (v > low) lows |= 1 << bit;
      if (v > high) highs |= 1 << bit;
    }
    descriptors[at + row] = lows;
    descriptors[at + CELLS + row] = highs;
  }
}

/** The loops in plain TypeScript, rounding as the compiled ones (assembly/keypoints.ts) do: results are equal bit for bit. */
export class PlainKeypointKernel implements KeypointKernel {
  readonly #angles = new Float64Array(2);
  readonly #descriptors = new Int32Array(2 * DESCRIPTOR_WORDS);
  readonly #peaks = new Float32Array(PEAKS);
  readonly #cells = new Float32Array((CELLS + 2) * (CELLS + 2) * BINS);

  begin(luma: Plane): Plane {
    return luma;
  }

  smooth(plane: Plane): Plane {
    return smooth(plane);
  }

  resample(plane: Plane, width: number, height: number): Plane {
    return resample(plane, width, height);
  }

  extrema(plane: Plane, blurred: Plane, minContrast: number): Extrema {
    const { width, height } = plane;
    const d = plane.data.map((value, i) => value - blurred.data[i]!);
    const least = round(minContrast);
    const limit = (EDGE_RATIO + 1) ** 2;
    const points: number[] = [];
    for (let y = MARGIN; y < height - MARGIN; y += 1) {
      for (let x = MARGIN; x < width - MARGIN; x += 1) {
        const i = y * width + x;
        const v = Math.abs(d[i]!);
        if (!(v > least)) continue;
        // Dark points as bright ones.
        const sign = d[i]! < 0 ? -1 : 1;
        if (v < sign * d[i - 1]! || v < sign * d[i - width]!) continue;
        if (v < sign * d[i - width - 1]! || v < sign * d[i - width + 1]!) continue;
        if (v <= sign * d[i + 1]! || v <= sign * d[i + width]!) continue;
        if (v <= sign * d[i + width - 1]! || v <= sign * d[i + width + 1]!) continue;
        const c = round(2 * d[i]!);
        const dxx = round(round(d[i + 1]! + d[i - 1]!) - c);
        const dyy = round(round(d[i + width]! + d[i - width]!) - c);
        const cross = round(round(d[i + width + 1]! - d[i + width - 1]!) - d[i - width + 1]!);
        const dxy = round(round(cross + d[i - width - 1]!) * 0.25);
        const determinant = round(round(dxx * dyy) - round(dxy * dxy));
        const trace = round(dxx + dyy);
        if (determinant <= 0 || round(round(trace * trace) * EDGE_RATIO) > round(limit * determinant))
          continue;
        const dx = round(round(d[i - 1]! - d[i + 1]!) / round(2 * dxx));
        const dy = round(round(d[i - width]! - d[i + width]!) / round(2 * dyy));
        points.push(x + Math.max(-0.5, Math.min(0.5, dx)), y + Math.max(-0.5, Math.min(0.5, dy)), v);
      }
    }
    return strongestFirst(Float32Array.from(points));
  }

  describe(plane: Plane, px: number, py: number): Described {
    const found = directions(this.#directionHistogram(plane, Math.round(px), Math.round(py)));
    for (const [i, direction] of found.entries()) {
      this.#angles[i] = direction;
      binarise(this.#gradientHistogram(plane, px, py, direction), this.#descriptors, i * DESCRIPTOR_WORDS);
    }
    return { count: found.length, angles: this.#angles, descriptors: this.#descriptors };
  }

  /** Strengths of gradients around a pixel by PEAKS directions. */
  #directionHistogram({ width, height, data }: Plane, cx: number, cy: number): Float32Array {
    const peaks = this.#peaks.fill(0);
    let k = 0;
    for (let v = -PEAK_RADIUS; v <= PEAK_RADIUS; v += 1) {
      const y = Math.max(1, Math.min(height - 2, cy + v));
      for (let u = -PEAK_RADIUS; u <= PEAK_RADIUS + 1; u += 1, k += 1) {
        const weight = PEAK_WEIGHTS[k]!;
        if (weight === 0) continue;
        const i = y * width + Math.max(1, Math.min(width - 2, cx + u));
        const gx = round(data[i + 1]! - data[i - 1]!);
        const gy = round(data[i + width]! - data[i - width]!);
        const bin = round(turnsOf(gy, gx) * PEAKS);
        const low = Math.floor(bin);
        const strength = round(weight * lengthOf(gy, gx));
        const f = round(bin - low);
        peaks[low]! += round(strength * round(1 - f));
        peaks[low + 1 === PEAKS ? 0 : low + 1]! += round(strength * f);
      }
    }
    return peaks;
  }

  /** Strengths of gradients around a point by CELLS x CELLS places (with a margin of one) and BINS directions relative to `direction`. */
  #gradientHistogram(
    { width, height, data }: Plane,
    px: number,
    py: number,
    direction: number,
  ): Float32Array {
    const cells = this.#cells.fill(0);
    const cos = round(Math.cos(direction) * SPACING);
    const sin = round(Math.sin(direction) * SPACING);
    const start = round(direction / TURN);
    const right = width - 2;
    const bottom = height - 2;
    let k = 0;
    for (let j = 0; j < SAMPLES; j += 1) {
      const v = j - (SAMPLES - 1) / 2;
      const x0 = round(px - round(v * sin));
      const y0 = round(py + round(v * cos));
      const row = CELL_OF[j]! * (CELLS + 2);
      const fy = CELL_SHARE[j]!;
      for (let i = 0; i < SAMPLES; i += 1, k += 1) {
        const u = i - (SAMPLES - 1) / 2;
        let x = Math.floor(round(round(x0 + round(u * cos)) + 0.5));
        let y = Math.floor(round(round(y0 + round(u * sin)) + 0.5));
        x = x < 1 ? 1 : x > right ? right : x;
        y = y < 1 ? 1 : y > bottom ? bottom : y;
        const at = y * width + x;
        const gx = round(data[at + 1]! - data[at - 1]!);
        const gy = round(data[at + width]! - data[at - width]!);
        let turns = round(turnsOf(gy, gx) - start);
        if (turns < 0) turns = round(turns + 1);
        const bin = round(turns * BINS);
        const whole = Math.floor(bin);
        const low = whole & (BINS - 1);
        const high = (low + 1) & (BINS - 1);
        const f = round(bin - whole);
        const g = round(1 - f);
        const strength = round(SAMPLE_WEIGHTS[k]! * lengthOf(gy, gx));
        const fx = CELL_SHARE[i]!;
        const rest = round(1 - fx);
        const a = (row + CELL_OF[i]!) * BINS;
        const b = a + (CELLS + 2) * BINS;
        const upper = round(strength * round(1 - fy));
        const lower = round(strength * fy);
        const ul = round(upper * rest);
        const ur = round(upper * fx);
        const ll = round(lower * rest);
        const lr = round(lower * fx);
        cells[a + low]! += round(ul * g);
        cells[a + high]! += round(ul * f);
        cells[a + BINS + low]! += round(ur * g);
        cells[a + BINS + high]! += round(ur * f);
        cells[b + low]! += round(ll * g);
        cells[b + high]! += round(ll * f);
        cells[b + BINS + low]! += round(lr * g);
        cells[b + BINS + high]! += round(lr * f);
      }
    }
    return cells;
  }
}
