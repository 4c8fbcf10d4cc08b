import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { UtsushiError } from '../../errors.ts';
import type { Database, Executor } from '../../platform/storage/database.ts';
import { announce } from '../../platform/storage/live.ts';
import { recordAudit } from '../audit/index.ts';
import { type OutgoingEvent, emit } from '../delivery/index.ts';
import { japaneseDate } from '../catalogue/index.ts';
import {
  CASE_OUTCOMES,
  type CaseEvent,
  type CaseState,
  type Clock,
  type RecordedCaseEvent,
  REPLY_CLASSES,
  URL_OUTCOMES,
  applyCaseEvent,
  attendAt,
  caseEventSchema,
  particularsSchema,
  rungAbove,
} from './case.ts';
import { dueAfter } from './clock.ts';
import { currentLadder } from './ladder.ts';
import { type Subject, groupSubjects, readSubjects } from './materials.ts';
import { policyOf, readProfile, termOf } from './profile.ts';
import { type Addressee, addresseeOf } from './recipient.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export interface By {
  readonly actor: string;
  readonly at: Date;
}

const text = z.string().trim().min(1).max(10_000);
const instant = z.iso.datetime({ offset: true });
const host = z.string().min(1);

/** What a person, or a system of the user's, may report of a case. */
export const caseReportSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('sent'),
    channel: text,
    receipt: text.optional(),
    at: instant.optional(),
    /** An approved notice; the newest one not yet sent where this is left out. */
    noticeId: z.uuid().optional(),
    rung: z.string().optional(),
    /** Which recipient's host, where the case has URLs on several. */
    host: host.optional(),
    /** Why a rung is left out or taken before its time. */
    reason: text.optional(),
  }),
  z.strictObject({
    type: z.literal('reply'),
    class: z.enum(REPLY_CLASSES),
    reason: text.optional(),
    at: instant.optional(),
  }),
  z.strictObject({ type: z.literal('advance'), to: z.string().optional(), reason: text.optional() }),
  z.strictObject({ type: z.literal('particulars'), particulars: particularsSchema }),
  z.strictObject({ type: z.literal('link'), alertId: z.uuid() }),
  z.strictObject({
    type: z.literal('rechecked'),
    results: z
      .array(
        z.object({ url: z.url(), outcome: z.enum(URL_OUTCOMES), status: z.int().nullable().default(null) }),
      )
      .min(1),
    at: instant.optional(),
  }),
  z.strictObject({ type: z.literal('note'), text }),
  z.strictObject({ type: z.literal('external-ref'), externalRef: text.nullable() }),
  z.strictObject({ type: z.literal('close'), outcome: z.enum(CASE_OUTCOMES), reason: text.optional() }),
  z.strictObject({ type: z.literal('reopen'), reason: text }),
]);
export type CaseReport = z.infer<typeof caseReportSchema>;

export interface ReportOptions extends By {
  /** The last event the reporter knew of; a newer one makes the report a conflict. */
  readonly expectedSeq?: number | undefined;
  /** The reporter's own id of this report: coming again it changes nothing. */
  readonly key?: string | undefined;
}

export interface CaseSummary extends CaseState {
  readonly id: string;
  readonly seq: number;
}

/**
 * Opens a case from confirmed alerts, or promoted watch entries, that share a work, a page or a poster.
 *
 * @throws UtsushiError `not_found`, `not_confirmed`, `invalid_request` when they have nothing in common, or `conflict`
 *   when one is in an open case already
 */
export async function openCase(
  db: Database,
  subjectIds: readonly string[],
  options: By & { readonly externalRef?: string | undefined },
): Promise<CaseSummary> {
  const { at } = options;
  const wanted = [...new Set(subjectIds)];
  const { logs } = policyOf(await readProfile(db));
  return db.transaction().execute(async (tx) => {
    const subjects = await takeUp(tx, wanted);
    const groups = groupSubjects(subjects);
    if (groups.length > 1) {
      const split = groups.map((group) => group.map(({ id }) => id).join(' ')).join(' | ');
      throw new UtsushiError(
        'invalid_request',
        `these alerts share no work, page or poster: open ${groups.length} cases (${split})`,
      );
    }
    const materials = subjects.flatMap((subject) => subject.materials);
    const ladder = currentLadder();
    const { rung, skipped } = beginning(
      ladder.rungs,
      materials.some(({ account }) => account !== null),
    );
    const oldest = materials
      .map(({ postedAt, seenAt }) => postedAt ?? seenAt ?? at.toISOString())
      .toSorted()[0];
    const until = Date.parse(oldest!) + logs.assumedDays * DAY_MS;
    const event: CaseEvent = {
      type: 'opened',
      works: [...new Map(subjects.map(({ assetId, title }) => [assetId, { assetId, title }])).values()],
      materials,
      externalRef: options.externalRef ?? null,
      ladder: { version: ladder.version, rungs: ladder.rungs },
      rung,
      skipped,
      logs: {
        until: new Date(until).toISOString(),
        warnAt: new Date(until - logs.warnDays * DAY_MS).toISOString(),
      },
    };
    const id = randomUUID();
    const state = applyCaseEvent(undefined, { at, event });
    await tx
      .insertInto('cases')
      .values({ id, ...toRow(state), opened_at: at, last_event_at: at, last_seq: 0 })
      .execute();
    await hold(tx, id, subjects, 'opened');
    return write(tx, { id, seq: 0, state: undefined }, [event], options);
  });
}

