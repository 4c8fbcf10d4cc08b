/**
 * `npm run bench`: prints the tables; with `-- --write` renews their pages in docs/benchmarks/. Names choose some of
 * them (`npm run bench -- search growth`), `--small` takes seconds and measures nothing. `scan` takes
 * half an hour and `search` five minutes, less with `--items N`; `scan --dir DIR` can be stopped and gone on with. `accuracy` wants a
 * corpus:
 * `npm run bench -- accuracy --queries DIR [--pack DIR]` (pack.tsv and queries.jsonl; see accuracy-set.ts).
 */
import { writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { corpusSection, fixturesSection } from './accuracy-sections.ts';
import { deepSection } from './deep.ts';
import { depthSection } from './depth.ts';
import { fingerprintSection } from './fingerprint.ts';
import { growthSection } from './growth.ts';
import { orientationsSection } from './orientations.ts';
import { provenanceSection } from './provenance.ts';
import { reviewSection } from './review/section.ts';
import { roadSection } from './road.ts';
import { scanSection } from './scan.ts';
import { searchSection } from './search.ts';
import type { BenchOptions, Section } from './support/section.ts';
import { stopOnSignals } from './support/stopping.ts';

/** One file a table. */
const SECTIONS: Record<
  string,
  (options: BenchOptions) => Section | undefined | Promise<Section | undefined>
> = {
  fixtures: fixturesSection,
  accuracy: corpusSection,
  fingerprint: fingerprintSection,
  search: searchSection,
  growth: growthSection,
  orientations: orientationsSection,
  deep: deepSection,
  depth: depthSection,
  scan: scanSection,
  provenance: provenanceSection,
  review: reviewSection,
  road: roadSection,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    small: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    pack: { type: 'string' },
    queries: { type: 'string' },
    items: { type: 'string' },
    dir: { type: 'string' },
  },
});
const unknown = positionals.filter((name) => !(name in SECTIONS));
if (unknown.length > 0) {
  process.stderr.write(`no table ${unknown.join(', ')}; there are ${Object.keys(SECTIONS).join(', ')}\n`);
  process.exit(2);
}
const root = fileURLToPath(new URL('..', import.meta.url));
const results = join(root, 'docs', 'benchmarks');
const machine = `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), Node ${process.versions.node}`;

stopOnSignals();
for (const name of positionals.length > 0 ? positionals : Object.keys(SECTIONS)) {
  const { small, write, pack, queries, items, dir } = values;
  const section = await SECTIONS[name]!({
    small,
    write,
    pack,
    queries,
    items: items === undefined ? undefined : Number(items),
    dir,
    root,
    fixtures: join(root, 'fixtures'),
  });
  if (section === undefined) continue;
  const { file, title, note, body, plots = [] } = section;
  const page = `# ${title}\n\n${note}\n\nMeasured on ${machine}, shared with other work: ratios count, not times.\n\n${body}\n\nTo repeat: \`npm run bench -- ${name}\`; with \`--write\` it renews this page.\n`;
  process.stdout.write(`${page}\n`);
  if (!values.write) continue;
  await writeFile(join(results, file), page);
  for (const each of plots) await writeFile(join(results, each.file), each.svg);
}
