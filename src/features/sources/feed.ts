import { DomUtils, parseDocument } from 'htmlparser2';
import { z } from 'zod';
import { UtsushiError } from '../../errors.ts';
import { decodeText } from './decode-text.ts';
import { type ListDocument, listDocument } from './document.ts';
import { parsePage } from './page.ts';
import { invalidItem, readWebImage, textOf, timeOf, webOptions, webUrl } from './read.ts';
import { type Item, type ItemFailure, type Source, type SourceContext, item } from './source.ts';

export const feedSpec = z.strictObject({
  kind: z.literal('feed'),
  url: webUrl,
  /** How many documents of a feed in several parts (RFC 5005) one run reads at most. */
  maxPages: z.number().int().min(1).max(1_000).default(10),
  ...webOptions,
});

type Element = ReturnType<typeof DomUtils.getElementsByTagName>[number];

const { isTag } = DomUtils;
const PICTURE = /\.(jpe?g|jfif|png|webp|avif|gif|tiff?)$/i;
/** Enough to find names in. Characters. */
const MOST_TEXT = 4_000;

/** RSS 2.0 and 1.0 and Atom, with Media RSS and enclosures; where an entry has neither, the pictures in its HTML. */
export function feedSource(spec: z.infer<typeof feedSpec>, context: SourceContext): Source {
  return {
    items: ({ cursor, signal }) =>
      listDocument(context, {
        url: spec.url,
        accept: 'application/atom+xml,application/rss+xml,application/xml;q=0.9,text/xml;q=0.8',
        robots: spec.robots,
        maxPages: spec.maxPages,
        cursor,
        signal,
        parse: ({ bytes, headers, finalUrl }) =>
          parseFeed(decodeText(bytes, headers['content-type']), finalUrl),
      }),
    read: (imageUrl, signal) => readWebImage(context, imageUrl, signal),
  };
}

/** @throws UtsushiError `source_unreadable` for what is no feed */
export function parseFeed(xml: string, url: string): ListDocument {
  const document = parseDocument(xml, { xmlMode: true });
  const root = document.children.find(
    (node): node is Element => isTag(node) && ['rss', 'feed', 'RDF'].includes(localName(node)),
  );
  if (root === undefined) throw new UtsushiError('source_unreadable', `${url} is neither RSS nor Atom`);
  const base = baseOf(root, url);
  const entries = descendants(root, ['item', 'entry']);
  const next = descendants(root, ['link']).find((link) => link.attribs['rel'] === 'next')?.attribs['href'];
  return {
    entries: entries.flatMap((entry) => [...readEntry(entry, baseOf(entry, base))]),
    next: next !== undefined && URL.canParse(next, base) ? new URL(next, base).href : undefined,
  };
}

function* readEntry(entry: Element, base: string): Generator<{ key: string; event: Item | ItemFailure }> {
  const link = children(entry, 'link').find(({ attribs }) =>
    ['alternate', undefined].includes(attribs['rel']),
  );
  const page = resolved(link?.attribs['href'] ?? contentOf(link), base);
  const id = contentOf(children(entry, 'guid')[0] ?? children(entry, 'id')[0]) ?? page ?? '';
  const html =
    contentOf(children(entry, 'encoded')[0] ?? children(entry, 'content').find((each) => !isMedia(each))) ??
    contentOf(children(entry, 'description')[0] ?? children(entry, 'summary')[0]);
  const author = children(entry, 'author')[0];
  const credit = descendants(entry, ['credit']).find(({ attribs }) =>
    ['author', 'artist', undefined].includes(attribs['role']),
  );
  const said = {
    pageUrl: page ?? null,
    account:
      contentOf(author && (children(author, 'name')[0] ?? author)) ??
      contentOf(children(entry, 'creator')[0] ?? credit) ??
      null,
    accountId: contentOf(author && children(author, 'uri')[0]) ?? null,
    postedAt: timeOf(
      ['pubDate', 'published', 'date', 'updated']
        .map((name) => contentOf(children(entry, name)[0]))
        .find(Boolean),
    ),
    text: textOf(
      ...['title', 'category', 'keywords'].flatMap((name) =>
        descendants(entry, [name]).map((each) => each.attribs['term'] ?? contentOf(each)),
      ),
      html === undefined ? undefined : plainText(html).slice(0, MOST_TEXT),
    ),
  };
  for (const address of picturesOf(entry, html, base)) {
    const imageUrl = resolved(address, base);
    const key = `${id} ${imageUrl ?? address}`;
    if (imageUrl === undefined) yield { key, event: invalidItem(page ?? id, `${address} is no http(s) URL`) };
    else yield { key, event: item({ imageUrl, ...said }) };
  }
}

