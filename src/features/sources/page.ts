import { DomUtils, parseDocument } from 'htmlparser2';
import { z } from 'zod';
import { decodeText } from './decode-text.ts';
import { type ListDocument, listDocument } from './document.ts';
import { PageText } from './page-text.ts';
import { type Element, isPicture, pictureAddresses } from './picture-addresses.ts';
import { invalidItem, readWebImage, textOf, webOptions, webUrl } from './read.ts';
import { type Source, type SourceContext, item } from './source.ts';

export const pageSpec = z.strictObject({ kind: z.literal('page'), url: webUrl, ...webOptions });

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

/** Finds the pictures of an HTML page, each in its largest form and with the text that stands near it. */
export function parsePage(html: string, pageUrl: string): ListDocument {
  const document = parseDocument(html);
  const all = (name: string): Element[] => DomUtils.getElementsByTagName(name, document);
  const declared = all('base')[0]?.attribs['href'];
  const base =
    declared !== undefined && URL.canParse(declared, pageUrl) ? new URL(declared, pageUrl).href : pageUrl;
  const title = textOf(all('title').map(DomUtils.textContent)[0]);
  const text = new PageText(document);
  const found = new Map<string, string | null>();
  for (const meta of all('meta')) {
    const name = meta.attribs['property'] ?? meta.attribs['name'] ?? '';
    if (/^(og:image(:url|:secure_url)?|twitter:image(:src)?)$/i.test(name))
      note(meta.attribs['content'], null);
  }
  for (const link of all('link')) if (link.attribs['rel'] === 'image_src') note(link.attribs['href'], null);
  for (const image of all('img').filter(isPicture)) note(pictureAddresses(image)[0], text.near(image));
  function note(address: string | undefined, near: string | null): void {
    const trimmed = address?.trim();
    if (!trimmed || /^(data|blob|about|javascript):/i.test(trimmed)) return;
    const url = URL.canParse(trimmed, base) ? new URL(trimmed, base).href : trimmed;
    found.set(url, found.get(url) ?? near);
  }
  const entries = [...found].map(([url, near]) => ({
    key: url,
    event:
      URL.canParse(url) && /^https?:/.test(url)
        ? item({ imageUrl: url, pageUrl, text: textOf(title, near) })
        : invalidItem(pageUrl, `${url} is no http(s) URL`),
  }));
  return { entries };
}
