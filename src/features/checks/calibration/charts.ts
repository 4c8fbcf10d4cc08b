import type { ScoreCounts } from '../../../vision/matching/calibration.ts';
import type { TierCalibration } from './calibration.ts';

/*
 * Two charts as SVG: how scores are distributed, and what each threshold would find and raise in vain. Text is plain SVG
 * text: they are looked at in browsers, which have fonts.
 */

const WIDTH = 760;
const HEIGHT = 320;
const LEFT = 62;
const RIGHT = 20;
const TOP = 46;
const BOTTOM = 46;
const GREY = '#7a7f87';
const PINK = '#e6007e';
const INK = '#222';
const BINS = 40;

interface Axis {
  readonly at: (value: number) => number;
}

function svg(title: string, body: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" font-family="system-ui, 'Hiragino Sans', 'Noto Sans JP', 'Noto Sans CJK JP', sans-serif" font-size="12" fill="${INK}">`,
    '<rect width="100%" height="100%" fill="#fff"/>',
    `<text x="${LEFT}" y="22" font-size="14" font-weight="600">${title}</text>`,
    ...body,
    '</svg>',
  ].join('\n');
}

const line = (x1: number, y1: number, x2: number, y2: number, extra = 'stroke="#d5d8dd"') =>
  `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" ${extra}/>`;
