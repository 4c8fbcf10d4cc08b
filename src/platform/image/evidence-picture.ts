import sharp from 'sharp';
import type { Raster } from '../../vision/fingerprint/raster.ts';
import { type Transform, apply } from '../../vision/matching/geometry.ts';
import { type Point, clipToUnitSquare, inverse, mapOntoQuad } from '../../vision/matching/quad.ts';
import type { Correspondence } from '../../vision/matching/verify.ts';
import { type TextStyle, outlineText } from '../fonts/fonts.ts';
import { type DecodeLimits, decodeImage } from './decode.ts';

/** Where a work lies in an output, and what is said of it. */
export interface EvidenceDrawing {
  /** The work's corners in the output, clockwise from its top left; shares of the output's sides. */
  readonly quad: readonly Point[];
  /** Shares of the sides. */
  readonly correspondences: readonly Correspondence[];
  readonly title: string;
  /** Read by people, one a line. */
  readonly lines: readonly string[];
  /** What identifies the two files and how they were compared, one a line, in small type at the foot. */
  readonly record: readonly string[];
}

const PANEL = 620;
const MARGIN = 30;
const GUTTER = 40;
const WIDTH = 2 * MARGIN + 2 * PANEL + GUTTER;
const TITLE: TextStyle = { size: 26, weight: 'bold', fill: '#111', maxWidth: WIDTH - 2 * MARGIN };
const LINE: TextStyle = { size: 16, fill: '#222', maxWidth: WIDTH - 2 * MARGIN };
const LABEL: TextStyle = { size: 15, weight: 'bold', fill: '#333', maxWidth: PANEL };
const RECORD: TextStyle = { size: 13, fill: '#555', maxWidth: WIDTH - 2 * MARGIN };
const OUTLINE = '#e6007e';
/** Where nothing can be compared. */
const NOWHERE = 0xe4;
/** Differences are small where pictures agree: shown brighter than they are. */
const GAIN = 1.6;

const LABELS = {
  work: '作品 / Work',
  output: '出力 / Output',
  overlay: '重ね合わせ(作品50 %)/ Work laid over the output, 50 %',
  difference: '差分(明るいほど異なる)/ Difference (brighter: less alike)',
} as const;

/**
 * One match as a picture that can stand alone: work and output side by side with the work's outline and the pairs of
 * points that agree, the work laid over the output, their difference, and what is said of it.
 *
 * @param work bytes of the reference image
 * @param output bytes of the output, or of the smaller picture kept of it
 * @returns a PNG
 * @throws UtsushiError as decodeImage
 */
export async function drawEvidence(
  work: Uint8Array,
  output: Uint8Array,
  drawing: EvidenceDrawing,
  limits: DecodeLimits,
): Promise<Uint8Array> {
  const size = { longerSide: PANEL };
  const [{ raster: left }, { raster: right }] = [
    await decodeImage(work, size, limits),
    await decodeImage(output, size, limits),
  ];
  const map = mapOntoQuad(drawing.quad);
  const back = map === null ? null : inverse(map);
  const laid = back === null ? undefined : layOver(await atSizeOf(left, right, drawing.quad), right, back);

  const heading = MARGIN + TITLE.size + 12 + drawing.lines.length * 25;
  const firstRow = heading + 38;
  const secondRow = firstRow + Math.max(left.height, right.height) + 46;
  const foot = secondRow + right.height + 38;
  const height = foot + drawing.record.length * 20 + MARGIN - 14;
  const column = (nth: 0 | 1, { width }: Raster) =>
    MARGIN + nth * (PANEL + GUTTER) + Math.round((PANEL - width) / 2);
  const workPanel = { raster: left, x: column(0, left), y: firstRow, label: LABELS.work };
  const outputPanel = { raster: right, x: column(1, right), y: firstRow, label: LABELS.output };
  const overlay = {
    raster: laid?.overlay ?? right,
    x: column(0, right),
    y: secondRow,
    label: LABELS.overlay,
  };
  const difference = {
    raster: laid?.difference ?? right,
    x: column(1, right),
    y: secondRow,
    label: LABELS.difference,
  };
  const panels = [workPanel, outputPanel, overlay, difference];

  const svg = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}">`,
    outlineText(drawing.title, MARGIN, MARGIN + TITLE.size - 4, TITLE),
    ...drawing.lines.map((line, i) =>
      outlineText(line, MARGIN, MARGIN + TITLE.size + 12 + i * 25 + LINE.size, LINE),
    ),
    ...panels.map(({ x, y, label }) => outlineText(label, x, y - 10, LABEL)),
    ...(back === null ? [] : [outline(partInside(drawing.quad, back), workPanel, 'dashed')]),
    outline(drawing.quad, outputPanel, 'solid'),
    ...drawing.correspondences.map((pair, i) =>
      connection(pair, workPanel, outputPanel, i / drawing.correspondences.length),
    ),
    outline(drawing.quad, overlay, 'solid'),
    outline(drawing.quad, difference, 'solid'),
    ...drawing.record.map((line, i) => outlineText(line, MARGIN, foot + i * 20, RECORD)),
    '</svg>',
  ].join('');
  return sharp({ create: { width: WIDTH, height, channels: 3, background: '#fff' } })
    .composite([
      ...panels.map(({ raster, x, y }) => ({
        input: Buffer.from(raster.data),
        raw: rawOf(raster),
        left: x,
        top: y,
      })),
      { input: Buffer.from(svg), left: 0, top: 0 },
    ])
    .png({ compressionLevel: 9 })
    .toBuffer();
}

