/**
 * `npm run fit -- --pack DIR --queries DIR`: fits the weights of matching/score.ts anew and writes coefficients.ts.
 *
 * DIR are a corpus of pictures (pack.tsv says which are the catalogue) and outputs made from it (queries.jsonl says
 * what each is). The weights written are fitted on all of it. What they are worth is judged by fitting twice more: on
 * each half of the works and other pictures, with the table printed for the half that those weights have not seen.
 * Takes some ten minutes for 3,500 outputs on one core.
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
import { report, thresholdAt } from './report.ts';

const COEFFICIENTS = fileURLToPath(new URL('../../src/vision/matching/coefficients.ts', import.meta.url));
/** Confidence one half lies this far above the threshold of the negatives that were fitted on, for others will be worse. */
const MARGIN = 1;

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

const halves: [Compared[], Compared[]] = [[], []];
const corpus = await readCorpus(values.pack, values.queries);
let done = 0;
for await (const compared of compareAll(corpus, values.cache, true)) {
  halves[halfOf(compared.query.origin)].push(compared);
  done += 1;
  if (done % 100 === 0) process.stderr.write(`${done} of ${corpus.queries.length} compared\n`);
}
const shipped = fitAll(halves.flat());
await writeFile(values.out, await format(source(shipped), { parser: 'typescript', singleQuote: true }));
for (const [i, half] of halves.entries()) {
  const models = fitAll(half);
  const unseen = withRunnersUp(halves[1 - i]!, models);
  process.stdout.write(
    `Fitted on half ${i + 1}, judged on the other:\n\n${report(unseen, models.score, models.kind)}\n\n`,
  );
}
const judged = withRunnersUp(halves.flat(), shipped);
process.stdout.write(
  `The weights written, on what they were fitted on:\n\n${report(judged, shipped.score, shipped.kind)}\n`,
);

interface Fitted extends ScoreModels {
  readonly kind: Model;
}

function fitAll(compared: readonly Compared[]): Fitted {
  const models = fitScore(compared);
  const known = withRunnersUp(compared, models);
  const threshold = thresholdAt(known, models.score, 0.001);
  // The odds at the threshold are put at one, so that a confidence of one half is where a policy may begin.
  const score: Model = { ...models.score, intercept: models.score.intercept - threshold - MARGIN };
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

/** The same where the runner-up is known. 0 lies ${MARGIN} above the second worst of 1,322 negatives. */
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