const label = (x: number, y: number, text: string, extra = '') =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${extra}>${text}</text>`;

function linear(from: number, to: number, low: number, high: number): Axis {
  return { at: (value) => low + ((value - from) / (to - from)) * (high - low) };
}

/** Negatives and simulated copies by score; the count is on a logarithmic scale, or the few that matter would not show. */
export function distributionChart(
  tier: string,
  { scores, copies, threshold }: Pick<TierCalibration, 'scores' | 'copies' | 'threshold'>,
): string {
  const negatives = histogram(scores);
  const positives = histogram(copies.scores);
  const most = Math.max(1, ...negatives, ...positives);
  const x = linear(0, 1, LEFT, WIDTH - RIGHT);
  const height = (n: number) => Math.log10(1 + n) / Math.log10(1 + most);
  const y = linear(0, 1, HEIGHT - BOTTOM, TOP);
  const bars = (counts: readonly number[], colour: string, opacity: number) =>
    counts.flatMap((n, i) => {
      if (n === 0) return [];
      const top = y.at(height(n));
      const left = x.at(i / BINS) + 1;
      return [
        `<rect x="${left.toFixed(1)}" y="${top.toFixed(1)}" width="${(x.at(1 / BINS) - x.at(0) - 2).toFixed(1)}" height="${(HEIGHT - BOTTOM - top).toFixed(1)}" fill="${colour}" fill-opacity="${opacity}"><title>${n}</title></rect>`,
      ];
    });
  const ticks = [1, 10, 100, 1_000, 10_000, 100_000].filter((n) => n <= most * 1.5);
  const at = x.at(threshold.minConfidence);
  return svg(`照合スコアの分布 / Distribution of match scores (${tier})`, [
    ...ticks.flatMap((n) => [
      line(LEFT, y.at(height(n)), WIDTH - RIGHT, y.at(height(n))),
      label(LEFT - 8, y.at(height(n)) + 4, n.toLocaleString('en'), 'text-anchor="end"'),
    ]),
    ...bars(negatives, GREY, 0.75),
    ...bars(positives, PINK, 0.45),
    ...[0, 0.25, 0.5, 0.75, 1].map((v) =>
      label(x.at(v), HEIGHT - BOTTOM + 18, String(v), 'text-anchor="middle"'),
    ),
    line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, `stroke="${INK}"`),
    line(at, TOP - 8, at, HEIGHT - BOTTOM, `stroke="${INK}" stroke-width="2" stroke-dasharray="5 4"`),
    label(
      at + (threshold.minConfidence > 0.7 ? -6 : 6),
      TOP,
      `しきい値 / threshold ${threshold.minConfidence}`,
      `text-anchor="${threshold.minConfidence > 0.7 ? 'end' : 'start'}"`,
    ),
    `<rect x="${LEFT}" y="${HEIGHT - 18}" width="12" height="12" fill="${GREY}" fill-opacity="0.75"/>`,
    label(LEFT + 18, HEIGHT - 8, '別物と分かっている絵 / known to be different'),
    `<rect x="${LEFT + 300}" y="${HEIGHT - 18}" width="12" height="12" fill="${PINK}" fill-opacity="0.45"/>`,
    label(LEFT + 318, HEIGHT - 8, '模擬的な複製・改変 / simulated copies'),
  ]);
}

/** Share of simulated copies found over the share of different pictures raised, as the threshold moves. */
export function tradeOffChart(
  tier: string,
  { scores, copies, threshold }: Pick<TierCalibration, 'scores' | 'copies' | 'threshold'>,
  targetFpr: number,
): string {
  const { of } = threshold.falseAlarms;
  // Left of one false alarm lies "none": a logarithm has no place for it.
  const least = Math.log10(1 / of) - 0.5;
  const x = linear(least, 0, LEFT, WIDTH - RIGHT);
  const y = linear(0, 1, HEIGHT - BOTTOM, TOP);
  const place = (raised: number) => x.at(raised === 0 ? least : Math.log10(raised / of));
  const levels = [...new Set([...scores, ...copies.scores].map(([score]) => score))].toSorted(
    (a, b) => b - a,
  );
  const points = levels.map((level) => {
    const raised = sum(scores, level);
    const found = copies.of === 0 ? 0 : sum(copies.scores, level) / copies.of;
    return [place(raised), y.at(found)] as const;
  });
  const path = points
    .map(([px, py], i) => `${i === 0 ? 'M' : 'L'}${px.toFixed(1)} ${py.toFixed(1)}`)
    .join('');
  const decades = Array.from({ length: Math.ceil(-least) }, (_, i) => -i).filter((d) => d >= least);
  const target = x.at(Math.log10(targetFpr));
  const chosen = [
    place(threshold.falseAlarms.atLeast),
    y.at(copies.of === 0 ? 0 : copies.found / copies.of),
  ] as const;
  return svg(`見つける割合と誤報率 / Found against raised in vain (${tier})`, [
    ...[0, 0.25, 0.5, 0.75, 1].flatMap((v) => [
      line(LEFT, y.at(v), WIDTH - RIGHT, y.at(v)),
      label(LEFT - 8, y.at(v) + 4, `${v * 100} %`, 'text-anchor="end"'),
    ]),
    ...decades.map((d) =>
      label(
        x.at(d),
        HEIGHT - BOTTOM + 18,
        `${Number((10 ** (d + 2)).toPrecision(1))} %`,
        'text-anchor="middle"',
      ),
    ),
    label(LEFT, HEIGHT - BOTTOM + 18, '0', 'text-anchor="middle"'),
    line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, `stroke="${INK}"`),
    line(target, TOP - 8, target, HEIGHT - BOTTOM, `stroke="${GREY}" stroke-dasharray="5 4"`),
    label(target + 6, HEIGHT - BOTTOM - 10, `目標 / target ${100 * targetFpr} %`, `fill="${GREY}"`),
    `<path d="${path}" fill="none" stroke="${PINK}" stroke-width="2.5" stroke-linejoin="round"/>`,
    `<circle cx="${chosen[0].toFixed(1)}" cy="${chosen[1].toFixed(1)}" r="6" fill="${PINK}" stroke="#fff" stroke-width="2"/>`,
    label(chosen[0] + 10, chosen[1] + 18, `しきい値 / threshold ${threshold.minConfidence}`),
    label(LEFT, HEIGHT - 8, '→ 別物が候補になる割合 / different pictures raised'),
    label(LEFT, TOP - 10, '↑ 模擬複製が見つかる割合 / simulated copies found'),
  ]);
}

function histogram(scores: ScoreCounts): number[] {
  const counts = Array.from({ length: BINS }, () => 0);
  for (const [score, n] of scores) counts[Math.min(BINS - 1, Math.floor(score * BINS))]! += n;
  return counts;
}

function sum(scores: ScoreCounts, from: number): number {
  return scores.reduce((all, [score, n]) => (score >= from ? all + n : all), 0);
}
