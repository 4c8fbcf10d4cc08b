import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Parser } from 'htmlparser2';
import { z } from 'zod';
import { UtsushiError } from '../../errors.ts';
import { decodeText } from './decode-text.ts';
import { getList, invalidItem, readWebImage, textOf, timeOf, webOptions, webUrl } from './read.ts';
import { Seen } from './seen.ts';
import { type Source, type SourceContext, checkpoint, item, readCursor } from './source.ts';

export const sitemapSpec = z.strictObject({
  kind: z.literal('sitemap'),
  /** A sitemap, or an index of sitemaps; plain or compressed. */
  url: webUrl,
  /** How many sitemaps one run reads at most. */
  maxPages: z.number().int().min(1).max(50_000).default(1_000),
  ...webOptions,
});

const fileCursor = z.object({
  etag: z.string().optional(),
  lastModified: z.string().optional(),
  sha256: z.string(),
});
const cursorShape = z.object({
  /** Sitemaps that were read to their end, as they were then: unchanged ones are passed over. */
  files: z.record(z.string(), fileCursor),
  seen: z.string(),
});

// The protocol's own limits are 50,000 entries and 50 MiB a sitemap.
const MOST_BYTES = 64 * 2 ** 20;
const MOST_SEEN = 50_000;
const CHECKPOINT_EVERY = 1_000;
const CHUNK = 65_536;

/** One `url` or `sitemap` element. */
interface SitemapEntry {
  readonly kind: 'url' | 'sitemap';
  loc: string;
  lastmod: string | undefined;
  readonly images: { loc: string; texts: string[] }[];
}

/** Image sitemaps and indexes of them (sitemaps.org, with Google's image extension). */
export function sitemapSource(spec: z.infer<typeof sitemapSpec>, context: SourceContext): Source {
  return {
    async *items({ cursor, signal }) {
      const last = readCursor(cursorShape, cursor) ?? { files: {}, seen: '' };
      const seen = new Seen(last.seen, MOST_SEEN);
      const files = { ...last.files };
      const queue = [spec.url];
      const queued = new Set(queue);
      let listed = 0;
      let read = 0;
      for (let url = queue.shift(); url !== undefined && read < spec.maxPages; url = queue.shift(), read++) {
        signal.throwIfAborted();
        const known = files[url];
        const answer = await getList(context, url, {
          signal,
          robots: spec.robots,
          accept: 'application/xml,text/xml;q=0.9,application/gzip;q=0.8',
          // An index is read each time: which of its sitemaps changed, only they can say.
          validators: url === spec.url ? undefined : known,
        });
        if (answer.notModified) continue;
        const sha256 = createHash('sha256').update(answer.bytes).digest('hex');
        const unchanged = known?.sha256 === sha256;
        const xml = decodeText(await unpacked(answer.bytes, url), answer.headers['content-type']);
        for (const entry of parseSitemap(xml, url)) {
          signal.throwIfAborted();
          if (entry.kind === 'sitemap') {
            const child = URL.canParse(entry.loc, url) ? new URL(entry.loc, url).href : undefined;
            if (child === undefined) yield invalidItem(url, `${entry.loc} is no URL of a sitemap`);
            else if (!queued.has(child)) queue.push(child);
            if (child !== undefined) queued.add(child);
            continue;
          }
          if (unchanged) continue;
          for (const image of entry.images) {
            const key = `${entry.loc} ${image.loc}`;
            if (seen.has(key)) continue;
            seen.add(key);
            yield toEvent(entry, image, url);
            if (++listed % CHECKPOINT_EVERY === 0)
              yield checkpoint({ files: { ...files }, seen: seen.toString() });
          }
        }
        const { etag, 'last-modified': lastModified } = answer.headers;
        files[url] = { sha256, ...(etag && { etag }), ...(lastModified && { lastModified }) };
        const more = queue.length > 0 && read + 1 >= spec.maxPages;
        yield checkpoint(
          { files: { ...files }, seen: seen.toString() },
          more ? `the limit of ${spec.maxPages} sitemaps was reached` : null,
        );
      }
      if (read === 0 || queue.length === 0) yield checkpoint({ files: { ...files }, seen: seen.toString() });
    },
    read: (imageUrl, signal) => readWebImage(context, imageUrl, signal),
  };
}

function toEvent(entry: SitemapEntry, image: { loc: string; texts: string[] }, sitemap: string) {
  const page = URL.canParse(entry.loc) ? new URL(entry.loc).href : null;
  const url = URL.canParse(image.loc, page ?? sitemap) ? new URL(image.loc, page ?? sitemap) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    return invalidItem(entry.loc || sitemap, `${image.loc} is no http(s) URL`);
  }
  return item({
    imageUrl: url.href,
    pageUrl: page,
    postedAt: timeOf(entry.lastmod),
    text: textOf(...image.texts),
  });
}

async function unpacked(bytes: Uint8Array, url: string): Promise<Uint8Array> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return await promisify(gunzip)(bytes, { maxOutputLength: MOST_BYTES });
  } catch (cause) {
    throw new UtsushiError('source_unreadable', `${url} cannot be unpacked: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/**
 * The entries of a sitemap one after the other, without holding them all.
 *
 * @throws UtsushiError `source_unreadable` for what is no sitemap
 */
export function* parseSitemap(xml: string, url: string): Generator<SitemapEntry> {
  const ready: SitemapEntry[] = [];
  let root: string | undefined;
  let entry: SitemapEntry | undefined;
  let image: SitemapEntry['images'][number] | undefined;
  let text = '';
  const parser = new Parser(
    {
      onopentag(name) {
        root ??= name;
        text = '';
        if (name === 'url' || name === 'sitemap')
          entry = { kind: name, loc: '', lastmod: undefined, images: [] };
        else if (name.endsWith(':image')) image = { loc: '', texts: [] };
      },
      ontext(data) {
        text += data;
      },
      onclosetag(name) {
        const content = text.trim();
        text = '';
        if (name === 'loc' && entry) entry.loc = content;
        else if (name === 'lastmod' && entry) entry.lastmod = content;
        else if (name.endsWith(':loc') && image) image.loc = content;
        else if (/:(title|caption)$/.test(name) && image) image.texts.push(content);
        else if (name.endsWith(':image') && image) {
          entry?.images.push(image);
          image = undefined;
        } else if ((name === 'url' || name === 'sitemap') && entry) {
          ready.push(entry);
          entry = undefined;
        }
      },
    },
    { xmlMode: true },
  );
  for (let at = 0; at < xml.length; at += CHUNK) {
    parser.write(xml.slice(at, at + CHUNK));
    yield* ready.splice(0);
  }
  parser.end();
  yield* ready.splice(0);
  if (root !== 'urlset' && root !== 'sitemapindex') {
    throw new UtsushiError('source_unreadable', `${url} is no sitemap`);
  }
}
