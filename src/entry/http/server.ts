import { timingSafeEqual } from 'node:crypto';
import multipart from '@fastify/multipart';
import swagger from '@fastify/swagger';
import Fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
} from 'fastify';
import {
  type ZodTypeProvider,
  hasZodFastifySchemaValidationErrors,
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
} from 'fastify-type-provider-zod';
import { Gauge, Registry, collectDefaultMetrics } from 'prom-client';
import { z } from 'zod';
import type { App } from '../../app.ts';
import { type ErrorCode, UtsushiError, asUtsushiError } from '../../errors.ts';
import { listAlerts, showAlert } from '../../features/alerts/index.ts';
import { listAssets, showAsset } from '../../features/catalogue/index.ts';
import { openSighting, openUpload, showCheck } from '../../features/checks/index.ts';

export interface HttpOptions {
  readonly app: App;
  /** Every route under /api asks for it as a bearer token. */
  readonly apiToken: string;
}

const HTTP_STATUS: Partial<Record<ErrorCode, number>> = {
  unauthorized: 401,
  not_found: 404,
  invalid_request: 400,
  usage: 400,
  empty_file: 400,
  unsupported_format: 415,
  corrupt_image: 422,
  image_too_large: 413,
  fetch_forbidden: 422,
  queue_unavailable: 503,
  database_unavailable: 503,
  index_stale: 503,
};

const urlCheck = z.object({
  url: z.url({ protocol: /^https?$/ }),
  pageUrl: z.url({ protocol: /^https?$/ }).optional(),
  account: z.string().min(1).optional(),
  postedAt: z.iso.datetime({ offset: true }).optional(),
});
const uploadFields = urlCheck.omit({ url: true });
const accepted = z.object({ id: z.uuid(), state: z.literal('pending') });
const limit = z.coerce.number().int().min(1).max(1_000).default(100);
const anything = z.any();

