/** Webhooks against real receivers: nothing is lost, each subject comes in order, keys stay, signatures hold. */
import { randomUUID } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { App } from '../../../src/app.ts';
import {
  type EventMessage,
  type NewWebhook,
  addWebhook,
  deliverDue,
  emit,
  listDead,
  listWebhooks,
  publishAll,
  removeWebhook,
  replay,
  enableWebhook,
  readEvents,
  removeOldEvents,
  rotateSecret,
  sendTest,
} from '../../../src/features/delivery/index.ts';
import { listIncidents } from '../../../src/features/incidents/index.ts';
import { type Installation, install } from '../../support/installation.ts';
import { seeded } from '../../support/provenance-encoders.ts';
import { Receiver, isSignedWith } from '../../support/receiver.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const BY = { actor: 'test', at: new Date('2026-06-01T00:00:00Z') };

let installation: Installation;
let app: App;
let receiver: Receiver;
let now = Date.parse('2026-06-01T00:00:00Z');

beforeAll(async () => {
  installation = await install('postgres', {
    UTSUSHI_FETCH_ALLOWED_HOSTS: '127.0.0.1',
    UTSUSHI_FETCH_TIMEOUT_MS: '400',
    UTSUSHI_PUBLIC_URL: 'https://utsushi.example',
  });
  app = await installation.open({ clock: () => new Date(now) });
});
beforeEach(async () => {
  receiver = await Receiver.open();
});
afterEach(async () => {
  await receiver.close();
  for (const { id } of await listWebhooks(app.db)) await removeWebhook(app.db, id, BY);
});
afterAll(() => installation.close());

const add = async (wanted: Partial<NewWebhook> = {}) => {
  const { webhook, secret } = await addWebhook(app.webhooks, { url: receiver.url, ...wanted }, BY);
  return { id: webhook.id, secret: secret! };
};

const tell = async (caseId: string, seqs: readonly number[]) => {
  for (const seq of seqs) {
    const data = {
      caseId,
      seq,
      event: 'sent',
      state: 'open',
      rung: 'platform-notice',
      dueAt: null,
      externalRef: null,
      actor: 'test',
    };
    await emit(app.db, [{ type: 'case.changed', subject: caseId, tier: 'high', at: new Date(now), data }]);
  }
  await publishAll(app.db, { now: new Date(now), digestMs: HOUR });
};
const deliver = (id: string) => deliverDue(app.delivery, id);
const seqsOf = (caseId: string) =>
  receiver.taken.filter(({ subject }) => subject === caseId).map(({ data }) => (data as { seq: number }).seq);
const wait = (ms: number) => {
  now += ms;
};

test('a message is what it says, signed as Standard Webhooks does, and signed anew at each attempt', async () => {
  const { id, secret } = await add();
  receiver.answer = () => (receiver.received.length === 0 ? 500 : 204);
  const caseId = randomUUID();
  await tell(caseId, [1]);
  expect(await deliver(id)).toEqual({ delivered: 0, failed: 1, dead: 0 });
  wait(MINUTE);
  expect(await deliver(id)).toEqual({ delivered: 1, failed: 0, dead: 0 });

  const [first, second] = receiver.received;
  expect(JSON.parse(second!.body)).toMatchObject({
    type: 'case.changed',
    subject: caseId,
    tier: 'high',
    link: `https://utsushi.example/cases/${caseId}`,
    data: { caseId, seq: 1 },
  });
  expect(second!.body).toBe(first!.body);
  expect(second!.headers['webhook-id']).toBe(first!.headers['webhook-id']);
  expect(Number(second!.headers['webhook-timestamp'])).toBe(Number(first!.headers['webhook-timestamp']) + 60);
  for (const each of receiver.received) expect(isSignedWith(secret, each)).toBe(true);
  expect(isSignedWith(secret, { ...second!, body: second!.body.replace('sent', 'lost') })).toBe(false);
  expect(isSignedWith(`whsec_${Buffer.alloc(32).toString('base64')}`, second!)).toBe(false);
});

test('a receiver that is down for an hour gets everything afterwards, each case in order', async () => {
  const { id } = await add();
  const { url } = receiver;
  await receiver.close();
  const cases = [randomUUID(), randomUUID(), randomUUID()];
  for (let minute = 0; minute < 60; minute += 5) {
    for (const each of cases) await tell(each, [minute]);
    expect(await deliver(id)).toMatchObject({ delivered: 0 });
    wait(5 * MINUTE);
  }
  const port = Number(new URL(url).port);
  receiver = await Receiver.open(port);
  const upSince = now;
  while (receiver.taken.length < 36 && now < upSince + 2 * HOUR) {
    await deliver(id);
    wait(MINUTE);
  }
  const wanted = Array.from({ length: 12 }, (_, n) => n * 5);
  for (const each of cases) expect(seqsOf(each)).toEqual(wanted);
  // The longest pause is an hour and a quarter.
  expect(now - upSince).toBeLessThanOrEqual(76 * MINUTE);
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(36);
});

