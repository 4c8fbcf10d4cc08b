/**
 * `npm run fit -- --pack DIR --queries DIR`: fits the weights of matching/score.ts anew and writes coefficients.ts.
 *
 * DIR are a corpus of pictures (pack.tsv says which are the catalogue) and outputs made from it (queries.jsonl says
 * what each is). The weights written are fitted on all of it. What they are worth is judged by fitting anew on each half
 * of the works and other pictures, over several splits, with tables printed for what those weights have not seen.
 * Takes some fifteen minutes for 3,500 outputs on one core.
 */
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format } from 'prettier';
import { type Compared, compareAll } from './compare.ts';
import { halfOf, readCorpus } from './corpus.ts';
import { type ScoreModels, fitKind, fitScore, withRunnersUp } from './fit.ts';
import type { Model } from './logistic.ts';
import { type Scored, crossedReport, negativeTops, report, scored } from './report.ts';
import { ZERO, zeroOf } from './zero.ts';

const COEFFICIENTS = fileURLToPath(new URL('../../src/vision/matching/coefficients.ts', import.meta.url));
/** Ways of halving the corpus that the weights' worth is averaged over. */
const SPLITS = 6;

const { values } = parseArgs({
  options: {
    pack: { type: 'string' },
    queries: { type: 'string' },
    cache: { type: 'string', default: join(tmpdir(), 'utsushi-fit') },
    out: { type: 'string', default: COEFFICIENTS },
  },
});
if (values.pack === undefined || values.queries === undefined) {
  process.stderr.write('usage: npm run fit -- --pack DIR --queries DIR [--cache DIR] [--out FILE]\n');
  process.exit(2);
}

const all: Compared[] = [];
const corpus = await readCorpus(values.pack, values.queries);
for await (const compared of compareAll(corpus, values.cache, true)) {
  all.push(compared);
  if (all.length % 100 === 0) process.stderr.write(`${all.length} of ${corpus.queries.length} compared\n`);
}
const shipped = fitAll(all);
await writeFile(values.out, await format(source(shipped), { parser: 'typescript', singleQuote: true }));
const crossed: Scored[][] = [];
for (let split = 0; split < SPLITS; split += 1) {
  const halves = ([0, 1] as const).map((half) =>
    all.filter(({ query }) => halfOf(query.origin, split) === half),
  );
  crossed.push(
    halves.flatMap((half, i) => {
      const models = fitAll(half);
      const unseen = withRunnersUp(halves[1 - i]!, models);
      if (split === 0) {
        process.stdout.write(
          `Fitted on half ${i + 1}, judged on the other:\n\n${report(unseen, models.score, models.kind)}\n\n`,
        );
      }
      return scored(unseen, models.score);
    }),
  );
  process.stderr.write(`${split + 1} of ${SPLITS} splits judged\n`);
}
process.stdout.write(
  `Over ${SPLITS} splits, each half judged by the other:\n\n${crossedReport(crossed)}\n\n`,
);
const judged = withRunnersUp(all, shipped);
process.stdout.write(
  `The weights written, on what they were fitted on:\n\n${report(judged, shipped.score, shipped.kind)}\n`,
);

interface Fitted extends ScoreModels {
  readonly kind: Model;
}

function fitAll(compared: readonly Compared[]): Fitted {
  const models = fitScore(compared);
  const known = withRunnersUp(compared, models);
  const zero = zeroOf(negativeTops(known, models.score));
  const score: Model = { ...models.score, intercept: models.score.intercept - zero };
  return { ...models, score, kind: fitKind(known, score, 0) };
}

function source({ pair, typicalRunnerUp, score: scoring, kind: naming }: Fitted): string {
  const table = ({ weights }: Model) =>
    Object.entries(weights)
      .map(([name, weight]) => `${name}: ${Number(weight.toPrecision(4))},`)
      .join('\n');
  return `/*
 * Weights of the logistic models in score.ts. Fitted data, not chosen by hand: \`npm run fit\` writes this file (see
 * bench/fit and docs/decisions). The features are defined in score.ts.
 */

/** "The work is in the output", said of the pair alone. */
export const PAIR_INTERCEPT = ${pair.intercept.toFixed(4)};

export const PAIR_WEIGHTS = {
${table(pair)}
} as const;

/** The pair score of the runner-up where too few works were verified to have one. */
export const TYPICAL_RUNNER_UP = ${typicalRunnerUp.toFixed(3)};

/** The same where the runner-up is known. 0 lies ${ZERO}. */
export const SCORE_INTERCEPT = ${scoring.intercept.toFixed(4)};

export const SCORE_WEIGHTS = {
${table(scoring)}
} as const;

/** "Its expression is unchanged"; both answers weighted equally, whatever their number in the corpus. */
export const KIND_INTERCEPT = ${naming.intercept.toFixed(4)};

export const KIND_WEIGHTS = {
${table(naming)}
} as const;
`;
}
