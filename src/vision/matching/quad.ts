import { type Transform, solve } from './geometry.ts';

export type Point = readonly [number, number];

/**
 * The projective map that lays the unit square over a quadrilateral, (0,0) on its first corner and on clockwise as the
 * square lies on a screen.
 *
 * @returns null when three of its corners lie on a line
 */
export function mapOntoQuad(quad: readonly Point[]): Transform | null {
  const square: readonly Point[] = [
    [0, 0],
    [1, 0],
    [1, 1],
    [0, 1],
  ];
  const a = new Float64Array(64);
  const b = new Float64Array(8);
  for (const [i, [x, y]] of square.entries()) {
    const [u, v] = quad[i]!;
    a.set([x, y, 1, 0, 0, 0, -u * x, -u * y], i * 16);
    a.set([0, 0, 0, x, y, 1, -v * x, -v * y], i * 16 + 8);
    b.set([u, v], i * 2);
  }
  const h = solve(a, b, 8);
  return h === null ? null : Float64Array.of(...h, 1);
}

/** The way back; null when there is none. */
export function inverse(m: Transform): Transform | null {
  const [a, b, c, d, e, f, g, h, i] = m as unknown as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const det = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  if (Math.abs(det) < 1e-12) return null;
  return Float64Array.of(
    (e * i - f * h) / det,
    (c * h - b * i) / det,
    (b * f - c * e) / det,
    (f * g - d * i) / det,
    (a * i - c * g) / det,
    (c * d - a * f) / det,
    (d * h - e * g) / det,
    (b * g - a * h) / det,
    (a * e - b * d) / det,
  );
}

/** The part of a convex polygon inside the unit square (Sutherland-Hodgman); empty when none is. */
export function clipToUnitSquare(polygon: readonly Point[]): Point[] {
  let left = [...polygon];
  for (const axis of [0, 1] as const) {
    for (const side of [0, 1]) {
      const keep = (p: Point) => (side === 0 ? p[axis] >= 0 : p[axis] <= 1);
      const cut: Point[] = [];
      for (const [i, p] of left.entries()) {
        const before = left.at(i - 1)!;
        if (keep(p) !== keep(before)) {
          const t = (side - before[axis]) / (p[axis] - before[axis]);
          cut.push([before[0] + t * (p[0] - before[0]), before[1] + t * (p[1] - before[1])]);
        }
        if (keep(p)) cut.push(p);
      }
      left = cut;
    }
  }
  return left;
}
