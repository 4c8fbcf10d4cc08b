import { z } from 'zod';
import type { App } from '../../../app.ts';
import { UtsushiError } from '../../../errors.ts';
import { screen } from '../../../features/checks/index.ts';
import type { ApiServer } from '../api.ts';

const sentence = z.object({ ja: z.string(), en: z.string() });
const screening = z.discriminatedUnion('answer', [
  z.object({
    answer: z.enum(['match', 'no-match']),
    sha256: z.string(),
    matches: z
      .array(
        z.object({
          assetId: z.string(),
          title: z.string(),
          kind: z.enum(['reproduction', 'adaptation']),
          confidence: z.number(),
          reasons: z.array(sentence).readonly(),
        }),
      )
      .readonly(),
    catalogueVersion: z.number(),
    policyVersion: z.number(),
    algorithmVersion: z.string(),
    ms: z.number(),
  }),
  z.object({
    answer: z.literal('not-screened'),
    reason: z.enum(['over-capacity', 'deadline', 'index-stale', 'unhashable', 'unreadable', 'failed']),
    detail: z.string(),
    ms: z.number(),
  }),
]);

const RAW_BODIES = ['jpeg', 'png', 'webp', 'avif', 'gif', 'tiff']
  .map((format) => `image/${format}`)
  .concat('application/octet-stream');

/** Screening: a generation platform asks before it hands a picture out. */
export function screenRoutes(server: ApiServer, app: App): void {
  server.addContentTypeParser(
    RAW_BODIES,
    { parseAs: 'buffer', bodyLimit: app.config.limits.maxBytes },
    (_, body, done) => done(null, body),
  );
  server.route({
    method: 'POST',
    url: '/screen',
    config: { role: 'viewer' },
    schema: {
      summary: 'Screen one picture (the raw bytes as body) before it is handed out; nothing of it is kept',
      description:
        'Answers within deadlineMs. `not-screened` says that the picture was not looked at, and why: whether it then goes out is the caller’s decision.',
      consumes: RAW_BODIES,
      querystring: z.object({ deadlineMs: z.coerce.number().int().min(10).max(30_000).default(1_000) }),
      response: { 200: screening },
    },
    handler: async ({ body, query }) => {
      if (!Buffer.isBuffer(body) || body.length === 0) {
        throw new UtsushiError('empty_file', 'the body has no bytes');
      }
      return screen(app.checks, body, query.deadlineMs, app.config.screening);
    },
  });
}
