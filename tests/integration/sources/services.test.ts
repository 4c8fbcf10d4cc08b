/** What each kind of source makes of what its service says, and how it bears with servers that misbehave. */
import { appendFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type Json,
  type Source,
  type SourceContext,
  openSource,
  parseSourceSpec,
} from '../../../src/features/sources/index.ts';
import { decodeText } from '../../../src/features/sources/decode-text.ts';
import { parseEndpoint } from '../../../src/platform/fetch/guard.ts';
import { Network } from '../../../src/platform/fetch/network.ts';
import { WebClient } from '../../../src/platform/fetch/web-client.ts';
import { run } from '../../conformance/source-suite.ts';
import { bluesky, civitai, danbooru, reddit, service } from '../../support/source-servers.ts';
import { type Respond, type WebServer, serve } from '../../support/web-server.ts';

const context: SourceContext = {
  web: new WebClient({
    timeoutMs: 500,
    firstPauseMs: 20,
    network: new Network({ allowed: [parseEndpoint('127.0.0.1')] }),
  }),
  queries: ['猫又物語', 'Neko Mata'],
  secret: async (reference) => `the secret of ${'env' in reference ? reference.env : reference.file}`,
  clock: () => new Date(),
  log: { warn: () => {} },
  maxBytes: 1_000_000,
};
const servers: WebServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});
async function site(respond: Respond): Promise<WebServer> {
  const server = await serve((request, response, url) => {
    if (url.pathname === '/robots.txt') response.writeHead(404).end();
    else return respond(request, response, url);
  });
  servers.push(server);
  return server;
}
async function serving(answer: Parameters<typeof service>[0]) {
  const opened = await service(answer);
  servers.push(opened.server);
  return opened;
}
const list = (spec: object, given: Partial<SourceContext> = {}) =>
  run({ spec: parseSourceSpec(spec), context: { ...context, ...given } });
const text =
  (body: string, type = 'application/xml'): Respond =>
  (_, response) =>
    void response.writeHead(200, { 'content-type': type }).end(body);

describe('a specification', () => {
  test.each([
    [{ kind: 'ftp' }, /kind must be one of: directory, urls, feed, /],
    [{ kind: 'feed' }, /url/],
    [{ kind: 'feed', url: 'file:///etc/passwd' }, /url: must be an http\(s\) URL/],
    [{ kind: 'directory', path: 'x', pth: 'y' }, /pth/],
    [{ kind: 'civitai', token: 'abcdef' }, /token: must be \{ env: NAME \} or \{ file: PATH \}/],
    [
      { kind: 'json', url: 'https://x.example', items: 'a[', fields: { id: 'id', image: 'url' } },
      /items: must be a JMESPath/,
    ],
  ])('that is wrong is refused with its fault: %j', (spec, fault) => {
    expect(() => parseSourceSpec(spec)).toThrow(fault);
    expect(() => parseSourceSpec(spec)).toThrow(expect.objectContaining({ code: 'invalid_source' }));
  });
});

