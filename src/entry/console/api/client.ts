import { takeEarly } from './early.ts';
import { type Query, queryString } from './query-string.ts';
import type { Readiness } from './types.ts';

/** What the API answers instead of a result: a stable code, what was wrong, what to do. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly remedy: string | undefined;
  /** The whole answer: a conflict carries the newer state. */
  readonly answer: unknown;

  constructor(
    status: number,
    error: { code?: string; message?: string; remedy?: string },
    answer: unknown = null,
  ) {
    super(error.message ?? `HTTP ${status}`);
    this.name = 'ApiError';
    this.status = status;
    this.code = error.code ?? 'internal';
    this.remedy = error.remedy;
    this.answer = answer;
  }
}

interface Request {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly query?: Query;
  /** Sent as JSON, or as a form when it is one. */
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Asks the API. The session's cookie goes along by itself.
 *
 * @throws ApiError what the API refused; code `unreachable` when it did not answer
 */
export function api<T>(path: string, request?: Request): Promise<T> {
  return ask(`/api${path}`, request);
}

/** The same answer that a load balancer gets. */
export const readiness = (signal: AbortSignal): Promise<Readiness> => ask('/readyz', { signal });

/** An answer that is plain text. @throws ApiError as {@link api} */
export async function apiText(path: string, request: Request): Promise<string> {
  return (await send(`/api${path}`, request)).text();
}

/** Fetches a file and hands it to the browser to save. @throws ApiError as {@link api} */
export async function download(path: string, name: string, request: Request = {}): Promise<void> {
  const response = await send(`/api${path}`, request);
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser reads it after the click.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

async function ask<T>(path: string, request: Request = {}): Promise<T> {
  return (await answerOf(await send(path, request))) as T;
}

async function send(path: string, { method, query, body, signal }: Request): Promise<Response> {
  const form = body instanceof FormData;
  const init: RequestInit = { method: method ?? (body === undefined ? 'GET' : 'POST') };
  if (body !== undefined) {
    init.body = form ? body : JSON.stringify(body);
    if (!form) init.headers = { 'content-type': 'application/json' };
  }
  if (signal !== undefined) init.signal = signal;
  let response: Response;
  try {
    const url = `${path}${queryString(query)}`;
    response = (init.method === 'GET' ? await takeEarly(url) : undefined) ?? (await fetch(url, init));
  } catch (thrown) {
    if (signal?.aborted === true) throw thrown;
    throw new ApiError(0, { code: 'unreachable', message: String(thrown) });
  }
  if (response.ok) return response;
  const answer = await answerOf(response);
  const error = (answer as { error?: { code?: string; message?: string; remedy?: string } } | null)?.error;
  throw new ApiError(response.status, error ?? {}, answer);
}

async function answerOf(response: Response): Promise<unknown> {
  const text = await response.text();
  const json = response.headers.get('content-type')?.includes('json') ?? false;
  return json && text !== '' ? JSON.parse(text) : null;
}
