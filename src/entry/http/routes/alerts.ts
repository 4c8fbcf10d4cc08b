import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { App } from '../../../app.ts';
import { UtsushiError } from '../../../errors.ts';
import {
  ALERT_STATES,
  DECISIONS,
  FACETS,
  INBOX_SORTS,
  type ReviewContext,
  decideAlerts,
  readInbox,
  reviewAlert,
  showAlert,
  undecidedOfCluster,
} from '../../../features/alerts/index.ts';
import { type ApiServer, date, limit, sentence } from '../api.ts';
import { storedMatch, storedProvenance } from '../schemas/check.ts';

const kind = z.enum(['reproduction', 'adaptation']);
const tier = z.enum(['high', 'standard']);
const state = z.enum(ALERT_STATES);
const decision = z.enum(DECISIONS);
const termHit = z.object({ assetId: z.string(), term: z.string(), where: z.string() });
const appliedRule = z.object({
  id: z.string(),
  name: z.string(),
  accounts: z.array(z.string()).readonly(),
  domains: z.array(z.string()).readonly(),
  validFrom: z.string().nullable(),
  validUntil: z.string().nullable(),
  territory: z.array(z.string()).readonly(),
});
const place = z.object({ account: z.string().nullable(), domain: z.string().nullable() });

const summary = z.object({
  id: z.string(),
  outputId: z.string(),
  outputSha256: z.string(),
  assetId: z.string(),
  referenceId: z.string().nullable(),
  title: z.string(),
  series: z.string().nullable(),
  tier,
  source: z.string(),
  state,
  decision: decision.nullable(),
  decidedBy: z.string().nullable(),
  decidedAt: date.nullable(),
  rule: appliedRule.nullable(),
  scope: z.array(place).readonly().nullable(),
  inheritedFrom: z.string().nullable(),
  assignee: z.string().nullable(),
  kind,
  confidence: z.number(),
  checkId: z.string(),
  sightings: z.number(),
  retroactive: z.boolean(),
  clusterId: z.string(),
  clusterSize: z.number(),
  reliance: z.array(termHit).readonly(),
  priority: z.number(),
  dueAt: date,
  openedAt: date,
  lastEventAt: date,
  lastSeq: z.number(),
});

const detail = summary.extend({
  asset: z.object({
    id: z.string(),
    title: z.string(),
    series: z.string().nullable(),
    author: z.string().nullable(),
    rightsHolder: z.string().nullable(),
    published: z.string().nullable(),
    tier,
  }),
  reference: z.object({ id: z.string(), file: z.string(), width: z.number(), height: z.number() }).nullable(),
  output: z.object({
    sha256: z.string(),
    format: z.string(),
    width: z.number(),
    height: z.number(),
    byteLength: z.number(),
    retained: z.enum(['original', 'shrunk']),
  }),
  match: storedMatch.nullable(),
  provenance: storedProvenance.nullable(),
  facts: z
    .array(z.object({ fact: z.string(), values: z.record(z.string(), z.string()), sentence }))
    .readonly(),
  rules: z
    .array(
      appliedRule.extend({
        decision: z.enum(['licensed', 'tolerated']),
        /** Sightings that the rule covers, does not cover, or says too little of. */
        coverage: z.object({ applies: z.number(), unknown: z.number(), no: z.number() }),
      }),
    )
    .readonly(),
  precedents: z
    .array(
      z.object({
        alertId: z.string(),
        decision,
        decidedBy: z.string(),
        distance: z.number(),
        nearCopy: z.boolean(),
      }),
    )
    .readonly(),
  priorityParts: z.array(z.object({ what: z.string(), points: z.number() })).readonly(),
  siblings: z
    .array(
      z.object({
        id: z.string(),
        assetId: z.string(),
        title: z.string(),
        confidence: z.number(),
        state,
        decision: decision.nullable(),
      }),
    )
    .readonly(),
  events: z
    .array(
      z.object({
        seq: z.number(),
        at: date,
        actor: z.string(),
        event: z.looseObject({ type: z.string() }),
      }),
    )
    .readonly(),
  seenAt: z
    .array(
      z.object({
        sightingId: z.string(),
        seenAt: date,
        postedAt: date.nullable(),
        imageUrl: z.string().nullable(),
        pageUrl: z.string().nullable(),
        account: z.string().nullable(),
        acquisition: z.string(),
        acquiredBy: z.string().nullable(),
      }),
    )
    .readonly(),
});

const counts = z.object(
  Object.fromEntries(FACETS.map((facet) => [facet, z.record(z.string(), z.number())])) as Record<
    (typeof FACETS)[number],
    z.ZodRecord<z.ZodString, z.ZodNumber>
  >,
);

/** One value, several separated by commas, or the parameter repeated. */
const listOf = <T extends z.ZodType>(value: T) =>
  z
    .preprocess(
      (given) => [given].flat().flatMap((each) => (typeof each === 'string' ? each.split(',') : [])),
      z.array(value),
    )
    .optional();

