import type { LumaThumbnail } from './thumbnail.ts';

/** Part of a picture, in shares of its sides: 0..1. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Largest difference in luma from its border's colour that still belongs to the border. */
const TOLERANCE = 14;
/** Share of a line's pixels that may differ more: compression noise, a thin mark. */
const STRAY = 0.01;
/** Less than this trimmed from width and height together is not worth another view. */
const LEAST = 0.03;
/** Fewer pixels a side are nothing to hash. */
const LEAST_SIDE = 12;

/**
 * What is left without plain borders, each side looked at on its own: off-centre and coloured ones are found too.
 * Null when there is no border, or nothing else.
 */
export function trimBox({ width, height, luma }: LumaThumbnail): Box | null {
  const plain = (start: number, step: number, n: number, colour: number) => {
    let stray = 0;
    for (let i = 0, at = start; i < n; i += 1, at += step) {
      if (Math.abs(luma[at]! - colour) > TOLERANCE) stray += 1;
    }
    return stray <= n * STRAY;
  };
  const median = (start: number, step: number, n: number) => {
    const line = new Uint8Array(n);
    for (let i = 0, at = start; i < n; i += 1, at += step) line[i] = luma[at]!;
    return line.sort()[n >> 1]!;
  };
  const run = (n: number, start: (i: number) => number, step: number, length: number) => {
    const colour = median(start(0), step, length);
    let i = 0;
    while (i < n && plain(start(i), step, length, colour)) i += 1;
    return i;
  };
  const top = run(height, (y) => y * width, 1, width);
  if (top === height) return null;
  // Only as far up as the top border: in a soft gradient each would otherwise reach beyond the other.
  const bottom = height - run(height - top, (y) => (height - 1 - y) * width, 1, width);
  const rows = bottom - top;
  if (rows < LEAST_SIDE) return null;
  const left = run(width, (x) => top * width + x, width, rows);
  const right = width - run(width - left, (x) => top * width + width - 1 - x, width, rows);
  const box = {
    x: left / width,
    y: top / height,
    width: (right - left) / width,
    height: rows / height,
  };
  if (right - left < LEAST_SIDE) return null;
  return 2 - box.width - box.height < LEAST ? null : box;
}
