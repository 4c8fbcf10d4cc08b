import { canonicalUrl } from './canonical-url.ts';

/**
 * Whether a page's HTML names a picture's address, in an element, a style or a script. The host is not compared: pages
 * write addresses relative to themselves, and pictures move between hosts of one network.
 */
export function pageShows(html: string, imageUrl: string): boolean {
  const { pathname, search } = new URL(canonicalUrl(imageUrl));
  const path = `${pathname}${search}`;
  if (path === '/') return false;
  // As HTML and JSON write an address.
  const text = html.replaceAll('\\/', '/').replaceAll(/&amp;|\\u0026/gi, '&');
  return [path, decoded(path)].some((each) => text.includes(each));
}

function decoded(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}
