import { z } from 'zod';
import type { Answer } from '../../platform/fetch/web-client.ts';
import { getList } from './read.ts';
import { Seen } from './seen.ts';
import {
  type Item,
  type ItemFailure,
  type Json,
  type SourceContext,
  type SourceEvent,
  checkpoint,
  readCursor,
} from './source.ts';

/** A document that lists everything it has at once, e.g. a feed: what is new in it is what was not in it before. */
export interface ListDocument {
  readonly entries: Iterable<{ readonly key: string; readonly event: Item | ItemFailure }>;
  /** The document that continues this one. */
  readonly next?: string | undefined;
}

const cursorShape = z.object({
  etag: z.string().optional(),
  lastModified: z.string().optional(),
  seen: z.string(),
});

const MOST_SEEN = 5_000;
const CHECKPOINT_EVERY = 100;

/** Lists what is new in a document and those that continue it; asks only whether it changed where the server can tell. */
export async function* listDocument(
  context: SourceContext,
  options: {
    readonly url: string;
    readonly accept: string;
    readonly robots: 'obey' | 'ignore';
    readonly maxPages: number;
    readonly cursor: Json | undefined;
    readonly signal: AbortSignal;
    readonly parse: (answer: Answer) => ListDocument;
  },
): AsyncGenerator<SourceEvent> {
  const { signal, robots, accept, maxPages } = options;
  const last = readCursor(cursorShape, options.cursor) ?? { seen: '' };
  const known = new Seen(last.seen, MOST_SEEN);
  // What left the document will not come back: only what it holds now need be remembered.
  const holds = new Seen('', MOST_SEEN);
  let url: string | undefined = options.url;
  let validators = {};
  let listed = 0;
  for (let pages = 1; url !== undefined && pages <= maxPages; pages++) {
    signal.throwIfAborted();
    const first = pages === 1;
    const answer: Answer = await getList(context, url, {
      accept,
      robots,
      signal,
      validators: first ? { etag: last.etag, lastModified: last.lastModified } : undefined,
    });
    if (answer.notModified) {
      yield checkpoint({ ...last });
      return;
    }
    const { etag, 'last-modified': lastModified } = answer.headers;
    if (first) validators = { ...(etag && { etag }), ...(lastModified && { lastModified }) };
    const document = options.parse(answer);
    let unknown = 0;
    for (const { key, event } of document.entries) {
      signal.throwIfAborted();
      holds.add(key);
      if (known.has(key)) continue;
      known.add(key);
      unknown += 1;
      yield event;
      // Without validators: whoever begins here must read the document again.
      if (++listed % CHECKPOINT_EVERY === 0) yield checkpoint({ seen: known.toString() });
    }
    url = unknown === 0 && !first ? undefined : document.next;
  }
  const stoppedShort = url === undefined ? null : `the limit of ${maxPages} documents was reached`;
  yield checkpoint({ ...validators, seen: holds.toString() }, stoppedShort);
}