/** What is attached to an entry; what is merely shown in its text counts only where nothing is attached. */
function picturesOf(entry: Element, html: string | undefined, base: string): string[] {
  const enclosures = [
    ...children(entry, 'enclosure').map(({ attribs }) => ({
      address: attribs['url'],
      type: attribs['type'],
    })),
    ...children(entry, 'link')
      .filter(({ attribs }) => attribs['rel'] === 'enclosure')
      .map(({ attribs }) => ({ address: attribs['href'], type: attribs['type'] })),
  ].filter(({ address, type }) => address !== undefined && isPicture(address, type));
  const groups = descendants(entry, ['group']);
  const attached = [
    ...groups.flatMap((group) => largestOf(children(group, 'content'))),
    ...children(entry, 'content')
      .filter(isMedia)
      .flatMap((each) => largestOf([each])),
    ...enclosures.map(({ address }) => address!),
  ];
  if (attached.length > 0) return [...new Set(attached)];
  const thumbnails = descendants(entry, ['thumbnail']).flatMap(({ attribs }) => attribs['url'] ?? []);
  const shown = html === undefined ? [] : [...parsePage(html, base).entries].map(({ key }) => key);
  return [...new Set(shown.length > 0 ? shown : thumbnails)];
}

function isMedia({ attribs }: Element): boolean {
  return attribs['url'] !== undefined;
}

/** Several renditions of one picture: the widest. */
function largestOf(renditions: readonly Element[]): string[] {
  const pictures = renditions.filter(
    ({ attribs }) => attribs['medium'] === 'image' || isPicture(attribs['url'] ?? '', attribs['type']),
  );
  const width = ({ attribs }: Element) => Number(attribs['width'] ?? 0);
  const best = pictures.toSorted((a, b) => width(b) - width(a))[0];
  return best?.attribs['url'] === undefined ? [] : [best.attribs['url']];
}

function isPicture(address: string, type: string | undefined): boolean {
  return type === undefined ? PICTURE.test(address.replace(/[?#].*$/, '')) : type.startsWith('image/');
}

function resolved(address: string | undefined, base: string): string | undefined {
  if (address === undefined || !URL.canParse(address, base)) return undefined;
  const url = new URL(address, base);
  return /^https?:$/.test(url.protocol) ? url.href : undefined;
}

/** `media:content` and `content` are told apart by what they hold, not by a prefix that each feed may choose. */
function localName({ name }: Element): string {
  return name.slice(name.indexOf(':') + 1);
}

function children(parent: Element, name: string): Element[] {
  return parent.children.filter((node): node is Element => isTag(node) && localName(node) === name);
}

function descendants(parent: Element, names: readonly string[]): Element[] {
  return DomUtils.filter(
    (node) => isTag(node) && names.includes(localName(node)),
    parent.children,
  ) as Element[];
}

function contentOf(element: Element | undefined): string | undefined {
  const content = element && DomUtils.textContent(element).trim();
  return content === '' ? undefined : content;
}

function baseOf(element: Element, base: string): string {
  const own = element.attribs['xml:base'];
  return own !== undefined && URL.canParse(own, base) ? new URL(own, base).href : base;
}

function plainText(html: string): string {
  return DomUtils.textContent(parseDocument(html)).replaceAll(/\s+/g, ' ').trim();
}
