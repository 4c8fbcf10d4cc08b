import { z } from 'zod';
import { type ListEntry, listNewestFirst, type ListPage } from './newest-first.ts';
import {
  declaredOf,
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

export const civitaiSpec = z.strictObject({
  kind: z.literal('civitai'),
  /** Another server that speaks the same API. */
  url: webUrl.default('https://civitai.com'),
  /** Pictures of these people, or made with these models; without either, all of the newest. */
  username: oneOrMore(z.string().min(1)).optional(),
  modelVersionId: oneOrMore(z.number().int()).optional(),
  /** Which ratings to list; the service's own default leaves some out. */
  nsfw: z.enum(['None', 'Soft', 'Mature', 'X']).optional(),
  token: secretReference.optional(),
  maxPages,
  ...webOptions,
});

const PAGE_SIZE = 200;
const answerShape = z.object({
  items: z.array(z.unknown()),
  metadata: z.object({ nextCursor: z.union([z.string(), z.number()]).nullish() }).nullish(),
});
const imageShape = z.object({
  id: z.union([z.number(), z.string()]),
  url: z.url({ protocol: /^https?$/ }),
  type: z.string().nullish(),
  createdAt: z.string().nullish(),
  username: z.string().nullish(),
  baseModel: z.string().nullish(),
  meta: z.unknown(),
  tags: z.array(z.unknown()).nullish(),
});
/** `meta` may be missing, flat, or wrapped as `{id, meta}`; its values are whatever the uploader's tool wrote. */
const metaShape = z.object({ prompt: z.unknown(), Model: z.unknown(), meta: z.unknown() }).partial();

/** Civitai's public API, `GET /api/v1/images`: newest first, paged by a cursor. */
export function civitaiSource(spec: z.infer<typeof civitaiSpec>, context: SourceContext): Source {
  const searches: Record<string, string>[] = [
    ...(spec.username ?? []).map((username) => ({ username })),
    ...(spec.modelVersionId ?? []).map((id) => ({ modelVersionId: String(id) })),
  ];
  const page = async (
    search: Record<string, string>,
    cursor: string | undefined,
    signal: AbortSignal,
  ): Promise<ListPage> => {
    const url = new URL('/api/v1/images', spec.url);
    url.search = new URLSearchParams({
      limit: String(PAGE_SIZE),
      sort: 'Newest',
      withMeta: 'true',
      ...(spec.nsfw === undefined ? {} : { nsfw: spec.nsfw }),
      ...search,
      ...(cursor === undefined ? {} : { cursor }),
    }).toString();
    const authorization = spec.token && { authorization: `Bearer ${await context.secret(spec.token)}` };
    const json = await getJson(context, url.href, {
      signal,
      robots: spec.robots,
      headers: authorization ?? {},
    });
    const { items, metadata } = expectShape(answerShape, json, url.href);
    const next = metadata?.nextCursor ?? undefined;
    return {
      entries: items.map((each) => toEntry(each, spec.url)),
      next: next === undefined ? undefined : String(next),
    };
  };
  return {
    items: ({ cursor, signal }) =>
      listNewestFirst(
        (searches.length === 0 ? [{}] : searches).map((search) => ({
          name: Object.values(search).join(),
          page: (at) => page(search, at, signal),
        })),
        { cursor, signal, maxPages: spec.maxPages },
      ),
    read: (imageUrl, signal) => readWebImage(context, imageUrl, signal),
  };
}

function toEntry(value: unknown, base: string): ListEntry {
  const parsed = imageShape.safeParse(value);
  if (!parsed.success) {
    const id = (value as { id?: unknown } | null)?.id;
    const key = JSON.stringify(id ?? value);
    return { key, events: [invalidItem(`${base}/images/${String(id ?? '?')}`, faultsOf(parsed.error))] };
  }
  const image = parsed.data;
  const key = String(image.id);
  if (image.type === 'video') return { key, events: [] };
  const outer = metaShape.safeParse(image.meta).data;
  const meta = metaShape.safeParse(outer?.meta).data ?? outer;
  const prompt = typeof meta?.prompt === 'string' ? meta.prompt : null;
  const model = typeof meta?.Model === 'string' ? meta.Model : image.baseModel;
  const tags = image.tags?.map((tag) =>
    typeof tag === 'string' ? tag : (tag as { name?: string } | null)?.name,
  );
  return {
    key,
    events: [
      item({
        imageUrl: image.url,
        pageUrl: new URL(`/images/${key}`, base).href,
        account: image.username ?? null,
        postedAt: timeOf(image.createdAt),
        text: textOf(tags?.filter(Boolean).join('\n'), prompt),
        declared: declaredOf({ model, prompt }),
      }),
    ],
  };
}
