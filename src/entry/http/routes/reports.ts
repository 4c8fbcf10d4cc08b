import { z } from 'zod';
import type { App } from '../../../app.ts';
import { UtsushiError } from '../../../errors.ts';
import { DECISIONS, type Span, alertReport, reviewerReport } from '../../../features/alerts/index.ts';
import { type ApiServer, date } from '../api.ts';

const DAY_MS = 86_400_000;
/** Longer spans make series that nobody can read, and queries that everybody waits for. */
const MAX_DAYS = 731;

const span = z.object({
  /** Default: 30 days before `until`. */
  since: z.iso.datetime({ offset: true }).optional(),
  until: z.iso.datetime({ offset: true }).optional(),
});
const quantiles = z.object({ p50: z.number(), p90: z.number() }).nullable();
const quality = z.object({
  decisions: z.number(),
  overturned: z.number().nullable(),
  sinceOpened: quantiles,
  sinceViewed: quantiles,
});
const agreement = z.object({
  alerts: z.number(),
  observed: z.number().nullable(),
  kappa: z.number().nullable(),
});

const agreements = { agreement, drawn: agreement };

/** Reports on reviewing. */
export function reportRoutes(server: ApiServer, app: App): void {
  server.route({
    method: 'GET',
    url: '/reports/reviewers',
    schema: {
      summary: 'How people review: agreement, overturned decisions, time to decision',
      description:
        'Agreement is Cohen’s kappa over alerts that two people decided, neither knowing what the other said; `drawn` over those of them that were drawn whatever the first one said (UTSUSHI_DOUBLE_REVIEW). Durations are milliseconds; `sinceViewed` counts from the moment the reviewer first looked.',
      querystring: span,
      response: {
        200: z.object({
          since: date,
          until: date,
          overall: quality.extend(agreements),
          byTier: z.array(quality.extend({ tier: z.enum(['high', 'standard']), ...agreements })).readonly(),
          byReviewer: z.array(quality.extend({ reviewer: z.string() })).readonly(),
        }),
      },
    },
    handler: ({ query }) => reviewerReport(app.db, spanOf(query, app.checks.clock())),
  });
  server.route({
    method: 'GET',
    url: '/reports/alerts',
    schema: {
      summary: 'Alerts by day, by score, and how many wait',
      querystring: span,
      response: {
        200: z.object({
          since: date,
          until: date,
          days: z
            .array(
              z.object({
                day: z.string(),
                opened: z.number(),
                decided: z.partialRecord(z.enum(DECISIONS), z.number()).readonly(),
                automatic: z.number(),
                undone: z.number(),
                reopened: z.number(),
              }),
            )
            .readonly(),
          confidence: z
            .array(
              z.object({
                from: z.number(),
                alerts: z.number(),
                confirmed: z.number(),
                notSimilar: z.number(),
              }),
            )
            .readonly(),
          waiting: z.object({ alerts: z.number(), overdue: z.number() }),
        }),
      },
    },
    handler: ({ query }) => {
      const now = app.checks.clock();
      return alertReport(app.db, spanOf(query, now), now);
    },
  });
}

/** @throws UtsushiError `invalid_request` */
function spanOf(query: z.infer<typeof span>, now: Date): Span {
  const until = query.until === undefined ? new Date(now.getTime() + 1) : new Date(query.until);
  const since = query.since === undefined ? new Date(until.getTime() - 30 * DAY_MS) : new Date(query.since);
  const days = (until.getTime() - since.getTime()) / DAY_MS;
  if (days <= 0 || days > MAX_DAYS)
    throw new UtsushiError('invalid_request', `since must be before until, by at most ${MAX_DAYS} days`);
  return { since, until };
}
