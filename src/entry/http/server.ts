import multipart from '@fastify/multipart';
import swagger from '@fastify/swagger';
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import {
  type ZodTypeProvider,
  hasZodFastifySchemaValidationErrors,
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
} from 'fastify-type-provider-zod';
import type { App } from '../../app.ts';
import { type ErrorCode, UtsushiError, asUtsushiError } from '../../errors.ts';
import { guard } from './auth.ts';
import { consoleRoutes } from './console.ts';
import { alertRoutes } from './routes/alerts.ts';
import { assetRoutes } from './routes/assets.ts';
import { caseRoutes } from './routes/cases.ts';
import { checkRoutes } from './routes/checks.ts';
import { eventRoutes } from './routes/events.ts';
import { incidentRoutes } from './routes/incidents.ts';
import { liveRoutes } from './routes/live.ts';
import { monitorRoutes } from './routes/monitors.ts';
import { operationRoutes } from './routes/operation.ts';
import { pictureRoutes } from './routes/pictures.ts';
import { policyRoutes } from './routes/policy.ts';
import { queueRoutes } from './routes/queues.ts';
import { reportRoutes } from './routes/reports.ts';
import { ruleRoutes } from './routes/rules.ts';
import { screenRoutes } from './routes/screen.ts';
import { sessionRoutes } from './routes/session.ts';
import { sightingRoutes } from './routes/sightings.ts';
import { userRoutes } from './routes/users.ts';
import { viewRoutes } from './routes/views.ts';
import { watchRoutes } from './routes/watch.ts';
import { webhookRoutes } from './routes/webhooks.ts';

export interface HttpOptions {
  readonly app: App;
  /** The bearer token with which programs act as the admin `api`. */
  readonly apiToken: string;
  /** Whoever comes from this machine is the admin `demo`; the server must listen on a loopback address only. */
  readonly demo?: boolean;
}

const HTTP_STATUS: Partial<Record<ErrorCode, number>> = {
  unauthorized: 401,
  sign_in_failed: 401,
  forbidden: 403,
  already_exists: 409,
  conflict: 409,
  too_many_requests: 429,
  events_removed: 410,
  not_found: 404,
  file_not_found: 404,
  invalid_request: 400,
  invalid_monitors: 400,
  invalid_source: 400,
  usage: 400,
  empty_file: 400,
  unsupported_format: 415,
  corrupt_image: 422,
  image_too_large: 413,
  fetch_forbidden: 422,
  fetch_rejected: 502,
  fetch_failed: 502,
  mail_failed: 502,
  not_confirmed: 409,
  rung_locked: 409,
  notice_incomplete: 422,
  queue_unavailable: 503,
  database_unavailable: 503,
  index_stale: 503,
};

/** Every room of the API registers its own routes, below /api. */
const ROUTES = [
  sessionRoutes,
  userRoutes,
  checkRoutes,
  sightingRoutes,
  assetRoutes,
  pictureRoutes,
  alertRoutes,
  viewRoutes,
  watchRoutes,
  ruleRoutes,
  reportRoutes,
  policyRoutes,
  caseRoutes,
  incidentRoutes,
  monitorRoutes,
  screenRoutes,
  liveRoutes,
  queueRoutes,
  eventRoutes,
  webhookRoutes,
];

/** The HTTP interface: API, OpenAPI document, health and metrics. The caller listens and closes. */
export async function buildServer({ app, apiToken, demo = false }: HttpOptions): Promise<FastifyInstance> {
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
    void reply.code(status).send({
      error: {
        ...error.toJSON(),
        remedy: error.remedy,
        ...(error.details === undefined ? {} : { details: error.details }),
      },
    });
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
  await server.register(apiRoutes(app, apiToken, demo), { prefix: '/api' });
  await server.register(consoleRoutes);
  return server;
}

function apiRoutes(app: App, apiToken: string, demo: boolean) {
  return async (plain: FastifyInstance) => {
    const server = plain.withTypeProvider<ZodTypeProvider>();
    await guard(plain, { app, apiToken, demo });
    for (const routes of ROUTES) routes(server, app, { demo });
  };
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