test('what fails holds back its own case and no other', async () => {
  const { id } = await add();
  const [broken, fine] = [randomUUID(), randomUUID()];
  receiver.answer = ({ subject }) => (subject === broken && receiver.received.length < 8 ? 500 : 200);
  await tell(broken, [1]);
  await tell(fine, [1, 2, 3]);
  await tell(broken, [2, 3]);
  await deliver(id);
  expect(seqsOf(fine)).toEqual([1, 2, 3]);
  expect(receiver.received.filter(({ status }) => status === 500)).toHaveLength(1);
  for (let round = 0; round < 40 && seqsOf(broken).length < 3; round++) {
    wait(10 * MINUTE);
    await deliver(id);
  }
  expect(seqsOf(broken)).toEqual([1, 2, 3]);
});

test('a slow receiver is told again, under the same key, and order holds', async () => {
  const { id } = await add();
  const caseId = randomUUID();
  receiver.answer = () => (receiver.received.length === 0 ? 'never' : 200);
  await tell(caseId, [1, 2]);
  expect(await deliver(id)).toEqual({ delivered: 0, failed: 1, dead: 0 });
  expect((await listWebhooks(app.db))[0]!.lastError).toMatch(/fetch_failed: .* took more than 400 ms/);
  wait(MINUTE);
  await deliver(id);
  expect(seqsOf(caseId)).toEqual([1, 2]);
  const keys = receiver.received.map(({ headers }) => headers['webhook-id']);
  expect(keys[1]).toBe(keys[0]);
  expect(keys[2]).not.toBe(keys[0]);
});

test('a receiver that took it and whose answer was lost gets it again, and can tell by the key', async () => {
  const { id } = await add();
  const caseId = randomUUID();
  receiver.answer = () => (receiver.received.length === 0 ? 'cut' : 200);
  await tell(caseId, [1, 2]);
  expect(await deliver(id)).toEqual({ delivered: 0, failed: 1, dead: 0 });
  wait(MINUTE);
  expect(await deliver(id)).toEqual({ delivered: 2, failed: 0, dead: 0 });
  const [lost, again, next] = receiver.received;
  expect(again!.body).toBe(lost!.body);
  expect(again!.headers['webhook-id']).toBe(lost!.headers['webhook-id']);
  expect(next!.headers['webhook-id']).not.toBe(lost!.headers['webhook-id']);
});

test.each([1, 2, 3])(
  'whatever a receiver answers (seed %i): all of it arrives, no event before the one of its case that it follows is taken, keys stay',
  async (seed) => {
    const next = seeded(seed);
    const { id } = await add();
    receiver.answer = () => {
      const answers = [
        200,
        200,
        200,
        500,
        404,
        'cut',
        { status: 429, headers: { 'retry-after': '90' } },
      ] as const;
      return answers[Math.floor(next() * answers.length)]!;
    };
    const cases = Array.from({ length: 4 }, () => randomUUID());
    const seqs = [1, 2, 3, 4, 5, 6];
    for (const seq of seqs) for (const each of cases) await tell(each, [seq]);
    for (let round = 0; round < 200 && receiver.taken.length < 24; round++) {
      await Promise.all([deliver(id), deliver(id)]);
      wait(20 * MINUTE);
    }
    const keys = new Map<string, string>();
    const takenOf = new Map<string, number>();
    for (const { body, headers, status } of receiver.received) {
      const { id: event, subject, data } = JSON.parse(body) as EventMessage;
      const { seq } = data as { seq: number };
      const key = String(headers['webhook-id']);
      expect(keys.get(event) ?? key).toBe(key);
      keys.set(event, key);
      expect({ subject, seq }).toEqual({ subject, seq: (takenOf.get(subject) ?? 0) + 1 });
      if (status === 200) takenOf.set(subject, seq);
    }
    expect(new Set(keys.values()).size).toBe(24);
    for (const each of cases) expect(seqsOf(each)).toEqual(seqs);
  },
);

