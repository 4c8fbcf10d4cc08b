import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { App } from '../../../app.ts';
import { UtsushiError } from '../../../errors.ts';
import { openUpload, territory } from '../../../features/checks/index.ts';
import { listCaptures, readCaptureFile, storePersonsCapture } from '../../../features/sources/index.ts';
import { CAPTURE_FILES, type CaptureFile } from '../../../platform/capture/capture-page.ts';
import { type ApiServer, date, file, sentence } from '../api.ts';

const webUrl = z.url({ protocol: /^https?$/ });
const fieldsShape = z.strictObject({
  pageUrl: webUrl,
  imageUrl: webUrl.optional(),
  title: z.string().max(1_000).optional(),
  account: z.string().min(1).max(500).optional(),
  postedAt: z.iso.datetime({ offset: true }).optional(),
  territory: territory.optional(),
  capturedAt: z.iso.datetime({ offset: true }).optional(),
  software: z.string().max(200).optional(),
});
const TYPES: Readonly<Record<CaptureFile, string>> = {
  png: 'image/png',
  pdf: 'application/pdf',
  html: 'text/html',
  mhtml: 'multipart/related',
};

/** Sightings that a person captured, and what pages of sightings looked like. */
export function sightingRoutes(server: ApiServer, app: App): void {
  server.route({
    method: 'POST',
    url: '/sightings',
    config: { role: 'reviewer' },
    schema: {
      summary: 'Submit what a person captured where Utsushi cannot go, e.g. behind a sign-in',
      description:
        'Multipart. Files: `image` (the picture as its bytes), `png`, `html`, `mhtml`, `pdf` (the page); at least `image` or ' +
        '`png`. Fields: `pageUrl`, and where known `imageUrl`, `title`, `account`, `postedAt`, `territory`, `capturedAt`, `software`. ' +
        'Shown and recorded with 『取得経路は提出者の申告』.',
      consumes: ['multipart/form-data'],
      response: {
        202: z.object({ id: z.uuid(), state: z.literal('pending'), statement: z.string() }),
      },
    },
    handler: async (request, reply) => {
      const { fields, files } = await readForm(request, app.config.limits.maxBytes);
      const at = app.checks.clock();
      const picture = files.image ?? files.png;
      if (picture === undefined)
        throw new UtsushiError('invalid_request', 'the form needs the file `image` or `png`');
      const id = await openUpload(
        app.checks,
        picture,
        {
          acquisition: 'captured-by-person',
          acquiredBy: request.actor.name,
          imageUrl: fields.imageUrl ?? null,
          pageUrl: fields.pageUrl,
          account: fields.account ?? null,
          postedAt: fields.postedAt === undefined ? null : new Date(fields.postedAt),
          territory: fields.territory,
        },
        at,
      );
      const { image: _, ...page } = files;
      await storePersonsCapture(app.checks, id, {
        by: request.actor.name,
        at: fields.capturedAt === undefined ? at : new Date(fields.capturedAt),
        receivedAt: at,
        url: fields.pageUrl,
        title: fields.title ?? null,
        files: page,
        software: fields.software ?? null,
      });
      // The sighting is stored: should the queue be away, the sweeper enqueues it later.
      await app
        .queue()
        .then((queue) => queue.add('check-sighting', { sightingId: id }, { jobId: id }))
        .catch((error: unknown) => app.log.warn({ err: error }, 'sighting stored, not yet queued'));
      return reply.code(202).send({ id, state: 'pending' as const, statement: '取得経路は提出者の申告' });
    },
  });
  server.route({
    method: 'GET',
    url: '/sightings/:id/captures',
    schema: {
      summary: 'What the page of a sighting looked like',
      params: z.object({ id: z.uuid() }),
      response: {
        200: z.object({
          captures: z.array(
            z.object({
              id: z.string(),
              acquisition: z.enum(['fetched', 'captured-by-person']),
              statement: sentence.nullable(),
              capturedBy: z.string(),
              capturedAt: date,
              url: z.string(),
              finalUrl: z.string().nullable(),
              title: z.string().nullable(),
              status: z.number().nullable(),
              omitted: z.number(),
              files: z.partialRecord(z.enum(CAPTURE_FILES), z.string()).readonly(),
              software: z.string().nullable(),
            }),
          ),
        }),
      },
    },
    handler: async ({ params }) => ({ captures: await listCaptures(app.db, params.id) }),
  });
  server.route({
    method: 'GET',
    url: '/captures/:id/:file',
    schema: {
      summary: 'One file of a capture',
      params: z.object({ id: z.uuid(), file: z.enum(CAPTURE_FILES) }),
      produces: Object.values(TYPES),
      response: { 200: file },
    },
    handler: async ({ params: { id, file } }, reply) => {
      const bytes = await readCaptureFile(app.checks, id, file);
      // Somebody else's page must never run as if it were ours.
      void reply.header('content-security-policy', 'sandbox');
      void reply.header('x-content-type-options', 'nosniff');
      void reply.header(
        'content-disposition',
        `${file === 'png' ? 'inline' : 'attachment'}; filename="${id}.${file}"`,
      );
      return reply.type(TYPES[file]).send(bytes);
    },
  });
}

type FormFiles = Partial<Record<CaptureFile | 'image', Buffer>>;

async function readForm(
  request: FastifyRequest,
  maxBytes: number,
): Promise<{ fields: z.infer<typeof fieldsShape>; files: FormFiles }> {
  if (!request.isMultipart()) throw new UtsushiError('invalid_request', 'this needs a multipart form');
  const files: FormFiles = {};
  const said: Record<string, unknown> = {};
  for await (const part of request.parts({ limits: { fileSize: maxBytes, files: 5, fields: 10 } })) {
    if (part.type === 'field') {
      if (part.value !== '') said[part.fieldname] = part.value;
      continue;
    }
    const name = z.enum(['image', ...CAPTURE_FILES]).safeParse(part.fieldname);
    if (!name.success) throw new UtsushiError('invalid_request', `no file is called ${part.fieldname}`);
    const bytes = await part.toBuffer();
    if (bytes.length === 0) throw new UtsushiError('empty_file', `the file ${part.fieldname} has no bytes`);
    files[name.data] = bytes;
  }
  const fields = fieldsShape.safeParse(said);
  if (!fields.success) throw new UtsushiError('invalid_request', z.prettifyError(fields.error));
  return { fields: fields.data, files };
}