describe('what is listed', () => {
  test('Civitai: page, account, time, prompt and model, in each of the three forms of meta', async () => {
    const { server, add } = await serving(civitai);
    add(3);
    const { items } = await list({
      kind: 'civitai',
      url: server.base,
      username: 'someone',
      token: { env: 'UTSUSHI_SECRET_C' },
    });
    expect(items[0]).toEqual({
      type: 'item',
      imageUrl: `${server.base}/files/3.png`,
      pageUrl: `${server.base}/images/3`,
      account: 'someone',
      accountId: null,
      postedAt: new Date('2026-01-01T00:03:00Z'),
      text: null,
      declared: { generator: null, model: 'SDXL 1.0', prompt: null },
      validator: null,
    });
    expect(items[1]!.declared).toEqual({ generator: null, model: 'SDXL 1.0', prompt: 'a cat' });
    expect(items[2]!).toMatchObject({ text: 'a cat', declared: { model: 'some model', prompt: 'a cat' } });
    expect(server.seen[0]!.headers.authorization).toBe('Bearer the secret of UTSUSHI_SECRET_C');
    expect(server.seen[0]!.url).toContain('username=someone');
  });

  test('Danbooru: names of works become tags, posts without a file are failures', async () => {
    const { server, add } = await serving(danbooru);
    add(1);
    add(1, true);
    const { items, failures } = await list({
      kind: 'danbooru',
      url: server.base,
      login: { user: 'me', apiKey: { env: 'UTSUSHI_SECRET_D' } },
    });
    expect(server.seen.map(({ url }) => new URL(url, server.base).searchParams.get('tags'))).toEqual(
      expect.arrayContaining(['猫又物語', 'neko_mata']),
    );
    expect(items[0]).toMatchObject({
      pageUrl: `${server.base}/posts/1`,
      text: 'blue sky\noriginal\nhttps://service.example/1',
      validator: 'd41d8cd9',
    });
    expect(failures[0]).toMatchObject({ where: `${server.base}/posts/2`, error: { code: 'invalid_item' } });
    expect(server.seen[0]!.headers.authorization).toMatch(/^Basic /);
  });

  test('Bluesky: embeds beside quotes, alternative texts, sessions from an app password', async () => {
    const { server, add } = await serving((url, posts, base) =>
      url.pathname.endsWith('createSession') ? { accessJwt: 'jwt' } : bluesky(url, posts, base),
    );
    add(2);
    const { items } = await list({
      kind: 'bluesky',
      url: server.base,
      login: { identifier: 'me', password: { env: 'UTSUSHI_SECRET_B' } },
      search: '猫又物語',
    });
    expect(items).toHaveLength(2);
    expect(items[0]).toMatchObject({
      pageUrl: 'https://bsky.app/profile/did:plc:abc/post/2',
      account: 'someone.bsky.social',
      accountId: 'did:plc:abc',
      text: 'a post\nALT',
    });
    expect(server.seen[1]!.headers.authorization).toBe('Bearer jwt');
  });

  test('Reddit: galleries, direct pictures and previews, with their URLs unescaped', async () => {
    const { server, posts } = await serving(reddit);
    for (const id of [1, 2, 3])
      posts.push({ id, imageUrl: `https://i.redd.it/${id}.png?a=1&b=2`, malformed: false });
    const { items } = await list({ kind: 'reddit', url: server.base });
    expect(new Set(items.map(({ imageUrl }) => imageUrl))).toEqual(
      new Set([1, 2, 3].map((id) => `https://i.redd.it/${id}.png?a=1&b=2`)),
    );
    expect(items[0]).toMatchObject({
      account: 'someone',
      accountId: 't2_abc',
      text: 'a post',
      pageUrl: `${server.base}/r/pictures/comments/3/a_post/`,
    });
    // One search a name of a work.
    expect(server.seen.map(({ url }) => new URL(url, server.base).searchParams.get('q'))).toEqual([
      '猫又物語',
      'Neko Mata',
    ]);
  });

  test('JSON: several pictures a post, secrets in headers, counted pages, and no next page at another origin', async () => {
    const server = await site((_, response, url) => {
      const page = Number(url.searchParams.get('p'));
      const posts =
        page > 2 ? [] : [{ n: page, media: ['/a.png', '/b.png'], when: 1_767_225_600, words: ['x', 'y'] }];
      response.end(JSON.stringify({ posts, next: 'https://elsewhere.example/' }));
    });
    const spec = {
      kind: 'json',
      url: `${server.base}/api?q={query}`,
      search: ['猫'],
      headers: { 'x-key': { env: 'UTSUSHI_SECRET_J' } },
      items: 'posts',
      fields: { id: 'n', image: 'media', text: 'words', postedAt: 'when' },
      next: { param: 'p', count: 'pages', start: 1 },
    };
    const { items } = await list(spec);
    expect(items.map(({ imageUrl }) => new URL(imageUrl).pathname)).toEqual([
      '/a.png',
      '/b.png',
      '/a.png',
      '/b.png',
    ]);
    expect(items[0]).toMatchObject({ text: 'x\ny', postedAt: new Date('2026-01-01T00:00:00Z') });
    expect(server.seen[0]!.url).toBe('/api?q=%E7%8C%AB&p=1');
    expect(server.seen[0]!.headers['x-key']).toBe('the secret of UTSUSHI_SECRET_J');
    await expect(list({ ...spec, next: { url: 'next' } })).rejects.toMatchObject({
      code: 'source_unreadable',
    });
  });

  test('feeds: Atom with enclosures, groups of renditions, pictures in the text, authors', async () => {
    const server = await site(
      text(`<?xml version="1.0" encoding="utf-8"?>
      <feed xmlns="http://www.w3.org/2005/Atom" xmlns:m="http://search.yahoo.com/mrss/" xml:base="https://site.example/">
      <entry><id>1</id><title>一枚目</title><link href="/1"/><author><name>誰か</name><uri>https://site.example/u/9</uri></author>
        <published>2026-02-03T04:05:06+09:00</published><category term="猫"/>
        <m:group><m:content url="/s.jpg" medium="image" width="100"/><m:content url="/l.jpg" medium="image" width="900"/></m:group></entry>
      <entry><id>2</id><link rel="alternate" href="/2"/><link rel="enclosure" type="image/png" href="/2.png"/></entry>
      <entry><id>3</id><link href="/3"/><content type="html">&lt;p&gt;text &lt;img src="/3.png"&gt;&lt;/p&gt;</content></entry>
      <entry><id>4</id><link href="/4"/><summary>no picture: no failure either</summary></entry></feed>`),
    );
    const { items, failures } = await list({ kind: 'feed', url: server.base });
    expect(items.map(({ imageUrl }) => imageUrl)).toEqual([
      'https://site.example/l.jpg',
      'https://site.example/2.png',
      'https://site.example/3.png',
    ]);
    expect(items[0]).toMatchObject({
      pageUrl: 'https://site.example/1',
      account: '誰か',
      accountId: 'https://site.example/u/9',
      postedAt: new Date('2026-02-02T19:05:06Z'),
      text: '一枚目\n猫',
    });
    expect(failures).toEqual([]);
  });

  test('feeds: parts that continue them (RFC 5005), and nothing at all when nothing changed', async () => {
    const server = await site((request, response, url) => {
      if (request.headers['if-none-match'] === '"1"') return void response.writeHead(304).end();
      const part = Number(url.searchParams.get('part') ?? 1);
      const next =
        part < 3
          ? `<atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="next" href="/?part=${part + 1}"/>`
          : '';
      response.writeHead(200, { etag: `"${part}"` });
      response.end(
        `<rss><channel>${next}<item><guid>${part}</guid><enclosure url="/${part}.png" type="image/png"/></item></channel></rss>`,
      );
    });
    const first = await list({ kind: 'feed', url: server.base });
    expect(first.items).toHaveLength(3);
    const spec = parseSourceSpec({ kind: 'feed', url: server.base });
    const again = await run({ spec, context }, first.checkpoints.at(-1)!.cursor);
    expect(again.items).toEqual([]);
    expect(server.seen).toHaveLength(4);
  });

  test('pages: base, srcset, picture, late loading, og:image, linked originals; no buttons, no data', async () => {
    const server = await site(
      text(
        `<html><head><meta charset="utf-8"><title>頁</title><base href="https://cdn.example/p/">
      <meta property="og:image" content="/og.jpg"></head><body>
      <img src="small.jpg" srcset="mid.jpg 600w, large.jpg 1200w" alt="絵">
      <picture><source srcset="x1.webp 1x, x2.webp 2x"><img src="fallback.jpg"></picture>
      <img src="data:image/gif;base64,AA" data-src="late.jpg">
      <a href="original.png?x=1"><img src="thumb.jpg"></a> <a href="/article"><img src="shown.jpg"></a>
      <img src="pixel.gif" width="1" height="1"><img src="data:image/gif;base64,AA"></body></html>`,
        'text/html',
      ),
    );
    const { items } = await list({ kind: 'page', url: server.base });
    expect(items.map(({ imageUrl }) => imageUrl)).toEqual([
      'https://cdn.example/og.jpg',
      'https://cdn.example/p/large.jpg',
      'https://cdn.example/p/x2.webp',
      'https://cdn.example/p/late.jpg',
      'https://cdn.example/p/original.png?x=1',
      'https://cdn.example/p/shown.jpg',
    ]);
    expect(items[1]).toMatchObject({ text: '頁\n絵', pageUrl: `${server.base}/` });
  });

  test('pages in the encodings of the Japanese web', () => {
    const sjis = Buffer.from([0x93, 0xfa, 0x96, 0x7b]);
    expect(decodeText(sjis, 'text/html; charset=Shift_JIS')).toBe('日本');
    expect(decodeText(Buffer.concat([Buffer.from('<meta charset="sjis">'), sjis]), 'text/html')).toContain(
      '日本',
    );
    expect(
      decodeText(
        Buffer.concat([Buffer.from('<?xml version="1.0" encoding="EUC-JP"?>'), Buffer.from([0xc6, 0xfc])]),
        undefined,
      ),
    ).toContain('日');
    expect(decodeText(Buffer.from('日本'), 'text/html; charset=nonsense')).toBe('日本');
  });
});