test('workers at the same time deliver each event once and never two of a case at once', async () => {
  const { id } = await add();
  const cases = Array.from({ length: 6 }, () => randomUUID());
  const underWay = new Map<string, number>();
  let most = 0;
  receiver.answer = async ({ subject }) => {
    const n = (underWay.get(subject) ?? 0) + 1;
    underWay.set(subject, n);
    most = Math.max(most, n);
    await new Promise((resolve) => setTimeout(resolve, 10));
    underWay.set(subject, n - 1);
    return 200;
  };
  for (let seq = 1; seq <= 5; seq++) for (const each of cases) await tell(each, [seq]);
  await Promise.all(Array.from({ length: 3 }, () => deliver(id)));
  await deliver(id);
  for (const each of cases) expect(seqsOf(each)).toEqual([1, 2, 3, 4, 5]);
  expect(receiver.received).toHaveLength(30);
  expect(most).toBe(1);
});

test('a receiver that asks for time is given it; one that redirects is refused', async () => {
  const { id } = await add();
  receiver.answer = () =>
    receiver.received.length === 0 ? { status: 429, headers: { 'retry-after': '7200' } } : 200;
  await tell(randomUUID(), [1]);
  await deliver(id);
  wait(HOUR);
  expect(await deliver(id)).toEqual({ delivered: 0, failed: 0, dead: 0 });
  wait(HOUR);
  expect(await deliver(id)).toMatchObject({ delivered: 1 });

  receiver.answer = () => ({ status: 302, headers: { location: '/elsewhere' } });
  await expect(sendTest(app.delivery, id, BY)).rejects.toMatchObject({
    code: 'fetch_rejected',
    message: expect.stringContaining('302'),
  });
});

test('after three days it is a dead letter, and replayed under the same key', async () => {
  const { id } = await add();
  const caseId = randomUUID();
  receiver.answer = () => 503;
  await tell(caseId, [1, 2]);
  const since = now;
  while ((await listDead(app.db, { limit: 10 })).length < 2) {
    expect(now - since).toBeLessThan(3 * DAY + 3 * HOUR);
    await deliver(id);
    wait(30 * MINUTE);
  }
  expect(now - since).toBeGreaterThanOrEqual(3 * DAY);
  const dead = await listDead(app.db, { limit: 10 });
  expect(dead).toMatchObject([
    { webhookId: id, type: 'case.changed', subject: caseId },
    { subject: caseId, lastError: expect.stringContaining('503') },
  ]);
  const before = new Set(receiver.received.map(({ headers }) => headers['webhook-id']));
  expect(before.size).toBe(2);

  receiver.answer = () => 200;
  expect(await deliver(id)).toMatchObject({ delivered: 0 });
  await expect(replay(app.db, { id: randomUUID() }, BY)).rejects.toMatchObject({ code: 'not_found' });
  expect(await replay(app.db, { webhookId: id }, { ...BY, at: new Date(now) })).toBe(2);
  await deliver(id);
  expect(seqsOf(caseId)).toEqual([1, 2]);
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id']))).toEqual(before);
  expect(await listDead(app.db, { limit: 10 })).toEqual([]);
});

test('a receiver that says it is gone is left alone at once, people hear of it, and nothing is lost', async () => {
  const { id } = await add();
  const caseId = randomUUID();
  receiver.answer = () => 410;
  await tell(caseId, [1, 2]);
  await tell(randomUUID(), [1]);
  await deliver(id);
  const asked = receiver.received.length;
  // Those that were under way together, and no other.
  expect(asked).toBeLessThanOrEqual(2);
  wait(DAY);
  expect(await deliver(id)).toEqual({ delivered: 0, failed: 0, dead: 0 });
  expect(receiver.received).toHaveLength(asked);
  expect(await listWebhooks(app.db)).toMatchObject([
    { enabled: false, deliveries: { pending: 3, dead: 0 }, lastError: expect.stringContaining('410') },
  ]);
  const incidents = () => listIncidents(app.db, { state: 'open', limit: 10 });
  expect(await incidents()).toMatchObject([{ kind: 'webhook-gone', subject: id }]);

  // Longer than an event is tried: the three days begin anew.
  wait(5 * DAY);
  receiver.answer = () => (receiver.received.length === asked ? 500 : 200);
  await enableWebhook(app.db, id, true, { ...BY, at: new Date(now) });
  expect(await incidents()).toEqual([]);
  await deliver(id);
  wait(MINUTE);
  await deliver(id);
  expect(seqsOf(caseId)).toEqual([1, 2]);
  expect(receiver.taken).toHaveLength(3);
});

