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

export const redditSpec = z.strictObject({
  kind: z.literal('reddit'),
  url: webUrl.default('https://www.reddit.com'),
  /** New posts of these communities. */
  subreddit: oneOrMore(z.string().regex(/^\w+$/, 'must be a name without r/')).optional(),
  /** Searches; without these and without communities, the names of the works in scope. */
  search: oneOrMore(z.string().min(1)).optional(),
  /** An application registered with Reddit ("script"); it is then asked at `https://oauth.reddit.com`. */
  application: z.strictObject({ id: z.string().min(1), secret: secretReference }).optional(),
  /** Where an application gets its token, and is asked. */
  tokenUrl: webUrl.default('https://www.reddit.com/api/v1/access_token'),
  applicationUrl: webUrl.default('https://oauth.reddit.com'),
  maxPages,
  ...webOptions,
});

const PAGE_SIZE = 100;
const answerShape = z.object({
  data: z.object({ children: z.array(z.unknown()), after: z.string().nullish() }),
});
const sourceShape = z.object({ source: z.object({ url: z.string() }) });
const mediaShape = z.object({ s: z.object({ u: z.string() }) });
const postShape = z.object({
  name: z.string().optional(),
  id: z.string(),
  url: z.string().nullish(),
  permalink: z.string().nullish(),
  title: z.string().nullish(),
  link_flair_text: z.string().nullish(),
  author: z.string().nullish(),
  author_fullname: z.string().nullish(),
  created_utc: z.number().nullish(),
  preview: z.object({ images: z.array(z.unknown()) }).nullish(),
  gallery_data: z.object({ items: z.array(z.object({ media_id: z.string() })) }).nullish(),
  media_metadata: z.record(z.string(), z.unknown()).nullish(),
});
type Post = z.infer<typeof postShape>;

const PICTURE = /\.(jpe?g|png|webp|gif)(\?|$)/i;

/** Reddit's listings as JSON: `/r/NAME/new.json` and `/search.json`. */
export function redditSource(spec: z.infer<typeof redditSpec>, context: SourceContext): Source {
  const words = spec.search ?? (spec.subreddit === undefined ? context.queries : []);
  const lists = [
    ...(spec.subreddit ?? []).map((name) => ({ name: `r/${name}`, path: `/r/${name}/new.json`, ask: {} })),
    ...words.map((q) => ({ name: q, path: '/search.json', ask: { q, sort: 'new', type: 'link' } })),
  ];
  return {
    async *items({ cursor, signal }) {
      const headers = await logIn(spec, context, signal);
      const base = spec.application === undefined ? spec.url : spec.applicationUrl;
      const page = async (
        { path, ask }: { path: string; ask: Record<string, string> },
        at: string | undefined,
      ): Promise<ListPage> => {
        const url = new URL(path, base);
        url.search = new URLSearchParams({
          ...ask,
          limit: String(PAGE_SIZE),
          raw_json: '0',
          ...(at === undefined ? {} : { after: at }),
        }).toString();
        const json = await getJson(context, url.href, { signal, robots: spec.robots, headers });
        const { data } = expectShape(answerShape, json, url.href);
        return {
          entries: data.children.map((child) => toEntry(child, spec.url)),
          next: data.after ?? undefined,
        };
      };
      yield* listNewestFirst(
        lists.map((list) => ({ name: list.name, page: (at) => page(list, at) })),
        { cursor, signal, maxPages: spec.maxPages },
      );
    },
    read: (imageUrl, signal) => readWebImage(context, imageUrl, signal),
  };
}

async function logIn(
  { application, tokenUrl, robots }: z.infer<typeof redditSpec>,
  context: SourceContext,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  if (application === undefined) return {};
  const pair = `${application.id}:${await context.secret(application.secret)}`;
  const json = await getJson(context, tokenUrl, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(pair).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: 'grant_type=client_credentials',
    signal,
    robots,
  });
  const { access_token: token } = expectShape(z.object({ access_token: z.string() }), json, tokenUrl);
  return { authorization: `Bearer ${token}` };
}

function toEntry(child: unknown, base: string): ListEntry {
  const value = (child as { data?: unknown } | null)?.data;
  const parsed = postShape.safeParse(value);
  if (!parsed.success) {
    const id = (value as { id?: unknown } | null | undefined)?.id;
    return {
      key: JSON.stringify(id ?? child),
      events: [invalidItem(`${base} ${String(id ?? '?')}`, faultsOf(parsed.error))],
    };
  }
  const post = parsed.data;
  const pageUrl = new URL(post.permalink ?? `/comments/${post.id}`, base).href;
  return {
    key: post.id,
    events: imagesOf(post).map((imageUrl) =>
      URL.canParse(imageUrl)
        ? item({
            imageUrl,
            pageUrl,
            account: post.author ?? null,
            accountId: post.author_fullname ?? null,
            postedAt: timeOf(
              post.created_utc === null || post.created_utc === undefined ? null : post.created_utc * 1_000,
            ),
            text: textOf(post.title, post.link_flair_text),
          })
        : invalidItem(pageUrl, `${imageUrl} is no URL`),
    ),
  };
}

/** The pictures of a gallery, else the picture that was posted, else the previews of what was linked. */
function imagesOf(post: Post): string[] {
  if (post.gallery_data) {
    return post.gallery_data.items.flatMap(({ media_id: id }) => {
      const media = mediaShape.safeParse(post.media_metadata?.[id]);
      return media.success ? [unescapeAmp(media.data.s.u)] : [];
    });
  }
  if (post.url && PICTURE.test(post.url)) return [unescapeAmp(post.url)];
  return (post.preview?.images ?? []).flatMap((preview) => {
    const image = sourceShape.safeParse(preview);
    return image.success ? [unescapeAmp(image.data.source.url)] : [];
  });
}

/** Reddit escapes URLs in its JSON as if it were HTML. */
function unescapeAmp(url: string): string {
  return url.replaceAll('&amp;', '&');
}
