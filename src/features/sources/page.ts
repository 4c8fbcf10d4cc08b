import { DomUtils, parseDocument } from 'htmlparser2';
import { parseSrcset } from 'srcset';
import { z } from 'zod';
import { decodeText } from './decode-text.ts';
import { type ListDocument, listDocument } from './document.ts';
import { invalidItem, readWebImage, textOf, webOptions, webUrl } from './read.ts';
import { type Source, type SourceContext, item } from './source.ts';

export const pageSpec = z.strictObject({ kind: z.literal('page'), url: webUrl, ...webOptions });

type Element = ReturnType<typeof DomUtils.getElementsByTagName>[number];

const PICTURE = /\.(jpe?g|jfif|png|webp|avif|gif|tiff?)$/i;
/** Declared smaller than this, it is a button or counts visitors. Pixels. */
const LEAST_SIDE = 33;
/** Where scripts that load pictures late keep their addresses. */
const LATE = ['data-src', 'data-original', 'data-lazy-src'];
const LATE_SETS = ['data-srcset', 'data-lazy-srcset'];

/** The pictures of one page: img, srcset, picture, links to pictures, og:image. */
export function pageSource(spec: z.infer<typeof pageSpec>, context: SourceContext): Source {
  return {
    items: ({ cursor, signal }) =>
      listDocument(context, {
        url: spec.url,
        accept: 'text/html,application/xhtml+xml',
        robots: spec.robots,
        maxPages: 1,
        cursor,
        signal,
        parse: ({ bytes, headers, finalUrl }) =>
          parsePage(decodeText(bytes, headers['content-type']), finalUrl),
      }),
    read: (imageUrl, signal) => readWebImage(context, imageUrl, signal),
  };
}

/** Finds the pictures of an HTML page, each in its largest form. */
export function parsePage(html: string, pageUrl: string): ListDocument {
  const document = parseDocument(html);
  const all = (name: string): Element[] => DomUtils.getElementsByTagName(name, document);
  const declared = all('base')[0]?.attribs['href'];
  const base =
    declared !== undefined && URL.canParse(declared, pageUrl) ? new URL(declared, pageUrl).href : pageUrl;
  const title = textOf(all('title').map(DomUtils.textContent)[0]);
  const found = new Map<string, string | null>();
  for (const meta of all('meta')) {
    const name = meta.attribs['property'] ?? meta.attribs['name'] ?? '';
    if (/^(og:image(:url|:secure_url)?|twitter:image(:src)?)$/i.test(name))
      note(meta.attribs['content'], null);
  }
  for (const link of all('link')) if (link.attribs['rel'] === 'image_src') note(link.attribs['href'], null);
  for (const image of all('img')) {
    const { attribs } = image;
    const sides = [attribs['width'], attribs['height']].map((side) => Number.parseInt(side ?? '', 10));
    if (sides.some((side) => side < LEAST_SIDE)) continue;
    note(linkedPicture(image) ?? largest(image) ?? attribs['src'], attribs['alt'] || null);
  }
  function note(address: string | undefined, text: string | null): void {
    const trimmed = address?.trim();
    if (!trimmed || /^(data|blob|about|javascript):/i.test(trimmed)) return;
    const url = URL.canParse(trimmed, base) ? new URL(trimmed, base).href : trimmed;
    found.set(url, found.get(url) ?? text);
  }
  const entries = [...found].map(([url, text]) => ({
    key: url,
    event:
      URL.canParse(url) && /^https?:/.test(url)
        ? item({ imageUrl: url, pageUrl, text: textOf(title, text) })
        : invalidItem(pageUrl, `${url} is no http(s) URL`),
  }));
  return { entries };
}

/** The picture behind a thumbnail. */
function linkedPicture(image: Element): string | undefined {
  for (let above = image.parent; above !== null; above = above.parent) {
    if (!('attribs' in above) || above.name !== 'a') continue;
    const href = above.attribs['href'] ?? '';
    return PICTURE.test(href.replace(/[?#].*$/, '')) ? href : undefined;
  }
  return undefined;
}

/** The largest candidate of an image's own srcset and of the `source` elements around it. */
function largest(image: Element): string | undefined {
  const { attribs, parent } = image;
  const around = parent !== null && 'name' in parent && parent.name === 'picture' ? parent.children : [];
  const sets = [
    ...around.flatMap((each) =>
      'attribs' in each && each.name === 'source' ? [each.attribs['srcset']] : [],
    ),
    ...LATE_SETS.map((name) => attribs[name]),
    attribs['srcset'],
  ];
  const candidates = sets.flatMap((set) => (set === undefined ? [] : candidatesOf(set)));
  const best = candidates.toSorted((a, b) => b.size - a.size)[0];
  return best?.url ?? LATE.map((name) => attribs[name]).find((address) => address);
}

/** Widths are pixels and densities multiples: one page does not mix them in one picture. */
function candidatesOf(srcset: string): { url: string; size: number }[] {
  try {
    return parseSrcset(srcset).map(({ url, width, density }) => ({ url, size: width ?? density ?? 1 }));
  } catch {
    return [];
  }
}
