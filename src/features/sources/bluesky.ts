import { z } from 'zod';
import { UtsushiError } from '../../errors.ts';
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

export const blueskySpec = z.strictObject({
  kind: z.literal('bluesky'),
  /** Where to ask. Searching needs an account: then it is the account's own server, e.g. `https://bsky.social`. */
  url: webUrl.default('https://public.api.bsky.app'),
  /** Posts of these accounts (handle or DID). */
  actor: oneOrMore(z.string().min(1)).optional(),
  /** Searches; without these and without accounts, the names of the works in scope. */
  search: oneOrMore(z.string().min(1)).optional(),
  /** An app password, not the account's own. */
  login: z.strictObject({ identifier: z.string().min(1), password: secretReference }).optional(),
  maxPages,
  ...webOptions,
});

const PAGE_SIZE = 100;
const answerShape = z.object({
  cursor: z.string().nullish(),
  posts: z.array(z.unknown()).optional(),
  feed: z.array(z.unknown()).optional(),
});
const imagesShape = z.object({
  images: z.array(z.object({ fullsize: z.string(), alt: z.string().nullish() })),
});
const postShape = z.object({
  uri: z.string().startsWith('at://'),
  author: z.object({ did: z.string(), handle: z.string().nullish() }),
  record: z.object({ text: z.string().nullish(), createdAt: z.string().nullish() }),
  indexedAt: z.string().nullish(),
  embed: z.union([imagesShape, z.object({ media: imagesShape }), z.unknown()]),
});

/** Bluesky's public XRPC: `app.bsky.feed.getAuthorFeed` and `app.bsky.feed.searchPosts`. */
export function blueskySource(spec: z.infer<typeof blueskySpec>, context: SourceContext): Source {
  const words = spec.search ?? (spec.actor === undefined ? context.queries : []);
  const lists = [
    ...(spec.actor ?? []).map((actor) => ({
      name: actor,
      method: 'app.bsky.feed.getAuthorFeed',
      ask: { actor, filter: 'posts_with_media' },
    })),
    ...words.map((q) => ({ name: q, method: 'app.bsky.feed.searchPosts', ask: { q, sort: 'latest' } })),
  ];
  return {
    async *items({ cursor, signal }) {
      const headers = await logIn(spec, context, signal);
      const page = async (
        { method, ask }: { method: string; ask: Record<string, string> },
        at: string | undefined,
      ): Promise<ListPage> => {
        const url = new URL(`/xrpc/${method}`, spec.url);
        url.search = new URLSearchParams({
          ...ask,
          limit: String(PAGE_SIZE),
          ...(at === undefined ? {} : { cursor: at }),
        }).toString();
        const json = await getJson(context, url.href, { signal, robots: spec.robots, headers });
        const answer = expectShape(answerShape, json, url.href);
        const posts =
          answer.posts ?? answer.feed?.map((each) => (each as { post?: unknown } | null)?.post) ?? [];
        return { entries: posts.map((post) => toEntry(post, url.href)), next: answer.cursor ?? undefined };
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
  spec: z.infer<typeof blueskySpec>,
  context: SourceContext,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  if (spec.login === undefined) return {};
  const url = new URL('/xrpc/com.atproto.server.createSession', spec.url).href;
  const { identifier, password } = spec.login;
  const json = await getJson(context, url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ identifier, password: await context.secret(password) }),
    signal,
    robots: spec.robots,
  });
  const session = z.object({ accessJwt: z.string() }).safeParse(json);
  if (!session.success) throw new UtsushiError('source_unreadable', `${url} gave no session`);
  return { authorization: `Bearer ${session.data.accessJwt}` };
}

function toEntry(value: unknown, where: string): ListEntry {
  const parsed = postShape.safeParse(value);
  const uri = (value as { uri?: unknown } | null)?.uri;
  const key = typeof uri === 'string' ? uri : JSON.stringify(value ?? null);
  if (!parsed.success) {
    return { key, events: [invalidItem(typeof uri === 'string' ? uri : where, faultsOf(parsed.error))] };
  }
  const { author, record, embed, indexedAt } = parsed.data;
  const images = imagesOf(embed);
  return {
    key,
    events: images.map(({ fullsize, alt }) =>
      URL.canParse(fullsize)
        ? item({
            imageUrl: fullsize,
            pageUrl: `https://bsky.app/profile/${author.did}/post/${key.split('/').at(-1)!}`,
            account: author.handle ?? null,
            accountId: author.did,
            postedAt: timeOf(record.createdAt ?? indexedAt),
            text: textOf(record.text, alt),
          })
        : invalidItem(key, 'embed.images.fullsize is no URL'),
    ),
  };
}

/** Pictures stand in the embed itself, or beside a quoted post in its `media`. */
function imagesOf(embed: unknown): z.infer<typeof imagesShape>['images'] {
  const own = imagesShape.safeParse(embed);
  if (own.success) return own.data.images;
  const beside = imagesShape.safeParse((embed as { media?: unknown } | null | undefined)?.media);
  return beside.success ? beside.data.images : [];
}
