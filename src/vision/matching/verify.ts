import { type Keypoints, LEVEL_FACTOR, transformDescriptors } from '../fingerprint/keypoints.ts';
import type { Thumbnail } from '../fingerprint/thumbnail.ts';
import type { Box } from '../fingerprint/trim.ts';
import type { Correspondences } from '../search/keypoint-index.ts';
import { alignmentKernel } from './alignment-kernel.ts';
import { type Transform, affine, apply, areaScale, fitAffine, fitProjective, product } from './geometry.ts';
import { matchingKernel } from './matching-kernel.ts';
import type { Alignment, Look, OutlineSide, Place } from './plain-alignment-kernel.ts';
import { type Buckets, CELL, GUIDED_DISTANCE, type PairedOutput, sizesOf } from './plain-matching-kernel.ts';
import { type Point, clipToUnitSquare } from './quad.ts';

/** What verification needs of a work. */
export interface WorkView {
  readonly keypoints: Keypoints;
  readonly thumb: Thumbnail;
}

/** An output made ready once for any number of verifications. */
export interface OutputView extends PairedOutput {
  readonly thumb: Thumbnail;
  /** How telling each point is: see KeypointAnswer. */
  readonly rarity: Float32Array;
}

/** x and y in the work, x and y in the output. */
export type Correspondence = readonly [number, number, number, number];

export interface Verification {
  /** From the work's keypoint raster to the output's. */
  readonly transform: Transform;
  /** Pairs of keypoints that agree with the transform, and how many of the work's could have. */
  readonly inliers: number;
  readonly possible: number;
  /** The inliers weighted by how near and how telling they are: points that any picture has count little. */
  readonly weight: number;
  /** Mean distance of the inliers from where the transform puts them, in shares of the work's longer side. */
  readonly residual: number;
  /** Share of the work inside the output; of the output covered by the work. */
  readonly overlap: { readonly work: number; readonly output: number };
  readonly alignment: Alignment;
  /** The work's outline in shares of the output's sides. */
  readonly quad: readonly (readonly [number, number])[];
  /** The pairs of keypoints that agree: place in the work, place in the output, in shares of their sides. */
  readonly correspondences: readonly Correspondence[];
  readonly mirrored: boolean;
  /** Lines outside the quad: share of the output's area there that is not plain, 0..1; 0 where nothing is outside. */
  readonly surroundings: number;
  /** What `alignment.elastic` and `weight` would be by chance, for these two pictures. */
  readonly chance: { readonly elastic: number; readonly weight: number };
}

export function prepareOutput(keypoints: Keypoints, thumb: Thumbnail, rarity: Float32Array): OutputView {
  return {
    keypoints,
    mirrored: transformDescriptors(keypoints.descriptors, { mirrored: true, inverted: false }),
    inverted: transformDescriptors(keypoints.descriptors, { mirrored: false, inverted: true }),
    both: transformDescriptors(keypoints.descriptors, { mirrored: true, inverted: true }),
    thumb,
    buckets: bucket(keypoints),
    rarity,
  };
}

function bucket({ width, height, x, y, count }: Keypoints): Buckets {
  const columns = Math.ceil(width / CELL);
  const rows = Math.ceil(height / CELL);
  const cell = (i: number) =>
    Math.max(0, Math.min(rows - 1, Math.floor(y[i]! / CELL))) * columns +
    Math.max(0, Math.min(columns - 1, Math.floor(x[i]! / CELL)));
  const starts = new Int32Array(columns * rows + 1);
  for (let i = 0; i < count; i += 1) starts[cell(i) + 1]! += 1;
  for (let c = 0; c < columns * rows; c += 1) starts[c + 1]! += starts[c]!;
  const next = starts.slice();
  const points = new Uint16Array(count);
  for (let i = 0; i < count; i += 1) {
    const c = cell(i);
    points[next[c]!] = i;
    next[c]! += 1;
  }
  return { columns, rows, starts, points };
}

/** A transform proposed by keypoints alone, with the weight of the correspondences that support it. */
export interface Proposal {
  readonly transform: Transform;
  readonly support: number;
}

const ANGLE_TOLERANCE = 0.45;
const LEVEL_TOLERANCE = 2.2;
const CONSIDERED = 90;