/** The lowest rung that makes sense, and what was left out below it. */
function beginning(rungs: ReturnType<typeof currentLadder>['rungs'], accountKnown: boolean) {
  const at = rungs.findIndex(({ needs }) => needs !== 'account' || accountKnown);
  return {
    rung: rungs[at]!.id,
    skipped: rungs.slice(0, at).map(({ id }) => ({ rung: id, reason: 'no account of the poster is known' })),
  };
}

/**
 * Reads what a case is to be about, locked so that no two cases take up the same.
 *
 * @throws UtsushiError `not_found`, `not_confirmed`, `conflict`
 */
async function takeUp(tx: Executor, ids: readonly string[]): Promise<Subject[]> {
  // Always in the same order, so that two transactions cannot wait for each other.
  for (const table of ['alerts', 'watch_entries'] as const)
    await tx.selectFrom(table).select('id').where('id', 'in', ids).orderBy('id').forUpdate().execute();
  const subjects = await readSubjects(tx, ids);
  const unready = subjects.find(({ ready }) => !ready);
  if (unready !== undefined)
    throw new UtsushiError(
      'not_confirmed',
      unready.from === 'alert'
        ? `alert ${unready.id} is not confirmed`
        : `watch entry ${unready.id} is not promoted`,
    );
  const taken = await tx
    .selectFrom('case_alerts as l')
    .innerJoin('cases as c', 'c.id', 'l.case_id')
    .select(['l.alert_id', 'l.watch_id', 'c.id'])
    .where((eb) => eb.or([eb('l.alert_id', 'in', ids), eb('l.watch_id', 'in', ids)]))
    .where('c.state', '=', 'open')
    .executeTakeFirst();
  if (taken !== undefined)
    throw new UtsushiError('conflict', `${taken.alert_id ?? taken.watch_id} is in the open case ${taken.id}`);
  return subjects;
}

/** Notes that a case is about these. */
export async function hold(
  tx: Executor,
  caseId: string,
  subjects: readonly Subject[],
  role: 'opened' | 'added' | 're-upload',
): Promise<void> {
  const rows = subjects.map(({ id, from }) => ({
    case_id: caseId,
    alert_id: from === 'alert' ? id : null,
    watch_id: from === 'watch' ? id : null,
    role,
  }));
  await tx.insertInto('case_alerts').values(rows).execute();
}

/**
 * Writes down what was reported of a case, and what follows from it, in one transaction.
 *
 * @throws UtsushiError `not_found`; `conflict` when the case moved on or is closed; `rung_locked` when a rung would be
 *   skipped or taken early without a reason; `invalid_request` when the report fits no case like this
 */
export async function reportToCase(
  db: Database,
  id: string,
  report: CaseReport,
  options: ReportOptions,
): Promise<CaseSummary> {
  return db.transaction().execute(async (tx) => {
    const current = await lockCase(tx, id);
    if (options.key !== undefined && (await isKnown(tx, id, options.key)))
      return { id, seq: current.seq, ...current.state };
    if (options.expectedSeq !== undefined && options.expectedSeq !== current.seq) {
      throw new UtsushiError('conflict', `the case is at event ${current.seq}, not ${options.expectedSeq}`);
    }
    if (current.state.state === 'closed' && !['reopen', 'note', 'external-ref'].includes(report.type))
      throw new UtsushiError('conflict', `case ${id} is closed; reopen it first`);
    return write(tx, current, await eventsOf(tx, id, current.state, report, options.at), options);
  });
}

