/** Every kind of source against the conformance suite, on real files and real HTTP servers. */
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type SourceContext, parseSourceSpec } from '../../src/features/sources/index.ts';
import { parseEndpoint } from '../../src/platform/fetch/guard.ts';
import { Network } from '../../src/platform/fetch/network.ts';
import { WebClient } from '../../src/platform/fetch/web-client.ts';
import { type Kind, conformance } from './source-suite.ts';

const context: SourceContext = {
  web: new WebClient({ timeoutMs: 5_000, network: new Network({ allowed: [parseEndpoint('127.0.0.1')] }) }),
  queries: [],
  secret: async () => 'secret',
  clock: () => new Date(),
  log: { warn: () => {} },
  maxBytes: 1_000_000,
};

async function scratch(): Promise<{ folder: string; close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'utsushi-source-'));
  return { folder, close: () => rm(folder, { recursive: true, force: true }) };
}

const directory: Kind = {
  name: 'a directory',
  page: 500,
  open: async () => {
    const { folder, close } = await scratch();
    let round = 0;
    return {
      spec: parseSourceSpec({ kind: 'directory', path: folder }),
      context,
      add: async (count) => {
        // Later rounds lie both before and after earlier ones in the order of names.
        const below = join(folder, round++ % 2 === 0 ? 'm' : 'b');
        await mkdir(below, { recursive: true });
        const paths = Array.from({ length: count }, (_, i) => join(below, `${round}-${i}.png`));
        await Promise.all(paths.map((path) => writeFile(path, 'x')));
        return paths.map((path) => pathToFileURL(path).href);
      },
      close,
    };
  },
};

/** A list file of any of its three forms. */
function list(form: 'txt' | 'csv' | 'jsonl', head: string, row: (url: string) => string, bad: string): Kind {
  return {
    name: `a URL list (${form})`,
    page: 500,
    open: async () => {
      const { folder, close } = await scratch();
      const file = join(folder, `list.${form}`);
      await writeFile(file, head);
      let next = 0;
      return {
        spec: parseSourceSpec({ kind: 'urls', file }),
        context,
        add: async (count) => {
          const urls = Array.from({ length: count }, () => `https://service.example/${next++}.png`);
          await appendFile(file, urls.map((url) => `${row(url)}\n`).join(''));
          return urls;
        },
        addMalformed: () => appendFile(file, `${bad}\n`),
        close,
      };
    },
  };
}

for (const kind of [
  directory,
  list('txt', '# seen this week\n\n', (url) => url, 'not a url'),
  list('csv', 'url,account\n', (url) => `${url},someone`, 'ftp://service.example/x,someone'),
  list('jsonl', '', (url) => JSON.stringify({ url, tags: ['a', 'b'] }), '{"url": '),
])
  conformance(kind);
