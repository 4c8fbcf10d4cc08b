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
import type { App } from '../../app.ts';
import { type ErrorCode, UtsushiError, asUtsushiError } from '../../errors.ts';
import { alertRoutes } from './routes/alerts.ts';
import { assetRoutes } from './routes/assets.ts';
import { checkRoutes } from './routes/checks.ts';
import { incidentRoutes } from './routes/incidents.ts';
import { operationRoutes } from './routes/operation.ts';
import { screenRoutes } from './routes/screen.ts';

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

/** Every room of the API registers its own routes, below /api. */
const ROUTES = [checkRoutes, assetRoutes, alertRoutes, incidentRoutes, screenRoutes];

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
  await server.register(operationRoutes(app));
  await server.register(apiRoutes(app, apiToken), { prefix: '/api' });
  return server;
}

function apiRoutes(app: App, apiToken: string) {
  return async (plain: FastifyInstance) => {
    const server = plain.withTypeProvider<ZodTypeProvider>();
    server.addHook('onRequest', async (request) => requireToken(request, apiToken));
    for (const routes of ROUTES) routes(server, app);
  };
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
