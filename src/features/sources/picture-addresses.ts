import type { DomUtils } from 'htmlparser2';
import { parseSrcset } from 'srcset';

export type Element = ReturnType<typeof DomUtils.getElementsByTagName>[number];

const PICTURE = /\.(jpe?g|jfif|png|webp|avif|gif|tiff?)$/i;
/** Where scripts that load pictures late keep their addresses. */
const LATE = ['data-src', 'data-original', 'data-lazy-src'];
const LATE_SETS = ['data-srcset', 'data-lazy-srcset'];

/** Declared smaller than this, it is a button or counts visitors. Pixels. */
const LEAST_SIDE = 33;

/** Whether an `img` element shows something to look at, as far as it says. */
export function isPicture({ attribs }: Element): boolean {
  const sides = [attribs['width'], attribs['height']].map((side) => Number.parseInt(side ?? '', 10));
  return !sides.some((side) => side < LEAST_SIDE);
}

/** Every address of the picture that an `img` element shows, the one of its largest form first. */
export function pictureAddresses(image: Element): string[] {
  const late = LATE.map((name) => image.attribs[name]);
  const all = [linkedPicture(image), ...renditions(image), ...late, image.attribs['src']];
  return [...new Set(all.filter((address) => address !== undefined && address !== ''))] as string[];
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

/** The candidates of an image's own srcset and of the `source` elements around it, the largest first. */
function renditions(image: Element): string[] {
  const { attribs, parent } = image;
  const around = parent !== null && 'name' in parent && parent.name === 'picture' ? parent.children : [];
  const sets = [
    ...around.flatMap((each) =>
      'attribs' in each && each.name === 'source' ? [each.attribs['srcset']] : [],
    ),
    ...LATE_SETS.map((name) => attribs[name]),
    attribs['srcset'],
  ];
  return sets
    .flatMap((set) => (set === undefined ? [] : candidatesOf(set)))
    .toSorted((a, b) => b.size - a.size)
    .map(({ url }) => url);
}

/** Widths are pixels and densities multiples: one page does not mix them in one picture. */
function candidatesOf(srcset: string): { url: string; size: number }[] {
  try {
    return parseSrcset(srcset).map(({ url, width, density }) => ({ url, size: width ?? density ?? 1 }));
  } catch {
    return [];
  }
}