/**
 * The similarity with most support among those that a single correspondence defines (place, size, direction); null
 * when no two agree.
 */
export function propose(found: Correspondences, output: Keypoints, work: Keypoints): Proposal | null {
  const order = likeliest(found, output, work);
  const n = order.length;
  if (n < 2) return null;
  const wx = new Float64Array(n);
  const wy = new Float64Array(n);
  const ox = new Float64Array(n);
  const oy = new Float64Array(n);
  const turn = new Float64Array(n);
  const levels = new Float64Array(n);
  const side = new Uint8Array(n);
  const weight = new Float64Array(n);
  for (let k = 0; k < n; k += 1) {
    const i = order[k]!;
    const q = found.output[i]!;
    const r = found.work[i]!;
    wx[k] = work.x[r]!;
    wy[k] = work.y[r]!;
    ox[k] = output.x[q]!;
    oy[k] = output.y[q]!;
    side[k] = found.mirrored[i]!;
    // Mirroring reverses the sense of the work's angles: the turn is then the sum.
    turn[k] = output.angle[q]! - (side[k] ? -work.angle[r]! : work.angle[r]!);
    levels[k] = output.level[q]! - work.level[r]!;
    weight[k] = 1 - found.distance[i]! / 100;
  }
  let best: number[] = [];
  let bestSupport = 0;
  let bestTransform: Transform | null = null;
  const seen = new Int32Array(work.count).fill(-1);
  const seenOutput = new Int32Array(output.count).fill(-1);
  for (let k = 0; k < n; k += 1) {
    const t = similarity(wx[k]!, wy[k]!, ox[k]!, oy[k]!, turn[k]!, LEVEL_FACTOR ** levels[k]!, side[k] === 1);
    const scale = LEVEL_FACTOR ** levels[k]!;
    const reach = (18 + 0.035 * Math.max(work.width, work.height)) * scale * 0.6 + 4;
    const members: number[] = [];
    let support = 0;
    for (let j = 0; j < n; j += 1) {
      if (side[j] !== side[k] || Math.abs(levels[j]! - levels[k]!) > LEVEL_TOLERANCE) continue;
      if (Math.abs(wrap(turn[j]! - turn[k]!)) > ANGLE_TOLERANCE) continue;
      const dx = t[0]! * wx[j]! + t[1]! * wy[j]! + t[2]! - ox[j]!;
      const dy = t[3]! * wx[j]! + t[4]! * wy[j]! + t[5]! - oy[j]!;
      // One correspondence gives angle and size roughly: what lies far from it may deviate more.
      const far = 0.12 * Math.sqrt((wx[j]! - wx[k]!) ** 2 + (wy[j]! - wy[k]!) ** 2) * scale;
      if (dx * dx + dy * dy > (reach * 0.5 + far) ** 2) continue;
      const i = order[j]!;
      if (seen[found.work[i]!] === k || seenOutput[found.output[i]!] === k) continue;
      seen[found.work[i]!] = k;
      seenOutput[found.output[i]!] = k;
      members.push(j);
      support += weight[j]!;
    }
    if (support > bestSupport) {
      bestSupport = support;
      best = members;
      bestTransform = t;
    }
  }
  if (bestTransform === null || best.length < 2) return null;
  const pick = (from: Float64Array) => Float64Array.from(best, (j) => from[j]!);
  const fitted = fitAffine(
    { x: pick(wx), y: pick(wy), u: pick(ox), v: pick(oy), length: best.length },
    bestTransform,
    3,
  );
  return { transform: fitted ?? bestTransform, support: bestSupport };
}

const TURN_BINS = 12;

