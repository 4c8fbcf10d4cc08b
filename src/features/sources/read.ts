import { z } from 'zod';
import { UtsushiError } from '../../errors.ts';
import { fetchImage } from '../../platform/fetch/fetch-image.ts';
import type { Answer, WebRequest } from '../../platform/fetch/web-client.ts';
import { type DeclaredProvenance, type ItemFailure, type Json, type SourceContext } from './source.ts';

/** Lists are worth waiting for: a scan has time, and nothing else to do. Milliseconds. */
const LIST_PATIENCE_MS = 120_000;
const MOST_LIST_BYTES = 50 * 2 ** 20;

/** What most sources on the web let one say. */
export const webOptions = {
  /** `ignore` only for an API whose terms allow you to use it. */
  robots: z.enum(['obey', 'ignore']).default('obey'),
};
/** How many pages of a list one run reads at most. */
export const maxPages = z.number().int().min(1).max(100_000).default(50);
export const webUrl = z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' });
/** One or several. */
export const oneOrMore = <T extends z.ZodType>(shape: T) =>
  z.union([shape.transform((one) => [one]), z.array(shape).min(1)]);

/** The bytes of a picture that lies on the web for everybody: how all sources read but those with a store of their own. */
export async function readWebImage(
  { web, maxBytes }: SourceContext,
  imageUrl: string,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  return (await fetchImage(web, imageUrl, { maxBytes, signal })).bytes;
}

/** A document that lists pictures. */
export async function getList(
  { web }: SourceContext,
  url: string,
  request: Omit<WebRequest, 'maxBytes'>,
): Promise<Answer> {
  return web.get(url, { patienceMs: LIST_PATIENCE_MS, maxBytes: MOST_LIST_BYTES, ...request });
}

/** @throws UtsushiError `source_unreadable` when the answer is no JSON */
export async function getJson(
  context: SourceContext,
  url: string,
  request: Omit<WebRequest, 'maxBytes'>,
): Promise<Json> {
  const { bytes, headers } = await getList(context, url, { accept: 'application/json', ...request });
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as Json;
  } catch (cause) {
    const type = headers['content-type'] ?? 'without a type';
    throw new UtsushiError('source_unreadable', `${url} answered no JSON (${type})`, { cause });
  }
}

/** @throws UtsushiError `source_unreadable` when the answer has another shape than this source speaks */
export function expectShape<T>(shape: z.ZodType<T>, value: unknown, url: string): T {
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new UtsushiError('source_unreadable', `${url}: ${faultsOf(parsed.error)}`);
}

export function faultsOf(error: z.ZodError): string {
  return error.issues
    .map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': '))
    .join('; ');
}

export function invalidItem(where: string, what: string): ItemFailure {
  return { type: 'failure', where, error: new UtsushiError('invalid_item', `${where}: ${what}`) };
}

/** Lines of what is there; null for nothing at all. */
export function textOf(...parts: readonly (string | null | undefined)[]): string | null {
  const lines = parts.map((part) => part?.trim()).filter(Boolean);
  return lines.length === 0 ? null : lines.join('\n');
}

/** A time as services write it; null for one that cannot be understood: it is not worth losing the picture. */
export function timeOf(value: string | number | null | undefined): Date | null {
  if (value === null || value === undefined) return null;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? null : date;
}

export function declaredOf(said: {
  [K in keyof DeclaredProvenance]?: string | null | undefined;
}): DeclaredProvenance | null {
  const { generator, model, prompt } = said;
  return (generator ?? model ?? prompt ?? null) === null
    ? null
    : { generator: generator ?? null, model: model ?? null, prompt: prompt ?? null };
}
