/** What every source promises, whatever it reads from: run over each kind by sources.test.ts. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type Checkpoint,
  type Item,
  type ItemFailure,
  type Json,
  type SourceContext,
  type SourceSpec,
  openSource,
  parseSourceSpec,
} from '../../src/features/sources/index.ts';

/** A place made for one test, which the test fills. */
export interface Place {
  readonly spec: SourceSpec;
  readonly context: SourceContext;
  /** Puts pictures there, newer than those before, and returns the URLs under which the source must list them. */
  add(count: number): Promise<string[]>;
  /** Puts one entry there that is no usable picture. */
  addMalformed(): Promise<void>;
  /** How often the place was asked for a page of its list so far; 0 where it is no server. */
  requests(): number;
  close(): Promise<void>;
}

export interface Kind {
  readonly name: string;
  /** The most entries that are listed between two checkpoints. */
  readonly page: number;
  /** How many requests the first entry costs; 0 where the place is no server. */
  readonly requestsToFirst: number;
  /** Whether the list comes in pages, of which a run may be limited to so many. */
  readonly paged: boolean;
  open(): Promise<Place>;
}

export interface Run {
  readonly items: Item[];
  readonly failures: ItemFailure[];
  readonly checkpoints: Checkpoint[];
}

/** Runs a source to its end, or until `enough`. */
export async function run(
  { spec, context }: Pick<Place, 'spec' | 'context'>,
  cursor?: Json,
  enough: (soFar: Run) => boolean = () => false,
): Promise<Run> {
  const so: Run = { items: [], failures: [], checkpoints: [] };
  const source = openSource(spec, context);
  for await (const event of source.items({ cursor, signal: new AbortController().signal })) {
    if (event.type === 'item') so.items.push(event);
    else if (event.type === 'failure') so.failures.push(event);
    else so.checkpoints.push(event);
    if (enough(so)) break;
  }
  return so;
}

const urlsOf = ({ items }: Run) => items.map(({ imageUrl }) => imageUrl).toSorted();
/** Cursors live in the database as JSON. */
const stored = ({ checkpoints }: Run): Json => JSON.parse(JSON.stringify(checkpoints.at(-1)!.cursor)) as Json;

export function conformance({ name, page, requestsToFirst, paged, open }: Kind): void {
  describe(`${name} as a source`, () => {
    let place: Place;
    beforeEach(async () => {
      place = await open();
    });
    afterEach(() => place.close());

    test('its specification survives being stored as JSON', () => {
      expect(parseSourceSpec(JSON.parse(JSON.stringify(place.spec)))).toEqual(place.spec);
    });

    test('lists everything once, then only what is new', async () => {
      const first = await place.add(page + 2);
      const one = await run(place);
      expect(urlsOf(one)).toEqual(first.toSorted());
      expect(one.failures).toEqual([]);
      expect(one.checkpoints.at(-1)!.stoppedShort).toBeNull();

      const two = await run(place, stored(one));
      expect(urlsOf(two)).toEqual([]);

      const added = await place.add(2);
      const three = await run(place, stored(two));
      expect(urlsOf(three)).toEqual(added.toSorted());
      expect(urlsOf(await run(place, stored(three)))).toEqual([]);
    });

    test('an empty place is no error, and what comes later is found', async () => {
      const empty = await run(place);
      expect(empty.items).toEqual([]);
      expect(empty.checkpoints).not.toEqual([]);
      const added = await place.add(1);
      expect(urlsOf(await run(place, stored(empty)))).toEqual(added);
    });

    test('goes on from its last checkpoint after an interruption, and loses nothing', async () => {
      const all = await place.add(2 * page + 1);
      const cut = await run(place, undefined, ({ checkpoints }) => checkpoints.length > 0);
      expect(cut.items.length).toBeLessThan(all.length);
      const added = await place.add(1);
      const rest = await run(place, stored(cut));
      const later = await run(place, stored(rest));
      const seen = [...urlsOf(cut), ...urlsOf(rest), ...urlsOf(later)];
      expect([...new Set(seen)].toSorted()).toEqual([...all, ...added].toSorted());
      expect(rest.items.length).toBeLessThanOrEqual(all.length + added.length - cut.items.length);
    });

    test('reports a malformed entry, with its place and a code, and goes on', async () => {
      const before = await place.add(1);
      await place.addMalformed();
      const after = await place.add(1);
      const found = await run(place);
      expect(urlsOf(found)).toEqual([...before, ...after].toSorted());
      expect(found.failures).toHaveLength(1);
      expect(found.failures[0]!.where).not.toBe('');
      expect(found.failures[0]!.error.code).toBe('invalid_item');
    });

    test('stops at once when it is told to', async () => {
      await place.add(2 * page + 1);
      const stop = new AbortController();
      const seen: string[] = [];
      const listing = async () => {
        for await (const event of openSource(place.spec, place.context).items({ signal: stop.signal })) {
          if (event.type === 'item') seen.push(event.imageUrl);
          stop.abort(new Error('told to stop'));
        }
      };
      await expect(listing()).rejects.toThrow('told to stop');
      expect(seen.length).toBeLessThanOrEqual(1);
    });

    test('asks for nothing before it is needed', async () => {
      await place.add(2 * page + 1);
      const source = openSource(place.spec, place.context);
      expect(place.requests()).toBe(0);
      for await (const event of source.items({ signal: new AbortController().signal })) {
        if (event.type === 'item') break;
      }
      expect(place.requests()).toBe(requestsToFirst);
    });

    test.runIf(paged)('stops at its page limit, and says so', async () => {
      await place.add(2 * page + 1);
      const spec = parseSourceSpec({ ...place.spec, maxPages: 1 });
      const limited = await run({ spec, context: place.context });
      expect(place.requests()).toBe(1);
      expect(limited.items.length).toBeLessThanOrEqual(page);
      expect(limited.checkpoints.at(-1)!.stoppedShort).toMatch(/limit of 1 /);
    });

    test('takes a cursor of another kind as none', async () => {
      const all = await place.add(1);
      expect(urlsOf(await run(place, { nonsense: [1] }))).toEqual(all);
    });
  });
}