/** The correspondences of the commonest turn and size, nearest descriptors first, then the others. */
function likeliest(found: Correspondences, output: Keypoints, work: Keypoints): number[] {
  const sizes = 17;
  const votes = new Float64Array(2 * sizes * TURN_BINS);
  const pose = new Int32Array(found.length);
  for (let i = 0; i < found.length; i += 1) {
    const q = found.output[i]!;
    const r = found.work[i]!;
    const side = found.mirrored[i]!;
    const turn = output.angle[q]! - (side ? -work.angle[r]! : work.angle[r]!);
    const bin = Math.floor((turn / (2 * Math.PI) + 2) * TURN_BINS) % TURN_BINS;
    const size = output.level[q]! - work.level[r]! + 8;
    pose[i] = (side * sizes + size) * TURN_BINS + bin;
    votes[pose[i]!]! += found.vote[i]!;
  }
  // Neighbouring poses count together, for both are measured roughly.
  const near = (a: number, b: number) => {
    const turn = Math.abs((a % TURN_BINS) - (b % TURN_BINS));
    return (
      Math.abs(Math.floor(a / TURN_BINS) - Math.floor(b / TURN_BINS)) <= 1 &&
      (turn <= 1 || turn === TURN_BINS - 1)
    );
  };
  let best = 0;
  let most = -1;
  for (let p = 0; p < votes.length; p += 1) {
    let sum = 0;
    for (let dy = -1; dy <= 1; dy += 1) {
      const row = Math.floor(p / TURN_BINS) + dy;
      if (row < 0 || row >= 2 * sizes) continue;
      for (let dx = -1; dx <= 1; dx += 1)
        sum += votes[row * TURN_BINS + (((p % TURN_BINS) + dx + TURN_BINS) % TURN_BINS)]!;
    }
    if (sum > most) {
      most = sum;
      best = p;
    }
  }
  const key = Int32Array.from(pose, (p, i) => (near(p, best) ? 0 : 1000) + found.distance[i]!);
  return Array.from({ length: found.length }, (_, i) => i)
    .sort((a, b) => key[a]! - key[b]! || a - b)
    .slice(0, CONSIDERED);
}

function wrap(angle: number): number {
  return angle - 2 * Math.PI * Math.round(angle / (2 * Math.PI));
}

function similarity(
  wx: number,
  wy: number,
  ox: number,
  oy: number,
  turn: number,
  scale: number,
  mirrored: boolean,
): Transform {
  const c = Math.cos(turn) * scale;
  const s = Math.sin(turn) * scale;
  const m = mirrored ? -1 : 1;
  // Turned after y has changed sign where mirrored.
  const b = -s * m;
  const e = c * m;
  return affine(c, b, ox - c * wx - b * wy, s, e, oy - s * wx - e * wy);
}

/**
 * The map from a box of the work to a box of the output (shares of their sides) where doing ORIENTATIONS[orientation]
 * to the output lays it like the work.
 */
export function orientedMap(
  work: { width: number; height: number },
  workBox: Box,
  output: { width: number; height: number },
  outputBox: Box,
  orientation: number,
): Transform {
  const place = (x: number, y: number): [number, number] => {
    let u = x;
    let v = y;
    for (let t = 0; t < (orientation & 3); t += 1) [u, v] = [v, 1 - u];
    if (orientation >= 4) u = 1 - u;
    return [
      (outputBox.x + u * outputBox.width) * output.width - 0.5,
      (outputBox.y + v * outputBox.height) * output.height - 0.5,
    ];
  };
  const [x0, y0] = place(0, 0);
  const [x1, y1] = place(1, 0);
  const [x2, y2] = place(0, 1);
  const left = workBox.x * work.width - 0.5;
  const top = workBox.y * work.height - 0.5;
  const a = (x1 - x0) / (workBox.width * work.width);
  const d = (y1 - y0) / (workBox.width * work.width);
  const b = (x2 - x0) / (workBox.height * work.height);
  const e = (y2 - y0) / (workBox.height * work.height);
  return affine(a, b, x0 - a * left - b * top, d, e, y0 - d * left - e * top);
}

interface Guided {
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly u: Float32Array;
  readonly v: Float32Array;
  readonly length: number;
  readonly possible: number;
  readonly weight: number;
}

