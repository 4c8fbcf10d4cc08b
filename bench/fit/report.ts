import { kindFeatures } from '../../src/vision/matching/score.ts';
import type { Compared } from './compare.ts';
import { best, kinds } from './fit.ts';
import { type Model, scoreOf } from './logistic.ts';

/** What a query scored: its best work, and the right one. ln of the odds; -Infinity where nothing was verified. */
interface Scored {
  readonly compared: Compared;
  readonly top: number;
  readonly own: number;
}

function scored(compared: readonly Compared[], model: Model): Scored[] {
  return compared.map((each) => {
    const scores = each.works.map(({ name, evidence }) => ({ name, score: best(model, evidence).score }));
    const of = (list: typeof scores) => Math.max(-Infinity, ...list.map(({ score }) => score));
    return {
      compared: each,
      top: of(scores),
      own: of(scores.filter(({ name }) => name === each.query.work)),
    };
  });
}

/** The score that the given share of the negatives beats: the worst of them where the share is less than one. */
export function thresholdAt(compared: readonly Compared[], model: Model, rate: number): number {
  const tops = scored(compared.filter(isNegative), model)
    .map(({ top }) => top)
    .toSorted((a, b) => b - a);
  return tops[Math.floor(rate * tops.length)] ?? -Infinity;
}

function isNegative({ query }: Compared): boolean {
  return query.type === 'neg' || query.type === 'negatk';
}

/** Recall by group and family at 0.1 % and 1 % false positives, and how often the kind is named right. Markdown. */
export function report(compared: readonly Compared[], score: Model, kind: Model): string {
  const strict = thresholdAt(compared, score, 0.001);
  const loose = thresholdAt(compared, score, 0.01);
  const positives = scored(
    compared.filter(({ query }) => query.type === 'pos'),
    score,
  );
  const groups = new Map<string, Scored[]>([['all', positives]]);
  for (const each of positives) {
    for (const name of [each.compared.query.group, each.compared.query.family]) {
      groups.set(name, [...(groups.get(name) ?? []), each]);
    }
  }
  const share = (list: readonly Scored[], threshold: number) =>
    ((100 * list.filter(({ own }) => own > threshold).length) / list.length).toFixed(1);
  const looks = scored(
    compared.filter(({ query }) => query.type === 'look'),
    score,
  ).filter(({ top }) => top > strict).length;
  const named = kinds(compared, score, strict).map(({ evidence, unchanged }) => ({
    unchanged,
    right: scoreOf(kind, kindFeatures(evidence)) >= 0 === unchanged,
  }));
  const right = (unchanged: boolean) => {
    const list = named.filter((each) => each.unchanged === unchanged);
    return `${((100 * list.filter((each) => each.right).length) / list.length).toFixed(1)} % of ${list.length}`;
  };
  return [
    `${compared.filter(isNegative).length} negatives; thresholds (ln of the odds) ${strict.toFixed(2)} and ${loose.toFixed(2)}; look-alikes above the first: ${looks}`,
    '',
    '| family | n | recall % at 0.1 % | at 1 % |',
    '|---|---|---|---|',
    ...[...groups].map(
      ([name, list]) => `| ${name} | ${list.length} | ${share(list, strict)} | ${share(list, loose)} |`,
    ),
    '',
    `kind named right: reproduction ${right(true)}, adaptation ${right(false)}`,
  ].join('\n');
}
