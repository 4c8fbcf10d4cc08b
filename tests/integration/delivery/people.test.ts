/** Chat and mail: what people get, against a real mail server and a receiver of chat messages. */
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { App } from '../../../src/app.ts';
import {
  type NewWebhook,
  addWebhook,
  deliverDue,
  emit,
  listWebhooks,
  publishAll,
  removeWebhook,
} from '../../../src/features/delivery/index.ts';
import { addConfirmed, addWork } from '../../support/confirmed.ts';
import { type Installation, install } from '../../support/installation.ts';
import { artwork } from '../../support/pictures.ts';
import { Receiver } from '../../support/receiver.ts';

const HOUR = 3_600_000;
const BY = { actor: 'test', at: new Date('2026-06-01T00:10:00Z') };

let installation: Installation;
let app: App;
let alertId: string;
let now = BY.at.getTime();
const mails: { to: string[]; raw: string }[] = [];
let refusing = false;
const smtp = new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS'],
  onData: (stream, session, done) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      if (refusing) return done(new Error('not now'));
      const to = session.envelope.rcptTo.map(({ address }) => address);
      mails.push({ to, raw: Buffer.concat(chunks).toString('utf8') });
      return done();
    });
  },
});

beforeAll(async () => {
  await new Promise<void>((resolve) => smtp.listen(0, '127.0.0.1', resolve));
  const { port } = smtp.server.address() as AddressInfo;
  installation = await install('postgres', {
    UTSUSHI_FETCH_ALLOWED_HOSTS: '127.0.0.1',
    UTSUSHI_PUBLIC_URL: 'https://utsushi.example',
    UTSUSHI_SMTP_URL: `smtp://127.0.0.1:${port}`,
    UTSUSHI_MAIL_FROM: 'Utsushi <utsushi@akebono.example>',
    UTSUSHI_DIGEST_MS: String(HOUR),
  });
  app = await installation.open({ clock: () => new Date(now) });
  await addWork(app);
  alertId = await addConfirmed(app, { pageUrl: 'https://service.example/posts/<1>', decision: null });
  const sha256 = await app.checks.blobs.put(await artwork(3).png().toBuffer());
  await app.pool.query('update outputs set retained_sha256 = $1', [sha256]);
});
beforeEach(async () => {
  mails.length = 0;
  for (const { id } of await listWebhooks(app.db)) await removeWebhook(app.db, id, BY);
});
afterAll(async () => {
  await installation?.close();
  await new Promise<void>((resolve) => smtp.close(resolve));
});

const add = async (wanted: NewWebhook) => (await addWebhook(app.webhooks, wanted, BY)).webhook.id;
const opened = async (tier: 'high' | 'standard') => {
  const data = {
    alertId,
    assetId: 'moon',
    outputId: alertId,
    checkId: alertId,
    tier,
    kind: 'adaptation' as const,
    confidence: 0.997,
    retroactive: false,
  };
  await emit(app.db, [{ type: 'alert.opened', subject: alertId, tier, at: new Date(now), data }]);
  await publishAll(app.db, { now: new Date(now), digestMs: HOUR });
};
const header = (raw: string, name: string) =>
  new RegExp(`^${name}: ((?:.|\\r\\n[ \\t])*)`, 'im').exec(raw)![1]!.replaceAll(/\r\n[ \t]/g, ' ');
const decoded = (words: string) =>
  words
    .replaceAll(/\?= =\?/g, '?==?')
    .replaceAll(/=\?utf-8\?([bq])\?(.*?)\?=/gi, (_, how: string, text: string) =>
      how.toLowerCase() === 'b'
        ? Buffer.from(text, 'base64').toString('utf8')
        : decodeURIComponent(text.replaceAll('_', ' ').replaceAll('=', '%')),
    );

test('a mail says what it is about, links to the console and shows the picture only where it may', async () => {
  const url = 'mailto:a@akebono.example,b@akebono.example';
  const id = await add({ url, artwork: true, lang: 'ja' });
  const plain = await add({ url: 'mailto:c@akebono.example', lang: 'en' });
  await opened('high');
  await deliverDue(app.delivery, id);
  await deliverDue(app.delivery, plain);
  const [withPicture, without] = mails;
  expect(withPicture!.to).toEqual(['a@akebono.example', 'b@akebono.example']);
  expect(decoded(header(withPicture!.raw, 'Subject'))).toBe('確認待ちの候補: 灯籠坂の夜');
  expect(withPicture!.raw).toMatch(/^Content-Id: <output-0>/im);
  expect(without!.raw).not.toContain('image/jpeg');
  const body = without!.raw.replaceAll('=\r\n', '').replaceAll('=3D', '=');
  expect(body).toContain(`https://utsushi.example/alerts/${alertId}`);
  expect(body).toContain('Match score: 0.997');
  expect(body).toContain('Candidates for a person to decide; not a legal finding.');
  expect(body).toContain('posts/&lt;1&gt;');
});

