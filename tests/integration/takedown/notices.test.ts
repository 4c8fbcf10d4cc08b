import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { App } from '../../../src/app.ts';
import type { Form } from '../../../src/features/takedown/index.ts';
import {
  FORMS,
  FORM_RULES,
  draftNotice,
  openCase,
  renderDraft,
  reportToCase,
  templateSource,
  writeProfile,
  writeTemplate,
} from '../../../src/features/takedown/index.ts';
import { CLAIMANT, addConfirmed, addWork } from '../../support/confirmed.ts';
import { REMOVALS, dropFromTemplate, restoreTemplates, statedElements } from '../../support/incomplete.ts';
import { type Installation, install } from '../../support/installation.ts';

const NOW = new Date('2026-05-01T03:00:00Z');
const BY = { actor: 'reviewer', at: NOW };
/** Every form in each of its languages. */
const WRITTEN = FORMS.flatMap((form) => FORM_RULES[form].languages.map((lang) => [form, lang] as const));

let installation: Installation;
let app: App;
beforeAll(async () => {
  installation = await install('postgres');
  app = await installation.open();
  await addWork(app);
});
afterAll(() => installation.close());

beforeEach(async () => {
  await writeProfile(app.db, JSON.stringify(CLAIMANT), BY);
  await restoreTemplates(app);
});

async function completeCase(options: Parameters<typeof addConfirmed>[1] = {}): Promise<string> {
  const alert = await addConfirmed(app, { pageUrl: 'https://x.com/someone/status/1', ...options });
  return (await openCase(app.db, [alert], BY)).id;
}

async function missingOf(caseId: string, form: Form, lang?: 'ja' | 'en', now = NOW): Promise<string[]> {
  const { lint } = await draftNotice(app.db, caseId, { form, lang }, now);
  for (const { message, remedy } of lint.missing)
    expect([message.ja, message.en, remedy].every((text) => text !== '')).toBe(true);
  return lint.missing.map(({ element }) => element);
}

const claim = (change: object) =>
  sql`update assets set claim = claim || ${JSON.stringify(change)}::jsonb where id = 'moon'`.execute(app.db);

test.each(WRITTEN)('a complete case in the form %s (%s) lacks nothing', async (form, lang) => {
  expect(await missingOf(await completeCase(), form, lang)).toEqual([]);
});

test.each(REMOVALS)(
  'without its content, $element is what every form that demands it names',
  async ({ element, remove, spared }) => {
    const id = await completeCase();
    const restore = await remove(app, id);
    try {
      for (const [form, lang] of WRITTEN) {
        const demanded = (FORM_RULES[form].elements as readonly string[]).includes(element);
        const missing = await missingOf(id, form, lang);
        expect({ form, lang, missing }).toEqual({
          form,
          lang,
          missing: demanded && form !== spared ? [element] : [],
        });
      }
    } finally {
      await restore();
    }
  },
);

test.each([
  ['no page and no image address', { pageUrl: null }],
  ['only a site', { pageUrl: 'https://x.com/' }],
])('material-url: %s', async (_, where) => {
  const id = await completeCase(where);
  for (const [form, lang] of WRITTEN) expect(await missingOf(id, form, lang)).toEqual(['material-url']);
});

test.each(WRITTEN)(
  'a template of %s (%s) that no longer states an element is refused for exactly that element',
  async (form, lang) => {
    const id = await completeCase();
    for (const element of statedElements(form)) {
      await dropFromTemplate(app, { form, lang }, element);
      expect({ element, missing: await missingOf(id, form, lang) }).toEqual({ element, missing: [element] });
    }
  },
);

test('a template whose statement says something else is refused', async () => {
  const id = await completeCase();
  const { source } = await templateSource(app.db, 'dmca', 'en');
  await writeTemplate(app.db, source.replace(/Under penalty of perjury, /, ''), BY);
  expect(await missingOf(id, 'dmca')).toEqual(['statement-perjury']);
  await writeTemplate(
    app.db,
    source.replace('{{#materials}}({{n}}) {{url}}', '{{#materials}}({{n}}) see attached'),
    BY,
  );
  expect(await missingOf(id, 'dmca')).toEqual(['material-url']);
});

test('authority ends at the end of its day in Japan', async () => {
  const id = await completeCase();
  await claim({ expires: '2026-05-01' });
  expect(await missingOf(id, 'ja-a', 'ja', new Date('2026-05-01T14:59:59Z'))).toEqual([]);
  expect(await missingOf(id, 'ja-a', 'ja', new Date('2026-05-01T15:00:00Z'))).toEqual(['valid-authority']);
  await claim({ expires: '2030-03-31' });
});

test.each([
  ['none', undefined, '', ''],
  ['platform-label', undefined, '', ''],
  ['declared', undefined, '書き換え得る', 'can be altered'],
  ['watermark', undefined, '書き換え得る', 'can be altered'],
  ['signed-untrusted', undefined, '書き換え得る', 'can be altered'],
  ['signed-verified', undefined, '検証済み', 'was verified'],
  ['signed-verified', { grade: 'not-asserted' as const }, '', ''],
  ['none', { grade: 'suspected' as const, reason: '六本指' }, '疑い', 'not confirmed'],
  [
    'none',
    { grade: 'declared-by-poster' as const, quotation: 'AIで生成' },
    '「AIで生成」',
    'The poster states',
  ],
])('AI origin follows the evidence: %s, chosen %j', async (grade, aiOrigin, ja, en) => {
  const id = await completeCase({
    provenance: { grade, generator: grade === 'none' ? null : 'TestDiffusion' },
  });
  if (aiOrigin !== undefined)
    await reportToCase(app.db, id, { type: 'particulars', particulars: { aiOrigin } }, BY);
  for (const [lang, expected] of [
    ['ja', ja],
    ['en', en],
  ] as const) {
    const draft = await draftNotice(app.db, id, { form: 'generator', lang }, NOW);
    expect(draft.lint.missing).toEqual([]);
    const { text } = draft.facts.aiOrigin;
    if (expected === '') expect(text).toBe('');
    else expect(text).toContain(expected);
    const body = (await renderDraft(app.notices, draft, 'text')).toString();
    if (text !== '') expect(body).toContain(text);
  }
});