async function eventsOf(
  tx: Executor,
  id: string,
  state: CaseState,
  report: CaseReport,
  now: Date,
): Promise<CaseEvent[]> {
  switch (report.type) {
    case 'sent':
      return sentEvents(tx, id, state, report, now);
    case 'reply': {
      if (!state.sentHere)
        throw new UtsushiError('invalid_request', `nothing was sent at the rung ${state.rung} yet`);
      const at = happenedAt(report.at, now);
      return [{ type: 'reply', rung: state.rung, class: report.class, reason: report.reason ?? null, at }];
    }
    case 'advance':
      return [advanced(state, report.to ?? rungAbove(state), report.reason)];
    case 'particulars':
      return [{ type: 'particulars', particulars: report.particulars }];
    case 'link':
      return linkEvents(tx, id, report.alertId);
    case 'rechecked': {
      const { recheck } = policyOf(await readProfile(tx));
      const at = happenedAt(report.at, now);
      return [{ type: 'rechecked', results: report.results, at, nextAt: later(now, recheck.everyHours) }];
    }
    case 'note':
      return [{ type: 'note', text: report.text }];
    case 'external-ref':
      return [{ type: 'external-ref', externalRef: report.externalRef }];
    case 'close':
      if (report.outcome !== 'removed' && report.reason === undefined)
        throw new UtsushiError('invalid_request', `closing as ${report.outcome} needs a reason`);
      return [{ type: 'closed', outcome: report.outcome, reason: report.reason ?? null }];
    case 'reopen':
      if (state.state === 'open') throw new UtsushiError('conflict', 'the case is open');
      return [{ type: 'reopened', reason: report.reason }];
  }
}

async function sentEvents(
  tx: Executor,
  id: string,
  state: CaseState,
  report: Extract<CaseReport, { type: 'sent' }>,
  now: Date,
): Promise<CaseEvent[]> {
  const notice = await noticeToSend(tx, id, state, report.noticeId);
  const rung = report.rung ?? rungOfForm(state, notice?.form);
  const step = rung === state.rung ? [] : [advanced(state, rung, report.reason)];
  const profile = await readProfile(tx);
  const policy = policyOf(profile);
  const at = happenedAt(report.at, now);
  const rules = state.ladder.rungs.find((each) => each.id === rung)!;
  const addressee = addresseeOf(state, profile, report.host);
  return [
    ...step,
    {
      type: 'sent',
      rung,
      noticeId: notice?.noticeId ?? null,
      form: notice?.form ?? null,
      recipient: rules.clock === 'recipient' ? addressee.name.en : rules.who,
      channel: report.channel,
      receipt: report.receipt ?? null,
      at,
      clock:
        rules.clock === 'none'
          ? null
          : clockOf(rules.clock === 'recipient' ? addressee : undefined, policy, new Date(at)),
      recheckAt: later(new Date(at), policy.recheck.everyHours),
    },
  ];
}

function clockOf(addressee: Addressee | undefined, policy: ReturnType<typeof policyOf>, from: Date): Clock {
  const { basis, rule } = termOf(addressee, policy, japaneseDate(from));
  const due = dueAfter(from, rule);
  return {
    basis,
    rule,
    startedAt: from.toISOString(),
    dueOn: due.on,
    dueAt: due.at.toISOString(),
    remindAt: new Date(
      Math.max(due.at.getTime() - policy.reminders.dueSoonDays * DAY_MS, from.getTime()),
    ).toISOString(),
  };
}

async function noticeToSend(
  tx: Executor,
  id: string,
  state: CaseState,
  noticeId: string | undefined,
): Promise<{ noticeId: string; form: string } | null> {
  if (noticeId === undefined) return state.approved;
  const row = await tx
    .selectFrom('notices')
    .select(['id', 'form'])
    .where('id', '=', noticeId)
    .where('case_id', '=', id)
    .executeTakeFirst();
  if (row === undefined) throw new UtsushiError('not_found', `the case has no approved notice ${noticeId}`);
  return { noticeId: row.id, form: row.form };
}

/** The rung at which a form is sent: the present one where it belongs there, else the next above that has it. */
function rungOfForm(state: CaseState, form: string | undefined): string {
  if (form === undefined) return state.rung;
  const { rungs } = state.ladder;
  const here = rungs.findIndex((each) => each.id === state.rung);
  return rungs.slice(here).find(({ forms }) => forms.includes(form))?.id ?? state.rung;
}