/** Pairs of keypoints near each other under the map: looks only where the map says. */
export function guidedPairs(
  work: Keypoints,
  output: OutputView,
  map: Transform,
  reach: number,
  inverted: boolean,
): Guided {
  const { keypoints: o } = output;
  const area = areaScale(map, work.width / 2, work.height / 2);
  const mirrored = area < 0;
  const side = inverted ? (mirrored ? 'both' : 'inverted') : mirrored ? 'mirrored' : 'keypoints';
  const levelShift = Math.log(Math.sqrt(Math.abs(area))) / Math.log(LEVEL_FACTOR);
  const sizes = sizesOf(levelShift, reach);
  const { length, points, distance, possible } = matchingKernel().guidedPairs(work, output, map, sizes, side);
  const x = new Float32Array(length);
  const y = new Float32Array(length);
  const u = new Float32Array(length);
  const v = new Float32Array(length);
  const rarityFrom = mirrored ? o.count : 0;
  let weight = 0;
  for (let k = 0; k < length; k += 1) {
    const i = points[2 * k]!;
    const q = points[2 * k + 1]!;
    weight += output.rarity[rarityFrom + q]! ** 2 * (1 - distance[k]! / (GUIDED_DISTANCE + 6));
    x[k] = work.x[i]!;
    y[k] = work.y[i]!;
    u[k] = o.x[q]!;
    v[k] = o.y[q]!;
  }
  return { x, y, u, v, length, possible, weight };
}

/** A proposed transform after a first, cheap look. */
export interface Glance {
  readonly map: Transform;
  readonly inverted: boolean;
  readonly pairs: Guided;
  readonly look: Look;
  /** For ranking only: what deserves a full verification. */
  readonly promise: number;
}

export function glance(work: WorkView, output: OutputView, map: Transform, inverted = false): Glance {
  const pairs = guidedPairs(work.keypoints, output, map, 12, inverted);
  const seen = lookAt(work, output, map);
  const promise = seen.elastic + Math.max(0, seen.structure) + 0.35 * Math.log1p(pairs.weight);
  return { map, inverted, pairs, look: seen, promise };
}

function lookAt(work: WorkView, output: OutputView, map: Transform): Look {
  return alignmentKernel().look(work.thumb, output.thumb, placeOf(work, output, map));
}

function placeOf(work: WorkView, output: OutputView, map: Transform): Place {
  return { map, work: work.keypoints, output: output.keypoints };
}

/** Refines a map by the keypoints near it, measures what agrees, and looks at the aligned pictures. */
export function verify(work: WorkView, output: OutputView, seen: Glance): Verification {
  const k = work.keypoints;
  const o = output.keypoints;
  const { inverted } = seen;
  const { map, pairs } = refined(work, output, seen);
  const alignment = alignmentKernel().align(work.thumb, output.thumb, placeOf(work, output, map));
  const tight = guidedPairs(k, output, map, 5, inverted);
  const quad = corners(k).map(([x, y]): [number, number] => {
    const [u, v] = apply(map, x, y);
    return [(u + 0.5) / o.width, (v + 0.5) / o.height];
  });
  return {
    transform: map,
    inliers: tight.length,
    possible: tight.possible,
    weight: tight.weight,
    residual: residualOf(pairs, map, Math.max(k.width, k.height)),
    overlap: { work: alignment.inside, output: Math.min(1, clippedArea(quad)) },
    alignment,
    quad,
    correspondences: inShares(tight, k, o),
    mirrored: areaScale(map, k.width / 2, k.height / 2) < 0,
    surroundings: alignmentKernel().surroundings(output.thumb, outlineOf(quad)),
    chance: chance(work, output, map, inverted),
  };
}

function inShares({ x, y, u, v, length }: Guided, work: Keypoints, output: Keypoints): Correspondence[] {
  return Array.from({ length }, (_, i) => [
    (x[i]! + 0.5) / work.width,
    (y[i]! + 0.5) / work.height,
    (u[i]! + 0.5) / output.width,
    (v[i]! + 0.5) / output.height,
  ]);
}

/** Bends the map towards the keypoints near it, as long as the pictures then agree as well as before. */
function refined(work: WorkView, output: OutputView, seen: Glance): { map: Transform; pairs: Guided } {
  const { keypoints } = work;
  let { map, pairs } = seen;
  let quality = seen.look.structure + seen.look.elastic;
  const steps = [
    { least: 4, fit: () => fitAffine(pairs, map, 4), reach: 8, keep: 0.8, slack: 0.05 },
    {
      least: 10,
      fit: () => fitProjective(pairs, map, Math.max(keypoints.width, keypoints.height)),
      reach: 6,
      keep: 0.85,
      slack: 0.02,
    },
  ];
  for (const { least, fit, reach, keep, slack } of steps) {
    if (pairs.length < least) break;
    const next = fit();
    if (next === null || !sane(next, keypoints, output.keypoints)) continue;
    const nearer = guidedPairs(keypoints, output, next, reach, seen.inverted);
    if (nearer.length < keep * pairs.length) continue;
    const then = lookAt(work, output, next);
    if (then.structure + then.elastic < quality - slack) continue;
    map = next;
    pairs = nearer;
    quality = then.structure + then.elastic;
  }
  return { map, pairs };
}

