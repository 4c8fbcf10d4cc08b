/** The fit's own command, on a corpus made of this project's fixtures: small, but the same road. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parse } from 'csv-parse/sync';
import { expect, onTestFinished, test } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const fixtures = join(root, 'fixtures');

test('npm run fit judges each half by weights fitted on the other, and writes those fitted on both', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'utsushi-fit-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeCorpus(folder);
  const out = join(folder, 'coefficients.ts');
  const main = join(root, 'bench/fit/main.ts');
  const { stdout } = await run(process.execPath, [
    '--import',
    'tsx',
    main,
    '--pack',
    join(folder, 'pack'),
    '--queries',
    join(folder, 'queries'),
    '--cache',
    join(folder, 'cache'),
    '--out',
    out,
  ]);
  const [, first, second] = stdout.split('judged on the other:');
  for (const unseen of [first!, second!]) {
    expect(unseen).toMatch(/\| all \| \d+ \|/);
    expect(unseen).toMatch(/kind named right: reproduction [\d.]+ % of \d+, adaptation [\d.]+ % of \d+/);
  }
  // On pictures this clean the weights must carry over to the half they have not seen.
  expect(Number(/\| reproduction \| \d+ \| ([\d.]+) \|/.exec(first!)![1])).toBeGreaterThan(80);
  const names = (text: string) => [...text.matchAll(/^ {2}(\w+): -?[\d.e-]+,$/gm)].map(([, name]) => name);
  const inForce = await readFile(join(root, 'src/vision/matching/coefficients.ts'), 'utf8');
  expect(names(await readFile(out, 'utf8')).toSorted()).toEqual(names(inForce).toSorted());
});

/** Every second output, as a pack and queries. */
async function writeCorpus(folder: string): Promise<void> {
  const manifest = parse(await readFile(join(fixtures, 'manifest.csv')), { columns: true, bom: true }) as {
    file: string;
    asset_id: string;
  }[];
  await mkdir(join(folder, 'pack'), { recursive: true });
  await mkdir(join(folder, 'queries'), { recursive: true });
  const nameOf = (file: string) => file.replace('catalogue/', '');
  for (const { file } of manifest) await symlink(join(fixtures, file), join(folder, 'pack', nameOf(file)));
  const rows = manifest.map(({ file }) => `${nameOf(file)}\tcatalogue`);
  await writeFile(join(folder, 'pack', 'pack.tsv'), ['file\trole', ...rows].join('\n'));
  const truths = (await readFile(join(fixtures, 'outputs/truth.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { file: string; truth: string; asset: string | null })
    // A work of several pictures would need to know which of them an output was made from.
    .filter(({ asset }) => manifest.filter((row) => row.asset_id === asset).length < 2)
    .filter((_, i) => i % 2 === 0);
  const queries = truths.map(({ file, truth, asset }) => ({
    qid: `x-${file}`,
    file: `../outputs/${file}`,
    type: asset === null ? (truth === 'lookalike' ? 'look' : 'neg') : 'pos',
    asset: asset === null ? undefined : nameOf(manifest.find((row) => row.asset_id === asset)!.file),
    cls: truth,
    family: truth === 'reproduction' ? 'recode' : 'stylize',
    level: 'medium',
  }));
  await symlink(join(fixtures, 'outputs'), join(folder, 'outputs'));
  const lines = queries.map((query) => JSON.stringify(query));
  await writeFile(join(folder, 'queries', 'queries.jsonl'), lines.join('\n'));
}
