import type { FastifyReply } from 'fastify';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { App } from '../../../app.ts';
import { UtsushiError } from '../../../errors.ts';
import { type ApiServer, file } from '../api.ts';

const size = z.object({
  /** Pixels of the longer side, at most; smaller pictures are not enlarged. */
  size: z.coerce.number().int().min(16).max(4_096).default(1_024),
});
const PRODUCES = ['image/jpeg'];
/** Of pictures made ready to be shown: those of some hundred alerts. Bytes. */
const KEPT_BYTES = 96 * 2 ** 20;

/** Pictures, fit to be shown. */
export function pictureRoutes(server: ApiServer, app: App): void {
  // Reviewers look at the same pictures one after the other, and each comes in two sizes.
  const rendered = new LRUCache<string, Buffer>({
    maxSize: KEPT_BYTES,
    sizeCalculation: (jpeg) => jpeg.length + 1,
    fetchMethod: async (key) => {
      const [sha256, longerSide] = key.split('-') as [string, string];
      const source = { path: app.checks.blobs.path(sha256) };
      const { compute, limits } = app.checks;
      return Buffer.from(await compute.render({ source, limits, longerSide: Number(longerSide) }));
    },
  });
  server.route({
    method: 'GET',
    url: '/outputs/:sha256/image',
    schema: {
      summary: 'An output as a JPEG; of one that raised no alert only a small copy is kept',
      params: z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
      querystring: size,
      produces: PRODUCES,
      response: { 200: file },
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
      response: { 200: file },
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
    const key = `${sha256}-${longerSide}`;
    const etag = `"${key}"`;
    void reply.header('etag', etag);
    // The bytes behind a SHA-256 never change; the browser may keep them, a shared cache must not.
    void reply.header('cache-control', 'private, max-age=86400, immutable');
    if (reply.request.headers['if-none-match'] === etag) return reply.code(304).send();
    return reply.type('image/jpeg').send(await rendered.fetch(key));
  }
}
