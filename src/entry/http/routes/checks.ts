import { basename } from 'node:path';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { App } from '../../../app.ts';
import { UtsushiError } from '../../../errors.ts';
import {
  checkBytes,
  currentPolicy,
  openSighting,
  openUpload,
  showCheck,
  territory,
} from '../../../features/checks/index.ts';
import type { ApiServer } from '../api.ts';
import { checkAnswer, recordedAnswer } from '../schemas/check.ts';
import { readUpload } from '../upload.ts';

const urlCheck = z.object({
  url: z.url({ protocol: /^https?$/ }),
  pageUrl: z.url({ protocol: /^https?$/ }).optional(),
  account: z.string().min(1).optional(),
  postedAt: z.iso.datetime({ offset: true }).optional(),
  territory: territory.optional(),
});
const uploadFields = urlCheck.omit({ url: true });
const accepted = z.object({ id: z.uuid(), state: z.literal('pending') });

/** Checks: one output in, an explained answer out. */
export function checkRoutes(server: ApiServer, app: App): void {
  server.route({
    method: 'POST',
    url: '/checks',
    config: { role: 'reviewer' },
    schema: {
      summary: 'Submit one output: a file (multipart, field `file`) or a JSON body with its URL',
      consumes: ['application/json', 'multipart/form-data'],
      response: { 202: accepted },
    },
    handler: async (request, reply) => {
      const id = request.isMultipart() ? await acceptUpload(app, request) : await acceptUrl(app, request);
      // The sighting is stored: should the queue be away, the sweeper enqueues it later.
      await (
        await app.queue()
      )
        .add('check-sighting', { sightingId: id }, { jobId: id })
        .catch((error: unknown) => app.log.warn({ err: error }, 'check stored, not yet queued'));
      return reply.code(202).send({ id, state: 'pending' as const });
    },
  });
  server.route({
    method: 'POST',
    url: '/checks/now',
    config: { role: 'viewer' },
    schema: {
      summary: 'Check one file (multipart, field `file`) while you wait; nothing is recorded',
      description:
        'Answers the line that `utsushi check --json` prints. minConfidence 0 lists the best however weak.',
      consumes: ['multipart/form-data'],
      querystring: z.object({
        minConfidence: z.coerce.number().min(0).max(1).optional(),
        top: z.coerce.number().int().min(1).max(100).default(5),
      }),
      response: { 200: checkAnswer },
    },
    handler: async (request) => {
      const { minConfidence, top } = request.query;
      const { bytes, name } = await readUpload(request);
      return checkBytes(app.checks, name, bytes, {
        policy: await currentPolicy(app.db),
        question: minConfidence === undefined ? 'candidates' : { minConfidence, top },
      });
    },
  });
  server.route({
    method: 'GET',
    url: '/checks/:id',
    schema: {
      summary: 'How far a submitted output has come, and what was found',
      params: z.object({ id: z.uuid() }),
      response: { 200: recordedAnswer },
    },
    handler: ({ params }) => showCheck(app.db, params.id),
  });
}

async function acceptUrl(app: App, request: FastifyRequest): Promise<string> {
  const parsed = urlCheck.safeParse(request.body);
  if (!parsed.success) throw new UtsushiError('invalid_request', z.prettifyError(parsed.error));
  const { url, pageUrl, account, postedAt, territory: country } = parsed.data;
  return openSighting(
    app.db,
    {
      acquisition: 'fetched',
      acquiredBy: request.actor.name,
      imageUrl: url,
      pageUrl: pageUrl ?? null,
      account: account ?? null,
      postedAt: postedAt === undefined ? null : new Date(postedAt),
      territory: country,
    },
    app.checks.clock(),
  );
}

async function acceptUpload(app: App, request: FastifyRequest): Promise<string> {
  const { bytes, name, fields } = await readUpload(request);
  const parsed = uploadFields.safeParse(fields);
  if (!parsed.success) throw new UtsushiError('invalid_request', z.prettifyError(parsed.error));
  const { pageUrl, account, postedAt, territory: country } = parsed.data;
  return openUpload(
    app.checks,
    bytes,
    {
      acquiredBy: request.actor.name,
      pageUrl: pageUrl ?? null,
      account: account ?? null,
      postedAt: postedAt === undefined ? null : new Date(postedAt),
      fileName: basename(name),
      territory: country,
    },
    app.checks.clock(),
  );
}
