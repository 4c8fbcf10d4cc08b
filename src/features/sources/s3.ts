import { extname } from 'node:path';
import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { UtsushiError } from '../../errors.ts';
import { PICTURE_EXTENSIONS } from './directory.ts';
import { invalidItem, maxPages, webUrl } from './read.ts';
import { Seen } from './seen.ts';
import { type Source, type SourceContext, checkpoint, item, readCursor, secretReference } from './source.ts';

export const s3Spec = z.strictObject({
  kind: z.literal('s3'),
  bucket: z.string().min(1),
  /** Only keys that begin so. */
  prefix: z.string().default(''),
  region: z.string().default('us-east-1'),
  /** Of a service other than Amazon's, e.g. `https://s3.ap-northeast-1.example`. */
  endpoint: webUrl.optional(),
  /** Whether the bucket stands in the path instead of the host's name. */
  pathStyle: z.boolean().default(false),
  /** Absent for a public bucket. */
  credentials: z.strictObject({ accessKeyId: secretReference, secretAccessKey: secretReference }).optional(),
  maxPages: maxPages.default(100_000),
});

const cursorShape = z.object({
  /** The latest change that complete walks have seen, by the service's clock. Milliseconds since 1970. */
  latest: z.number(),
  /** What was listed of the time shortly before it. */
  seen: z.string(),
  /** A walk that was interrupted. */
  walk: z.object({ latest: z.number(), fresh: z.string(), after: z.string() }).optional(),
});

// An object's time is that of the beginning of its upload, which may end much later. Milliseconds.
const LATE_MS = 86_400_000;
const MOST_SEEN = 20_000;
const MOST_LIST_BYTES = 16 * 2 ** 20;
const PATIENCE_MS = 120_000;

/** A bucket of an S3-compatible service, walked in the order of its keys. */
export function s3Source(spec: z.infer<typeof s3Spec>, context: SourceContext): Source {
  let opened: Promise<S3Client> | undefined;
  const client = () => (opened ??= openClient(spec, context));
  return {
    async *items({ cursor, signal }) {
      const { ListObjectsV2Command } = await sdk();
      const last = readCursor(cursorShape, cursor) ?? { latest: 0, seen: '' };
      const known = new Seen(last.seen, MOST_SEEN);
      const fresh = new Seen(last.walk?.fresh ?? '', MOST_SEEN);
      let latest = last.walk?.latest ?? last.latest;
      let after = last.walk?.after;
      for (let pages = 1; ; pages++) {
        signal.throwIfAborted();
        const page = await sent(
          async () =>
            (await client()).send(
              new ListObjectsV2Command({ Bucket: spec.bucket, Prefix: spec.prefix, StartAfter: after }),
              { abortSignal: signal },
            ),
          signal,
        );
        for (const { Key: key = '', LastModified, ETag, Size } of page.Contents ?? []) {
          signal.throwIfAborted();
          after = key;
          if (key.endsWith('/') || !PICTURE_EXTENSIONS.has(extname(key).toLowerCase())) continue;
          const changed = LastModified?.getTime() ?? 0;
          latest = Math.max(latest, changed);
          if (changed < last.latest - LATE_MS) continue;
          const version = `${key} ${ETag ?? ''} ${changed}`;
          fresh.add(version);
          if (known.has(version)) continue;
          const imageUrl = `s3://${spec.bucket}/${encodeURI(key).replaceAll(/[?#]/g, encodeURIComponent)}`;
          if (Size === 0) yield invalidItem(imageUrl, 'the object has no bytes');
          else yield item({ imageUrl, text: key, postedAt: LastModified ?? null, validator: ETag ?? null });
        }
        if (page.IsTruncated !== true || after === undefined) break;
        const walk = { latest, fresh: fresh.toString(), after };
        const stoppedShort =
          pages >= spec.maxPages ? `the limit of ${spec.maxPages} pages was reached` : null;
        yield checkpoint({ latest: last.latest, seen: last.seen, walk }, stoppedShort);
        if (stoppedShort !== null) return;
      }
      yield checkpoint({ latest, seen: fresh.toString() });
    },

    async read(imageUrl, signal) {
      const bucket = `s3://${spec.bucket}/`;
      const key = decodeURIComponent(imageUrl.slice(bucket.length));
      if (!imageUrl.startsWith(bucket) || !key.startsWith(spec.prefix)) {
        throw new UtsushiError('fetch_forbidden', `${imageUrl} lies outside this bucket`);
      }
      const { GetObjectCommand } = await sdk();
      const object = await sent(
        async () =>
          (await client()).send(
            new GetObjectCommand({ Bucket: spec.bucket, Key: key }),
            signal ? { abortSignal: signal } : {},
          ),
        signal,
      );
      return object.Body!.transformToByteArray();
    },
  };
}