describe('servers that misbehave', () => {
  test.each([
    ['answer something else', text('<html>Log in please</html>', 'text/html'), 'source_unreadable'],
    ['are gone', (_, response) => void response.writeHead(410).end(), 'fetch_rejected'],
    ['fail', (_, response) => void response.writeHead(500).end(), 'fetch_failed'],
    ['never answer', () => {}, 'fetch_failed'],
  ] satisfies [string, Respond, string][])('that %s are reported with a code', async (_, respond, code) => {
    const server = await site(respond);
    for (const spec of [
      { kind: 'feed', url: server.base },
      { kind: 'sitemap', url: server.base },
      { kind: 'civitai', url: server.base },
    ])
      await expect(list(spec)).rejects.toMatchObject({ code });
  });

  test('that want a pause between pages get it, and no page is lost', async () => {
    const { server, add } = await serving(civitai);
    add(450);
    let asked = 0;
    const busy = await site((request, response) => {
      asked += 1;
      if (asked % 2 === 0) response.writeHead(asked === 2 ? 429 : 503, { 'retry-after': '1' }).end();
      else response.writeHead(307, { location: server.base + request.url! }).end();
    });
    const { items } = await list({ kind: 'civitai', url: busy.base });
    expect(items).toHaveLength(450);
  });

  test('that break off in the middle leave a cursor to go on from', async () => {
    const { server, add } = await serving(danbooru);
    add(450);
    let broken = true;
    const flaky = await site((request, response) => {
      if (broken && request.url!.includes('page=')) response.destroy();
      else response.writeHead(307, { location: server.base + request.url! }).end();
    });
    const source = openSource(parseSourceSpec({ kind: 'danbooru', url: flaky.base, tags: 'x' }), context);
    const seen: string[] = [];
    let cursor: Json | undefined;
    const collect = async () => {
      for await (const event of source.items({ cursor, signal: new AbortController().signal })) {
        if (event.type === 'item') seen.push(event.imageUrl);
        if (event.type === 'checkpoint') cursor = event.cursor;
      }
    };
    await expect(collect()).rejects.toMatchObject({ code: 'fetch_failed' });
    expect(seen).toHaveLength(200);
    broken = false;
    await collect();
    expect(seen).toHaveLength(450);
    expect(new Set(seen).size).toBe(450);
  });
});

