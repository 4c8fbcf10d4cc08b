import { UtsushiError } from '../../errors.ts';
import type { Database, Executor } from '../../platform/storage/database.ts';
import { type Actor, requireRole } from '../people/index.ts';
import {
  type AlertEvent,
  type AlertState,
  type AppliedRule,
  type Decision,
  type Place,
  type Recorded,
  type Standing,
  applyAlertEvent,
} from './alert.ts';
import { type SecondReview, isDrawn, veil, veilEvents } from './blind.ts';
import { type StoredAlert, append, readAlert, readEvents, stateOf, takeTurn } from './journal.ts';
import { placesOf, rulesOf } from './rules.ts';
import { followDecision, followTakenBack, reprioritise } from './spread.ts';

/** What a person does to an alert. */
export type Review =
  | { readonly type: 'seen' }
  | { readonly type: 'assign'; readonly assignee: string | null }
  | {
      readonly type: 'decide';
      readonly decision: Decision;
      readonly reason?: string | undefined;
      /** Id of a licence or tolerance rule, for `licensed` and `tolerated`; without it only where it was seen so far. */
      readonly rule?: string | undefined;
    }
  | { readonly type: 'undo'; readonly reason?: string | undefined }
  | { readonly type: 'reopen'; readonly reason: string }
  | { readonly type: 'note'; readonly text: string };

export interface ReviewContext {
  readonly actor: Actor;
  readonly at: Date;
  readonly secondReview: SecondReview;
}

/** Decisions that say nothing to others unless they come with a reason. */
const NEEDS_REASON: readonly Decision[] = ['confirm', 'licensed', 'tolerated', 'escalate'];

/**
 * Appends what a person did, unless somebody else did something since this person read the alert.
 *
 * @param expectedSeq the newest event the person knew of; undefined to decide on whatever there is
 * @throws UtsushiError `not_found`; `forbidden`; `usage` when it makes no sense in this state; `conflict` with
 *   `details: {lastSeq, state, decision, decidedBy, events}`, the events being those the person did not know of
 */
export async function reviewAlert(
  db: Database,
  id: string,
  review: Review,
  expectedSeq: number | undefined,
  context: ReviewContext,
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    await takeTurn(tx);
    await reviewInTurn(tx, id, review, expectedSeq, context);
  });
}

export interface BulkReport {
  readonly done: readonly string[];
  /** Alerts left alone, and why: `conflict`, `forbidden`, `usage`. */
  readonly refused: readonly { readonly id: string; readonly code: string; readonly message: string }[];
}

/**
 * Decides many alerts alike. Each is decided or refused by itself, in a transaction of its own: one that somebody else
 * changed meanwhile does not hold up the others.
 *
 * @param expected the newest event known of each alert
 */
export async function decideAlerts(
  db: Database,
  ids: readonly string[],
  review: Extract<Review, { type: 'decide' }>,
  expected: Readonly<Record<string, number>>,
  context: ReviewContext,
): Promise<BulkReport> {
  const done: string[] = [];
  const refused: BulkReport['refused'][number][] = [];
  for (const id of ids) {
    try {
      await reviewAlert(db, id, review, expected[id], context);
      done.push(id);
    } catch (thrown) {
      if (!(thrown instanceof UtsushiError) || thrown.retryable) throw thrown;
      refused.push({ id, code: thrown.code, message: thrown.message });
    }
  }
  return { done, refused };
}

/** Ids of the alerts of a cluster that still wait for a decision, oldest first. */
export async function undecidedOfCluster(db: Database, clusterId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('alerts')
    .select('id')
    .where('cluster_id', '=', clusterId)
    .where('state', '!=', 'decided')
    .orderBy('opened_at')
    .orderBy('id')
    .execute();
  return rows.map(({ id }) => id);
}

