import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { App } from '../../../app.ts';
import { UtsushiError } from '../../../errors.ts';
import {
  ATTESTATIONS,
  FORMATS,
  FORMS,
  FORM_RULES,
  type Format,
  approveNotice,
  caseReportSchema,
  draftNotice,
  listCases,
  listTemplates,
  openCase,
  previewTemplate,
  profileSchema,
  readProfile,
  renderApproved,
  renderDraft,
  reportToCase,
  sealEvidence,
  showCase,
  suggestCases,
  templateSource,
  wording,
  writeProfile,
  writeTemplate,
} from '../../../features/takedown/index.ts';
import { type ApiServer, file, limit } from '../api.ts';
import {
  caseDetail,
  caseSummary,
  incompleteNotice,
  noticeDraft,
  suggestion,
  template,
  templates,
} from '../schemas/case.ts';

const caseId = z.object({ id: z.uuid() });
const lang = z.enum(['ja', 'en']);
const noticeQuery = z.object({
  form: z.enum(FORMS),
  lang: lang.optional(),
  host: z.string().min(1).optional(),
});
const envelope = {
  /** The last event the reporter knew of; a newer one makes the report a conflict. */
  expectedSeq: z.int().optional(),
  /** The reporter's own id of this report: coming again it changes nothing. */
  key: z.string().min(1).max(200).optional(),
};
const [first, ...others] = caseReportSchema.options.map((each) => each.extend(envelope));
const reportBody = z.discriminatedUnion('type', [first!, ...others]);
const MEDIA_TYPES: Readonly<Record<Format, string>> = {
  pdf: 'application/pdf',
  html: 'text/html; charset=utf-8',
  text: 'text/plain; charset=utf-8',
  json: 'application/json; charset=utf-8',
};

/** Cases, their notices, and what notices are made of. */
export function caseRoutes(server: ApiServer, app: App): void {
  const by: By = ({ actor }) => ({ actor: actor.name, at: app.checks.clock() });
  server.route({
    method: 'GET',
    url: '/cases',
    schema: {
      summary: 'Cases by deadline, with the rungs of the ladder',
      querystring: z.object({
        limit,
        state: z.enum(['open', 'closed']).optional(),
        rung: z.string().optional(),
        alertId: z.uuid().optional(),
        externalRef: z.string().optional(),
        dueBefore: z.iso.datetime({ offset: true }).optional(),
      }),
      response: { 200: z.object({ cases: z.array(caseSummary) }) },
    },
    handler: async ({ query: { dueBefore, ...rest } }) => ({
      cases: await listCases(app.db, {
        ...rest,
        dueBefore: dueBefore === undefined ? undefined : new Date(dueBefore),
      }),
    }),
  });
  server.route({
    method: 'POST',
    url: '/cases',
    config: { role: 'reviewer' },
    schema: {
      summary: 'Open a case from confirmed alerts that share a work, a page or a poster',
      body: z.strictObject({
        alertIds: z.array(z.uuid()).min(1).max(1_000),
        externalRef: z.string().min(1).optional(),
      }),
      response: { 201: caseSummary },
    },
    handler: async (request, reply) => {
      const { alertIds, externalRef } = request.body;
      return reply.code(201).send(await openCase(app.db, alertIds, { ...by(request), externalRef }));
    },
  });
  server.route({
    method: 'GET',
    url: '/cases/suggestions',
    schema: {
      summary: 'Confirmed alerts without a case, in groups that share a work, a page or a poster',
      response: { 200: z.object({ suggestions: z.array(suggestion) }) },
    },
    handler: async () => ({ suggestions: await suggestCases(app.db) }),
  });
  server.route({
    method: 'GET',
    url: '/cases/:id/evidence',
    config: { role: 'reviewer' },
    schema: {
      summary:
        'Everything the case rests on, packed and signed (ZIP); check it with `utsushi evidence verify`',
      params: caseId,
      produces: ['application/zip'],
      response: { 200: file },
    },
    handler: async (request, reply) => {
      const { zip, sha256 } = await sealEvidence(app.evidence, request.params.id, by(request));
      return reply
        .header('content-type', 'application/zip')
        .header('content-disposition', `attachment; filename="evidence-${request.params.id}.zip"`)
        .header('digest', `sha-256=${Buffer.from(sha256, 'hex').toString('base64')}`)
        .send(Buffer.from(zip));
    },
  });
  server.route({
    method: 'GET',
    url: '/cases/:id',
    schema: {
      summary: 'One case with its events and approved notices',
      params: caseId,
      response: { 200: caseDetail },
    },
    handler: ({ params }) => showCase(app.db, params.id),
  });
  server.route({
    method: 'POST',
    url: '/cases/:id/events',
    config: { role: 'reviewer', signed: true },
    schema: {
      summary: 'Report what happened: sent, reply, advance, particulars, note, close, …',
      description:
        'Also taken with the headers utsushi-webhook, webhook-id, webhook-timestamp and webhook-signature in place of a token: signed with the secret of a webhook that may report (sent, reply, rechecked, note, external-ref, close). Its webhook-id is the key where the body gives none.',
      params: caseId,
      body: reportBody,
      response: { 200: caseSummary },
    },
    handler: (request) => {
      const { expectedSeq, key: given, ...report } = request.body;
      const signedId = request.headers['webhook-signature'] === undefined ? undefined : signedKey(request);
      if (signedId !== undefined && !REPORTABLE.has(report.type))
        throw new UtsushiError('forbidden', `${report.type} is for people to report, not for webhooks`);
      const options = { ...by(request), expectedSeq, key: given ?? signedId };
      return reportToCase(app.db, request.params.id, caseReportSchema.parse(report), options);
    },
  });
  noticeRoutes(server, app, by);
  settingRoutes(server, app, by);
}

