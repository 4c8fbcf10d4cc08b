/**
 * `npm run bench`: prints the tables; with `-- --write` renews their pages in docs/benchmarks/. Names choose some of
 * them (`npm run bench -- search growth`), `--small` takes seconds and measures nothing.
 */
import { writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { accuracyTable } from './accuracy.ts';
import { fingerprintSection } from './fingerprint.ts';
import { growthSection } from './growth.ts';
import { searchSection } from './search.ts';
import type { BenchOptions, Section } from './support/section.ts';

/** One file a table. */
const SECTIONS: Record<string, (options: BenchOptions) => Section | Promise<Section>> = {
  accuracy: async ({ fixtures }) => ({
    file: 'fixtures.md',
    title: 'Accuracy on the fixtures',
    note: 'Pictures of this project (fixtures/): drawn in code, their outputs simulated by scripts; no diffusion model was used. Small and clean: they show what works, not how well.',
    body: await accuracyTable(fixtures),
  }),
  fingerprint: fingerprintSection,
  search: searchSection,
  growth: growthSection,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { small: { type: 'boolean', default: false }, write: { type: 'boolean', default: false } },
});
const unknown = positionals.filter((name) => !(name in SECTIONS));
if (unknown.length > 0) {
  process.stderr.write(`no table ${unknown.join(', ')}; there are ${Object.keys(SECTIONS).join(', ')}\n`);
  process.exit(2);
}
const root = fileURLToPath(new URL('..', import.meta.url));
const results = join(root, 'docs', 'benchmarks');
const machine = `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), Node ${process.versions.node}`;

for (const name of positionals.length > 0 ? positionals : Object.keys(SECTIONS)) {
  const section = await SECTIONS[name]!({ small: values.small, fixtures: join(root, 'fixtures') });
  const { file, title, note, body, plots = [] } = section;
  const page = `# ${title}\n\n${note}\n\nMeasured on ${machine}, shared with other work: ratios count, not times.\n\n${body}\n\nTo repeat: \`npm run bench -- ${name}\`; with \`--write\` it renews this page.\n`;
  process.stdout.write(`${page}\n`);
  if (!values.write) continue;
  await writeFile(join(results, file), page);
  for (const each of plots) await writeFile(join(results, each.file), each.svg);
}