function advanced(state: CaseState, to: string | undefined, reason: string | undefined): CaseEvent {
  const { rungs } = state.ladder;
  const from = rungs.findIndex(({ id }) => id === state.rung);
  const target = rungs.findIndex(({ id }) => id === to);
  if (target <= from) {
    const above = rungs.slice(from + 1).map(({ id }) => id);
    throw new UtsushiError(
      'invalid_request',
      `the case is at ${state.rung}; above it are: ${above.join(', ') || 'none'}`,
    );
  }
  const opened = rungs[from]!.unlock.find((each) => each === state.unlockedBy) ?? null;
  const skipped = rungs.slice(from + 1, target).map(({ id }) => id);
  if (reason === undefined && (opened === null || skipped.length > 0)) {
    throw new UtsushiError(
      'rung_locked',
      skipped.length > 0
        ? `going from ${state.rung} to ${to} skips ${skipped.join(', ')}`
        : `${state.rung} has not been refused or run out of time yet`,
    );
  }
  return {
    type: 'advanced',
    from: state.rung,
    to: rungs[target]!.id,
    unlockedBy: opened,
    skipped,
    reason: reason ?? null,
  };
}

async function linkEvents(tx: Executor, id: string, subjectId: string): Promise<CaseEvent[]> {
  const [subject] = await takeUp(tx, [subjectId]);
  await hold(tx, id, [subject!], 'added');
  const work = { assetId: subject!.assetId, title: subject!.title };
  return subject!.materials.map((material) => ({ type: 'alert-linked', role: 'added', material, work }));
}

/** @throws UtsushiError `invalid_request` for something that has not happened yet */
function happenedAt(given: string | undefined, now: Date): string {
  if (given === undefined) return now.toISOString();
  const at = new Date(given);
  // Clocks of two machines differ a little.
  if (at.getTime() > now.getTime() + 5 * 60_000)
    throw new UtsushiError('invalid_request', `${given} lies in the future`);
  return at.toISOString();
}

function later(from: Date, hours: number): string {
  return new Date(from.getTime() + hours * HOUR_MS).toISOString();
}

interface Current {
  readonly id: string;
  readonly seq: number;
  readonly state: CaseState;
}

/** @throws UtsushiError `not_found` */
export async function lockCase(tx: Executor, id: string): Promise<Current> {
  const row = await tx
    .selectFrom('cases')
    .select(['id', 'body', 'last_seq'])
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst();
  if (row === undefined) throw new UtsushiError('not_found', `no case has the id ${id}`);
  return { id, seq: row.last_seq, state: row.body as CaseState };
}

async function isKnown(tx: Executor, id: string, key: string): Promise<boolean> {
  const row = await tx
    .selectFrom('case_events')
    .select('seq')
    .where('case_id', '=', id)
    .where('key', '=', key)
    .executeTakeFirst();
  return row !== undefined;
}

/** Appends events, rewrites the projection and records both in the audit log, in the caller's transaction. */
export async function write(
  tx: Executor,
  current: Omit<Current, 'state'> & { readonly state: CaseState | undefined },
  events: readonly CaseEvent[],
  options: By & { readonly key?: string | undefined },
): Promise<CaseSummary> {
  const { actor, at } = options;
  const { id } = current;
  let { seq, state } = current;
  const told: OutgoingEvent[] = [];
  const tier = await tierOf(tx, id);
  for (const [n, event] of events.entries()) {
    caseEventSchema.parse(event);
    seq += 1;
    state = applyCaseEvent(state, { at, event });
    const key = n === 0 ? (options.key ?? null) : null;
    await tx
      .insertInto('case_events')
      .values({ case_id: id, seq, type: event.type, actor, at, key, body: JSON.stringify(event) })
      .execute();
    told.push(outgoing(id, seq, event, state, { actor, at, tier }));
  }
  await tx
    .updateTable('cases')
    .set({ ...toRow(state!), last_event_at: at, last_seq: seq })
    .where('id', '=', id)
    .execute();
  await recordAudit(
    tx,
    events.map((event) => ({ at, kind: `case.${event.type}`, subject: id, payload: { ...event, actor } })),
  );
  await emit(tx, told);
  await announce(tx, 'case', id);
  return { id, seq, ...state! };
}

/** The highest tier among the alerts of a case. */
async function tierOf(tx: Executor, id: string): Promise<'high' | 'standard'> {
  const high = await tx
    .selectFrom('case_alerts')
    .innerJoin('alerts', 'alerts.id', 'case_alerts.alert_id')
    .select('alerts.id')
    .where('case_id', '=', id)
    .where('tier', '=', 'high')
    .limit(1)
    .executeTakeFirst();
  return high === undefined ? 'standard' : 'high';
}

