import { createHash, randomUUID } from 'node:crypto';
import { UtsushiError } from '../../errors.ts';
import type { Block, PrintableDocument } from '../../platform/document/document.ts';
import { renderHtml } from '../../platform/document/html.ts';
import { renderPdf } from '../../platform/document/pdf.ts';
import { renderText } from '../../platform/document/text.ts';
import type { BlobStore } from '../../platform/storage/blobs.ts';
import type { Database } from '../../platform/storage/database.ts';
import type { CaseState } from './case.ts';
import { type By, type CaseSummary, lockCase, write } from './cases.ts';
import { exampleFacts } from './example.ts';
import { type NoticeFacts, gatherFacts } from './facts.ts';
import { FORM_RULES, type Form } from './forms.ts';
import { type LintReport, lintNotice } from './lint.ts';
import { type LumenNotice, lumenNotice } from './lumen.ts';
import { readProfile } from './profile.ts';
import { type Part, fillTemplate, parseTemplate, readTemplate } from './templates.ts';
import { ATTESTATIONS } from './wording.ts';

export const FORMATS = ['pdf', 'html', 'text', 'json'] as const;
export type Format = (typeof FORMATS)[number];

export interface NoticeDependencies {
  readonly db: Database;
  readonly blobs: BlobStore;
  /** Draws the comparison of a recorded match as a PNG. */
  readonly drawEvidence: (of: { checkId: string; assetId: string }) => Promise<Uint8Array>;
}

export interface NoticeRequest {
  readonly form: Form;
  /** The form's first language where this is left out. */
  readonly lang?: 'ja' | 'en' | undefined;
  /** Which recipient's host, where the case has URLs on several. */
  readonly host?: string | undefined;
}

/** A notice filled from what is known now; nobody has approved it. */
export interface NoticeDraft {
  readonly caseId: string;
  readonly form: Form;
  readonly lang: 'ja' | 'en';
  readonly templateVersion: string;
  readonly facts: NoticeFacts;
  readonly document: PrintableDocument;
  readonly parts: readonly Part[];
  readonly lint: LintReport;
  readonly export: LumenNotice;
}

const DRAFT = {
  ja: '下書き(未承認)。送付前に承認者の確認が必要です。文面の法的な確認は利用者の責任で行ってください。',
  en: 'Draft, not approved. Legal review of the text is yours, the sender’s.',
} as const;
const FIGURE = {
  ja: (n: number) => `対照図(${n}) 左:著作物 右:対象の画像。自動照合による図であり、法的評価ではありません。`,
  en: (n: number) =>
    `Comparison (${n}): the work and the image. Drawn by automatic comparison; no legal finding.`,
} as const;

/**
 * Fills a notice of one form for a case and looks whether it is complete.
 *
 * @throws UtsushiError `not_found` for the case, `invalid_request` for a language the form is not written in
 */
export async function draftNotice(
  db: Database,
  caseId: string,
  request: NoticeRequest,
  now: Date,
): Promise<NoticeDraft> {
  const row = await db.selectFrom('cases').select('body').where('id', '=', caseId).executeTakeFirst();
  if (row === undefined) throw new UtsushiError('not_found', `no case has the id ${caseId}`);
  const { form } = request;
  const lang = request.lang ?? FORM_RULES[form].languages[0]!;
  const { info, template } = await readTemplate(db, form, lang);
  const ask = { form, lang, host: request.host, now };
  const facts = await gatherFacts(db, row.body as CaseState, await readProfile(db), ask);
  const filled = fillTemplate(template, viewOf(facts));
  const document: PrintableDocument = {
    ...filled.document,
    mark: DRAFT[lang],
    footer: `${caseId} · ${form} ${info.version}`,
    madeAt: now,
  };
  const body = renderText({ ...document, mark: undefined });
  return {
    caseId,
    form,
    lang,
    templateVersion: info.version,
    facts,
    document,
    parts: filled.parts,
    lint: lintNotice(form, facts, filled.parts),
    export: lumenNotice(form, lang, facts, { title: document.title, body }),
  };
}

/**
 * A template filled with a made-up case, to look at before it is put in force.
 *
 * @param source YAML of a template
 * @throws UtsushiError `invalid_request` naming every fault of the template
 */
export async function previewTemplate(source: string, format: Format, now: Date): Promise<Buffer> {
  const template = parseTemplate(source);
  const { form, lang } = template;
  const facts = exampleFacts(lang, now);
  const { document } = fillTemplate(template, viewOf(facts));
  const preview = { ...document, mark: DRAFT[lang], footer: `${form} · preview`, madeAt: now };
  const body = renderText({ ...preview, mark: undefined });
  return render(format, preview, lumenNotice(form, lang, facts, { title: document.title, body }));
}

/** What templates see: the facts, with what an object would make unreadable said as text. */
function viewOf(facts: NoticeFacts): object {
  return { ...facts, aiOrigin: facts.aiOrigin.text, hasFigure: facts.figures.length > 0 };
}

