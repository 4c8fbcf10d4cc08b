/** `npm run bench`: prints the tables, and writes them to docs/benchmarks/ with --write. `--small` keeps it quick. */
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { accuracyTable } from './accuracy.ts';
import { speedTable } from './speed.ts';

const { values } = parseArgs({ options: { small: { type: 'boolean' }, write: { type: 'boolean' } } });
const root = fileURLToPath(new URL('..', import.meta.url));
const fixtures = join(root, 'fixtures');
const size = values.small === true ? { rounds: 3, codes: 10_000 } : { rounds: 31, codes: 1_000_000 };
const [firstPicture] = (await readFile(join(fixtures, 'manifest.csv'), 'utf8')).match(
  /catalogue\/[^,]+\.png/,
)!;

const sections = [
  {
    file: 'fixtures.md',
    title: 'Accuracy on the fixtures',
    note: 'Pictures of this project (fixtures/): drawn in code, their outputs simulated by scripts; no diffusion model was used. Small and clean: they show what works, not how well.',
    table: await accuracyTable(fixtures),
  },
  {
    file: 'speed.md',
    title: 'Speed',
    note: `Medians of ${size.rounds} rounds in one process on ${availableParallelism()} cores, Node ${process.versions.node}. Compare ratios, not milliseconds.`,
    table: await speedTable(await readFile(join(fixtures, firstPicture!)), size.rounds, size.codes),
  },
];
for (const { file, title, note, table } of sections) {
  const page = `# ${title}\n\n${note}\n\n${table}\n\nTo repeat: \`npm run bench\`${values.write === true ? ' (add `-- --write` to renew this page)' : ''}.\n`;
  process.stdout.write(`${page}\n`);
  if (values.write === true) await writeFile(join(root, 'docs', 'benchmarks', file), page);
}