describe('a directory', () => {
  let folder: string;
  let source: Source;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'utsushi-directory-'));
    source = openSource(parseSourceSpec({ kind: 'directory', path: folder }), context);
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('lists pictures only, neither hidden files nor symbolic links, and what was written anew', async () => {
    await mkdir(join(folder, 'below'));
    await writeFile(join(folder, 'below', 'a.PNG'), 'x');
    await writeFile(join(folder, 'notes.txt'), 'x');
    await writeFile(join(folder, '.hidden.png'), 'x');
    await symlink('/etc/hostname', join(folder, 'link.png'));
    const spec = parseSourceSpec({ kind: 'directory', path: folder });
    const first = await run({ spec, context });
    expect(first.items.map(({ text }) => text)).toEqual([join('below', 'a.PNG')]);
    await appendFile(join(folder, 'below', 'a.PNG'), 'more');
    const second = await run({ spec, context }, first.checkpoints.at(-1)!.cursor);
    expect(second.items).toHaveLength(1);
    expect(second.items[0]!.validator).not.toBe(first.items[0]!.validator);
  });

  test('reads its own files, and no others', async () => {
    await writeFile(join(folder, 'a.png'), 'bytes');
    await symlink('/etc/hostname', join(folder, 'link.png'));
    expect(Buffer.from(await source.read(pathToFileURL(join(folder, 'a.png')).href)).toString()).toBe(
      'bytes',
    );
    await expect(source.read(pathToFileURL(join(folder, 'link.png')).href)).rejects.toMatchObject({
      code: 'fetch_forbidden',
    });
    await expect(source.read('file:///etc/hostname')).rejects.toMatchObject({ code: 'fetch_forbidden' });
    await expect(source.read(pathToFileURL(join(folder, 'gone.png')).href)).rejects.toMatchObject({
      code: 'file_not_found',
    });
  });

  test('that is not there is the failure of the source', async () => {
    await expect(list({ kind: 'directory', path: join(folder, 'nowhere') })).rejects.toMatchObject({
      code: 'source_unreadable',
    });
    await expect(list({ kind: 'urls', file: join(folder, 'nowhere.csv') })).rejects.toMatchObject({
      code: 'source_unreadable',
    });
  });

  test('is watched: one report for a burst of files, none for what was there, an end on abort', async () => {
    await writeFile(join(folder, 'before.png'), 'x');
    const stop = new AbortController();
    const changes = source.watch!(stop.signal)[Symbol.asyncIterator]();
    let reports = 0;
    const watching = (async () => {
      for (let next = await changes.next(); next.done !== true; next = await changes.next()) reports += 1;
    })();
    await new Promise((resolve) => setTimeout(resolve, 500));
    for (let i = 0; i < 20; i++) await writeFile(join(folder, `${i}.png`), 'x');
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(reports).toBe(1);
    stop.abort();
    await watching;
  });
});

