import jmespath from 'jmespath';
import { z } from 'zod';
import { UtsushiError } from '../../errors.ts';
import { type ListEntry, listNewestFirst, type ListPage } from './newest-first.ts';
import {
  declaredOf,
  getJson,
  invalidItem,
  maxPages,
  readWebImage,
  textOf,
  timeOf,
  webOptions,
} from './read.ts';
import { type Json, type Source, type SourceContext, item, secretReference } from './source.ts';

const path = z
  .string()
  .refine(compiles, { error: 'must be a JMESPath expression, e.g. data.posts[].image.url' });

export const jsonSpec = z.strictObject({
  kind: z.literal('json'),
  /** May hold `{query}`: then one list a word, for the names of the works in scope or for `search`. */
  url: z.string().refine((url) => /^https?:/.test(url) && URL.canParse(url.replace('{query}', 'x')), {
    error: 'must be an http(s) URL',
  }),
  search: z.array(z.string().min(1)).optional(),
  headers: z.record(z.string(), z.union([z.string(), secretReference])).default({}),
  /** Where the posts stand in an answer. Newest first. */
  items: path,
  /** Where things stand in a post. `image` may yield several URLs; `text` several texts. */
  fields: z.strictObject({
    id: path,
    image: path,
    page: path.optional(),
    account: path.optional(),
    accountId: path.optional(),
    postedAt: path.optional(),
    text: path.optional(),
    prompt: path.optional(),
    model: path.optional(),
    generator: path.optional(),
  }),
  /** How to get the next page: from a value in the answer, or by counting pages or posts; absent: there is one page. */
  next: z
    .union([
      z.strictObject({ url: path }),
      z.strictObject({ param: z.string().min(1), from: path }),
      z.strictObject({
        param: z.string().min(1),
        count: z.enum(['pages', 'posts']),
        start: z.number().int().default(0),
      }),
    ])
    .optional(),
  maxPages,
  ...webOptions,
});
type JsonSpec = z.infer<typeof jsonSpec>;

/** Any API that lists posts as JSON, newest first, described by JMESPath expressions. */
export function jsonSource(spec: JsonSpec, context: SourceContext): Source {
  const searches = spec.url.includes('{query}') ? (spec.search ?? context.queries) : [''];
  const page = async (query: string, at: string | undefined, signal: AbortSignal): Promise<ListPage> => {
    const url = urlOf(spec, query, at);
    const json = await getJson(context, url, {
      signal,
      robots: spec.robots,
      headers: await headersOf(spec, context),
    });
    const found = lookUp(json, spec.items);
    if (!Array.isArray(found)) {
      throw new UtsushiError('source_unreadable', `${url}: there is no list at ${spec.items}`);
    }
    const entries = found.map((post: Json) => toEntry(spec, post, url));
    return { entries, next: found.length === 0 ? undefined : nextOf(spec, json, url, at, found.length) };
  };
  return {
    items: ({ cursor, signal }) =>
      listNewestFirst(
        searches.map((query) => ({ name: query, page: (at) => page(query, at, signal) })),
        { cursor, signal, maxPages: spec.maxPages },
      ),
    read: (imageUrl, signal) => readWebImage(context, imageUrl, signal),
  };
}

function compiles(expression: string): boolean {
  try {
    (jmespath as unknown as { compile(text: string): unknown }).compile(expression);
    return true;
  } catch {
    return false;
  }
}

function urlOf({ url, next }: JsonSpec, query: string, at: string | undefined): string {
  if (at !== undefined && next !== undefined && 'url' in next) return at;
  const first = new URL(url.replaceAll('{query}', encodeURIComponent(query)));
  if (next !== undefined && 'param' in next) {
    const value = at ?? ('start' in next ? String(next.start) : undefined);
    if (value !== undefined) first.searchParams.set(next.param, value);
  }
  return first.href;
}

function nextOf(
  { next }: JsonSpec,
  json: Json,
  url: string,
  at: string | undefined,
  posts: number,
): string | undefined {
  if (next === undefined) return undefined;
  if ('count' in next) return String(Number(at ?? next.start) + (next.count === 'pages' ? 1 : posts));
  const value = textAt(json, 'url' in next ? next.url : next.from);
  if (value === null || value === '') return undefined;
  if (!('url' in next)) return value;
  // Another origin could be handed the secrets in the headers.
  const following = URL.canParse(value, url) ? new URL(value, url) : undefined;
  if (following?.origin !== new URL(url).origin) {
    throw new UtsushiError('source_unreadable', `${url}: the next page (${value}) lies at another origin`);
  }
  return following.href;
}

async function headersOf({ headers }: JsonSpec, context: SourceContext): Promise<Record<string, string>> {
  const entries = Object.entries(headers).map(
    async ([name, value]) => [name, typeof value === 'string' ? value : await context.secret(value)] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

function toEntry({ fields }: JsonSpec, post: Json, url: string): ListEntry {
  const said = (field: keyof typeof fields) =>
    fields[field] === undefined ? null : textAt(post, fields[field]);
  const id = said('id');
  if (id === null)
    return { key: JSON.stringify(post), events: [invalidItem(url, `a post has no ${fields.id}`)] };
  const images = textsAt(post, fields.image);
  const page = said('page');
  if (images.length === 0)
    return { key: id, events: [invalidItem(`${url} ${id}`, `there is no ${fields.image}`)] };
  return {
    key: id,
    events: images.map((image) =>
      URL.canParse(image, url) && /^https?:$/.test(new URL(image, url).protocol)
        ? item({
            imageUrl: new URL(image, url).href,
            pageUrl: page !== null && URL.canParse(page, url) ? new URL(page, url).href : null,
            account: said('account'),
            accountId: said('accountId'),
            postedAt: postedAt(fields.postedAt === undefined ? null : lookUp(post, fields.postedAt)),
            text: textOf(...(fields.text === undefined ? [] : textsAt(post, fields.text)), said('prompt')),
            declared: declaredOf({
              generator: said('generator'),
              model: said('model'),
              prompt: said('prompt'),
            }),
          })
        : invalidItem(`${url} ${id}`, `${image} is no URL`),
    ),
  };
}

/** Numbers are seconds since 1970, unless that would be past the year 5000: then milliseconds. */
function postedAt(value: unknown): Date | null {
  if (typeof value === 'number') return timeOf(value < 1e11 ? value * 1_000 : value);
  return typeof value === 'string' ? timeOf(value) : null;
}

function textAt(value: Json, expression: string): string | null {
  return textsAt(value, expression)[0] ?? null;
}

/** Null where an expression asks of a value what it cannot do, e.g. the length of a number. */
function lookUp(value: Json, expression: string): unknown {
  try {
    return jmespath.search(value, expression) as unknown;
  } catch {
    return null;
  }
}

function textsAt(value: Json, expression: string): string[] {
  const found = lookUp(value, expression);
  return (Array.isArray(found) ? found : [found]).flatMap((each) =>
    typeof each === 'string' ? [each] : typeof each === 'number' ? [String(each)] : [],
  );
}
