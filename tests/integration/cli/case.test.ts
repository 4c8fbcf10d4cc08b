import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FORMS, FORM_RULES } from '../../../src/features/takedown/index.ts';
import { CommandLine, buildCommand } from '../../support/command.ts';
import { WORK_ROW } from '../../support/confirmed.ts';
import { type Installation, install } from '../../support/installation.ts';
import { artwork } from '../../support/pictures.ts';

const run = promisify(execFile);
const HAS_POPPLER = await run('pdftotext', ['-v']).then(
  () => true,
  () => false,
);
const PROFILE = `
name: { ja: 株式会社アケボノ動画, en: "Akebono Animation Co., Ltd." }
address: { ja: 東京都千代田区千代田1-2-3, en: "1-2-3 Chiyoda, Tokyo, Japan" }
phone: +81-3-1234-5678
email: rights@akebono.example
signatory: { ja: 法務部長 朝日 昇, en: "Noboru Asahi, Head of Legal" }
`;

let installation: Installation;
let folder: string;
let utsushi: CommandLine;
let caseId: string;
const file = (name: string) => join(folder, name);
beforeAll(async () => {
  await buildCommand();
  folder = await mkdtemp(join(tmpdir(), 'utsushi-case-'));
  installation = await install('postgres');
  // Holds the database server, which each command would start and stop otherwise.
  await installation.open();
  utsushi = new CommandLine(installation.env);
  await writeFile(file('work.png'), await artwork(5).png().toBuffer());
  await writeFile(file('output.jpg'), await artwork(5).jpeg({ quality: 70 }).toBuffer());
  await writeFile(file('works.jsonl'), `${JSON.stringify({ file: 'work.png', ...WORK_ROW })}\n`);
  await writeFile(file('profile.yml'), PROFILE);
});
afterAll(async () => {
  await installation.close();
  await rm(folder, { recursive: true, force: true });
});

test('a confirmed alert becomes a case, notices in every form, an answer, and an end', async () => {
  expect((await utsushi.run('catalogue', 'import', file('works.jsonl'), '--tier', 'high')).code).toBe(0);
  const page = 'https://x.com/somebody/status/1850000000000000001';
  const checked = await utsushi.run('check', file('output.jpg'), '--record', '--page-url', page, '--json');
  const [alertId] = checked.json<{ alertIds: string[] }>()[0]!.alertIds;

  expect(await utsushi.run('case', 'open', alertId!, '--json')).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('not_confirmed'),
  });
  await utsushi.run('alerts', 'decide', alertId!, 'confirm', '--reason', 'the same picture');
  const opened = await utsushi.run('case', 'open', alertId!, '--json');
  expect(opened.json()).toMatchObject([
    { state: 'open', rung: 'platform-notice', nextAction: 'approve-notice' },
  ]);
  caseId = opened.json<{ id: string }>()[0]!.id;

  const refused = await utsushi.run('case', 'notice', caseId, '--form', 'dmca', '--format', 'pdf');
  expect(refused.code).toBe(3);
  expect(refused.json()).toMatchObject([
    { missing: ['claimant-name', 'contact-email', 'claimant-address', 'contact-phone', 'signature'] },
  ]);
  expect((await utsushi.run('profile', 'set', file('profile.yml'))).code).toBe(0);

  for (const form of FORMS) {
    const out = file(`${form}.pdf`);
    const written = await utsushi.run(
      'case',
      'notice',
      caseId,
      '--form',
      form,
      '--format',
      'pdf',
      '--out',
      out,
    );
    expect({ form, ...written }).toMatchObject({ form, code: 0, stdout: '' });
    expect((await readFile(out)).subarray(0, 5).toString()).toBe('%PDF-');
  }
  const html = await utsushi.run('case', 'notice', caseId, '--form', 'ja-a', '--format', 'html');
  expect(html.stdout).toContain('data:image/png;base64,');
  const lumen = await utsushi.run('case', 'notice', caseId, '--form', 'dsa16', '--format', 'json');
  expect(JSON.parse(lumen.stdout)).toMatchObject({
    notice: { works: [{ infringing_urls: [{ url: page }] }] },
  });

  const at = '2026-05-01T10:00:00+09:00';
  const told = ['--type', 'sent', '--channel', 'web-form', '--receipt', 'R-1', '--at', at, '--json'];
  const sent = await utsushi.run('case', 'event', caseId, ...told);
  expect(sent.json()).toMatchObject([{ clock: { basis: 'statutory', dueOn: '2026-05-08' } }]);
  const reply = await utsushi.run('case', 'event', caseId, '--type', 'reply', '--class', 'removed', '--json');
  expect(reply.json()).toMatchObject([{ reply: { class: 'removed' }, clock: null }]);
  const closed = await utsushi.run('case', 'close', caseId, '--outcome', 'removed', '--json');
  expect(closed.json()).toMatchObject([{ state: 'closed', outcome: 'removed' }]);
  expect((await utsushi.run('case', 'show', caseId)).stdout).toMatch(/opened[^]*sent[^]*reply[^]*closed/);
  expect((await utsushi.run('case', 'list', '--state', 'open')).stdout).toBe('');
});

test.skipIf(!HAS_POPPLER)(
  'the Japanese of a PDF can be read out of it again (needs poppler-utils)',
  async () => {
    const { stdout } = await run('pdftotext', ['-layout', file('ja-a.pdf'), '-']);
    for (const text of [
      '著作物等の送信を防止する措置の申出',
      '灯籠坂の夜',
      '事実に相違ないことを証します',
      'X Corp.',
    ])
      expect(stdout).toContain(text);
    expect(stdout).toMatch(/1 ?\/ ?2/);
  },
);

test('templates are shown, edited, previewed; what is no template is refused', async () => {
  const list = await utsushi.run('template', 'list', '--json');
  const forms = FORMS.flatMap((form) => FORM_RULES[form].languages.map((lang) => `${form} ${lang}`));
  expect(
    list.json<{ form: string; lang: string; lacks: string[] }>().map(({ form, lang }) => `${form} ${lang}`),
  ).toEqual(forms);
  expect(list.json<{ lacks: string[] }>().every(({ lacks }) => lacks.length === 0)).toBe(true);
  const { stdout } = await utsushi.run('template', 'show', '--form', 'dmca');
  await writeFile(
    file('dmca.yml'),
    stdout.replace('version: 1', 'version: 2').replace('Under penalty', 'Und penalty'),
  );
  const preview = await utsushi.run('template', 'preview', file('dmca.yml'));
  expect(preview.stdout).toContain('Und penalty of perjury');
  expect((await utsushi.run('template', 'put', file('dmca.yml'), '--json')).json()).toMatchObject([
    { version: 'own-1', lacks: [] },
  ]);
  await writeFile(file('broken.yml'), stdout.replace('{{date.en}}', '{{#date.en}}'));
  expect(await utsushi.run('template', 'put', file('broken.yml'))).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('Mustache'),
  });
  expect(await utsushi.run('case', 'event', caseId, '--type', 'reply')).toMatchObject({ code: 2 });
});