async function reviewInTurn(
  tx: Executor,
  id: string,
  review: Review,
  expectedSeq: number | undefined,
  context: ReviewContext,
): Promise<void> {
  requireRole(context.actor, 'reviewer');
  const alert = await readAlert(tx, id);
  if (review.type === 'seen') {
    await noteView(tx, alert, context);
    return;
  }
  await requireUnchanged(tx, alert, review, expectedSeq, context.actor.name);
  const by = { at: context.at, actor: context.actor.name };
  switch (review.type) {
    case 'note':
      await append(tx, alert, { ...by, event: { type: 'noted', text: review.text } });
      return;
    case 'assign':
      if (review.assignee !== null) await requireReviewer(tx, review.assignee);
      await append(tx, alert, { ...by, event: { type: 'assigned', assignee: review.assignee } });
      return;
    case 'decide': {
      const event = await decisionEvent(tx, alert, review, context);
      const after = await append(tx, alert, { ...by, event });
      await followDecision(tx, after, by);
      return;
    }
    case 'reopen': {
      if (alert.state !== 'decided') throw new UtsushiError('usage', 'this alert is not decided');
      const after = await append(tx, alert, {
        ...by,
        event: { type: 'reopened', why: 'person', reason: review.reason, sightingId: null },
      });
      await followTakenBack(tx, alert, by);
      await reprioritise(tx, after);
      return;
    }
    case 'undo': {
      const event = await undoEvent(tx, alert, review.reason ?? null, context.actor);
      const after = await append(tx, alert, { ...by, event });
      await followTakenBack(tx, alert, by);
      await reprioritise(tx, after);
    }
  }
}

/** One event a person, so that time to decision can be told from time in the inbox. */
async function noteView(tx: Executor, alert: StoredAlert, context: ReviewContext): Promise<void> {
  const before = await tx
    .selectFrom('alert_events')
    .select('seq')
    .where('alert_id', '=', alert.id)
    .where('type', '=', 'viewed')
    .where('actor', '=', context.actor.name)
    .executeTakeFirst();
  if (before !== undefined) return;
  await append(tx, alert, { at: context.at, actor: context.actor.name, event: { type: 'viewed' } });
}

/**
 * What happened since must not matter to what is asked now: looks and further sightings do not, unless the decision is
 * confined to the places seen so far.
 */
async function requireUnchanged(
  tx: Executor,
  alert: StoredAlert,
  review: Review,
  expectedSeq: number | undefined,
  viewer: string,
): Promise<void> {
  if (expectedSeq === undefined || expectedSeq === alert.last_seq) return;
  const events = await readEvents(tx, alert.id, expectedSeq);
  const isConfined =
    review.type === 'decide' && (review.decision === 'licensed' || review.decision === 'tolerated');
  const harmless: readonly AlertEvent['type'][] = isConfined ? ['viewed'] : ['viewed', 'seen'];
  if (expectedSeq < alert.last_seq && events.every(({ event }) => harmless.includes(event.type))) return;
  const last = events.at(-1);
  const { state, decision, decidedBy, assignee } = veil(stateOf(alert), viewer);
  throw new UtsushiError(
    'conflict',
    last === undefined
      ? `the alert has ${alert.last_seq} events, not ${expectedSeq}`
      : `${alert.state === 'second-review' ? 'somebody' : last.actor} changed it at ${last.at.toISOString()} (${last.event.type}); it is now ${alert.state}`,
    {
      details: {
        lastSeq: alert.last_seq,
        state,
        decision,
        decidedBy,
        assignee,
        events: veilEvents(events, stateOf(alert), viewer),
      },
    },
  );
}

