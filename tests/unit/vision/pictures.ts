import type { Orientation } from '../../../src/vision/fingerprint/pdq.ts';
import type { Raster } from '../../../src/vision/fingerprint/raster.ts';

type Formula = (x: number, y: number, width: number, height: number) => readonly [number, number, number];

/** Pictures given by integer formulas, so that any program on any machine draws the same pixels. */
export const FORMULAS = {
  gradient: (x, y, w, h) => [Math.floor((255 * x) / (w - 1)), Math.floor((255 * y) / (h - 1)), (x + y) & 255],
  checker: (x, y) => grey(((x >> 5) + (y >> 5)) & 1 ? 230 : 25),
  rings: (x, y, w, h) => {
    const d = (x - (w >> 1)) ** 2 + (y - (h >> 1)) ** 2;
    return [(d >> 7) & 255, (d >> 8) & 255, (d >> 9) & 255];
  },
  lcg: (x, y, w) => {
    const s = (Math.imul((y * w + x) ^ 0x9e3779b9, 1664525) + 1013904223) >>> 0;
    return [s >>> 24, (s >>> 16) & 255, (s >>> 8) & 255];
  },
  blocks: (x, y) => {
    const bx = x >> 6;
    const by = y >> 6;
    return [(bx * 53 + by * 97) & 255, (bx * 31 + by * 17) & 255, (bx * 71 + by * 29) & 255];
  },
  xor: (x, y) => [(x ^ y) & 255, x & y & 255, (x | y) & 255],
  flat: () => grey(128),
} as const satisfies Record<string, Formula>;

export type FormulaName = keyof typeof FORMULAS;

export function grey(value: number): [number, number, number] {
  return [value, value, value];
}

export function draw(width: number, height: number, formula: Formula): Raster {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, at = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, at += 3) data.set(formula(x, y, width, height), at);
  }
  return { width, height, data };
}

/** An asymmetric picture of overlapping rectangles, another for each seed. */
export function collage(seed: number, width = 512, height = 512): Raster {
  let state = seed >>> 0;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const rectangles = Array.from({ length: 24 }, () => ({
    left: random() * width,
    top: random() * height,
    right: random() * width,
    bottom: random() * height,
    colour: [random() * 256, random() * 256, random() * 256].map(Math.floor) as [number, number, number],
  }));
  return draw(width, height, (x, y) => {
    const over = rectangles.findLast(
      (r) =>
        x >= Math.min(r.left, r.right) &&
        x < Math.max(r.left, r.right) &&
        y >= Math.min(r.top, r.bottom) &&
        y < Math.max(r.top, r.bottom),
    );
    return over?.colour ?? grey(255);
  });
}

/** The pixels moved as the orientation's name says, one plain step at a time. */
export function lay(raster: Raster, orientation: Orientation): Raster {
  let laid = orientation.startsWith('mirrored') ? mirror(raster) : raster;
  const degrees = Number(/rot(\d+)/.exec(orientation)?.[1] ?? 0);
  for (let turned = 0; turned < degrees; turned += 90) laid = quarterTurn(laid);
  return laid;
}

function mirror(raster: Raster): Raster {
  return draw(raster.width, raster.height, (x, y) => pixel(raster, raster.width - 1 - x, y));
}

/** Clockwise: what was on the left is then on top. */
function quarterTurn(raster: Raster): Raster {
  return draw(raster.height, raster.width, (x, y) => pixel(raster, y, raster.height - 1 - x));
}

export function pixel(raster: Raster, x: number, y: number): [number, number, number] {
  const at = (y * raster.width + x) * 3;
  return [raster.data[at]!, raster.data[at + 1]!, raster.data[at + 2]!];
}