test.each([
  ['none', 'declared-in-file'],
  ['none', 'verified'],
  ['declared', 'verified'],
  ['watermark', 'verified'],
  ['signed-untrusted', 'verified'],
] as const)('evidence of grade %s does not bear %s', async (grade, chosen) => {
  const id = await completeCase({ provenance: { grade, generator: null } });
  await reportToCase(app.db, id, { type: 'particulars', particulars: { aiOrigin: { grade: chosen } } }, BY);
  expect(await missingOf(id, 'ja-a')).toEqual(['ai-origin']);
});

test('an altered expression is never called 翻案 unless a person asserts that right', async () => {
  const id = await completeCase({ kind: 'adaptation' });
  const text = async () =>
    (await renderDraft(app.notices, await draftNotice(app.db, id, { form: 'ja-a' }, NOW), 'text')).toString();
  expect(await text()).toContain('(2) 上記以外のもの');
  expect(await text()).not.toContain('翻案');
  await reportToCase(app.db, id, { type: 'particulars', particulars: { rights: ['23', '27'] } }, BY);
  expect(await text()).toContain('翻案権(著作権法第27条)');
});

test('only a designated platform is reminded of the statutory term', async () => {
  const text = async (pageUrl: string) => {
    const draft = await draftNotice(app.db, await completeCase({ pageUrl }), { form: 'ja-platform' }, NOW);
    return {
      text: (await renderDraft(app.notices, draft, 'text')).toString(),
      warnings: draft.lint.warnings.length,
    };
  };
  const designated = await text('https://x.com/someone/status/2');
  const other = await text('https://www.pixiv.net/artworks/2');
  expect([designated.text.includes('大規模特定電気通信役務提供者に指定'), designated.warnings]).toEqual([
    true,
    0,
  ]);
  expect([other.text.includes('大規模特定電気通信役務提供者'), other.warnings]).toEqual([false, 1]);
  expect(other.text).toContain('ピクシブ株式会社 御中');
});

test('a letter goes to the service that a file names, never to a program that anybody runs', async () => {
  const letter = async (generator: string) => {
    const id = await completeCase({ provenance: { grade: 'declared', generator } });
    const { facts, lint } = await draftNotice(app.db, id, { form: 'generator' }, NOW);
    return { to: facts.recipient.name, missing: lint.missing, warnings: lint.warnings.map(({ en }) => en) };
  };
  expect(await letter('NovelAI')).toEqual({ to: 'NovelAI', missing: [], warnings: [] });
  expect(await letter('ComfyUI')).toEqual({
    to: 'X Corp.',
    missing: [],
    warnings: [expect.stringContaining('not a service to write to')],
  });
});

test('what a person wrote in another language than the notice’s is pointed out', async () => {
  const id = await completeCase();
  const grounds = '構図が一致します。';
  await reportToCase(app.db, id, { type: 'particulars', particulars: { grounds } }, BY);
  const warnings = async (form: Form) =>
    (await draftNotice(app.db, id, { form }, NOW)).lint.warnings.map(({ en }) => en);
  expect(await warnings('ja-a')).toEqual([]);
  expect(await warnings('dmca')).toEqual([expect.stringContaining(grounds)]);
});

test('text of strangers becomes neither markup nor template', async () => {
  const id = await completeCase({ account: '<img src=x onerror=alert(1)>{{claimant.email}}' });
  const draft = await draftNotice(app.db, id, { form: 'dsa16' }, NOW);
  const noFigures = { ...draft, facts: { ...draft.facts, figures: [] } };
  const html = (await renderDraft(app.notices, noFigures, 'html')).toString();
  expect(html).not.toContain('<img src=x');
  expect(html).toContain('{{claimant.email}}');
});

test('characters that the PDF cannot show are named', async () => {
  const warningsOf = async (account: string) =>
    (await draftNotice(app.db, await completeCase({ account }), { form: 'ja-a' }, NOW)).lint.warnings;
  expect(await warningsOf('髙﨑 ① 〒 ~@朱里')).toEqual([]);
  expect(await warningsOf('\u{20BB7}野家')).toMatchObject([{ en: expect.stringContaining('\u{20BB7}') }]);
});

test('JSON has Lumen’s shape', async () => {
  const draft = await draftNotice(app.db, await completeCase(), { form: 'dmca' }, NOW);
  const { notice } = JSON.parse((await renderDraft(app.notices, draft, 'json')).toString());
  expect(notice).toMatchObject({
    type: 'DMCA',
    subject: '灯籠坂の夜',
    language: 'en',
    action_taken: 'Unspecified',
    works: [{ infringing_urls: [{ url: 'https://x.com/someone/status/1' }] }],
    entity_notice_roles: expect.arrayContaining([{ name: 'recipient', entity: { name: 'X Corp.' } }]),
  });
  expect(notice.body).toContain('good faith belief');
});
