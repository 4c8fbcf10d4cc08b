import { kindFeatures } from '../../src/vision/matching/score.ts';
import type { Compared } from './compare.ts';
import { best, kinds } from './fit.ts';
import { type Model, scoreOf } from './logistic.ts';

/** What a query scored: its best work, and the right one. ln of the odds; -Infinity where nothing was verified. */
export interface Scored {
  readonly compared: Compared;
  readonly top: number;
  readonly own: number;
}

export function scored(compared: readonly Compared[], model: Model): Scored[] {
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

/** What each of the negatives scored: ln of the odds. */
export function negativeTops(compared: readonly Compared[], model: Model): number[] {
  return scored(compared.filter(isNegative), model)
    .map(({ top }) => top)
    .filter(Number.isFinite);
}

/** The score that the given share of the negatives beats: the worst of them where the share is less than one. */
function beatenBy(negatives: readonly Scored[], rate: number): number {
  const tops = negatives.map(({ top }) => top).toSorted((a, b) => b - a);
  return tops[Math.floor(rate * tops.length)] ?? -Infinity;
}

function isNegative({ query }: Compared): boolean {
  return query.type === 'neg' || query.type === 'negatk';
}

/** Recall by group and family at 0.1 % and 1 % false positives, and how often the kind is named right. Markdown. */
export function report(compared: readonly Compared[], score: Model, kind: Model): string {
  const negatives = scored(compared.filter(isNegative), score);
  const strict = beatenBy(negatives, 0.001);
  const loose = beatenBy(negatives, 0.01);
  const positives = scored(
    compared.filter(({ query }) => query.type === 'pos'),
    score,
  );
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
    `${negatives.length} negatives; thresholds (ln of the odds) ${strict.toFixed(2)} and ${loose.toFixed(2)}; look-alikes above the first: ${looks}`,
    '',
    '| family | n | recall % at 0.1 % | at 1 % |',
    '|---|---|---|---|',
    ...[...groupsOf(positives)].map(
      ([name, list]) => `| ${name} | ${list.length} | ${share(list, strict)} | ${share(list, loose)} |`,
    ),
    '',
    `kind named right: reproduction ${right(true)}, adaptation ${right(false)}`,
  ].join('\n');
}

function groupsOf(positives: readonly Scored[]): Map<string, readonly Scored[]> {
  const groups = new Map<string, readonly Scored[]>([['all', positives]]);
  for (const each of positives) {
    for (const name of [each.compared.query.group, each.compared.query.family]) {
      groups.set(name, [...(groups.get(name) ?? []), each]);
    }
  }
  return groups;
}

/**
 * What weights are worth on pictures they have not seen, over several ways of halving the corpus. Markdown.
 *
 * @param splits for each, all outputs, every one scored with the weights of the half that it is not in
 */
export function crossedReport(splits: readonly (readonly Scored[])[]): string {
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const judged = splits.map((all) => {
    const negatives = all.filter(({ compared }) => isNegative(compared));
    const looks = all.filter(({ compared }) => compared.query.type === 'look');
    const copies = all.filter(({ compared }) => compared.query.type === 'pos');
    const recall = (list: readonly Scored[], threshold: number) =>
      (100 * list.filter(({ own }) => own > threshold).length) / list.length;
    const thresholds = [beatenBy(negatives, 0.001), beatenBy(negatives, 0.01)];
    return {
      rows: [...groupsOf(copies)].map(([name, list]) => ({
        name,
        n: list.length,
        recalls: thresholds.map((threshold) => recall(list, threshold)),
      })),
      raised: [negatives, looks].map((list) => list.filter(({ top }) => top > 0).length),
      found: recall(copies, 0),
    };
  });
  const raised = (which: 0 | 1) => {
    const counts = judged.map((each) => each.raised[which]!);
    return `${mean(counts).toFixed(1)} (most ${Math.max(...counts)})`;
  };
  const rows = judged[0]!.rows.map(({ name, n }, i) => {
    const strict = judged.map((each) => each.rows[i]!.recalls[0]!);
    const loose = judged.map((each) => each.rows[i]!.recalls[1]!);
    return `| ${name} | ${n} | ${mean(strict).toFixed(1)} | ${Math.min(...strict).toFixed(1)} | ${mean(loose).toFixed(1)} |`;
  });
  return [
    '| family | n | recall % at 0.1 %, mean | least | at 1 %, mean |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    `Above the zero that the other half set: ${raised(0)} of the different pictures, ${raised(1)} of the look-alikes, ${mean(judged.map(({ found }) => found)).toFixed(1)} % of the copies.`,
  ].join('\n');
}
