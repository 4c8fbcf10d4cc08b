import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';

/** What a file of routes is given: a server whose schemas are zod's, already below /api and behind the token. */
export type ApiServer = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** How many items a list answers with. */
export const limit = z.coerce.number().int().min(1).max(1_000).default(100);
/** The bytes of a file; they are sent as they are. */
export const file = z.string().meta({ format: 'binary' }) as unknown as z.ZodType<Uint8Array>;
/** A point in time; in JSON an ISO 8601 string. */
export const date = z.date();
export const sentence = z.object({ ja: z.string(), en: z.string() });