/** The draft in a format. PDF and HTML show the comparison too. */
export async function renderDraft(
  deps: NoticeDependencies,
  draft: NoticeDraft,
  format: Format,
): Promise<Buffer> {
  const figures = format === 'pdf' || format === 'html' ? await drawFigures(deps, draft) : [];
  const document = { ...draft.document, blocks: [...draft.document.blocks, ...figures] };
  return render(format, document, draft.export);
}

/**
 * Approves a complete notice as it stands: what was approved is kept and never changes. The approver answers for the
 * points attested.
 *
 * @param attested all of {@link ATTESTATIONS}
 * @throws UtsushiError `notice_incomplete` naming what is missing, in the notice or among the attestations; `conflict`
 *   when the case is closed
 */
export async function approveNotice(
  deps: NoticeDependencies,
  caseId: string,
  request: NoticeRequest & { readonly attested: readonly string[] },
  by: By,
): Promise<{ readonly noticeId: string; readonly case: CaseSummary }> {
  const draft = await draftNotice(deps.db, caseId, request, by.at);
  const { missing } = draft.lint;
  if (missing.length > 0)
    throw new UtsushiError('notice_incomplete', missing.map(({ element }) => element).join(', '));
  const unattested = ATTESTATIONS.filter((point) => !request.attested.includes(point));
  if (unattested.length > 0)
    throw new UtsushiError('notice_incomplete', `not attested: ${unattested.join(', ')}`);
  const figures = await drawFigures(deps, draft);
  const kept = {
    ...draft.document,
    mark: undefined,
    blocks: await Promise.all([...draft.document.blocks, ...figures].map((block) => keep(deps.blobs, block))),
  };
  const noticeId = randomUUID();
  const sha256 = createHash('sha256').update(JSON.stringify(kept)).digest('hex');
  return deps.db.transaction().execute(async (tx) => {
    const current = await lockCase(tx, caseId);
    if (current.state.state === 'closed')
      throw new UtsushiError('conflict', `case ${caseId} is closed; reopen it first`);
    await tx
      .insertInto('notices')
      .values({
        id: noticeId,
        case_id: caseId,
        form: draft.form,
        lang: draft.lang,
        template_version: draft.templateVersion,
        document: JSON.stringify(kept),
        export: JSON.stringify(draft.export),
        sha256,
        attestations: JSON.stringify([...ATTESTATIONS]),
        approved_by: by.actor,
        approved_at: by.at,
      })
      .execute();
    const event = {
      type: 'notice-approved' as const,
      noticeId,
      form: draft.form,
      lang: draft.lang,
      sha256,
      attestations: [...ATTESTATIONS],
    };
    return { noticeId, case: await write(tx, current, [event], by) };
  });
}

/**
 * A notice as it was approved: the one with this id, or the newest of this form.
 *
 * @throws UtsushiError `not_found`
 */
export async function renderApproved(
  deps: NoticeDependencies,
  caseId: string,
  which: { readonly noticeId: string } | { readonly form: Form },
  format: Format,
): Promise<Buffer> {
  const row = await deps.db
    .selectFrom('notices')
    .select(['document', 'export'])
    .where('case_id', '=', caseId)
    .where('noticeId' in which ? 'id' : 'form', '=', 'noticeId' in which ? which.noticeId : which.form)
    .orderBy('approved_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (row === undefined) throw new UtsushiError('not_found', 'no such notice was approved in this case');
  const kept = row.document as KeptDocument;
  const blocks = await Promise.all(kept.blocks.map((block) => restore(deps.blobs, block)));
  const document = { ...kept, madeAt: new Date(kept.madeAt), blocks };
  return render(format, document, row.export as LumenNotice);
}

/** A document as it is stored: times as text, pictures by their SHA-256. */
type KeptBlock = Exclude<Block, { kind: 'figure' }> | { kind: 'figure'; sha256: string; caption: string };
type KeptDocument = Omit<PrintableDocument, 'blocks' | 'madeAt'> & { blocks: KeptBlock[]; madeAt: string };

async function keep(blobs: BlobStore, block: Block): Promise<KeptBlock> {
  if (block.kind !== 'figure') return block;
  return { kind: 'figure', sha256: await blobs.put(block.png), caption: block.caption };
}

async function restore(blobs: BlobStore, block: KeptBlock): Promise<Block> {
  if (block.kind !== 'figure') return block;
  return { kind: 'figure', png: await blobs.get(block.sha256), caption: block.caption };
}

async function drawFigures(deps: NoticeDependencies, draft: NoticeDraft): Promise<Block[]> {
  const figures: Block[] = [];
  for (const { n, checkId, assetId } of draft.facts.figures) {
    const png = await deps.drawEvidence({ checkId, assetId });
    figures.push({ kind: 'figure', png, caption: FIGURE[draft.lang](n) });
  }
  return figures;
}

async function render(format: Format, document: PrintableDocument, data: LumenNotice): Promise<Buffer> {
  switch (format) {
    case 'pdf':
      return renderPdf(document);
    case 'html':
      return Buffer.from(renderHtml(document));
    case 'text':
      return Buffer.from(renderText(document));
    case 'json':
      return Buffer.from(`${JSON.stringify(data, null, 2)}\n`);
  }
}