test('a mail that the server did not take is sent again under the same message id', async () => {
  const id = await add({ url: 'mailto:a@akebono.example' });
  await opened('high');
  refusing = true;
  expect(await deliverDue(app.delivery, id)).toEqual({ delivered: 0, failed: 1, dead: 0 });
  expect((await listWebhooks(app.db))[0]!.lastError).toMatch(/^mail_failed: /);
  refusing = false;
  now += HOUR;
  expect(await deliverDue(app.delivery, id)).toEqual({ delivered: 1, failed: 0, dead: 0 });
  const { rows } = await app.pool.query<{ id: string }>('select id from deliveries');
  expect(header(mails[0]!.raw, 'Message-ID')).toBe(`<${rows[0]!.id}@utsushi.invalid>`);
});

test('what is not of tier high waits for the digest, and is one message', async () => {
  const id = await add({ url: 'mailto:a@akebono.example', lang: 'en' });
  await opened('standard');
  await opened('standard');
  await opened('high');
  await deliverDue(app.delivery, id);
  expect(mails.map(({ raw }) => decoded(header(raw, 'Subject')))).toEqual([
    'Candidate to review: 灯籠坂の夜',
  ]);
  now = Math.ceil(now / HOUR) * HOUR + HOUR;
  expect(await deliverDue(app.delivery, id)).toEqual({ delivered: 2, failed: 0, dead: 0 });
  expect(header(mails[1]!.raw, 'Subject')).toBe('Utsushi: 2 events');
});

test('Slack gets blocks and Teams an Adaptive Card, with nothing in them read as markup', async () => {
  await using receiver = await Receiver.open();
  const slack = await add({ url: receiver.url, kind: 'slack', lang: 'ja' });
  const teams = await add({ url: receiver.url, kind: 'teams', lang: 'en', artwork: true });
  expect((await listWebhooks(app.db)).map(({ url }) => url)).toEqual(
    Array.from({ length: 2 }, () => `${new URL(receiver.url).origin}/…`),
  );
  await opened('high');
  await deliverDue(app.delivery, slack);
  await deliverDue(app.delivery, teams);
  const [forSlack, forTeams] = receiver.received;
  for (const { headers } of receiver.received) expect(headers['webhook-signature']).toBeUndefined();
  const link = `https://utsushi.example/alerts/${alertId}`;
  const slackBody = JSON.parse(forSlack!.body) as { text: string; blocks: { text?: { text: string } }[] };
  expect(slackBody).toMatchObject({
    text: '確認待ちの候補: 灯籠坂の夜',
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: '確認待ちの候補: 灯籠坂の夜' } },
      { type: 'section', text: { type: 'mrkdwn' } },
      {
        type: 'context',
        elements: [{ type: 'mrkdwn', text: '候補の提示であり、法的評価ではありません。' }],
      },
    ],
  });
  const section = slackBody.blocks[1]!.text!.text;
  expect(section).toContain(`<${link}|コンソールで開く>`);
  expect(section).toContain('posts/&lt;1&gt;');
  expect(section).toContain('*候補の型*: 改変型');
  expect(JSON.parse(forTeams!.body)).toMatchObject({
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        content: {
          type: 'AdaptiveCard',
          version: '1.4',
          body: [
            { type: 'TextBlock', text: 'Candidate to review: 灯籠坂の夜' },
            { type: 'FactSet', facts: expect.arrayContaining([{ title: 'Match score', value: '0.997' }]) },
            { type: 'Image', url: expect.stringMatching(/^data:image\/jpeg;base64,/) },
            { type: 'TextBlock', isSubtle: true },
          ],
          actions: [{ type: 'Action.OpenUrl', url: link }],
        },
      },
    ],
  });
  expect(forTeams!.body.length).toBeLessThan(28_000);
});
