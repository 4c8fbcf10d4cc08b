import { z } from 'zod';

const kind = z.enum(['reproduction', 'adaptation']);
const tier = z.enum(['high', 'standard']);
const alert = z.object({
  alertId: z.uuid(),
  assetId: z.string(),
  outputId: z.uuid(),
});

/**
 * Every event that leaves the house, by type, with the shape of its data. The names are a contract: fields are added,
 * never renamed; docs/events has the JSON Schema of each.
 */
export const EVENTS = {
  'alert.opened': alert.extend({
    checkId: z.uuid(),
    tier,
    kind,
    confidence: z.number().min(0).max(1),
    retroactive: z.boolean(),
  }),
  'alert.seen': alert.extend({ sightingId: z.uuid(), reopened: z.boolean() }),
  'alert.decided': alert.extend({
    decision: z.enum(['confirm', 'not-similar', 'licensed', 'tolerated', 'escalate']),
    rule: z.string().nullable(),
    reason: z.string().nullable(),
    actor: z.string(),
  }),
  'alert.reopened': alert.extend({ reason: z.string().nullable(), actor: z.string() }),
  'case.opened': z.object({ caseId: z.uuid(), alertIds: z.array(z.uuid()), actor: z.string() }),
  'case.changed': z.object({
    caseId: z.uuid(),
    seq: z.number().int(),
    /** The type of the case event, e.g. `sent`, `reply`, `deadline-passed`. */
    event: z.string(),
    state: z.string(),
    rung: z.string().nullable(),
    dueAt: z.iso.datetime().nullable(),
    externalRef: z.string().nullable(),
    actor: z.string(),
  }),
  'case.closed': z.object({
    caseId: z.uuid(),
    outcome: z.string(),
    externalRef: z.string().nullable(),
    actor: z.string(),
  }),
  /** Sent on demand, to see whether a webhook works; never in the feed. */
  'webhook.test': z.object({ webhookId: z.uuid(), actor: z.string() }),
} as const;

export type EventType = keyof typeof EVENTS;
export type Tier = z.infer<typeof tier>;

/** An event to be told; `subject` groups what has to arrive in order. */
export type OutgoingEvent = {
  [T in EventType]: {
    readonly type: T;
    /** The id of the alert or case. */
    readonly subject: string;
    /** Of the work concerned, the highest where there are several. */
    readonly tier: Tier | null;
    readonly at: Date;
    readonly data: z.infer<(typeof EVENTS)[T]>;
  };
}[EventType];

/** An event with its place in the feed. */
export interface PublishedEvent {
  readonly id: string;
  readonly seq: number;
  readonly type: EventType;
  readonly subject: string;
  readonly tier: Tier | null;
  readonly at: Date;
  readonly data: unknown;
}