/** What a platform or a system of the user's did; what follows from it is for people to decide. */
const REPORTABLE: ReadonlySet<string> = new Set([
  'sent',
  'reply',
  'rechecked',
  'note',
  'external-ref',
  'close',
]);

/** The key of a signed report; undefined where somebody with a token only added the headers. */
function signedKey({ actor, headers }: FastifyRequest): string | undefined {
  return actor.id === null && actor.name.startsWith('webhook ')
    ? `${actor.name} ${String(headers['webhook-id'])}`.slice(0, 200)
    : undefined;
}

type By = (request: FastifyRequest) => { actor: string; at: Date };

function noticeRoutes(server: ApiServer, app: App, by: By): void {
  server.route({
    method: 'GET',
    url: '/cases/:id/notice',
    schema: {
      summary: 'A notice in a format; 422 with what is missing when it is incomplete',
      params: caseId,
      querystring: noticeQuery.extend({
        format: z.enum(FORMATS).default('json'),
        approved: z.stringbool().default(false),
      }),
      produces: Object.values(MEDIA_TYPES),
      response: { 200: file, 422: incompleteNotice },
    },
    handler: async ({ params, query: { format, approved, ...request } }, reply) => {
      void reply.type(MEDIA_TYPES[format]);
      if (approved) return renderApproved(app.notices, params.id, request, format);
      const draft = await draftNotice(app.db, params.id, request, app.checks.clock());
      const { missing, warnings } = draft.lint;
      if (missing.length === 0) return renderDraft(app.notices, draft, format);
      return reply
        .code(422)
        .type(MEDIA_TYPES.json)
        .send({ missing: missing.map(({ element }) => element), details: missing, warnings });
    },
  });
  server.route({
    method: 'GET',
    url: '/cases/:id/notice/draft',
    schema: {
      summary: 'A notice as an editor shows it: parts with what they state, what is missing, what to attest',
      params: caseId,
      querystring: noticeQuery,
      response: { 200: noticeDraft },
    },
    handler: async ({ params, query }) => {
      const { document, ...draft } = await draftNotice(app.db, params.id, query, app.checks.clock());
      const { missing, warnings } = draft.lint;
      return {
        form: draft.form,
        lang: draft.lang,
        templateVersion: draft.templateVersion,
        title: document.title,
        blocks: document.blocks,
        parts: draft.parts,
        missing: missing.map(({ element }) => element),
        details: missing,
        warnings,
        aiOrigin: draft.facts.aiOrigin,
        attestations: ATTESTATIONS.map((id) => ({ id, ...wording().attestations[id] })),
      };
    },
  });
  server.route({
    method: 'POST',
    url: '/cases/:id/notice/approve',
    config: { role: 'approver' },
    schema: {
      summary: 'Approve a complete notice as it stands, and attest every point',
      params: caseId,
      body: noticeQuery.extend({ attested: z.array(z.string()) }),
      response: { 201: z.object({ noticeId: z.string(), case: caseSummary }) },
    },
    handler: async (request, reply) =>
      reply.code(201).send(await approveNotice(app.notices, request.params.id, request.body, by(request))),
  });
}

function settingRoutes(server: ApiServer, app: App, by: By): void {
  const yaml = z.object({ source: z.string().max(200_000) });
  server.route({
    method: 'GET',
    url: '/templates',
    schema: { summary: 'The templates in force, and what each lacks', response: { 200: templates } },
    handler: async () => ({ templates: await listTemplates(app.db), forms: FORM_RULES }),
  });
  server.route({
    method: 'GET',
    url: '/templates/:form/:lang',
    schema: {
      summary: 'A template in force, as YAML',
      params: z.object({ form: z.enum(FORMS), lang }),
      response: { 200: z.object({ source: z.string(), version: z.string() }) },
    },
    handler: ({ params }) => templateSource(app.db, params.form, params.lang),
  });
  server.route({
    method: 'POST',
    url: '/templates',
    schema: {
      summary: 'Put a template of your own in force for the form and language it names',
      body: yaml,
      response: { 201: template },
    },
    handler: async (request, reply) =>
      reply.code(201).send(await writeTemplate(app.db, request.body.source, by(request))),
  });
  server.route({
    method: 'POST',
    url: '/templates/preview',
    config: { role: 'viewer' },
    schema: {
      summary: 'Fill a template with a made-up case',
      body: yaml.extend({ format: z.enum(FORMATS).default('html') }),
      produces: Object.values(MEDIA_TYPES),
      response: { 200: file },
    },
    handler: async ({ body }, reply) =>
      reply
        .type(MEDIA_TYPES[body.format])
        .send(await previewTemplate(body.source, body.format, app.checks.clock())),
  });
  server.route({
    method: 'GET',
    url: '/profile',
    schema: { summary: 'Who makes the claims', response: { 200: profileSchema } },
    handler: () => readProfile(app.db),
  });
  server.route({
    method: 'PUT',
    url: '/profile',
    schema: { summary: 'Put a profile in force, whole', body: yaml, response: { 200: profileSchema } },
    handler: (request) => writeProfile(app.db, request.body.source, by(request)),
  });
}
