/** The feed: what is committed appears once, in an order that a reader can rely on. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { App } from '../../../src/app.ts';
import { type OutgoingEvent, emit, publish, readEvents } from '../../../src/features/delivery/index.ts';
import { type Installation, install } from '../../support/installation.ts';

const AT = new Date('2026-11-02T00:00:00Z');
const HOW = { now: AT, digestMs: 3_600_000 };

let installation: Installation;
let app: App;

beforeAll(async () => {
  installation = await install('postgres');
  app = await installation.open();
});
afterAll(() => installation.close());

const closed = (outcome: string): OutgoingEvent => ({
  type: 'case.closed',
  subject: 'a case',
  tier: null,
  at: AT,
  data: { caseId: randomUUID(), outcome, externalRef: null, actor: 'test' },
});
const outcomes = (events: readonly { data: unknown }[]) =>
  events.map(({ data }) => (data as { outcome: string }).outcome);

test('what a rolled-back transaction told is never told', async () => {
  const failure = app.db.transaction().execute(async (tx) => {
    await emit(tx, [closed('rolled back')]);
    throw new Error('the transaction fails');
  });
  await expect(failure).rejects.toThrow('the transaction fails');
  expect(await publish(app.db, HOW)).toEqual([]);
});

test('a reader who has come to a place misses nothing that is committed later', async () => {
  let letSlowCommit = () => {};
  const released = new Promise<void>((resolve) => (letSlowCommit = resolve));
  let slowHasWritten = () => {};
  const written = new Promise<void>((resolve) => (slowHasWritten = resolve));
  const slow = app.db.transaction().execute(async (tx) => {
    await emit(tx, [closed('slow')]);
    slowHasWritten();
    await released;
  });
  await written;
  await emit(app.db, [closed('quick'), closed('quick too')]);
  const first = await publish(app.db, HOW);
  expect(outcomes(first)).toEqual(['quick', 'quick too']);
  letSlowCommit();
  await slow;
  await publish(app.db, HOW);
  const { events: later } = await readEvents(app.db, { after: first.at(-1)!.seq, limit: 10 });
  expect(outcomes(later)).toEqual(['slow']);
  const { events: all } = await readEvents(app.db, { after: 0, limit: 10 });
  expect(all.map(({ seq }) => seq)).toEqual([1, 2, 3]);
});

test('publishers at the same time give each event one place', async () => {
  await emit(
    app.db,
    Array.from({ length: 50 }, (_, i) => closed(`number ${i}`)),
  );
  const published = await Promise.all(Array.from({ length: 4 }, () => publish(app.db, HOW)));
  expect(published.flat()).toHaveLength(50);
  const { events } = await readEvents(app.db, { after: 0, limit: 100 });
  const seqs = events.map(({ seq }) => seq);
  expect(seqs).toEqual(Array.from({ length: 53 }, (_, i) => i + 1));
});
