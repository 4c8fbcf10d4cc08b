import { z } from 'zod';
import { DIGEST_LENGTH, Seen, digestOf } from './seen.ts';
import {
  type Item,
  type ItemFailure,
  type Json,
  type SourceEvent,
  checkpoint,
  readCursor,
} from './source.ts';

/** A page of a list whose newest entries come first. */
export interface ListPage {
  readonly entries: readonly ListEntry[];
  /** Where the next page is; undefined on the last one. */
  readonly next: string | undefined;
}

/** One post: none, one or several pictures under one key that never changes. */
export interface ListEntry {
  readonly key: string;
  readonly events: readonly (Item | ItemFailure)[];
}

/** One list: a search for a word, an account's posts, or everything. */
export interface Stream {
  /** Names it in the cursor. */
  readonly name: string;
  readonly page: (at: string | undefined) => Promise<ListPage>;
}

const streamCursor = z.object({
  /** The newest entries when the list was last read to where it was known. */
  seen: z.string(),
  /** A run that was interrupted: what it has listed, and its next page. */
  run: z.object({ fresh: z.string(), at: z.string() }).optional(),
});
const cursorShape = z.object({ streams: z.record(z.string(), streamCursor) });
type StreamCursor = z.infer<typeof streamCursor>;

// Where all of these are gone from a list, it is read once more to its end.
const MOST_SEEN = 2_000;

/**
 * Lists what is new in lists that begin with their newest entries: each from its top down to the first page on which
 * everything is known. New entries that arrive meanwhile move others to later pages; those come twice and are known.
 *
 * The first run of a list ends for good after `maxPages`: what is older was never asked for. A later run that meets this
 * limit before it meets what is known goes on there the next time, so that nothing is passed over. Both say so.
 */
export async function* listNewestFirst(
  streams: readonly Stream[],
  options: { readonly cursor: Json | undefined; readonly signal: AbortSignal; readonly maxPages: number },
): AsyncGenerator<SourceEvent> {
  const last = readCursor(cursorShape, options.cursor)?.streams ?? {};
  const now: Record<string, StreamCursor> = Object.fromEntries(
    streams.flatMap(({ name }) => (last[name] === undefined ? [] : [[name, last[name]]])),
  );
  if (streams.length === 0) yield checkpoint({ streams: {} });
  for (const stream of streams) {
    for await (const event of listOne(stream, now[stream.name], options)) {
      if ('type' in event) {
        yield event;
        continue;
      }
      now[stream.name] = event.cursor;
      yield checkpoint({ streams: { ...now } }, event.stoppedShort);
    }
  }
}

async function* listOne(
  { name, page }: Stream,
  last: StreamCursor | undefined,
  { signal, maxPages }: { readonly signal: AbortSignal; readonly maxPages: number },
): AsyncGenerator<Item | ItemFailure | { cursor: StreamCursor; stoppedShort: string | null }> {
  const known = new Seen(last?.seen ?? '', MOST_SEEN);
  const fresh: string[] = last?.run?.fresh.match(/.{8}/g) ?? [];
  const listed = new Seen(fresh.join(''), Number.POSITIVE_INFINITY);
  let at = last?.run?.at;
  for (let pages = 1; ; pages++) {
    signal.throwIfAborted();
    const { entries, next } = await page(at);
    for (const { key, events } of entries) {
      signal.throwIfAborted();
      if (known.has(key) || listed.has(key)) continue;
      listed.add(key);
      if (fresh.length < MOST_SEEN) fresh.push(digestOf(key));
      yield* events;
    }
    // The oldest of what is remembered goes first, so the newest stand last.
    const seen = (last?.seen ?? '') + fresh.toReversed().join('');
    const done = { seen: seen.slice(-MOST_SEEN * DIGEST_LENGTH) };
    const allKnown = entries.length > 0 && entries.every(({ key }) => known.has(key));
    if (next === undefined || next === at || allKnown) {
      yield { cursor: done, stoppedShort: null };
      return;
    }
    at = next;
    const run = { seen: last?.seen ?? '', run: { fresh: fresh.join(''), at } };
    if (pages >= maxPages) {
      const stoppedShort = `${name === '' ? '' : `${name}: `}the limit of ${maxPages} pages was reached`;
      yield { cursor: (last?.seen ?? '') === '' ? done : run, stoppedShort };
      return;
    }
    yield { cursor: run, stoppedShort: null };
  }
}