describe('a bucket', () => {
  let folder: string;
  let server: { run(): Promise<{ port: number }>; close(): Promise<void> };
  let endpoint: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'utsushi-s3-'));
    const { default: S3rver } = await import('s3rver');
    server = new S3rver({
      port: 0,
      address: '127.0.0.1',
      silent: true,
      directory: folder,
      configureBuckets: [{ name: 'pictures', configs: [] }],
    });
    endpoint = `http://127.0.0.1:${(await server.run()).port}`;
  });
  afterAll(async () => {
    await server.close();
    await rm(folder, { recursive: true });
  });

  test('of a real server: signed requests, any key, bytes', async () => {
    const { PutObjectCommand, S3Client } = await import('@aws-sdk/client-s3');
    const credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };
    const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
    for (const key of ['out/a.png', 'out/名前 (1)+#?.png', 'other/b.png', 'out/readme.txt'])
      await client.send(new PutObjectCommand({ Bucket: 'pictures', Key: key, Body: key }));
    const spec = parseSourceSpec({
      kind: 's3',
      bucket: 'pictures',
      prefix: 'out/',
      endpoint,
      pathStyle: true,
      credentials: { accessKeyId: { env: 'UTSUSHI_SECRET_A' }, secretAccessKey: { env: 'UTSUSHI_SECRET_B' } },
    });
    const given = { ...context, secret: async () => 'S3RVER' };
    const { items } = await run({ spec, context: given });
    expect(items.map(({ text }) => text).toSorted()).toEqual(['out/a.png', 'out/名前 (1)+#?.png']);
    const source = openSource(spec, given);
    for (const { imageUrl, text } of items)
      expect(Buffer.from(await source.read(imageUrl)).toString()).toBe(text);
    await expect(source.read('s3://pictures/other/b.png')).rejects.toMatchObject({ code: 'fetch_forbidden' });
    await expect(source.read('s3://pictures/out/gone.png')).rejects.toMatchObject({ code: 'file_not_found' });
    const wrong = { ...context, secret: async () => 'wrong' };
    await expect(run({ spec, context: wrong })).rejects.toMatchObject({ code: 'fetch_rejected' });
  });
});
