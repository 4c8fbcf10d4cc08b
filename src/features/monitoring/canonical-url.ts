/** Parameters that say by which way somebody came, never what is shown. */
const TRACKING = /^(utm_\w+|fbclid|gclid|dclid|msclkid|yclid|igshid|mc_cid|mc_eid|ref_src)$/i;

/**
 * One spelling for the addresses of one thing: without fragment and tracking parameters, the rest of the query in
 * order. Whatever is no URL stays as it is.
 */
export function canonicalUrl(url: string): string {
  if (!URL.canParse(url)) return url;
  const parsed = new URL(url);
  parsed.hash = '';
  if (parsed.search !== '') {
    const told = [...parsed.searchParams.keys()].filter((name) => TRACKING.test(name));
    for (const name of told) parsed.searchParams.delete(name);
    parsed.searchParams.sort();
  }
  return parsed.href;
}
