import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { apply } from '../../../src/vision/matching/geometry.ts';
import { type Point, clipToUnitSquare, inverse, mapOntoQuad } from '../../../src/vision/matching/quad.ts';

const SQUARE: readonly Point[] = [
  [0, 0],
  [1, 0],
  [1, 1],
  [0, 1],
];
const jitter = fc.double({ min: -0.2, max: 0.2, noNaN: true });
/** Convex: no corner leaves its own quarter. */
const quads = fc
  .tuple(fc.array(jitter, { minLength: 8, maxLength: 8 }), fc.boolean())
  .map(([by, mirrored]): Point[] => {
    const moved = SQUARE.map(([x, y], i): Point => [x + by[2 * i]!, y + by[2 * i + 1]!]);
    return mirrored ? [moved[1]!, moved[0]!, moved[3]!, moved[2]!] : moved;
  });

function area(polygon: readonly Point[]): number {
  return Math.abs(
    polygon.reduce((sum, [x, y], i) => {
      const [u, v] = polygon[(i + 1) % polygon.length]!;
      return sum + (x * v - u * y) / 2;
    }, 0),
  );
}

describe('mapOntoQuad', () => {
  it('lays the corners of the unit square on those of the quad, and the inverse brings them back', () => {
    fc.assert(
      fc.property(quads, (quad) => {
        const map = mapOntoQuad(quad)!;
        const back = inverse(map)!;
        for (const [i, [x, y]] of SQUARE.entries()) {
          const [u, v] = apply(map, x, y);
          expect(Math.hypot(u - quad[i]![0], v - quad[i]![1])).toBeLessThan(1e-6);
          const [x2, y2] = apply(back, u, v);
          expect(Math.hypot(x2 - x, y2 - y)).toBeLessThan(1e-6);
        }
      }),
    );
  });

  it('refuses a quad without area', () => {
    const line: Point[] = [
      [0, 0],
      [0.5, 0.5],
      [1, 1],
      [0.2, 0.2],
    ];
    expect(mapOntoQuad(line)).toBeNull();
  });
});

describe('clipToUnitSquare', () => {
  it('keeps the share of a polygon that counting points finds inside', () => {
    fc.assert(
      fc.property(quads, jitter, (quad, shift) => {
        const moved = quad.map(([x, y]): Point => [x + 3 * shift, y - 2 * shift]);
        const back = inverse(mapOntoQuad(moved)!)!;
        let inside = 0;
        for (let y = 0; y < 60; y++)
          for (let x = 0; x < 60; x++) {
            const [u, v] = apply(back, (x + 0.5) / 60, (y + 0.5) / 60);
            if (u >= 0 && u <= 1 && v >= 0 && v <= 1) inside += 1;
          }
        expect(area(clipToUnitSquare(moved))).toBeCloseTo(inside / 3600, 1);
      }),
      { numRuns: 50 },
    );
  });

  it('leaves nothing of what lies elsewhere', () => {
    expect(clipToUnitSquare(SQUARE.map(([x, y]): Point => [x + 2, y]))).toEqual([]);
  });
});
