/**
 * The whole road with nothing but what a user has: the built command, `utsushi up`, a site, a receiver of webhooks. An
 * output is found by a scan, and its takedown ends by what the receiver reports. docs/takedown.md walks the same way.
 */
import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EventMessage } from '../../../src/features/delivery/index.ts';
import type { CaseDetail } from '../../../src/features/takedown/index.ts';
import { CommandLine } from '../../support/command.ts';
import { CLAIMANT, WORK_ROW } from '../../support/confirmed.ts';
import { type Installation, eventually, install } from '../../support/installation.ts';
import { artwork } from '../../support/pictures.ts';
import { Processes, build } from '../../support/processes.ts';
import { Receiver, isSignedWith } from '../../support/receiver.ts';
import { TIMEOUT } from '../../support/scene.ts';
import { type WebServer, serve } from '../../support/web-server.ts';

const run = promisify(execFile);
const HAS_POPPLER = await run('pdftotext', ['-v']).then(
  () => true,
  () => false,
);
const ATTESTED = 'expression,reliance,licence-and-term,exceptions,authority';

let installation: Installation;
let processes: Processes;
let utsushi: CommandLine;
let site: WebServer;
let receiver: Receiver;
let isUp = true;
const file = (name: string) => join(installation.dataDir, 'user', name);

beforeAll(async () => {
  await build();
  receiver = await Receiver.open();
  site = await serve(async (_, response, url) => {
    if (!isUp || !['/posts/1', '/images/1.jpg'].includes(url.pathname))
      return void response.writeHead(410).end();
    if (url.pathname === '/images/1.jpg')
      return void response.end(await artwork(5).resize(600).jpeg({ quality: 80 }).toBuffer());
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(
      '<title>投稿</title><figure><img src="/images/1.jpg"><figcaption>灯籠坂の夜</figcaption></figure>',
    );
  });
  installation = await install('postgres', { UTSUSHI_FETCH_ALLOWED_HOSTS: '127.0.0.1', LANG: 'ja_JP.UTF-8' });
  processes = new Processes(installation.env);
  utsushi = new CommandLine(installation.env);
  await mkdir(file(''));
  await writeFile(file('灯籠坂の夜.png'), await artwork(5).png().toBuffer());
  await writeFile(file('works.jsonl'), `${JSON.stringify({ file: '灯籠坂の夜.png', ...WORK_ROW })}\n`);
  const monitor = { name: 'site', source: { kind: 'page', url: `${site.base}/posts/1` } };
  await writeFile(file('monitors.yml'), JSON.stringify({ monitors: [monitor] }));
  const gallery = {
    id: 'gallery',
    name: { ja: '株式会社ギャラリー', en: 'Gallery Inc.' },
    hosts: ['127.0.0.1'],
  };
  const clock = { days: 14, counting: 'calendar' };
  await writeFile(file('profile.yml'), JSON.stringify({ ...CLAIMANT, recipients: [{ ...gallery, clock }] }));
});
afterAll(async () => {
  await processes?.endAll();
  await receiver?.close();
  await site?.close();
  await installation?.close();
});

