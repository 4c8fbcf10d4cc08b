/** The feed, and reports that a system signs with its webhook's secret. */
import { createHmac, randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { App } from '../../../src/app.ts';
import { buildServer } from '../../../src/entry/http/server.ts';
import { removeOldEvents } from '../../../src/features/delivery/index.ts';
import { openCase } from '../../../src/features/takedown/index.ts';
import { addConfirmed, addWork } from '../../support/confirmed.ts';
import { type Installation, install } from '../../support/installation.ts';

const TOKEN = 'a-token-only-for-this-test';
let installation: Installation;
let app: App;
let api: FastifyInstance;
let caseId: string;
let webhook: { id: string; secret: string };
beforeAll(async () => {
  installation = await install('postgres', { UTSUSHI_FETCH_ALLOWED_HOSTS: '127.0.0.1' });
  app = await installation.open();
  api = await buildServer({ app, apiToken: TOKEN });
  await addWork(app);
  const alertId = await addConfirmed(app);
  caseId = (await openCase(app.db, [alertId], { actor: 'test', at: new Date() })).id;
  webhook = (await admin('POST', '/webhooks', { url: 'http://127.0.0.1:9/hook' })).json();
});
afterAll(async () => {
  await api?.close();
  await installation.close();
});

const admin = (method: 'GET' | 'POST', url: string, payload?: object) =>
  api.inject({
    method,
    url: `/api${url}`,
    headers: { authorization: `Bearer ${TOKEN}` },
    ...(payload === undefined ? {} : { payload }),
  });

/** As docs/webhooks.md says. */
function report(body: object, { id = randomUUID() as string, ageS = 0, tamper = '', by = webhook.id } = {}) {
  const text = JSON.stringify(body);
  const timestamp = Math.floor(Date.now() / 1_000) - ageS;
  const key = Buffer.from(webhook.secret.slice('whsec_'.length), 'base64');
  const mac = createHmac('sha256', key).update(`${id}.${timestamp}.${text}`).digest('base64');
  const headers = {
    'content-type': 'application/json',
    'utsushi-webhook': by,
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': `v1,${mac}`,
  };
  return api.inject({ method: 'POST', url: `/api/cases/${caseId}/events`, headers, payload: text + tamper });
}

test('a signed report is taken once, and nothing that is not genuine, fresh or allowed', async () => {
  const id = randomUUID();
  const note = { type: 'note', text: 'removed by the platform' };
  const taken = await report(note, { id });
  expect([taken.statusCode, taken.json().seq]).toEqual([200, 2]);
  expect((await report(note, { id })).json().seq).toBe(2);
  expect((await admin('GET', `/cases/${caseId}`)).json().events.at(-1)).toMatchObject({
    actor: `webhook ${webhook.id}`,
    event: note,
  });
  expect((await report(note, { tamper: ' ' })).statusCode).toBe(401);
  expect((await report(note, { ageS: 301 })).statusCode).toBe(401);
  expect((await report(note, { by: randomUUID() })).statusCode).toBe(401);
  expect((await report({ type: 'reopen', reason: 'x' })).statusCode).toBe(403);
  expect((await report({ type: 'close', outcome: 'removed' })).json()).toMatchObject({ state: 'closed' });
});

test('a signature opens nothing else', async () => {
  const headers = { 'webhook-signature': 'v1,AAAA', 'utsushi-webhook': webhook.id };
  const asked = await api.inject({ method: 'GET', url: '/api/webhooks', headers });
  expect(asked.statusCode).toBe(401);
});

test('the feed has everything in order, without a worker, and continues where it was left', async () => {
  const first = (await admin('GET', '/events?limit=2')).json();
  expect(first.events.map(({ type }: { type: string }) => type)).toEqual(['alert.decided', 'case.opened']);
  const rest = (await admin('GET', `/events?after=${first.next}`)).json();
  expect(rest.events.map(({ type }: { type: string }) => type)).toEqual(['case.changed', 'case.closed']);
  expect((await admin('GET', `/events?after=${rest.next}`)).json()).toEqual({
    events: [],
    next: rest.next,
    oldest: 1,
  });
});

test('a reader who was away for longer than events are kept is told so, and where to go on', async () => {
  // Nobody takes what is delivered there; what is still tried would be kept.
  await admin('POST', `/webhooks/${webhook.id}`, { enabled: false });
  await removeOldEvents(app.db, new Date(Date.now() + 60_000));
  const refused = await admin('GET', '/events?after=1');
  expect([refused.statusCode, refused.json()]).toMatchObject([
    410,
    { error: { code: 'events_removed', details: { after: 3, oldest: 4 } } },
  ]);
  const on = (await admin('GET', '/events?after=3')).json();
  expect(on.events.map(({ type }: { type: string }) => type)).toEqual(['case.closed']);
});