/** Loaded when a bucket is read: it takes long. */
const sdk = () => import('@aws-sdk/client-s3');

/** The service's own errors as ours. */
async function sent<T>(send: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  try {
    return await send();
  } catch (thrown) {
    signal?.throwIfAborted();
    if (thrown instanceof UtsushiError) throw thrown;
    const { name, message, $metadata } = thrown as Error & { $metadata?: { httpStatusCode?: number } };
    const status = $metadata?.httpStatusCode;
    const code =
      status === 404 && name === 'NoSuchKey'
        ? 'file_not_found'
        : status !== undefined && status < 500
          ? 'fetch_rejected'
          : 'fetch_failed';
    throw new UtsushiError(code, `${name}: ${message}`, { cause: thrown });
  }
}

async function openClient(spec: z.infer<typeof s3Spec>, context: SourceContext): Promise<S3Client> {
  const { credentials } = spec;
  const [accessKeyId = '', secretAccessKey = ''] =
    credentials === undefined
      ? []
      : await Promise.all([
          context.secret(credentials.accessKeyId),
          context.secret(credentials.secretAccessKey),
        ]);
  const { S3Client } = await sdk();
  return new S3Client({
    region: spec.region,
    ...(spec.endpoint === undefined ? {} : { endpoint: spec.endpoint }),
    forcePathStyle: spec.pathStyle,
    // Named even where there are none: the SDK would otherwise look for some all over this machine.
    credentials: { accessKeyId, secretAccessKey },
    ...(credentials === undefined ? { signer: { sign: async (request) => request } } : {}),
    requestHandler: handlerOf(context),
    // The client behind the handler tries again by itself, and knows the limits of the host.
    maxAttempts: 1,
  });
}

/** Sends the SDK's requests through the guarded, polite client, so that no way leads around it. */
function handlerOf({ web, maxBytes }: SourceContext): S3Client['config']['requestHandler'] {
  return {
    async handle(request, options) {
      const { protocol, hostname, port, path, query, headers, method } = request;
      const url = `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}${queryOf(query)}`;
      const { host: _, 'user-agent': __, ...signed } = headers;
      const answer = await web.get(url, {
        method: method as 'GET',
        headers: signed,
        anyStatus: true,
        robots: 'ignore',
        maxBytes: Math.max(maxBytes, MOST_LIST_BYTES),
        patienceMs: PATIENCE_MS,
        signal: (options as { abortSignal?: AbortSignal } | undefined)?.abortSignal,
      });
      const body = Readable.from([Buffer.from(answer.bytes)]);
      return { response: { statusCode: answer.status, headers: { ...answer.headers }, body } as never };
    },
  };
}

/** In the form that was signed: everything escaped but unreserved characters. */
function queryOf(query: Record<string, string | readonly string[] | null> = {}): string {
  const escape = (text: string) =>
    encodeURIComponent(text).replaceAll(
      /[!'()*]/g,
      (each) => `%${each.codePointAt(0)!.toString(16).toUpperCase()}`,
    );
  const parts = Object.keys(query)
    .toSorted()
    .flatMap((name) => {
      const value = query[name];
      if (value === null || value === undefined) return [escape(name)];
      return (typeof value === 'string' ? [value] : value).map((each) => `${escape(name)}=${escape(each)}`);
    });
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}