test('from an output that a scan finds to the end of its case', TIMEOUT, async () => {
  const up = await processes.up();
  const address = /Utsushi is up: (http:\/\/[^\s/]+)/.exec(up.output())![1]!;
  const json = async <T>(...args: string[]) => {
    const ran = await utsushi.run(...args, '--json');
    expect({ args, code: ran.code, stderr: ran.stderr }).toMatchObject({ args, code: 0 });
    return ran.json<T>()[0]!;
  };
  /** Waits for a message, and checks that it came signed. */
  const told = (type: string, has: object = {}) =>
    eventually(`${type} at the receiver`, async () => {
      const messages = receiver.received.map((each) => ({
        each,
        message: JSON.parse(each.body) as EventMessage,
      }));
      const found = messages.find(
        ({ message }) =>
          message.type === type &&
          Object.entries(has).every(
            ([key, value]) => (message.data as Record<string, unknown>)[key] === value,
          ),
      );
      if (found !== undefined) expect(isSignedWith(webhook.secret, found.each)).toBe(true);
      return found?.message;
    });

  await json('catalogue', 'import', '--manifest', file('works.jsonl'), '--tier', 'high');
  const webhook = await json<{ id: string; secret: string }>(
    'webhook',
    'add',
    receiver.url,
    '--events',
    'alert.*,case.*',
  );
  expect(await json('webhook', 'test', webhook.id)).toMatchObject({ delivered: true });

  // Found and told, by this scan or by the one that `up` begins as soon as there is a monitor.
  expect((await utsushi.run('monitor', 'apply', file('monitors.yml'), '--yes')).code).toBe(0);
  const scanned = await utsushi.run('monitor', 'run', 'site', '--wait', '--json');
  expect(scanned.json()).toMatchObject([{ failed: 0 }]);
  const { subject: alertId, data: opened } = await told('alert.opened');
  expect(opened).toMatchObject({ assetId: 'moon', tier: 'high', kind: 'reproduction' });

  // Confirmed; a case, and a notice that is refused until it says who claims.
  await json('alerts', 'decide', alertId, 'confirm', '--reason', '同じ絵');
  const { id } = await json<{ id: string }>('case', 'open', alertId);
  const notice = ['case', 'notice', id, '--form', 'ja-a', '--format', 'pdf'];
  const refused = await utsushi.run(...notice);
  expect([refused.code, refused.json()]).toMatchObject([
    3,
    [{ missing: expect.arrayContaining(['claimant-name', 'signature']) }],
  ]);
  expect((await utsushi.run('profile', 'set', file('profile.yml'))).code).toBe(0);
  expect((await utsushi.run(...notice, '--out', file('draft.pdf'))).code).toBe(0);
  await json('case', 'approve', id, '--form', 'ja-a', '--attest', ATTESTED);
  expect((await utsushi.run(...notice, '--approved', '--out', file('notice.pdf'))).code).toBe(0);
  if (HAS_POPPLER) {
    const textOf = async (name: string) => (await run('pdftotext', ['-layout', file(name), '-'])).stdout;
    const text = await textOf('notice.pdf');
    for (const said of [
      '著作物等の送信を防止する措置の申出',
      '株式会社ギャラリー 御中',
      '株式会社アケボノ動画',
      '東京都千代田区千代田1-2-3',
      '灯籠坂の夜',
      '著作権譲渡契約書 AKB-17',
      `${site.base}/posts/1`,
      '事実に相違ないことを証します',
    ])
      expect(text.replaceAll(/\s+/g, '')).toContain(said.replaceAll(/\s+/g, ''));
    expect([text.includes('下書き'), (await textOf('draft.pdf')).includes('下書き')]).toEqual([false, true]);
  }

  // Sent by a person: the recipient's own term runs.
  const at = new Date(Date.now() - 1_000).toISOString();
  expect(
    await json(
      'case',
      'event',
      id,
      '--type',
      'sent',
      '--channel',
      'web-form',
      '--receipt',
      '4711',
      '--at',
      at,
    ),
  ).toMatchObject({ nextAction: 'await-reply', clock: { basis: 'recipient' } });
  expect(await told('case.changed', { event: 'sent', caseId: id })).toMatchObject({
    subject: id,
    tier: 'high',
  });

  // The system that takes webhooks reports what the platform did, twice, and then the end.
  const report = (name: string, body: object) => {
    const text = JSON.stringify(body);
    const timestamp = String(Math.floor(Date.now() / 1_000));
    const key = Buffer.from(webhook.secret.slice('whsec_'.length), 'base64');
    const mac = createHmac('sha256', key).update(`${name}.${timestamp}.${text}`).digest('base64');
    return fetch(`${address}/api/cases/${id}/events`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'utsushi-webhook': webhook.id,
        'webhook-id': name,
        'webhook-timestamp': timestamp,
        'webhook-signature': `v1,${mac}`,
      },
      body: text,
    });
  };
  isUp = false;
  const removed = { type: 'reply', class: 'removed', reason: '削除しました' };
  const answers = [await report('ticket-1', removed), await report('ticket-1', removed)];
  const states = await Promise.all(answers.map((each) => each.json() as Promise<{ seq: number }>));
  expect([answers[0]!.status, states[1]!.seq]).toEqual([200, states[0]!.seq]);
  expect((await report('ticket-2', { type: 'close', outcome: 'removed' })).status).toBe(200);
  expect(await told('case.closed')).toMatchObject({ subject: id, data: { outcome: 'removed' } });

  // What is on record, what was told of it in which order, and the evidence.
  const found = await json<CaseDetail>('case', 'show', id);
  const types = found.events.map(({ event }) => event.type);
  expect(types).toEqual(['opened', 'notice-approved', 'sent', 'reply', 'closed']);
  expect(found.events.at(-1)!.actor).toBe(`webhook ${webhook.id}`);
  const ofCase = receiver.taken.filter(({ subject }) => subject === id);
  expect(ofCase.map(({ type }) => type)).toEqual(
    types.map((type) => (type === 'opened' || type === 'closed' ? `case.${type}` : 'case.changed')),
  );
  expect(new Set(ofCase.map(({ id: event }) => event)).size).toBe(types.length);
  expect((await utsushi.run('evidence', 'export', id, '--out', file('bundle.zip'))).code).toBe(0);
  const { fingerprint } = await json<{ fingerprint: string }>('evidence', 'key', 'show');
  const verified = await utsushi.run('evidence', 'verify', file('bundle.zip'), '--trust', fingerprint);
  expect([verified.code, verified.stdout]).toEqual([0, expect.stringContaining('intact+recomputed')]);
});