function outgoing(
  caseId: string,
  seq: number,
  event: CaseEvent,
  state: CaseState,
  { actor, at, tier }: By & { readonly tier: 'high' | 'standard' },
): OutgoingEvent {
  const { externalRef, rung, clock } = state;
  if (event.type === 'opened') {
    const alertIds = [...new Set(event.materials.flatMap(({ alertId }) => alertId ?? []))];
    return { type: 'case.opened', subject: caseId, tier, at, data: { caseId, alertIds, actor } };
  }
  if (event.type === 'closed') {
    const { outcome } = event;
    return { type: 'case.closed', subject: caseId, tier, at, data: { caseId, outcome, externalRef, actor } };
  }
  const dueAt = clock?.dueAt ?? null;
  const data = { caseId, seq, event: event.type, state: state.state, rung, dueAt, externalRef, actor };
  return { type: 'case.changed', subject: caseId, tier, at, data };
}

function toRow(state: CaseState) {
  const attend = attendAt(state);
  return {
    state: state.state,
    rung: state.rung,
    due_at: state.clock === null ? null : new Date(state.clock.dueAt),
    attend_at: attend === null ? null : new Date(attend),
    external_ref: state.externalRef,
    body: JSON.stringify(state),
  };
}

export interface CaseFilter {
  readonly state?: 'open' | 'closed' | undefined;
  readonly rung?: string | undefined;
  readonly alertId?: string | undefined;
  readonly externalRef?: string | undefined;
  /** Whose term is over before this. */
  readonly dueBefore?: Date | undefined;
  readonly limit: number;
}

/** Cases by deadline, those without one last. */
export async function listCases(db: Database, filter: CaseFilter): Promise<CaseSummary[]> {
  const rows = await db
    .selectFrom('cases')
    .select(['id', 'last_seq', 'body'])
    .$if(filter.state !== undefined, (query) => query.where('state', '=', filter.state!))
    .$if(filter.rung !== undefined, (query) => query.where('rung', '=', filter.rung!))
    .$if(filter.externalRef !== undefined, (query) => query.where('external_ref', '=', filter.externalRef!))
    .$if(filter.dueBefore !== undefined, (query) => query.where('due_at', '<', filter.dueBefore!))
    .$if(filter.alertId !== undefined, (query) =>
      query.where('id', 'in', (inner) =>
        inner
          .selectFrom('case_alerts')
          .select('case_id')
          .where((eb) => eb.or([eb('alert_id', '=', filter.alertId!), eb('watch_id', '=', filter.alertId!)])),
      ),
    )
    .orderBy('due_at', (order) => order.asc().nullsLast())
    .orderBy('last_event_at', 'desc')
    .orderBy('id')
    .limit(filter.limit)
    .execute();
  return rows.map(({ id, last_seq, body }) => ({ id, seq: last_seq, ...(body as CaseState) }));
}

export interface CaseDetail extends CaseSummary {
  readonly events: readonly RecordedCaseEvent[];
  /** As they were approved, oldest first. */
  readonly notices: readonly {
    readonly noticeId: string;
    readonly form: string;
    readonly lang: 'ja' | 'en';
    readonly sha256: string;
    readonly approvedBy: string;
    readonly approvedAt: Date;
  }[];
}

/** @throws UtsushiError `not_found` */
export async function showCase(db: Database, id: string): Promise<CaseDetail> {
  const row = await db
    .selectFrom('cases')
    .select(['last_seq', 'body'])
    .where('id', '=', id)
    .executeTakeFirst();
  if (row === undefined) throw new UtsushiError('not_found', `no case has the id ${id}`);
  const events = await db
    .selectFrom('case_events')
    .select(['seq', 'at', 'actor', 'body'])
    .where('case_id', '=', id)
    .orderBy('seq')
    .execute();
  const notices = await db
    .selectFrom('notices')
    .select(['id', 'form', 'lang', 'sha256', 'approved_by', 'approved_at'])
    .where('case_id', '=', id)
    .orderBy('approved_at')
    .execute();
  return {
    id,
    seq: row.last_seq,
    ...(row.body as CaseState),
    events: events.map(({ seq, at, actor, body }) => ({ seq, at, actor, event: body as CaseEvent })),
    notices: notices.map((notice) => ({
      noticeId: notice.id,
      form: notice.form,
      lang: notice.lang,
      sha256: notice.sha256,
      approvedBy: notice.approved_by,
      approvedAt: notice.approved_at,
    })),
  };
}
