import type { parseDocument } from 'htmlparser2';
import { type Element, isPicture, pictureAddresses } from './picture-addresses.ts';

type Document = ReturnType<typeof parseDocument>;

/** What surrounds a picture on its page: the largest part of the page around it that is no longer than this. Characters. */
const MOST_NEAR = 1_000;
/** Of a longer page, so much is read around the picture. Characters. */
const MOST_TEXT = 20_000;
/** Places of one picture on its page that are looked at. */
const MOST_PLACES = 4;
/** Elements around a picture that are looked at. */
const MOST_LEVELS = 32;
const UNSEEN = new Set(['head', 'script', 'style', 'noscript', 'template', 'svg', 'iframe', 'object']);
/** Elements that do not part words. */
const INLINE = new Set(
  'a abbr b bdi bdo cite code data del dfn em font i ins kbd mark q s samp small span strong sub sup time tt u var wbr'.split(
    ' ',
  ),
);

interface Span {
  readonly from: number;
  to: number;
  /** Pictures before its beginning, and before its end. */
  readonly pictures: [number, number];
}

/**
 * The text that a page shows, and which of it stands near a picture. One walk, however deep a page is nested: no page
 * can exhaust the stack.
 */
export class PageText {
  readonly #text: string;
  readonly #spans = new Map<Element, Span>();
  readonly #pictures: Element[] = [];

  constructor(document: Document) {
    const parts: string[] = [];
    let length = 0;
    const say = (text: string) => {
      if (text === '') return;
      parts.push(text);
      length += text.length;
    };
    const newLine = () => {
      if (parts.at(-1) !== '\n') say('\n');
    };
    const open: {
      readonly element: Element | undefined;
      readonly nodes: Document['children'];
      at: number;
    }[] = [{ element: undefined, nodes: document.children, at: 0 }];
    while (open.length > 0) {
      const top = open.at(-1)!;
      const node = top.nodes[top.at++];
      if (node === undefined) {
        open.pop();
        if (top.element === undefined) continue;
        if (!INLINE.has(top.element.name)) newLine();
        const span = this.#spans.get(top.element)!;
        span.to = length;
        span.pictures[1] = this.#pictures.length;
      } else if (node.type === 'text') {
        say(node.data.replaceAll(/\s+/g, ' '));
      } else if ('attribs' in node && !isUnseen(node)) {
        if (!INLINE.has(node.name)) newLine();
        this.#spans.set(node, { from: length, to: length, pictures: [this.#pictures.length, 0] });
        if (node.name === 'img') {
          if (isPicture(node)) this.#pictures.push(node);
          say([node.attribs['alt'], node.attribs['title']].filter(Boolean).join('\n'));
        }
        open.push({ element: node, nodes: node.children, at: 0 });
      }
    }
    this.#text = parts.join('');
  }

  /** What stands near a picture, its caption say; empty when it is not on the page. */
  near(picture: Element): string {
    const span = this.#around(picture);
    return span === undefined ? '' : tidy(this.#text.slice(span.from, span.to));
  }

  /**
   * The page's text near a picture and away from it.
   *
   * @param imageUrl where the picture lies; all of the page is away from one that is not on it
   */
  around(imageUrl: string | null, base: string): { readonly near: string; readonly away: string } {
    const places = imageUrl === null ? [] : this.#placesOf(imageUrl, base);
    const spans = places.flatMap((picture) => this.#around(picture) ?? []);
    const middle = spans[0] === undefined ? 0 : (spans[0].from + spans[0].to) / 2;
    const from = Math.max(0, Math.floor(middle - MOST_TEXT / 2));
    const away: string[] = [];
    let at = from;
    for (const span of spans.toSorted((a, b) => a.from - b.from)) {
      away.push(this.#text.slice(at, Math.max(at, span.from)));
      at = Math.max(at, span.to);
    }
    away.push(this.#text.slice(at, Math.max(at, from + MOST_TEXT)));
    return {
      near: tidy(spans.map((span) => this.#text.slice(span.from, span.to)).join('\n')),
      away: tidy(away.join('\n')),
    };
  }

  /** Elements that show this picture: by its address, else by the name of its file. */
  #placesOf(imageUrl: string, base: string): Element[] {
    const wanted = resolved(imageUrl, base);
    const addresses = this.#pictures.map((picture) =>
      pictureAddresses(picture).map((address) => resolved(address, base)),
    );
    const where = (matches: (address: URL) => boolean) =>
      this.#pictures
        .filter((_, i) => addresses[i]!.some((address) => address !== undefined && matches(address)))
        .slice(0, MOST_PLACES);
    if (wanted === undefined) return [];
    const same = where(({ href }) => href === wanted.href);
    const name = fileName(wanted);
    return same.length > 0 || name.length < 5 ? same : where((address) => fileName(address) === name);
  }

  /** The largest part of the page around a picture that is short and holds no other picture. */
  #around(picture: Element): Span | undefined {
    let best = this.#spans.get(picture);
    let above = picture.parent;
    for (let level = 0; level < MOST_LEVELS && above !== null && 'attribs' in above; level++) {
      const span = this.#spans.get(above as Element);
      if (span === undefined || span.pictures[1] - span.pictures[0] > 1) break;
      if (tidy(this.#text.slice(span.from, span.to)).length > MOST_NEAR) break;
      best = span;
      above = above.parent;
    }
    return best;
  }
}

function isUnseen({ name, attribs }: Element): boolean {
  return (
    UNSEEN.has(name) ||
    attribs['hidden'] !== undefined ||
    /display\s*:\s*none|visibility\s*:\s*hidden/i.test(attribs['style'] ?? '')
  );
}

function resolved(address: string, base: string): URL | undefined {
  if (!URL.canParse(address, base)) return undefined;
  const url = new URL(address, base);
  url.hash = '';
  return url;
}

function fileName({ pathname }: URL): string {
  return pathname.slice(pathname.lastIndexOf('/') + 1);
}

function tidy(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('\n');
}
