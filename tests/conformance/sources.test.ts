/** Every kind of source against the conformance suite, on real files and real HTTP servers. */
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type SourceContext, parseSourceSpec } from '../../src/features/sources/index.ts';
import { parseEndpoint } from '../../src/platform/fetch/guard.ts';
import { Network } from '../../src/platform/fetch/network.ts';
import { WebClient } from '../../src/platform/fetch/web-client.ts';
import {
  bluesky,
  bucket,
  civitai,
  danbooru,
  htmlPage,
  json,
  reddit,
  rss,
  service,
  sitemap,
} from '../support/source-servers.ts';
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
  requestsToFirst: 0,
  paged: false,
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
      addMalformed: () => writeFile(join(folder, 'empty.png'), ''),
      requests: () => 0,
      close,
    };
  },
};

/** A list file of any of its three forms. */
function list(form: 'txt' | 'csv' | 'jsonl', head: string, row: (url: string) => string, bad: string): Kind {
  return {
    name: `a URL list (${form})`,
    page: 500,
    requestsToFirst: 0,
    paged: false,
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
        requests: () => 0,
        close,
      };
    },
  };
}

/** A service on the web. */
function web(
  kind: { name: string; page: number; requestsToFirst?: number; paged?: boolean },
  answer: Parameters<typeof service>[0],
  spec: (base: string) => object,
  listed: (imageUrl: string, id: number) => string = (imageUrl) => imageUrl,
): Kind {
  return {
    requestsToFirst: 1,
    paged: true,
    ...kind,
    open: async () => {
      const { server, posts, add } = await service(answer);
      return {
        spec: parseSourceSpec(spec(server.base)),
        context,
        add: async (count) => {
          const before = posts.length;
          return add(count).map((imageUrl, i) => listed(imageUrl, before + i + 1));
        },
        addMalformed: async () => void add(1, true),
        requests: () => server.seen.length,
        close: server.close,
      };
    },
  };
}

for (const kind of [
  directory,
  list('txt', '# seen this week\n\n', (url) => url, 'not a url'),
  list('csv', 'url,account\n', (url) => `${url},someone`, 'ftp://service.example/x,someone'),
  list('jsonl', '', (url) => JSON.stringify({ url, tags: ['a', 'b'] }), '{"url": '),
  web({ name: 'an RSS feed', page: 100, paged: false }, rss, (base) => ({
    kind: 'feed',
    url: `${base}/feed`,
  })),
  web({ name: 'a sitemap', page: 50, requestsToFirst: 2 }, sitemap, (base) => ({
    kind: 'sitemap',
    url: `${base}/sitemap.xml`,
  })),
  web({ name: 'a web page', page: 100, paged: false }, htmlPage, (base) => ({
    kind: 'page',
    url: `${base}/page`,
  })),
  web(
    { name: 'an S3 bucket', page: 1_000 },
    bucket,
    (base) => ({ kind: 's3', bucket: 'pictures', endpoint: base, pathStyle: true }),
    (_, id) => `s3://pictures/${id % 7}/${String(id).padStart(6, '0')}.png`,
  ),
  web({ name: 'Civitai', page: 200 }, civitai, (url) => ({ kind: 'civitai', url })),
  web({ name: 'a Danbooru-style board', page: 200 }, danbooru, (url) => ({
    kind: 'danbooru',
    url,
    tags: 'blue_sky',
  })),
  web({ name: 'Bluesky (an account)', page: 100 }, bluesky, (url) => ({
    kind: 'bluesky',
    url,
    actor: 'someone.bsky.social',
  })),
  web({ name: 'Bluesky (a search)', page: 100 }, bluesky, (url) => ({ kind: 'bluesky', url, search: 'sky' })),
  web({ name: 'Reddit', page: 100 }, reddit, (url) => ({ kind: 'reddit', url, subreddit: 'pictures' })),
  web({ name: 'a JSON API', page: 50 }, json, (base) => ({
    kind: 'json',
    url: `${base}/api/posts`,
    items: 'result.posts',
    fields: { id: 'id', image: "media[?kind=='image'].src", account: 'by.name', postedAt: 'created' },
    next: { url: 'result.next' },
  })),
])
  conformance(kind);