interface Panel {
  readonly raster: Raster;
  readonly x: number;
  readonly y: number;
}

function place([u, v]: Point, { raster, x, y }: Panel): Point {
  return [x + u * raster.width, y + v * raster.height];
}

const text = (points: readonly Point[]) =>
  points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ');

/** A polygon in a panel, white below and coloured above so that it shows on anything; what lies outside is cut off. */
function outline(polygon: readonly Point[], panel: Panel, stroke: 'solid' | 'dashed'): string {
  if (polygon.length < 3) return '';
  const { x, y, raster } = panel;
  const points = text(polygon.map((point) => place(point, panel)).map(([px, py]) => [px - x, py - y]));
  const dash = stroke === 'dashed' ? ' stroke-dasharray="9 6"' : '';
  return (
    `<svg x="${x}" y="${y}" width="${raster.width}" height="${raster.height}" overflow="hidden" fill="none">` +
    `<polygon points="${points}" stroke="#fff" stroke-width="6"/>` +
    `<polygon points="${points}" stroke="${OUTLINE}" stroke-width="3"${dash}/></svg>`
  );
}

function connection([x, y, u, v]: Correspondence, work: Panel, output: Panel, hue: number): string {
  const [x1, y1] = place([x, y], work);
  const [x2, y2] = place([u, v], output);
  const colour = `hsl(${Math.round(hue * 360)},85%,45%)`;
  const dot = (cx: number, cy: number) =>
    `<circle cx="${cx.toFixed(1)}" cy="${cy.toFixed(1)}" r="3.5" fill="${colour}" stroke="#fff"/>`;
  return (
    `<path d="M${x1.toFixed(1)} ${y1.toFixed(1)}L${x2.toFixed(1)} ${y2.toFixed(1)}" stroke="${colour}" stroke-opacity="0.65" fill="none"/>` +
    dot(x1, y1) +
    dot(x2, y2)
  );
}

/** The part of the work that lies inside the output, in shares of the work's sides. */
function partInside(quad: readonly Point[], back: Transform): Point[] {
  return clipToUnitSquare(quad).map(([x, y]) => apply(back, x, y));
}

/** The work shrunk to about the size at which it lies in the output, so that sampling it skips no detail. */
async function atSizeOf(work: Raster, output: Raster, quad: readonly Point[]): Promise<Raster> {
  let twice = 0;
  for (const [i, [x, y]] of quad.entries()) {
    const [u, v] = quad[(i + 1) % quad.length]!;
    twice += x * v - u * y;
  }
  const covered = (Math.abs(twice) / 2) * output.width * output.height;
  const scale = Math.sqrt(covered / (work.width * work.height));
  if (scale > 0.75) return work;
  const { data, info } = await sharp(work.data, { raw: rawOf(work) })
    .resize(Math.max(8, Math.round(work.width * scale)), Math.max(8, Math.round(work.height * scale)), {
      fit: 'fill',
    })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data };
}

function layOver(work: Raster, output: Raster, back: Transform): { overlay: Raster; difference: Raster } {
  const { width, height } = output;
  const overlay = Uint8Array.from(output.data);
  const difference = new Uint8Array(width * height * 3).fill(NOWHERE);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const [u, v] = apply(back, (x + 0.5) / width, (y + 0.5) / height);
      if (!(u >= 0 && u <= 1 && v >= 0 && v <= 1)) continue;
      const at = (y * width + x) * 3;
      let most = 0;
      for (let channel = 0; channel < 3; channel += 1) {
        const seen = output.data[at + channel]!;
        const mine = sample(work, u * work.width - 0.5, v * work.height - 0.5, channel);
        overlay[at + channel] = (seen + mine) / 2;
        most = Math.max(most, Math.abs(seen - mine));
      }
      difference.fill(Math.min(255, most * GAIN), at, at + 3);
    }
  }
  return {
    overlay: { width, height, data: overlay },
    difference: { width, height, data: difference },
  };
}

/** Bilinear, the edge continued. */
function sample({ width, height, data }: Raster, x: number, y: number, channel: number): number {
  const x0 = Math.max(0, Math.min(width - 1, Math.floor(x)));
  const y0 = Math.max(0, Math.min(height - 1, Math.floor(y)));
  const x1 = Math.min(width - 1, x0 + 1);
  const y1 = Math.min(height - 1, y0 + 1);
  const fx = Math.max(0, Math.min(1, x - x0));
  const fy = Math.max(0, Math.min(1, y - y0));
  const at = (px: number, py: number) => data[(py * width + px) * 3 + channel]!;
  const above = at(x0, y0) * (1 - fx) + at(x1, y0) * fx;
  const below = at(x0, y1) * (1 - fx) + at(x1, y1) * fx;
  return above * (1 - fy) + below * fy;
}

function rawOf({ width, height }: Raster) {
  return { width, height, channels: 3 } as const;
}
