/** Takes from a case, one at a time, what its notices must state. */
import { sql } from 'kysely';
import { parse, stringify } from 'yaml';
import type { App } from '../../src/app.ts';
import {
  FORM_RULES,
  type Form,
  reportToCase,
  templateSource,
  writeProfile,
  writeTemplate,
} from '../../src/features/takedown/index.ts';
import { CLAIMANT } from './confirmed.ts';

const BY = { actor: 'test', at: new Date('2026-05-01T03:00:00Z') };
const ASSET = 'moon';

/** Takes an element's content away. @returns puts it back */
type Removal = (app: App, caseId: string) => Promise<() => Promise<unknown>>;

const fromProfile =
  (field: keyof typeof CLAIMANT): Removal =>
  async (app) => {
    const { [field]: _, ...rest } = CLAIMANT;
    await writeProfile(app.db, JSON.stringify(rest), BY);
    return () => writeProfile(app.db, JSON.stringify(CLAIMANT), BY);
  };

const fromCatalogue =
  (set: { claim?: object; author?: null; rights_holder?: null }): Removal =>
  async ({ db }) => {
    const before = await db
      .selectFrom('assets')
      .selectAll()
      .where('id', '=', ASSET)
      .executeTakeFirstOrThrow();
    const { claim, ...columns } = set;
    await db
      .updateTable('assets')
      .set({ ...columns, claim: JSON.stringify({ ...before.claim, ...claim }) })
      .where('id', '=', ASSET)
      .execute();
    const { author, rights_holder } = before;
    return () =>
      db
        .updateTable('assets')
        .set({ author, rights_holder, claim: JSON.stringify(before.claim) })
        .where('id', '=', ASSET)
        .execute();
  };

const byParticulars =
  (particulars: Parameters<typeof setParticulars>[2]): Removal =>
  async (app, caseId) => {
    await setParticulars(app, caseId, particulars);
    return async () => {};
  };

function setParticulars(
  app: App,
  caseId: string,
  particulars: Extract<Parameters<typeof reportToCase>[2], { type: 'particulars' }>['particulars'],
) {
  return reportToCase(app.db, caseId, { type: 'particulars', particulars }, BY);
}

/** Without what the comparison found, a person must say it. */
const withoutMatch =
  (particulars: Parameters<typeof setParticulars>[2]): Removal =>
  async (app, caseId) => {
    await sql`delete from matches where check_id in (select check_id from alerts a join case_alerts l on l.alert_id = a.id
      where l.case_id = ${caseId})`.execute(app.db);
    return byParticulars(particulars)(app, caseId);
  };

/** Content that a notice can lack, in every way that it can. A case is not whole again after some of them. */
export const REMOVALS: readonly {
  readonly element: string;
  readonly remove: Removal;
  /** The form that demands the element, but not in this way. */
  readonly spared?: Form;
}[] = [
  { element: 'claimant-name', remove: fromProfile('name') },
  { element: 'claimant-address', remove: fromProfile('address') },
  { element: 'contact-phone', remove: fromProfile('phone') },
  { element: 'contact-email', remove: fromProfile('email') },
  { element: 'signature', remove: fromProfile('signatory') },
  {
    element: 'work-identification',
    remove: fromCatalogue({ author: null, rights_holder: null, claim: { right: 'agency' } }),
  },
  { element: 'authorisation', remove: fromCatalogue({ claim: { document: null } }) },
  { element: 'authorisation', remove: fromCatalogue({ claim: { right: null } }) },
  { element: 'valid-authority', remove: fromCatalogue({ claim: { expires: '2026-04-30' } }) },
  // A letter that belongs to no law asks for no territory.
  { element: 'valid-authority', remove: fromCatalogue({ claim: { territory: 'KR' } }), spared: 'generator' },
  { element: 'ai-origin', remove: byParticulars({ aiOrigin: { grade: 'suspected' } }) },
  { element: 'ai-origin', remove: byParticulars({ aiOrigin: { grade: 'verified' } }) },
  { element: 'claim-basis', remove: withoutMatch({ manner: 'b' }) },
  { element: 'manner', remove: withoutMatch({ manner: 'other', grounds: '図柄を写しています。' }) },
];

/** Elements that a form's text states in words of its own. Authority has none, and AI origin may be silent. */
export function statedElements(form: Form): string[] {
  return FORM_RULES[form].elements.filter((each) => each !== 'valid-authority' && each !== 'ai-origin');
}

/** Puts a template in force that states all but one element. What else such a part states stays, in words of its own. */
export async function dropFromTemplate(
  app: App,
  { form, lang }: { form: Form; lang: 'ja' | 'en' },
  element: string,
): Promise<void> {
  await restoreTemplates(app);
  const { source } = await templateSource(app.db, form, lang);
  const template = parse(source) as { blocks: Record<string, unknown>[] };
  const strip = (part: Record<string, unknown>): Record<string, unknown> => {
    const stated = [part['element'] ?? []].flat() as string[];
    return stated.includes(element) ? { ...part, element: stated.filter((each) => each !== element) } : part;
  };
  const blocks = template.blocks.map((block) =>
    'fields' in block
      ? { ...block, fields: (block['fields'] as Record<string, unknown>[]).map(strip) }
      : strip(block),
  );
  await writeTemplate(app.db, stringify({ ...template, blocks }), BY);
}

export async function restoreTemplates({ db }: App): Promise<void> {
  await sql`delete from notice_templates`.execute(db);
}
