/** Accuracy on this project's own pictures, and on a corpus from outside. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { measureAccuracy } from './accuracy.ts';
import { fixturesSet, packSet } from './accuracy-set.ts';
import { defaultNegativesSource } from './default-negatives.ts';
import type { BenchOptions, Section } from './support/section.ts';

export async function fixturesSection({ fixtures, small }: BenchOptions): Promise<Section> {
  const set = await fixturesSet(fixtures);
  const queries = small ? set.queries.filter((_, i) => i % 4 === 0) : set.queries;
  return {
    file: 'fixtures.md',
    title: 'Accuracy on the fixtures',
    note: 'Pictures of this project (fixtures/): drawn in code, their outputs simulated by scripts; no diffusion model was used. Small and clean: they show what works, not how well.',
    body: (await measureAccuracy({ ...set, queries }, () => {})).tables,
  };
}

/** @returns undefined, saying why, where no corpus was named */
export async function corpusSection(options: BenchOptions): Promise<Section | undefined> {
  const evalDir = process.env['UTSUSHI_EVAL_DIR'];
  const pack = options.pack ?? (evalDir === undefined ? undefined : join(evalDir, 'pack'));
  if (pack === undefined || options.queries === undefined) {
    process.stderr.write(
      'bench: accuracy on a corpus is skipped: it needs --queries DIR, and --pack DIR or UTSUSHI_EVAL_DIR\n',
    );
    return undefined;
  }
  const set = await packSet(pack, options.queries);
  const { tables, negatives, works } = await measureAccuracy(set, (done, total) => {
    if (done % 100 === 0) process.stderr.write(`bench: ${done} of ${total} pictures\n`);
  });
  if (options.write) {
    const file = join(options.root, 'src', 'vision', 'matching', 'default-negatives.ts');
    await writeFile(file, defaultNegativesSource(negatives, works));
  }
  return {
    file: 'accuracy.md',
    title: 'Accuracy on a development corpus of real pictures',
    note: 'Works and other pictures from free packages, not part of this repository. The weights of the score were fitted on these same works and other pictures; [weights.md](weights.md) has what each half scores with weights fitted on the other, which is what to expect on yours. What further views (crops of the works, tiles of the outputs) would bring at standard depth, and cost, is in [decision 16](../decisions/0016-crops-and-tiles-do-not-pay.md).',
    body: tables,
  };
}