/** The HTTP interface: API, OpenAPI document, health and metrics. The caller listens and closes. */
export async function buildServer({ app, apiToken }: HttpOptions): Promise<FastifyInstance> {
  const loggerInstance: FastifyBaseLogger = app.log.child({ room: 'http' });
  const server: FastifyInstance = Fastify({
    loggerInstance,
    bodyLimit: 1024 * 1024,
    logController: new LogController({ disableRequestLogging: true }),
  });
  server.setValidatorCompiler(validatorCompiler);
  server.setSerializerCompiler(serializerCompiler);
  server.setErrorHandler((thrown, request, reply) => {
    const error = toApiError(thrown);
    const status = HTTP_STATUS[error.code] ?? 500;
    if (status >= 500) request.log.error({ err: thrown }, 'request failed');
    void reply.code(status).send({ error: { ...error.toJSON(), remedy: error.remedy } });
  });
  server.setNotFoundHandler((request, reply) => {
    void reply
      .code(404)
      .send({ error: { code: 'not_found', message: `nothing is at ${request.method} ${request.url}` } });
  });
  await server.register(multipart, {
    limits: { fileSize: app.config.limits.maxBytes, files: 1, fields: 10 },
  });
  await server.register(swagger, {
    openapi: {
      info: {
        title: 'Utsushi',
        version: '0.1.0',
        description: 'Names candidates for manual review; never infringement.',
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    transform: jsonSchemaTransform,
  });
  await server.register(openRoutes(app));
  await server.register(apiRoutes(app, apiToken), { prefix: '/api' });
  return server;
}

function openRoutes(app: App) {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const jobs = new Gauge({
    name: 'utsushi_jobs',
    help: 'Jobs by queue and state.',
    labelNames: ['queue', 'state'] as const,
    registers: [],
    async collect() {
      for (const [queue, states] of Object.entries(await (await app.queue()).counts())) {
        for (const [state, count] of Object.entries(states)) this.set({ queue, state }, count);
      }
    },
  });
  registry.registerMetric(jobs);
  return async (server: FastifyInstance) => {
    server.get('/openapi.json', { schema: { hide: true } }, () => server.swagger());
    server.get('/healthz', { schema: { hide: true } }, () => ({ status: 'alive' }));
    server.get('/readyz', { schema: { hide: true } }, async () => {
      await app.checks.index.refresh(app.db);
      const queue = await (await app.queue()).counts();
      return {
        status: 'ready',
        catalogueVersion: app.checks.index.version,
        references: app.checks.index.size,
        queue,
      };
    });
    server.get('/metrics', { schema: { hide: true } }, async (_, reply) => {
      void reply.type(registry.contentType);
      return registry.metrics();
    });
  };
}

function apiRoutes(app: App, apiToken: string) {
  return async (plain: FastifyInstance) => {
    const server = plain.withTypeProvider<ZodTypeProvider>();
    server.addHook('onRequest', async (request) => requireToken(request, apiToken));

    server.route({
      method: 'POST',
      url: '/checks',
      schema: {
        summary: 'Submit one output: a file (multipart, field `file`) or a JSON body with its URL',
        consumes: ['application/json', 'multipart/form-data'],
        response: { 202: accepted },
      },
      handler: async (request, reply) => {
        const id = request.isMultipart()
          ? await acceptUpload(app, request)
          : await acceptUrl(app, request.body);
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
      method: 'GET',
      url: '/checks/:id',
      schema: {
        summary: 'How far a submitted output has come, and what was found',
        params: z.object({ id: z.uuid() }),
        response: { 200: anything },
      },
      handler: ({ params }) => showCheck(app.db, params.id),
    });
    server.route({
      method: 'GET',
      url: '/assets',
      schema: {
        summary: 'Assets by id',
        querystring: z.object({ limit, after: z.string().optional() }),
        response: { 200: anything },
      },
      handler: async ({ query }) => ({ assets: await listAssets(app.db, query) }),
    });
    server.route({
      method: 'GET',
      url: '/assets/:id',
      schema: {
        summary: 'One asset with its reference images and licences',
        params: z.object({ id: z.string() }),
        response: { 200: anything },
      },
      handler: ({ params }) => showAsset(app.db, params.id),
    });
    server.route({
      method: 'GET',
      url: '/alerts',
      schema: {
        summary: 'Alerts, newest first',
        querystring: z.object({ limit, assetId: z.string().optional() }),
        response: { 200: anything },
      },
      handler: async ({ query }) => ({ alerts: await listAlerts(app.db, query) }),
    });
    server.route({
      method: 'GET',
      url: '/alerts/:id',
      schema: {
        summary: 'One alert with its events, sightings and match',
        params: z.object({ id: z.uuid() }),
        response: { 200: anything },
      },
      handler: ({ params }) => showAlert(app.db, params.id),
    });
  };
}

async function acceptUrl(app: App, body: unknown): Promise<string> {
  const parsed = urlCheck.safeParse(body);
  if (!parsed.success) throw new UtsushiError('invalid_request', z.prettifyError(parsed.error));
  const { url, pageUrl, account, postedAt } = parsed.data;
  return openSighting(
    app.db,
    {
      acquisition: 'fetched',
      acquiredBy: 'api',
      imageUrl: url,
      pageUrl: pageUrl ?? null,
      account: account ?? null,
      postedAt: postedAt === undefined ? null : new Date(postedAt),
    },
    app.checks.clock(),
  );
}

async function acceptUpload(app: App, request: FastifyRequest): Promise<string> {
  let bytes: Buffer | undefined;
  const fields: Record<string, unknown> = {};
  for await (const part of request.parts()) {
    if (part.type === 'file') bytes = await part.toBuffer();
    else fields[part.fieldname] = part.value;
  }
  if (bytes === undefined) throw new UtsushiError('invalid_request', 'the form has no file');
  if (bytes.length === 0) throw new UtsushiError('empty_file', 'the file has no bytes');
  const parsed = uploadFields.safeParse(fields);
  if (!parsed.success) throw new UtsushiError('invalid_request', z.prettifyError(parsed.error));
  const { pageUrl, account, postedAt } = parsed.data;
  return openUpload(
    app.checks,
    bytes,
    {
      acquiredBy: 'api',
      pageUrl: pageUrl ?? null,
      account: account ?? null,
      postedAt: postedAt === undefined ? null : new Date(postedAt),
    },
    app.checks.clock(),
  );
}

function requireToken(request: FastifyRequest, apiToken: string): void {
  const given = Buffer.from(/^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '');
  const wanted = Buffer.from(apiToken);
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
    throw new UtsushiError('unauthorized', 'this route needs a bearer token');
  }
}

function toApiError(thrown: unknown): UtsushiError {
  if (hasZodFastifySchemaValidationErrors(thrown)) return new UtsushiError('invalid_request', thrown.message);
  const code = (thrown as { code?: unknown }).code;
  if (code === 'FST_REQ_FILE_TOO_LARGE')
    return new UtsushiError('image_too_large', (thrown as Error).message);
  const status = (thrown as { statusCode?: unknown }).statusCode;
  if (typeof status === 'number' && status < 500)
    return new UtsushiError('invalid_request', (thrown as Error).message);
  return asUtsushiError(thrown);
}
