/** Servers that speak the shapes of the services which sources read, page by page, over posts that a test adds. */
import { gzipSync } from 'node:zlib';
import { type Respond, type WebServer, serve } from './web-server.ts';

export interface Post {
  readonly id: number;
  readonly imageUrl: string;
  /** Written into the answer in a way that the service's documentation does not allow. */
  readonly malformed: boolean;
}

export interface Service {
  readonly server: WebServer;
  /** Oldest first. */
  readonly posts: Post[];
  add(count: number, malformed?: boolean): string[];
}

type Answer = (url: URL, newestFirst: readonly Post[], base: string) => unknown;

const dateOf = (id: number) => new Date(Date.UTC(2026, 0, 1) + id * 60_000);
const send = (response: Parameters<Respond>[1], type: string, body: string | Buffer) =>
  void response.writeHead(200, { 'content-type': type }).end(body);

/** @param answer gives JSON (an object), XML or HTML (text), or compressed bytes */
export async function service(answer: Answer): Promise<Service> {
  const posts: Post[] = [];
  let base = '';
  const server = await serve((_, response, url) => {
    if (url.pathname === '/robots.txt') return void response.writeHead(404).end();
    const body = answer(url, posts.toReversed(), base);
    if (body === undefined) return void response.writeHead(404).end();
    if (Buffer.isBuffer(body)) return send(response, 'application/gzip', body);
    if (typeof body === 'string')
      return send(response, body.startsWith('<html') ? 'text/html' : 'application/xml', body);
    send(response, 'application/json', JSON.stringify(body));
  });
  base = server.base;
  return {
    server,
    posts,
    add: (count, malformed = false) =>
      Array.from({ length: count }, () => {
        const id = posts.length + 1;
        const imageUrl = `${base}/files/${id}.png`;
        posts.push({ id, imageUrl, malformed });
        return imageUrl;
      }),
  };
}

const pageOf = (posts: readonly Post[], from: number, size: number) => posts.slice(from, from + size);

export const civitai: Answer = (url, posts) => {
  if (url.pathname !== '/api/v1/images') return undefined;
  const size = Number(url.searchParams.get('limit'));
  const below = Number(url.searchParams.get('cursor') ?? Number.POSITIVE_INFINITY);
  const rest = posts.filter(({ id }) => id <= below);
  return {
    items: pageOf(rest, 0, size).map(({ id, imageUrl, malformed }) => ({
      id,
      url: malformed ? null : imageUrl,
      hash: 'U0',
      width: 8,
      height: 8,
      nsfwLevel: 'None',
      type: 'image',
      createdAt: dateOf(id).toISOString(),
      postId: id,
      stats: {},
      // All three forms that the service gives.
      meta: [null, { prompt: 'a cat', Model: 'some model' }, { id, meta: { prompt: 'a cat' } }][id % 3],
      username: 'someone',
      baseModel: 'SDXL 1.0',
      modelVersionIds: [1],
    })),
    metadata: rest.length > size ? { nextCursor: rest[size]!.id, nextPage: 'unused' } : {},
  };
};

export const danbooru: Answer = (url, posts) => {
  if (url.pathname !== '/posts.json') return undefined;
  const below = Number(/^b(\d+)$/.exec(url.searchParams.get('page') ?? '')?.[1] ?? Number.POSITIVE_INFINITY);
  const rest = posts.filter(({ id }) => id < below);
  return pageOf(rest, 0, Number(url.searchParams.get('limit'))).map(({ id, imageUrl, malformed }) => ({
    id,
    ...(malformed ? {} : { file_url: imageUrl, large_file_url: `${imageUrl}?large`, md5: 'd41d8cd9' }),
    source: 'https://service.example/1',
    created_at: dateOf(id).toISOString(),
    uploader_id: 7,
    tag_string: 'blue_sky original',
    tag_string_artist: 'someone',
  }));
};

export const bluesky: Answer = (url, posts) => {
  const search = url.pathname === '/xrpc/app.bsky.feed.searchPosts';
  if (!search && url.pathname !== '/xrpc/app.bsky.feed.getAuthorFeed') return undefined;
  const from = Number(url.searchParams.get('cursor') ?? 0);
  const size = Number(url.searchParams.get('limit'));
  const shown = pageOf(posts, from, size).map(({ id, imageUrl, malformed }) => {
    const images = {
      $type: 'app.bsky.embed.images#view',
      images: [{ thumb: 't', fullsize: imageUrl, alt: 'ALT' }],
    };
    return {
      uri: `at://did:plc:abc/app.bsky.feed.post/${id}`,
      cid: 'c',
      ...(malformed ? {} : { author: { did: 'did:plc:abc', handle: 'someone.bsky.social' } }),
      record: { $type: 'app.bsky.feed.post', text: 'a post', createdAt: dateOf(id).toISOString() },
      embed:
        id % 2 === 0 ? images : { $type: 'app.bsky.embed.recordWithMedia#view', record: {}, media: images },
      indexedAt: dateOf(id).toISOString(),
    };
  });
  const cursor = from + size < posts.length ? { cursor: String(from + size) } : {};
  return search ? { posts: shown, ...cursor } : { feed: shown.map((post) => ({ post })), ...cursor };
};

