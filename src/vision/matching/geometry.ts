/**
 * A projective map of the plane, row by row: x' = (m0 x + m1 y + m2) / (m6 x + m7 y + m8), y' likewise with m3..m5.
 * Affine ones end in 0, 0, 1.
 */
export type Transform = Float64Array;

export function affine(a: number, b: number, c: number, d: number, e: number, f: number): Transform {
  return Float64Array.of(a, b, c, d, e, f, 0, 0, 1);
}

export function apply(m: Transform, x: number, y: number): [number, number] {
  const w = m[6]! * x + m[7]! * y + m[8]!;
  return [(m[0]! * x + m[1]! * y + m[2]!) / w, (m[3]! * x + m[4]! * y + m[5]!) / w];
}

/** How much the map enlarges areas at a point; negative when it mirrors. */
export function areaScale(m: Transform, x: number, y: number): number {
  const w = m[6]! * x + m[7]! * y + m[8]!;
  const px = m[0]! * x + m[1]! * y + m[2]!;
  const py = m[3]! * x + m[4]! * y + m[5]!;
  const dux = (m[0]! * w - m[6]! * px) / (w * w);
  const duy = (m[1]! * w - m[7]! * px) / (w * w);
  const dvx = (m[3]! * w - m[6]! * py) / (w * w);
  const dvy = (m[4]! * w - m[7]! * py) / (w * w);
  return dux * dvy - duy * dvx;
}

/** First `second`, then `first`. */
export function product(first: Transform, second: Transform): Transform {
  return Float64Array.from({ length: 9 }, (_, i) => {
    const row = i - (i % 3);
    const column = i % 3;
    return (
      first[row]! * second[column]! +
      first[row + 1]! * second[column + 3]! +
      first[row + 2]! * second[column + 6]!
    );
  });
}

/** Solves the n x n system by elimination with pivoting, in place; null when it is singular. */
export function solve(a: Float64Array, rhs: Float64Array, n: number): Float64Array | null {
  for (let i = 0; i < n; i += 1) {
    let pivot = i;
    for (let r = i + 1; r < n; r += 1) if (Math.abs(a[r * n + i]!) > Math.abs(a[pivot * n + i]!)) pivot = r;
    if (Math.abs(a[pivot * n + i]!) < 1e-12) return null;
    if (pivot !== i) {
      for (let c = 0; c < n; c += 1) {
        const t = a[i * n + c]!;
        a[i * n + c] = a[pivot * n + c]!;
        a[pivot * n + c] = t;
      }
      const t = rhs[i]!;
      rhs[i] = rhs[pivot]!;
      rhs[pivot] = t;
    }
    for (let r = 0; r < n; r += 1) {
      if (r === i) continue;
      const f = a[r * n + i]! / a[i * n + i]!;
      if (f === 0) continue;
      for (let c = i; c < n; c += 1) a[r * n + c]! -= f * a[i * n + c]!;
      rhs[r]! -= f * rhs[i]!;
    }
  }
  for (let i = 0; i < n; i += 1) rhs[i]! /= a[i * n + i]!;
  return rhs;
}

/** Pairs of points: (x, y) in the work, (u, v) in the output. */
export interface Pairs {
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
  readonly u: ArrayLike<number>;
  readonly v: ArrayLike<number>;
  readonly length: number;
}

/**
 * The affine map that brings the points nearest to their partners (least squares), drawn towards `prior` with the
 * weight of `stiffness` pairs so that few or collinear points cannot shear it wildly.
 */
export function fitAffine(pairs: Pairs, prior: Transform, stiffness: number): Transform | null {
  // Centre first: conditioning.
  let mx = 0;
  let my = 0;
  for (let i = 0; i < pairs.length; i += 1) {
    mx += pairs.x[i]!;
    my += pairs.y[i]!;
  }
  mx /= pairs.length;
  my /= pairs.length;
  let spread = 1;
  for (let i = 0; i < pairs.length; i += 1) spread += (pairs.x[i]! - mx) ** 2 + (pairs.y[i]! - my) ** 2;
  const weight = (stiffness * spread) / pairs.length / 2;
  const rows: Float64Array[] = [];
  for (const [target, offset] of [
    [pairs.u, 0],
    [pairs.v, 3],
  ] as const) {
    const a = new Float64Array(9);
    const b = new Float64Array(3);
    for (let i = 0; i < pairs.length; i += 1) {
      const x = pairs.x[i]! - mx;
      const y = pairs.y[i]! - my;
      const t = target[i]!;
      a[0]! += x * x;
      a[1]! += x * y;
      a[2]! += x;
      a[4]! += y * y;
      a[5]! += y;
      a[8]! += 1;
      b[0]! += x * t;
      b[1]! += y * t;
      b[2]! += t;
    }
    a[0]! += weight;
    a[4]! += weight;
    b[0]! += weight * prior[offset]!;
    b[1]! += weight * prior[offset + 1]!;
    a[3] = a[1]!;
    a[6] = a[2]!;
    a[7] = a[5]!;
    const solved = solve(a, b, 3);
    if (solved === null) return null;
    rows.push(solved);
  }
  const [p, q] = rows as [Float64Array, Float64Array];
  return affine(p[0]!, p[1]!, p[2]! - p[0]! * mx - p[1]! * my, q[0]!, q[1]!, q[2]! - q[0]! * mx - q[1]! * my);
}

/**
 * The projective map nearest to the pairs in the algebraic sense, drawn towards `prior` (an affine map) by a little.
 * `size` is the work's longer side; coordinates are brought to about one for the conditioning.
 */
export function fitProjective(pairs: Pairs, prior: Transform, size: number): Transform | null {
  const n = 8;
  const a = new Float64Array(n * n);
  const b = new Float64Array(n);
  const row = new Float64Array(n);
  const add = (t: number) => {
    for (let r = 0; r < n; r += 1) {
      for (let c = 0; c < n; c += 1) a[r * n + c]! += row[r]! * row[c]!;
      b[r]! += row[r]! * t;
    }
  };
  for (let i = 0; i < pairs.length; i += 1) {
    const x = pairs.x[i]! / size;
    const y = pairs.y[i]! / size;
    const u = pairs.u[i]! / size;
    const v = pairs.v[i]! / size;
    row.set([x, y, 1, 0, 0, 0, -u * x, -u * y]);
    add(u);
    row.set([0, 0, 0, x, y, 1, -v * x, -v * y]);
    add(v);
  }
  // The pull: weak for the affine part, stronger for the projective part, which noise would otherwise fill.
  const start = [prior[0]!, prior[1]!, prior[2]! / size, prior[3]!, prior[4]!, prior[5]! / size, 0, 0];
  for (let i = 0; i < n; i += 1) {
    const weight = i < 6 ? 0.02 : 0.05;
    a[i * n + i]! += weight;
    b[i]! += weight * start[i]!;
  }
  const h = solve(a, b, n);
  if (h === null) return null;
  return Float64Array.of(
    h[0]!,
    h[1]!,
    h[2]! * size,
    h[3]!,
    h[4]!,
    h[5]! * size,
    h[6]! / size,
    h[7]! / size,
    1,
  );
}