test('old events go, with what was delivered and what is dead, but nothing that is still tried', async () => {
  const feed = (after: number) => readEvents(app.db, { after, limit: 1_000 });
  const { id } = await add();
  const [early, stuck] = [randomUUID(), randomUUID()];
  const before = (await feed(0)).events.at(-1)?.seq ?? 0;
  await tell(early, [1, 2]);
  await deliver(id);
  wait(100 * DAY);
  receiver.answer = () => 503;
  await tell(stuck, [1, 2]);
  await deliver(id);
  // All of it is old by this rule.
  const all = new Date(now + DAY);
  expect(await removeOldEvents(app.db, all)).toBeGreaterThanOrEqual(before + 2);
  const kept = await feed(0);
  expect([kept.oldest, kept.events.map(({ subject }) => subject)]).toEqual([before + 3, [stuck, stuck]]);
  expect((await feed(before + 2)).events).toHaveLength(2);
  await expect(feed(before + 1)).rejects.toMatchObject({
    code: 'events_removed',
    message: expect.stringContaining(`after=${before + 2}`),
    details: { oldest: before + 3 },
  });
  const { rows } = await app.pool.query('select subject, state from deliveries');
  expect(rows).toEqual([
    { subject: stuck, state: 'pending' },
    { subject: stuck, state: 'pending' },
  ]);

  // What a disabled webhook waits with goes too; the newest stays, so that places go on rising.
  await enableWebhook(app.db, id, false, BY);
  expect(await removeOldEvents(app.db, all)).toBe(1);
  await tell(early, [3]);
  expect((await feed(0)).events.map(({ seq }) => seq)).toEqual([before + 4, before + 5]);
});

test('after a rotation both secrets hold until the overlap is over', async () => {
  const { id, secret: old } = await add();
  const { secret } = await rotateSecret(app.webhooks, id, HOUR, { ...BY, at: new Date(now) });
  await sendTest(app.delivery, id, { ...BY, at: new Date(now) });
  wait(2 * HOUR);
  await sendTest(app.delivery, id, { ...BY, at: new Date(now) });
  const [during, after] = receiver.received;
  expect([isSignedWith(old, during!), isSignedWith(secret, during!)]).toEqual([true, true]);
  expect([isSignedWith(old, after!), isSignedWith(secret, after!)]).toEqual([false, true]);
});

test('secrets are not in the database, and their key is for its owner only', async () => {
  const { secret } = await add();
  const { rows } = await app.pool.query<{ text: string }>('select webhooks::text as text from webhooks');
  const stored = rows.map(({ text }) => text).join('\n');
  expect(stored).not.toContain(secret);
  expect(stored).not.toContain(Buffer.from(secret).toString('hex'));
  const file = join(app.config.dataDir, 'webhook-key');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readFile(file)).toHaveLength(32);
});

test('a webhook is told of what its filters let through, from when it was added', async () => {
  const early = randomUUID();
  await tell(early, [1]);
  const { id } = await add({ events: ['alert.*', 'case.closed'], tiers: ['high'] });
  const alert = { alertId: randomUUID(), assetId: 'moon', outputId: randomUUID() };
  const reopened = { ...alert, reason: null, actor: 'test' };
  const closed = { caseId: early, outcome: 'removed', externalRef: null, actor: 'test' };
  const at = new Date(now);
  await emit(app.db, [
    { type: 'alert.reopened', subject: 'wanted', tier: 'high', at, data: reopened },
    { type: 'alert.reopened', subject: 'of the other tier', tier: 'standard', at, data: reopened },
    { type: 'case.closed', subject: 'wanted too', tier: 'high', at, data: closed },
  ]);
  await tell(early, [2]);
  await deliver(id);
  expect(receiver.taken.map(({ subject }) => subject).toSorted()).toEqual(['wanted', 'wanted too']);
});

test('what cannot work is refused when it is added', async () => {
  await expect(add({ events: ['alarm.*'] })).rejects.toMatchObject({ code: 'invalid_request' });
  await expect(add({ url: 'http://10.0.0.1/hook' })).rejects.toMatchObject({ code: 'fetch_forbidden' });
  await expect(add({ url: 'http://169.254.169.254/latest' })).rejects.toMatchObject({
    code: 'fetch_forbidden',
  });
  await expect(add({ url: 'ftp://example.com/' })).rejects.toMatchObject({ code: 'fetch_forbidden' });
  await expect(add({ url: 'mailto:a@b.example' })).rejects.toMatchObject({ code: 'invalid_request' });
  await expect(add({ kind: 'slack', artwork: true })).rejects.toMatchObject({ code: 'invalid_request' });
  await expect(add({ digest: true })).rejects.toMatchObject({ code: 'invalid_request' });
  expect(await listWebhooks(app.db)).toEqual([]);
});
