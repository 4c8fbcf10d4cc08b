import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { App } from '../../../app.ts';
import { UtsushiError } from '../../../errors.ts';
import type { ApiServer } from '../api.ts';

const size = z.object({
  /** Pixels of the longer side, at most; smaller pictures are not enlarged. */
  size: z.coerce.number().int().min(16).max(4_096).default(1_024),
});
const PRODUCES = ['image/jpeg'];

/** Pictures, fit to be shown. */
export function pictureRoutes(server: ApiServer, app: App): void {
  server.route({
    method: 'GET',
    url: '/outputs/:sha256/image',
    schema: {
      summary: 'An output as a JPEG; of one that raised no alert only a small copy is kept',
      params: z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
      querystring: size,
      produces: PRODUCES,
    },
    handler: async ({ params, query }, reply) => {
      const output = await app.db
        .selectFrom('outputs')
        .select('retained_sha256')
        .where('sha256', '=', params.sha256)
        .executeTakeFirst();
      if (output === undefined)
        throw new UtsushiError('not_found', `no output has the SHA-256 ${params.sha256}`);
      return sendPicture(reply, output.retained_sha256, query.size);
    },
  });
  server.route({
    method: 'GET',
    url: '/references/:id/image',
    schema: {
      summary: 'A reference image as a JPEG',
      params: z.object({ id: z.uuid() }),
      querystring: size,
      produces: PRODUCES,
    },
    handler: async ({ params, query }, reply) => {
      const reference = await app.db
        .selectFrom('reference_images')
        .select('sha256')
        .where('id', '=', params.id)
        .executeTakeFirst();
      if (reference === undefined)
        throw new UtsushiError('not_found', `no reference image has the id ${params.id}`);
      return sendPicture(reply, reference.sha256, query.size);
    },
  });

  async function sendPicture(reply: FastifyReply, sha256: string, longerSide: number) {
    const etag = `"${sha256}-${longerSide}"`;
    void reply.header('etag', etag);
    // The bytes behind a SHA-256 never change; the browser may keep them, a shared cache must not.
    void reply.header('cache-control', 'private, max-age=86400, immutable');
    if (reply.request.headers['if-none-match'] === etag) return reply.code(304).send();
    const source = { path: app.checks.blobs.path(sha256) };
    const jpeg = await app.checks.compute.render({ source, limits: app.checks.limits, longerSide });
    return reply.type('image/jpeg').send(Buffer.from(jpeg));
  }
}
