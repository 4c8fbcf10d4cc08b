import { z } from 'zod';
import type { UtsushiError } from '../../errors.ts';
import type { WebClient } from '../../platform/fetch/web-client.ts';

/**
 * One place where outputs come from. It lists what is new there, lazily and page by page: at no time is more than one
 * page held in memory, and nothing is fetched before the caller asks for the next entry.
 *
 * It promises that every picture of the place is listed at least once over consecutive runs, as long as each run is
 * given the cursor of the last checkpoint. It does not promise "at most once": after an interruption, or where a place
 * gives no means to tell new from old, entries come again, and the caller recognises them by canonical URL and bytes.
 */
export interface Source {
  /**
   * What is new since `cursor`.
   *
   * @param options.cursor what the last checkpoint of an earlier run said; undefined for the first run. A cursor that
   *   this source cannot read (its configuration changed) is taken as a first run
   * @throws UtsushiError when the place as a whole cannot be listed (any further); the checkpoints so far stay good.
   *   The signal's reason when it is aborted
   */
  items(options: {
    readonly cursor?: Json | undefined;
    readonly signal: AbortSignal;
  }): AsyncIterable<SourceEvent>;

  /**
   * The bytes of a picture that this source listed, whatever the scheme of its URL (`http`, `https`, `file`, `s3`).
   *
   * @throws UtsushiError as for fetching; `file_not_found`, `image_too_large`, `fetch_forbidden` for a URL that lies
   *   outside this source
   */
  read(imageUrl: string, signal?: AbortSignal): Promise<Uint8Array>;

  /** Yields whenever something changed and has come to rest; only sources that can tell have it. Ends on abort. */
  watch?(signal: AbortSignal): AsyncIterable<void>;
}

export type SourceEvent = Item | ItemFailure | Checkpoint;

/** A picture seen at the source. */
export interface Item {
  readonly type: 'item';
  /** Where its bytes are: `http(s):`, or `file:` and `s3:` which only the source's `read` can follow. */
  readonly imageUrl: string;
  /** The page a person would open to see it. */
  readonly pageUrl: string | null;
  /** The name of who posted it, and the id that stays when the name changes. */
  readonly account: string | null;
  readonly accountId: string | null;
  readonly postedAt: Date | null;
  /** Title, tags and prompt as the source gives them, one a line, to find names of works in. */
  readonly text: string | null;
  /** What the source says of how it was made; the bytes may say otherwise. */
  readonly declared: DeclaredProvenance | null;
  /** Changes when the bytes behind the URL do, as far as the source can tell: an ETag, a digest, size and time. */
  readonly validator: string | null;
}

export interface DeclaredProvenance {
  readonly generator: string | null;
  readonly model: string | null;
  readonly prompt: string | null;
}

/** An entry that is no usable picture; the entries after it go on. */
export interface ItemFailure {
  readonly type: 'failure';
  /** Line, URL or id: where to look. */
  readonly where: string;
  readonly error: UtsushiError;
}

/** Everything before this was listed: once it is recorded, `cursor` may be stored and the next run begin there. */
export interface Checkpoint {
  readonly type: 'checkpoint';
  readonly cursor: Json;
  /** Why the run ends here although there is more, e.g. a page limit; null otherwise. Coverage reports it. */
  readonly stoppedShort: string | null;
}

/** What a source may use of the world around it. */
export interface SourceContext {
  /** Guarded, polite HTTP. */
  readonly web: WebClient;
  /** Words to search by: titles, aliases, characters of the works in scope. For sources that search. */
  readonly queries: readonly string[];
  /** The secret behind a reference; secrets never stand in a monitor's configuration. */
  readonly secret: (reference: SecretReference) => Promise<string>;
  readonly clock: () => Date;
  readonly log: { warn(details: object, message: string): void };
  /** Larger files are not read. Bytes. */
  readonly maxBytes: number;
}

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json | undefined };

/** Where a secret is to be found: in a variable or a file that the administrator set aside for secrets. */
export const secretReference = z.union(
  [
    z.strictObject({ env: z.string().regex(/^[A-Z][A-Z0-9_]*$/, 'must be the name of a variable') }),
    z.strictObject({ file: z.string().min(1) }),
  ],
  { error: 'must be { env: NAME } or { file: PATH }: secrets themselves do not belong here' },
);
export type SecretReference = z.infer<typeof secretReference>;

/** An item with nothing but what is said. */
export function item(said: Pick<Item, 'imageUrl'> & Partial<Item>): Item {
  return {
    type: 'item',
    pageUrl: null,
    account: null,
    accountId: null,
    postedAt: null,
    text: null,
    declared: null,
    validator: null,
    ...said,
  };
}

export function checkpoint(cursor: Json, stoppedShort: string | null = null): Checkpoint {
  return { type: 'checkpoint', cursor, stoppedShort };
}

/** A cursor as its source understands it; undefined for a first run, or when it was written by another kind. */
export function readCursor<T>(schema: z.ZodType<T>, cursor: Json | undefined): T | undefined {
  const parsed = schema.safeParse(cursor);
  return parsed.success ? parsed.data : undefined;
}