export const reddit: Answer = (url, posts) => {
  if (url.pathname !== '/r/pictures/new.json' && url.pathname !== '/search.json') return undefined;
  const after = url.searchParams.get('after');
  const from = after === null ? 0 : posts.findIndex(({ id }) => `t3_${id}` === after) + 1;
  const shown = pageOf(posts, from, Number(url.searchParams.get('limit')));
  const children = shown.map(({ id, imageUrl, malformed }) => ({
    kind: 't3',
    data: {
      ...(malformed ? {} : { id: String(id), name: `t3_${id}` }),
      title: 'a post',
      author: 'someone',
      author_fullname: 't2_abc',
      permalink: `/r/pictures/comments/${id}/a_post/`,
      created_utc: dateOf(id).getTime() / 1_000,
      ...[
        { url: imageUrl },
        {
          url: 'https://elsewhere.example/page',
          preview: { images: [{ source: { url: escaped(imageUrl) } }] },
        },
        {
          url: `https://www.reddit.com/gallery/${id}`,
          gallery_data: { items: [{ media_id: 'm' }] },
          media_metadata: { m: { s: { u: escaped(imageUrl) } } },
        },
      ][id % 3],
    },
  }));
  const last = shown.at(-1);
  const more = last !== undefined && last !== posts.at(-1);
  return { kind: 'Listing', data: { children, after: more ? `t3_${last.id}` : null } };
};
const escaped = (url: string) => url.replaceAll('&', '&amp;');

/** An API of its own making: posts in an envelope, the next page named by its full address. */
export const json: Answer = (url, posts, base) => {
  if (url.pathname !== '/api/posts') return undefined;
  const from = Number(url.searchParams.get('from') ?? 0);
  const next = from + 50 < posts.length ? `${base}/api/posts?from=${from + 50}` : null;
  return {
    result: {
      posts: pageOf(posts, from, 50).map(({ id, imageUrl, malformed }) => ({
        ...(malformed ? {} : { id }),
        media: [{ kind: 'image', src: imageUrl }],
        by: { name: 'someone' },
        created: dateOf(id).getTime() / 1_000,
      })),
      next,
    },
  };
};

export const rss: Answer = (url, posts) =>
  url.pathname !== '/feed'
    ? undefined
    : `<?xml version="1.0"?><rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel><title>feed</title>${posts
        .map(({ id, imageUrl, malformed }) => {
          const address = malformed ? 'ftp://no.example/x.png' : imageUrl;
          const image =
            id % 2 === 0
              ? `<media:content url="${address}" medium="image"/>`
              : `<enclosure url="${address}" type="image/png" length="1"/>`;
          return `<item><guid isPermaLink="false">post ${id}</guid><title>a post</title><link>https://service.example/${id}</link><pubDate>${dateOf(id).toUTCString()}</pubDate>${image}</item>`;
        })
        .join('')}</channel></rss>`;

export const htmlPage: Answer = (url, posts) =>
  url.pathname !== '/page'
    ? undefined
    : `<html><head><title>a page</title></head><body>${posts
        .map(
          ({ imageUrl, malformed }) =>
            `<img src="${malformed ? 'ftp://no.example/x.png' : imageUrl}" alt="alt">`,
        )
        .join('')}</body></html>`;

/** An index, and sitemaps of 50 pages each, every second one compressed. */
export const sitemap: Answer = (url, posts, base) => {
  const oldestFirst = posts.toReversed();
  if (url.pathname === '/sitemap.xml') {
    const count = Math.ceil(oldestFirst.length / 50);
    const files = Array.from(
      { length: count },
      (_, i) => `<sitemap><loc>${base}/sitemap-${i}.xml${i % 2 === 0 ? '' : '.gz'}</loc></sitemap>`,
    );
    return `<?xml version="1.0"?><sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">${files.join('')}</sitemapindex>`;
  }
  const at = Number(/^\/sitemap-(\d+)\.xml(\.gz)?$/.exec(url.pathname)?.[1]);
  if (Number.isNaN(at)) return undefined;
  const urls = pageOf(oldestFirst, at * 50, 50).map(
    ({ id, imageUrl, malformed }) =>
      `<url><loc>https://service.example/${id}</loc><lastmod>2026-01-01</lastmod><image:image><image:loc>${malformed ? 'ftp://no.example/x.png' : imageUrl}</image:loc><image:title>a picture</image:title></image:image></url>`,
  );
  const xml = `<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">${urls.join('')}</urlset>`;
  return url.pathname.endsWith('.gz') ? gzipSync(xml) : xml;
};

/** Lists a bucket as S3 does, 1,000 keys a page. */
export const bucket: Answer = (url, posts) => {
  if (url.pathname !== '/pictures' && url.pathname !== '/pictures/') return undefined;
  const keyed = posts
    // New keys lie all over the bucket.
    .map((post) => ({ ...post, key: `${post.id % 7}/${String(post.id).padStart(6, '0')}.png` }))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
    .filter(({ key }) => key > (url.searchParams.get('start-after') ?? ''));
  const contents = keyed
    .slice(0, 1_000)
    .map(
      ({ id, key, malformed }) =>
        `<Contents><Key>${key}</Key><LastModified>${dateOf(id).toISOString()}</LastModified><ETag>&quot;${id}&quot;</ETag><Size>${malformed ? 0 : 1}</Size></Contents>`,
    );
  return `<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>pictures</Name><KeyCount>${contents.length}</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>${keyed.length > 1_000}</IsTruncated>${contents.join('')}</ListBucketResult>`;
};