/**
 * How well the same two pictures agree when the work is laid in the same place wrongly: mirrored, and upside down.
 * Flags, discs, frames and even textures agree either way, and so say little when they do.
 */
function chance(
  work: WorkView,
  output: OutputView,
  map: Transform,
  inverted: boolean,
): Verification['chance'] {
  let elastic = 0;
  let weight = 0;
  const { keypoints } = work;
  const right = keypoints.width - 1;
  const bottom = keypoints.height - 1;
  for (const wrong of [affine(-1, 0, right, 0, 1, 0), affine(-1, 0, right, 0, -1, bottom)]) {
    const laid = product(map, wrong);
    elastic = Math.max(elastic, lookAt(work, output, laid).elastic);
    weight = Math.max(weight, guidedPairs(keypoints, output, laid, 5, inverted).weight);
  }
  return { elastic, weight };
}

function residualOf(pairs: Guided, map: Transform, size: number): number {
  if (pairs.length === 0) return 0;
  const scale = Math.sqrt(Math.abs(areaScale(map, pairs.x[0]!, pairs.y[0]!)));
  let sum = 0;
  for (let i = 0; i < pairs.length; i += 1) {
    const [u, v] = apply(map, pairs.x[i]!, pairs.y[i]!);
    sum += Math.hypot(u - pairs.u[i]!, v - pairs.v[i]!);
  }
  return sum / pairs.length / (scale * size);
}

function corners({ width, height }: Keypoints): [number, number][] {
  return [
    [-0.5, -0.5],
    [width - 0.5, -0.5],
    [width - 0.5, height - 0.5],
    [-0.5, height - 0.5],
  ];
}

/** Refuses maps that fold, crush or blow up the work. */
function sane(map: Transform, work: Keypoints, output: Keypoints): boolean {
  let sign = 0;
  for (const [x, y] of corners(work)) {
    if (map[6]! * x + map[7]! * y + map[8]! <= 0.2) return false;
    const area = areaScale(map, x, y);
    if (sign !== 0 && Math.sign(area) !== sign) return false;
    sign = Math.sign(area);
    if (Math.abs(area) < 0.004 || Math.abs(area) > 60) return false;
  }
  const cx = work.width / 2;
  const cy = work.height / 2;
  // Lengths of the images of the two axes, and the angle between them.
  const [x0, y0] = apply(map, cx, cy);
  const [x1, y1] = apply(map, cx + 1, cy);
  const [x2, y2] = apply(map, cx, cy + 1);
  const p = Math.hypot(x1 - x0, y1 - y0);
  const q = Math.hypot(x2 - x0, y2 - y0);
  const shear = Math.abs(((x1 - x0) * (x2 - x0) + (y1 - y0) * (y2 - y0)) / (p * q));
  return p / q < 3 && q / p < 3 && shear < 0.7 && output.width > 0;
}

/** The sides of a convex outline. */
function outlineOf(quad: readonly Point[]): OutlineSide[] {
  const middle = quad.reduce(([x, y], [u, v]) => [x + u / quad.length, y + v / quad.length] as const, [0, 0]);
  return quad.map(([ax, ay], i) => {
    const [bx, by] = quad[(i + 1) % quad.length]!;
    const length = Math.hypot(bx - ax, by - ay) + 1e-9;
    const nx = (ay - by) / length;
    const ny = (bx - ax) / length;
    const from = nx * ax + ny * ay;
    return { nx, ny, from, inwards: Math.sign(nx * middle[0] + ny * middle[1] - from) };
  });
}

/** Area of the quad inside the unit square. */
function clippedArea(quad: readonly Point[]): number {
  const polygon = clipToUnitSquare(quad);
  let twice = 0;
  for (const [i, p] of polygon.entries()) {
    const q = polygon[(i + 1) % polygon.length]!;
    twice += p[0] * q[1] - q[0] * p[1];
  }
  return Math.abs(twice) / 2;
}
