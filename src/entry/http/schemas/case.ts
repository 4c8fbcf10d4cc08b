/** Cases and their notices; the compiler holds each schema to the type it describes. */
import { z } from 'zod';
import {
  CASE_OUTCOMES,
  type CaseDetail,
  type CaseSummary,
  type NoticeDraft,
  REPLY_CLASSES,
  type Suggestion,
  type TemplateInfo,
  URL_OUTCOMES,
  caseEventSchema,
  clockSchema,
  materialSchema,
  particularsSchema,
} from '../../../features/takedown/index.ts';
import { date, sentence } from '../api.ts';

const lang = z.enum(['ja', 'en']);
const work = z.object({ assetId: z.string(), title: z.string() });
const instant = z.string().describe('ISO 8601, UTC');
/** What was stored is what was valid when it was: it is described, not judged again. */
const described = <T>(schema: z.ZodType) => schema as unknown as z.ZodType<T>;

const summary = {
  id: z.string(),
  seq: z.number().describe('The newest event; to be given back as expectedSeq.'),
  state: z.enum(['open', 'closed']),
  title: z.string(),
  works: z.array(work),
  materials: z.array(materialSchema.partial().loose()) as unknown as z.ZodType<CaseSummary['materials']>,
  externalRef: z.string().nullable(),
  ladder: described<CaseSummary['ladder']>(
    z.object({
      version: z.number(),
      rungs: z.array(
        z.looseObject({
          id: z.string(),
          label: sentence,
          who: z.string(),
          channel: z.string(),
          forms: z.array(z.string()),
        }),
      ),
    }),
  ),
  rung: z.string(),
  particulars: described<CaseSummary['particulars']>(particularsSchema.partial().loose()),
  approved: z.object({ noticeId: z.string(), form: z.string() }).nullable(),
  sent: z.number(),
  sentHere: z.boolean(),
  clock: described<CaseSummary['clock']>(clockSchema.partial().loose().nullable()),
  reply: z.object({ class: z.enum(REPLY_CLASSES), reason: z.string().nullable(), at: instant }).nullable(),
  unlockedBy: described<CaseSummary['unlockedBy']>(z.string().nullable()),
  urls: z.record(z.string(), z.object({ outcome: z.enum(URL_OUTCOMES), at: instant })),
  recheckAt: instant.nullable(),
  logs: z.object({ until: instant, warnAt: instant, warned: z.boolean() }),
  remindedOf: z.string().nullable(),
  reuploads: z.number(),
  outcome: z.enum(CASE_OUTCOMES).nullable(),
  nextAction: described<CaseSummary['nextAction']>(
    z
      .string()
      .describe(
        'approve-notice, send, await-reply, await-removal, advance, consult, close, reopen or none: what a person does next.',
      ),
  ),
  openedAt: instant,
  lastEventAt: instant,
};
/** A case as it stands. */
export const caseSummary: z.ZodType<CaseSummary> = z.looseObject(summary);

/** A case with its events and approved notices. */
export const caseDetail: z.ZodType<CaseDetail> = z.looseObject({
  ...summary,
  events: z.array(
    z.object({
      seq: z.number(),
      at: date,
      actor: z.string(),
      event: described<CaseDetail['events'][number]['event']>(
        z.looseObject({ type: z.enum(caseEventSchema.options.map(({ shape }) => shape.type.value)) }),
      ),
    }),
  ),
  notices: z.array(
    z.object({
      noticeId: z.string(),
      form: z.string(),
      lang,
      sha256: z.string(),
      approvedBy: z.string(),
      approvedAt: date,
    }),
  ),
});

/** Confirmed alerts that could make one case. */
export const suggestion: z.ZodType<Suggestion> = z.object({
  alertIds: z.array(z.string()),
  alerts: z.array(
    z.object({
      alertId: z.string(),
      assetId: z.string(),
      title: z.string(),
      outputSha256: z.string(),
      pageUrl: z.string().nullable(),
    }),
  ),
  works: z.array(work),
  accounts: z.array(z.string()),
  pages: z.array(z.string()),
});

const missing = z.object({
  missing: z.array(z.string()).describe('Elements that the form demands and the notice does not state.'),
  details: z.array(z.object({ element: z.string(), message: sentence, remedy: z.string() })).readonly(),
  warnings: z.array(sentence).readonly(),
});
export const incompleteNotice = missing;

const row = z.object({ label: z.string(), text: z.string() });
export const noticeDraft = missing.extend({
  form: z.string(),
  lang,
  templateVersion: z.string(),
  title: z.string(),
  blocks: described<NoticeDraft['document']['blocks']>(
    z.array(
      z.union([
        z.looseObject({ kind: z.literal('heading'), text: z.string() }),
        z.looseObject({ kind: z.literal('paragraph'), text: z.string() }),
        z.looseObject({ kind: z.literal('fields'), rows: z.array(row) }),
        z.looseObject({ kind: z.literal('list'), items: z.array(z.string()) }),
        z.looseObject({ kind: z.literal('figure'), caption: z.string() }),
      ]),
    ),
  ),
  parts: z.array(z.object({ elements: z.array(z.string()).readonly(), text: z.string() })).readonly(),
  aiOrigin: z.object({ grade: z.string(), text: z.string(), fault: sentence.nullable() }),
  attestations: z.array(sentence.extend({ id: z.string() })),
});

export const template: z.ZodType<TemplateInfo> = z.looseObject({
  form: described<TemplateInfo['form']>(z.string()),
  lang,
  version: z.string(),
  date: z.string(),
  source: z.string(),
  lacks: described<TemplateInfo['lacks']>(z.array(z.string())),
});

const formRules = z.object({
  languages: z.array(lang).readonly(),
  territory: z.string().nullable(),
  elements: z.array(z.string()).readonly(),
  lumenType: z.string(),
});
export const templates = z.object({
  templates: z.array(template),
  forms: z.record(z.string(), formRules).describe('What each form demands.'),
});
