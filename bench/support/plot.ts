/** Line charts with logarithmic axes, as SVG that is readable on light and dark pages. */

export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Chart {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly lines: readonly Line[];
}

const WIDTH = 640;
const HEIGHT = 420;
const AREA = { left: 70, right: 620, top: 50, bottom: 340 };
// Told apart also by those who see red and green alike (Okabe and Ito), and by their marks.
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00'];

export function plot({ title, x, y, lines }: Chart): string {
  const all = lines.flatMap((line) => line.points);
  const xs = decades(all.map((point) => point[0]));
  const ys = decades(all.map((point) => point[1]));
  const placeX = (value: number) => place(value, xs, AREA.left, AREA.right);
  const placeY = (value: number) => place(value, ys, AREA.bottom, AREA.top);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" role="img" aria-label="${title}">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${AREA.left}" y="24" font-size="15" font-weight="bold" fill="#222">${title}</text>`,
    ...xs.map((value) => {
      const at = placeX(value);
      return `<path d="M${at} ${AREA.top}V${AREA.bottom}" stroke="#ddd"/><text x="${at}" y="${AREA.bottom + 18}" text-anchor="middle" fill="#444">${short(value)}</text>`;
    }),
    ...ys.map((value) => {
      const at = placeY(value);
      return `<path d="M${AREA.left} ${at}H${AREA.right}" stroke="#ddd"/><text x="${AREA.left - 8}" y="${at + 4}" text-anchor="end" fill="#444">${short(value)}</text>`;
    }),
    `<text x="${(AREA.left + AREA.right) / 2}" y="${AREA.bottom + 36}" text-anchor="middle" fill="#222">${x}</text>`,
    `<text transform="translate(18 ${(AREA.top + AREA.bottom) / 2}) rotate(-90)" text-anchor="middle" fill="#222">${y}</text>`,
    ...lines.map((line, i) => drawn(line, i, placeX, placeY)),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

function drawn(line: Line, i: number, placeX: (x: number) => number, placeY: (y: number) => number): string {
  const colour = COLOURS[i % COLOURS.length]!;
  const points = line.points.map(([x, y]) => [placeX(x), placeY(y)] as const);
  const path = points.map(([x, y], n) => `${n === 0 ? 'M' : 'L'}${x} ${y}`).join('');
  const dots = points.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="3.5" fill="${colour}"/>`).join('');
  const legendX = AREA.left + (i % 3) * 190;
  const legendY = HEIGHT - 24 + Math.floor(i / 3) * 16;
  return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="2"/>${dots}<circle cx="${legendX}" cy="${legendY - 4}" r="4" fill="${colour}"/><text x="${legendX + 9}" y="${legendY}" fill="#222">${line.name}</text>`;
}

/** The powers of ten from below the least to above the most. */
function decades(values: readonly number[]): number[] {
  const least = Math.floor(Math.log10(Math.min(...values)));
  const most = Math.max(least + 1, Math.ceil(Math.log10(Math.max(...values))));
  return Array.from({ length: most - least + 1 }, (_, i) => 10 ** (least + i));
}

function place(value: number, axis: readonly number[], from: number, to: number): number {
  const [first, last] = [Math.log10(axis[0]!), Math.log10(axis.at(-1)!)];
  return Math.round((from + ((Math.log10(value) - first) / (last - first)) * (to - from)) * 10) / 10;
}

function short(value: number): string {
  return value >= 1e6
    ? `${value / 1e6}M`
    : value >= 1e3
      ? `${value / 1e3}k`
      : String(Number(value.toPrecision(1)));
}