async function decisionEvent(
  tx: Executor,
  alert: StoredAlert,
  review: Extract<Review, { type: 'decide' }>,
  { actor, secondReview }: ReviewContext,
): Promise<AlertEvent> {
  const { decision } = review;
  const reason = review.reason?.trim() || null;
  if (alert.state === 'decided') {
    throw new UtsushiError('usage', `this alert is already decided (${alert.decision}); reopen it first`);
  }
  if (alert.state === 'escalated') requireRole(actor, 'approver');
  if (reason === null && NEEDS_REASON.includes(decision)) {
    throw new UtsushiError('usage', `the decision ${decision} needs a reason`);
  }
  const isConfined = decision === 'licensed' || decision === 'tolerated';
  if (review.rule !== undefined && !isConfined) {
    throw new UtsushiError('usage', `a rule belongs to licensed and tolerated, not to ${decision}`);
  }
  const rule = review.rule === undefined ? null : await namedRule(tx, alert, decision, review.rule);
  const scope = isConfined && rule === null ? await placesSoFar(tx, alert) : null;
  const isFirst = alert.state === 'open' || alert.state === 'in-review';
  const drawn = isFirst && decision !== 'escalate' && isDrawn(alert.id, secondReview.share);
  const state = leadsTo();
  return { type: 'decided', decision, reason, rule, scope, state, ...(drawn ? { drawn } : {}) };

  function leadsTo(): 'second-review' | 'escalated' | 'decided' {
    if (decision === 'escalate') return 'escalated';
    if (alert.state === 'second-review') {
      if (alert.decided_by === actor.name) {
        throw new UtsushiError('forbidden', 'the second review must be another person’s');
      }
      // Two reviewers of different minds: an approver, who then knows what both said, settles it.
      return decision === alert.decision ? 'decided' : 'escalated';
    }
    return isFirst && (drawn || (decision === 'confirm' && secondReview.confirm))
      ? 'second-review'
      : 'decided';
  }
}

async function namedRule(
  tx: Executor,
  alert: StoredAlert,
  decision: Decision,
  id: string,
): Promise<AppliedRule> {
  const asset = await tx
    .selectFrom('assets')
    .select(['id', 'series'])
    .where('id', '=', alert.asset_id)
    .executeTakeFirstOrThrow();
  const rules = (await rulesOf(tx, asset)).filter((rule) => rule.decision === decision);
  const found = rules.find((rule) => rule.id === id);
  if (found === undefined) {
    const known = rules.map((rule) => `${rule.id} (${rule.name})`).join(', ') || 'there is none';
    throw new UtsushiError('usage', `no rule ${id} makes this work ${decision}; rules: ${known}`);
  }
  const { decision: _, ...rule } = found;
  return rule;
}

async function placesSoFar(tx: Executor, alert: StoredAlert): Promise<Place[]> {
  const places = new Map<string, Place>();
  for (const { account, domain } of await placesOf(tx, alert.output_id)) {
    places.set(JSON.stringify([account, domain]), { account, domain });
  }
  return [...places.values()];
}

/** Takes the last decision back: one's own, or as an approver anybody's. */
async function undoEvent(
  tx: Executor,
  alert: StoredAlert,
  reason: string | null,
  actor: Actor,
): Promise<AlertEvent> {
  const events = await readEvents(tx, alert.id);
  // What stands now: the fold, with the state before each decision at hand.
  let state: AlertState | undefined;
  let last: { readonly seq: number; readonly by: string; readonly standing: Standing } | undefined;
  for (const { seq, ...recorded } of events) {
    if (isDecision(recorded)) last = { seq, by: recorded.actor, standing: standingOf(state!) };
    else if (recorded.event.type === 'undone' || recorded.event.type === 'reopened') last = undefined;
    state = applyAlertEvent(state, recorded);
  }
  if (last === undefined) throw new UtsushiError('usage', 'there is no decision to take back');
  const isOwn = last.by === actor.name;
  const isAutomatic = alert.rule !== null || alert.inherited_from !== null;
  if (!isOwn && !isAutomatic) requireRole(actor, 'approver');
  return { type: 'undone', seq: last.seq, reason, standing: { ...last.standing, assignee: alert.assignee } };
}

function isDecision({ event }: Recorded<AlertEvent>): boolean {
  return event.type === 'decided' || event.type === 'ruled' || event.type === 'inherited';
}

function standingOf(state: AlertState): Standing {
  const { decision, decidedBy, decidedAt, rule, scope, inheritedFrom, assignee } = state;
  return { state: state.state, decision, decidedBy, decidedAt, rule, scope, inheritedFrom, assignee };
}

async function requireReviewer(tx: Executor, name: string): Promise<void> {
  const user = await tx
    .selectFrom('users')
    .select(['role', 'enabled'])
    .where('name', '=', name)
    .executeTakeFirst();
  if (user?.enabled !== true || user.role === 'viewer') {
    throw new UtsushiError('usage', `${name} is nobody who can review`);
  }
}
