import Mustache from 'mustache';
import { z } from 'zod';
import { UtsushiError } from '../../errors.ts';
import type { Block, PrintableDocument, Row } from '../../platform/document/document.ts';
import type { Database, Executor } from '../../platform/storage/database.ts';
import { recordAudit } from '../audit/index.ts';
import { dataText } from './data.ts';
import { ELEMENTS, type Element, FORMS, FORM_RULES, type Form } from './forms.ts';
import { parseYaml } from './profile.ts';
import { fill } from './wording.ts';

const template = z.string().refine((text) => {
  try {
    return Mustache.parse(text).length >= 0;
  } catch {
    return false;
  }
}, 'is no well-formed Mustache template');
const elements = z
  .union([z.enum(ELEMENTS), z.array(z.enum(ELEMENTS))])
  .default([])
  .transform((given) => (typeof given === 'string' ? [given] : given));

const block = z.union([
  z.strictObject({ heading: template }),
  z.strictObject({
    paragraph: template,
    align: z.enum(['left', 'right', 'center']).optional(),
    small: z.boolean().optional(),
    element: elements,
  }),
  z.strictObject({
    fields: z.array(z.strictObject({ label: template, text: template, element: elements })).min(1),
  }),
]);

const templateSchema = z.strictObject({
  form: z.enum(FORMS),
  lang: z.enum(['ja', 'en']),
  version: z.int().positive(),
  date: z.iso.date(),
  source: z.string().min(1),
  title: template,
  blocks: z.array(block).min(1),
});
/** A notice's text as data: what is fixed, what is filled in, and which element of the form each part states. */
export type NoticeTemplate = z.infer<typeof templateSchema>;

export interface TemplateInfo {
  readonly form: Form;
  readonly lang: 'ja' | 'en';
  /** `utsushi-1` for one that comes with Utsushi, `own-1` for one that the user put in its place. */
  readonly version: string;
  readonly date: string;
  readonly source: string;
  /** Elements that the form demands and no part of the template states: the linter will refuse it. */
  readonly lacks: readonly Element[];
}

/** Every template in force. */
export async function listTemplates(db: Executor): Promise<TemplateInfo[]> {
  const pairs = FORMS.flatMap((form) => FORM_RULES[form].languages.map((lang) => ({ form, lang })));
  return Promise.all(pairs.map(async ({ form, lang }) => (await readTemplate(db, form, lang)).info));
}

/**
 * The template in force, as YAML: the user's newest, else the one that comes with Utsushi.
 *
 * @throws UtsushiError `invalid_request` for a language that the form is not written in
 */
export async function templateSource(
  db: Executor,
  form: Form,
  lang: 'ja' | 'en',
): Promise<{ source: string; version: string }> {
  requireLanguage(form, lang);
  const own = await db
    .selectFrom('notice_templates')
    .select(['version', 'source'])
    .where('form', '=', form)
    .where('lang', '=', lang)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (own !== undefined) return { source: own.source, version: `own-${own.version}` };
  const source = dataText(`templates/${form}.${lang}.yml`);
  return { source, version: `utsushi-${parseTemplate(source).version}` };
}

/** The template in force. @throws UtsushiError `invalid_request` for a language that the form is not written in */
export async function readTemplate(
  db: Executor,
  form: Form,
  lang: 'ja' | 'en',
): Promise<{ info: TemplateInfo; template: NoticeTemplate }> {
  const { source, version } = await templateSource(db, form, lang);
  const found = parseTemplate(source);
  return { info: infoOf(found, version), template: found };
}

/**
 * Puts the user's own template in force for its form and language. Earlier ones are kept.
 *
 * @throws UtsushiError `invalid_request` naming every fault
 */
export async function writeTemplate(
  db: Database,
  source: string,
  by: { readonly actor: string; readonly at: Date },
): Promise<TemplateInfo> {
  const found = parseTemplate(source);
  const { form, lang } = found;
  return db.transaction().execute(async (tx) => {
    const latest = await tx
      .selectFrom('notice_templates')
      .select('version')
      .where('form', '=', form)
      .where('lang', '=', lang)
      .orderBy('version', 'desc')
      .limit(1)
      .executeTakeFirst();
    const version = (latest?.version ?? 0) + 1;
    await tx
      .insertInto('notice_templates')
      .values({ form, lang, version, source, actor: by.actor, created_at: by.at })
      .execute();
    const info = infoOf(found, `own-${version}`);
    await recordAudit(tx, [
      {
        at: by.at,
        kind: 'template.put',
        subject: `${form} ${lang} ${info.version}`,
        payload: { source, actor: by.actor },
      },
    ]);
    return info;
  });
}

/** @throws UtsushiError `invalid_request` naming every fault */
export function parseTemplate(source: string): NoticeTemplate {
  const found = parseYaml('the template', source, templateSchema);
  requireLanguage(found.form, found.lang);
  return found;
}

function requireLanguage(form: Form, lang: 'ja' | 'en'): void {
  const { languages } = FORM_RULES[form];
  if (!languages.includes(lang))
    throw new UtsushiError(
      'invalid_request',
      `the form ${form} is written in ${languages.join(' or ')} only`,
    );
}

function infoOf(found: NoticeTemplate, version: string): TemplateInfo {
  const { form, lang, date, source } = found;
  const stated = new Set(
    found.blocks.flatMap((each) =>
      'fields' in each ? each.fields.flatMap((row) => row.element) : 'paragraph' in each ? each.element : [],
    ),
  );
  const lacks = FORM_RULES[form].elements.filter(
    (element) => element !== 'valid-authority' && !stated.has(element),
  );
  return { form, lang, version, date, source, lacks };
}

/** A part of a filled notice, with what it states. */
export interface Part {
  readonly elements: readonly Element[];
  readonly text: string;
}

/** Fills a template. What comes out empty is left out: silence is how a notice does not assert something. */
export function fillTemplate(
  found: NoticeTemplate,
  view: object,
): { document: Pick<PrintableDocument, 'title' | 'blocks' | 'lang'>; parts: Part[] } {
  const parts: Part[] = [];
  const said = (text: string, of: readonly Element[]): string => {
    const filled = tidy(fill(text, view));
    if (filled !== '') parts.push({ elements: of, text: filled });
    return filled;
  };
  const blocks = found.blocks.flatMap((each): Block[] => {
    if ('heading' in each) return [{ kind: 'heading', text: said(each.heading, []) }];
    if ('paragraph' in each) {
      const { align, small } = each;
      const text = said(each.paragraph, each.element);
      return text === '' ? [] : [{ kind: 'paragraph', text, align, small }];
    }
    const rows: Row[] = each.fields
      .map((row) => ({ label: tidy(fill(row.label, view)), text: said(row.text, row.element) }))
      .filter(({ text }) => text !== '');
    return rows.length === 0 ? [] : [{ kind: 'fields', rows }];
  });
  return { document: { lang: found.lang, title: tidy(fill(found.title, view)), blocks }, parts };
}

/** Without blanks at line ends and empty lines, which sections of a template leave behind. */
function tidy(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .join('\n');
}
