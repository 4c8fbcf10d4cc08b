import { z } from 'zod';
import { type ListEntry, listNewestFirst, type ListPage } from './newest-first.ts';
import {
  expectShape,
  faultsOf,
  getJson,
  invalidItem,
  maxPages,
  oneOrMore,
  readWebImage,
  textOf,
  timeOf,
  webOptions,
  webUrl,
} from './read.ts';
import { type Source, type SourceContext, item, secretReference } from './source.ts';

export const danbooruSpec = z.strictObject({
  kind: z.literal('danbooru'),
  /** The board, e.g. `https://aibooru.online`. */
  url: webUrl,
  /** Searches, each as one would type it; without them, the names of the works in scope. */
  tags: oneOrMore(z.string().min(1)).optional(),
  login: z.strictObject({ user: z.string().min(1), apiKey: secretReference }).optional(),
  maxPages,
  ...webOptions,
});

const PAGE_SIZE = 200;
const postShape = z.object({
  id: z.number().int(),
  file_url: z.string().optional(),
  large_file_url: z.string().optional(),
  md5: z.string().optional(),
  source: z.string().nullish(),
  created_at: z.string().nullish(),
  uploader_id: z.number().nullish(),
  tag_string: z.string().nullish(),
  tag_string_artist: z.string().nullish(),
});
const VIDEOS = /\.(mp4|webm|zip|swf)(\?|$)/i;

/** A board that speaks Danbooru's API, `GET /posts.json`: newest first, each page below the id of the last. */
export function danbooruSource(spec: z.infer<typeof danbooruSpec>, context: SourceContext): Source {
  const searches = spec.tags ?? context.queries.map(toTag);
  const page = async (tags: string, at: string | undefined, signal: AbortSignal): Promise<ListPage> => {
    const url = new URL('/posts.json', spec.url);
    url.search = new URLSearchParams({
      tags,
      limit: String(PAGE_SIZE),
      ...(at === undefined ? {} : { page: at }),
    }).toString();
    const json = await getJson(context, url.href, { signal, robots: spec.robots, headers: await login() });
    const posts = expectShape(z.array(z.unknown()), json, url.href);
    const ids = posts
      .map((post) => (post as { id?: unknown } | null)?.id)
      .filter((id) => typeof id === 'number');
    return {
      entries: posts.map((post) => toEntry(post, spec.url)),
      next: ids.length === 0 ? undefined : `b${Math.min(...ids)}`,
    };
  };
  const login = async (): Promise<Record<string, string>> => {
    if (spec.login === undefined) return {};
    const pair = `${spec.login.user}:${await context.secret(spec.login.apiKey)}`;
    return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
  };
  return {
    items: ({ cursor, signal }) =>
      listNewestFirst(
        searches.map((tags) => ({ name: tags, page: (at) => page(tags, at, signal) })),
        { cursor, signal, maxPages: spec.maxPages },
      ),
    read: (imageUrl, signal) => readWebImage(context, imageUrl, signal),
  };
}

/** Tags are written small and without spaces. */
function toTag(query: string): string {
  return query.trim().toLowerCase().replaceAll(/\s+/g, '_');
}

function toEntry(value: unknown, base: string): ListEntry {
  const parsed = postShape.safeParse(value);
  const id = (value as { id?: unknown } | null)?.id;
  const where = `${base.replace(/\/$/, '')}/posts/${String(id ?? '?')}`;
  if (!parsed.success) {
    return { key: JSON.stringify(id ?? value), events: [invalidItem(where, faultsOf(parsed.error))] };
  }
  const post = parsed.data;
  const key = String(post.id);
  const file = post.file_url ?? post.large_file_url;
  if (file === undefined || !URL.canParse(file, base)) {
    // Boards hide the files of some posts from those who are not logged in.
    return { key, events: [invalidItem(where, 'the post names no file')] };
  }
  if (VIDEOS.test(file)) return { key, events: [] };
  return {
    key,
    events: [
      item({
        imageUrl: new URL(file, base).href,
        pageUrl: where,
        account: post.tag_string_artist?.replaceAll(' ', ', ') || null,
        accountId:
          post.uploader_id === null || post.uploader_id === undefined ? null : String(post.uploader_id),
        postedAt: timeOf(post.created_at),
        text: textOf(post.tag_string?.replaceAll(' ', '\n').replaceAll('_', ' '), post.source),
        validator: post.md5 ?? null,
      }),
    ],
  };
}
