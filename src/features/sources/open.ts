import { z } from 'zod';
import { UtsushiError } from '../../errors.ts';
import { blueskySource, blueskySpec } from './bluesky.ts';
import { civitaiSource, civitaiSpec } from './civitai.ts';
import { danbooruSource, danbooruSpec } from './danbooru.ts';
import { directorySource, directorySpec } from './directory.ts';
import { feedSource, feedSpec } from './feed.ts';
import { jsonSource, jsonSpec } from './json.ts';
import { pageSource, pageSpec } from './page.ts';
import { redditSource, redditSpec } from './reddit.ts';
import { s3Source, s3Spec } from './s3.ts';
import { sitemapSource, sitemapSpec } from './sitemap.ts';
import { urlsSource, urlsSpec } from './urls.ts';
import { faultsOf } from './read.ts';
import type { Source, SourceContext } from './source.ts';

/** What stands under `source:` in a monitor's configuration: one shape a kind. */
export const sourceSpec = z.discriminatedUnion(
  'kind',
  [
    directorySpec,
    urlsSpec,
    feedSpec,
    sitemapSpec,
    pageSpec,
    s3Spec,
    civitaiSpec,
    danbooruSpec,
    blueskySpec,
    redditSpec,
    jsonSpec,
  ],
  {
    error: (issue) =>
      issue.code === 'invalid_union' ? `kind must be one of: ${SOURCE_KINDS.join(', ')}` : undefined,
  },
);
export type SourceSpec = z.infer<typeof sourceSpec>;

export const SOURCE_KINDS: readonly string[] = sourceSpec.options.map((spec) => spec.shape.kind.value);

/** Opens the place that a specification names; nothing is read before its items are asked for. */
export function openSource(spec: SourceSpec, context: SourceContext): Source {
  switch (spec.kind) {
    case 'directory':
      return directorySource(spec, context);
    case 'urls':
      return urlsSource(spec, context);
    case 'feed':
      return feedSource(spec, context);
    case 'sitemap':
      return sitemapSource(spec, context);
    case 'page':
      return pageSource(spec, context);
    case 's3':
      return s3Source(spec, context);
    case 'civitai':
      return civitaiSource(spec, context);
    case 'danbooru':
      return danbooruSource(spec, context);
    case 'bluesky':
      return blueskySource(spec, context);
    case 'reddit':
      return redditSource(spec, context);
    case 'json':
      return jsonSource(spec, context);
  }
}

/** @throws UtsushiError `invalid_source` naming every fault */
export function parseSourceSpec(value: unknown): SourceSpec {
  const parsed = sourceSpec.safeParse(value);
  if (!parsed.success) {
    throw new UtsushiError('invalid_source', faultsOf(parsed.error));
  }
  return parsed.data;
}