const text = z.string().min(1).max(10_000);
const expectedSeq = z.number().int().min(1).optional();
const review = z.discriminatedUnion('type', [
  z.object({ type: z.literal('seen'), expectedSeq }),
  z.object({ type: z.literal('assign'), assignee: z.string().nullable(), expectedSeq }),
  z.object({
    type: z.literal('decide'),
    decision,
    reason: text.optional(),
    rule: z.string().optional(),
    expectedSeq,
  }),
  z.object({ type: z.literal('undo'), reason: text.optional(), expectedSeq }),
  z.object({ type: z.literal('reopen'), reason: text, expectedSeq }),
  z.object({ type: z.literal('note'), text, expectedSeq }),
]);

/** Alerts, for review. */
export function alertRoutes(server: ApiServer, app: App): void {
  const context = (request: FastifyRequest): ReviewContext => ({
    actor: request.actor,
    at: app.checks.clock(),
    secondReview: app.config.secondReview,
  });
  server.route({
    method: 'GET',
    url: '/alerts',
    schema: {
      summary: 'The inbox: one page of alerts, and how many there are of everything',
      description:
        'Facets take several values, separated by commas. Each facet is counted as if it did not narrow the inbox itself.',
      querystring: z.object({
        state: listOf(state),
        tier: listOf(tier),
        kind: listOf(kind),
        decision: listOf(z.enum([...DECISIONS, 'none'])),
        assignee: listOf(z.string()),
        source: listOf(z.string()),
        assetId: z.string().optional(),
        clusterId: z.uuid().optional(),
        rule: z.string().optional(),
        minConfidence: z.coerce.number().min(0).max(1).optional(),
        dueBefore: z.iso.datetime({ offset: true }).optional(),
        q: z.string().max(200).optional(),
        sort: z.enum(INBOX_SORTS).optional(),
        limit,
        after: z.string().max(500).optional(),
      }),
      response: {
        200: z.object({
          alerts: z.array(summary).readonly(),
          total: z.number(),
          next: z.string().nullable(),
          counts,
        }),
      },
    },
    handler: ({ query, actor }) => {
      const { limit: size, sort, after, dueBefore, ...filter } = query;
      return readInbox(
        app.db,
        { ...filter, dueBefore: dueBefore === undefined ? undefined : new Date(dueBefore) },
        { limit: size, sort, after },
        actor.name,
      );
    },
  });
  server.route({
    method: 'GET',
    url: '/alerts/:id',
    schema: {
      summary: 'One alert with everything there is to know about it',
      description:
        'In state second-review the first decision is kept from everybody but its author until a second person has decided: decision and decidedBy are null, its event says `veiled`.',
      params: z.object({ id: z.uuid() }),
      response: { 200: detail },
    },
    handler: ({ params, actor }) => showAlert(app.db, params.id, actor.name),
  });
  server.route({
    method: 'POST',
    url: '/alerts/:id/events',
    config: { role: 'reviewer' },
    schema: {
      summary: 'Do something to an alert: look, take, decide, take back, reopen, note',
      description:
        'expectedSeq is the lastSeq that the reviewer saw. When somebody else changed the alert since, the answer is 409 `conflict` whose error.details hold the newer state and the events missed; nothing is changed.',
      params: z.object({ id: z.uuid() }),
      body: review,
      response: { 200: detail },
    },
    handler: async (request) => {
      const { expectedSeq: expected, ...what } = request.body;
      await reviewAlert(app.db, request.params.id, what, expected, context(request));
      return showAlert(app.db, request.params.id, request.actor.name);
    },
  });
  server.route({
    method: 'POST',
    url: '/alerts/decide',
    config: { role: 'reviewer' },
    schema: {
      summary: 'Decide many alerts alike: those named, or all of a cluster that still wait',
      description: 'Each is decided or refused by itself; `refused` says which were not, and why.',
      body: z.object({
        ids: z.array(z.uuid()).min(1).max(1_000).optional(),
        clusterId: z.uuid().optional(),
        decision,
        reason: text.optional(),
        rule: z.string().optional(),
        expected: z.record(z.string(), z.number().int()).default({}),
      }),
      response: {
        200: z.object({
          done: z.array(z.string()).readonly(),
          refused: z.array(z.object({ id: z.string(), code: z.string(), message: z.string() })).readonly(),
        }),
      },
    },
    handler: async (request) => {
      const { ids, clusterId, expected, ...rest } = request.body;
      if ((ids === undefined) === (clusterId === undefined))
        throw new UtsushiError('invalid_request', 'give either ids or clusterId');
      const wanted = ids ?? (await undecidedOfCluster(app.db, clusterId!));
      return decideAlerts(app.db, wanted, { type: 'decide', ...rest }, expected, context(request));
    },
  });
}
