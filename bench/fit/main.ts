/**
 * `npm run fit -- --pack DIR --queries DIR`: fits the weights of matching/score.ts anew and writes coefficients.ts.
 *
 * DIR are a corpus of pictures (pack.tsv says which are the catalogue) and outputs made from it (queries.jsonl says
 * what each is). Everything is fitted on one half of the works and other pictures, and the tables printed are for the
 * half that the weights have not seen. Takes some ten minutes for 3,500 outputs on one core.
 */
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format } from 'prettier';
import { type Compared, compareAll } from './compare.ts';
import { halfOf, readCorpus } from './corpus.ts';
import { fitKind, fitScore } from './fit.ts';
import type { Model } from './logistic.ts';
import { report, thresholdAt } from './report.ts';

const COEFFICIENTS = fileURLToPath(new URL('../../src/vision/matching/coefficients.ts', import.meta.url));
/** Confidence one half lies this far above the worst negative of the fitted half, for others will be worse. */
const MARGIN = 0.7;

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
const [fitted, unseen] = halves;
const free = fitScore(fitted);
// The odds at the threshold are put at one, so that a confidence of one half is where a policy may begin.
const score: Model = { ...free, intercept: free.intercept - thresholdAt(fitted, free, 0.001) - MARGIN };
const kind = fitKind(fitted, score, 0);
await writeFile(values.out, await format(source(score, kind), { parser: 'typescript', singleQuote: true }));
process.stdout.write(`Half the weights were fitted on:\n\n${report(fitted, score, kind)}\n\n`);
process.stdout.write(`Half they have not seen:\n\n${report(unseen, score, kind)}\n`);

function source(scoring: Model, naming: Model): string {
  const table = ({ weights }: Model) =>
    Object.entries(weights)
      .map(([name, weight]) => `${name}: ${Number(weight.toPrecision(4))},`)
      .join('\n');
  return `/*
 * Weights of the two logistic models in score.ts. Fitted data, not chosen by hand: \`npm run fit\` writes this file (see
 * bench/fit and docs/decisions). The features are defined in score.ts.
 */

/** "The work is in the output". 0 lies ${MARGIN} above the worst negative of the fitted half. */
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
