import { z } from 'zod';
import { clockRule } from './clock.ts';
import { FORMS } from './forms.ts';
import { type Unlock, UNLOCKS, rungSchema } from './ladder.ts';

export const REPLY_CLASSES = [
  'removed',
  'refused',
  'under-investigation',
  'no-answer',
  'counter-claim',
] as const;
export type ReplyClass = (typeof REPLY_CLASSES)[number];

export const CASE_OUTCOMES = ['removed', 'settled', 'withdrawn', 'not-pursued', 'court'] as const;
/** What a look at a URL found: the material, its absence (404, 410), or neither for sure. */
export const URL_OUTCOMES = ['present', 'gone', 'unknown'] as const;
export type UrlOutcome = (typeof URL_OUTCOMES)[number];

export const AI_ORIGINS = [
  'verified',
  'declared-in-file',
  'declared-by-poster',
  'suspected',
  'not-asserted',
] as const;
export type AiOrigin = (typeof AI_ORIGINS)[number];

const text = z.string().trim().min(1).max(10_000);
const instant = z.iso.datetime({ offset: true });

/** A place where an output was seen, as it stood when its alert or watch entry came into the case. */
export const materialSchema = z.object({
  alertId: z.uuid().nullable(),
  /** In place of an alert: what its prompt or page says, without a claim of similarity. */
  watchId: z.uuid().nullable(),
  assetId: z.string(),
  outputSha256: z.string(),
  pageUrl: z.string().nullable(),
  imageUrl: z.string().nullable(),
  account: z.string().nullable(),
  postedAt: instant.nullable(),
  seenAt: instant.nullable(),
});
export type Material = z.infer<typeof materialSchema>;

/** What a person decides about the claim; a part that is not given stays as it was. */
export const particularsSchema = z.strictObject({
  /** Why the reviewer finds that the right is infringed, in the notice's language. */
  grounds: text.optional(),
  /** Articles of the Copyright Act of Japan that are asserted. */
  rights: z.array(z.string()).min(1).optional(),
  /** Item 8 of form 様式A. */
  manner: z.enum(['a', 'b', 'c', 'other']).optional(),
  mannerText: text.optional(),
  /** Where on the page the material is. */
  location: text.optional(),
  aiOrigin: z
    .strictObject({
      grade: z.enum(AI_ORIGINS),
      /** Needed for `suspected`. */
      reason: text.optional(),
      /** The poster's own words; needed for `declared-by-poster`. */
      quotation: text.optional(),
    })
    .optional(),
  /** Whom notices go to, where it is not the one on record for the page. */
  recipient: z.strictObject({ name: text, designated: z.iso.date().optional() }).optional(),
  /** The generative AI service to write to, where the file does not name it. */
  generator: text.optional(),
});
export type Particulars = z.infer<typeof particularsSchema>;

export const clockSchema = z.object({
  basis: z.enum(['statutory', 'recipient', 'policy']),
  rule: clockRule,
  startedAt: instant,
  dueOn: z.iso.date(),
  dueAt: instant,
  remindAt: instant,
});
export type Clock = z.infer<typeof clockSchema>;

/** What can happen to a case. Each carries all that its meaning depends on, so that later data changes nothing. */
export const caseEventSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('opened'),
    works: z.array(z.object({ assetId: z.string(), title: z.string() })),
    materials: z.array(materialSchema),
    externalRef: text.nullable(),
    ladder: z.object({ version: z.int(), rungs: z.array(rungSchema) }),
    rung: z.string(),
    skipped: z.array(z.object({ rung: z.string(), reason: text })),
    /** Until when access logs are assumed to last, and when to warn. */
    logs: z.object({ until: instant, warnAt: instant }),
  }),
  z.object({
    type: z.literal('alert-linked'),
    role: z.enum(['added', 're-upload']),
    material: materialSchema,
    work: z.object({ assetId: z.string(), title: z.string() }),
  }),
  z.object({ type: z.literal('particulars'), particulars: particularsSchema }),
  z.object({
    type: z.literal('notice-approved'),
    noticeId: z.uuid(),
    form: z.enum(FORMS),
    lang: z.enum(['ja', 'en']),
    sha256: z.string(),
    attestations: z.array(z.string()),
  }),
  z.object({
    type: z.literal('advanced'),
    from: z.string(),
    to: z.string(),
    unlockedBy: z.enum(UNLOCKS).nullable(),
    skipped: z.array(z.string()),
    reason: text.nullable(),
  }),
  z.object({
    type: z.literal('sent'),
    rung: z.string(),
    /** The approved notice that was sent; null where something else was. */
    noticeId: z.uuid().nullable(),
    form: z.string().nullable(),
    recipient: z.string(),
    channel: text,
    receipt: text.nullable(),
    at: instant,
    clock: clockSchema.nullable(),
    recheckAt: instant,
  }),
  z.object({
    type: z.literal('reply'),
    rung: z.string(),
    class: z.enum(REPLY_CLASSES),
    reason: text.nullable(),
    at: instant,
  }),
  z.object({ type: z.literal('deadline-passed'), rung: z.string(), dueAt: instant }),
  z.object({ type: z.literal('reminded'), what: z.enum(['due-soon', 'logs-expire']), by: instant }),
  z.object({
    type: z.literal('rechecked'),
    results: z.array(
      z.object({ url: z.string(), outcome: z.enum(URL_OUTCOMES), status: z.int().nullable() }),
    ),
    at: instant,
    nextAt: instant,
  }),
  z.object({ type: z.literal('note'), text }),
  z.object({ type: z.literal('external-ref'), externalRef: text.nullable() }),
  z.object({ type: z.literal('closed'), outcome: z.enum(CASE_OUTCOMES), reason: text.nullable() }),
  z.object({ type: z.literal('reopened'), reason: text }),
]);
export type CaseEvent = z.infer<typeof caseEventSchema>;

/** What to do next; a person does it. */
export type NextAction =
  | 'approve-notice'
  | 'send'
  | 'await-reply'
  | 'await-removal'
  | 'advance'
  | 'consult'
  | 'close'
  | 'reopen'
  | 'none';

/** Times are ISO 8601 in UTC, so that the state travels as JSON unchanged. */
export interface CaseState {
  readonly state: 'open' | 'closed';
  readonly title: string;
  readonly works: readonly { readonly assetId: string; readonly title: string }[];
  readonly materials: readonly Material[];
  readonly externalRef: string | null;
  readonly ladder: Extract<CaseEvent, { type: 'opened' }>['ladder'];
  readonly rung: string;
  readonly particulars: Particulars;
  /** Approved and not yet sent. */
  readonly approved: { readonly noticeId: string; readonly form: string } | null;
  readonly sent: number;
  /** Sent at the present rung. */
  readonly sentHere: boolean;
  /** Running; null when nothing was sent at this rung or the answer is in. */
  readonly clock: Clock | null;
  readonly reply: { readonly class: ReplyClass; readonly reason: string | null; readonly at: string } | null;
  /** What opened the way to the next rung. */
  readonly unlockedBy: Unlock | null;
  readonly urls: Readonly<Record<string, { readonly outcome: UrlOutcome; readonly at: string }>>;
  readonly recheckAt: string | null;
  readonly logs: { readonly until: string; readonly warnAt: string; readonly warned: boolean };
  readonly remindedOf: string | null;
  /** Places where it turned up again since the case was last opened or closed. */
  readonly reuploads: number;
  readonly outcome: (typeof CASE_OUTCOMES)[number] | null;
  readonly nextAction: NextAction;
  readonly openedAt: string;
  readonly lastEventAt: string;
}

export interface RecordedCaseEvent {
  readonly seq: number;
  readonly at: Date;
  readonly actor: string;
  readonly event: CaseEvent;
}

/** A case's state is the fold of its events over this function. @throws RangeError when the first is no `opened` */
export function applyCaseEvent(
  before: CaseState | undefined,
  { at, event }: Pick<RecordedCaseEvent, 'at' | 'event'>,
): CaseState {
  const changed = change(before, event, at.toISOString());
  const after = { ...changed, lastEventAt: at.toISOString() };
  return { ...after, nextAction: nextActionOf(after) };
}

function change(before: CaseState | undefined, event: CaseEvent, at: string): CaseState {
  if (event.type === 'opened') return opened(event, at);
  if (before === undefined) throw new RangeError(`a case cannot begin with '${event.type}'`);
  switch (event.type) {
    case 'alert-linked':
      return {
        ...before,
        materials: [...before.materials, event.material],
        works: before.works.some(({ assetId }) => assetId === event.work.assetId)
          ? before.works
          : [...before.works, event.work],
        reuploads: before.reuploads + (event.role === 're-upload' ? 1 : 0),
      };
    case 'particulars':
      return { ...before, particulars: { ...before.particulars, ...event.particulars } };
    case 'notice-approved':
      return { ...before, approved: { noticeId: event.noticeId, form: event.form } };
    case 'advanced':
      return {
        ...before,
        rung: event.to,
        clock: null,
        reply: null,
        unlockedBy: null,
        sentHere: false,
        remindedOf: null,
      };
    case 'sent':
      return {
        ...before,
        approved: event.noticeId === before.approved?.noticeId ? null : before.approved,
        sent: before.sent + 1,
        sentHere: true,
        clock: event.clock,
        reply: null,
        unlockedBy: null,
        remindedOf: null,
        recheckAt: event.recheckAt,
      };
    case 'reply':
      return {
        ...before,
        reply: { class: event.class, reason: event.reason, at: event.at },
        // An inquiry under way does not stop the term.
        clock: event.class === 'under-investigation' ? before.clock : null,
        unlockedBy: event.class === 'refused' || event.class === 'no-answer' ? event.class : null,
      };
    case 'deadline-passed':
      return { ...before, clock: null, unlockedBy: 'deadline-passed' };
    case 'reminded':
      return event.what === 'logs-expire'
        ? { ...before, logs: { ...before.logs, warned: true } }
        : { ...before, remindedOf: event.by };
    case 'rechecked':
      return rechecked(before, event);
    case 'note':
      return before;
    case 'external-ref':
      return { ...before, externalRef: event.externalRef };
    case 'closed':
      return {
        ...before,
        state: 'closed',
        outcome: event.outcome,
        clock: null,
        recheckAt: null,
        // What comes after the end is news.
        reuploads: 0,
      };
    case 'reopened':
      return { ...before, state: 'open', outcome: null, reuploads: 0 };
  }
}

function opened(event: Extract<CaseEvent, { type: 'opened' }>, at: string): CaseState {
  return {
    state: 'open',
    title: event.works.map(({ title }) => title).join(', '),
    works: event.works,
    materials: event.materials,
    externalRef: event.externalRef,
    ladder: event.ladder,
    rung: event.rung,
    particulars: {},
    approved: null,
    sent: 0,
    sentHere: false,
    clock: null,
    reply: null,
    unlockedBy: null,
    urls: {},
    recheckAt: null,
    logs: { ...event.logs, warned: false },
    remindedOf: null,
    reuploads: 0,
    outcome: null,
    nextAction: 'none',
    openedAt: at,
    lastEventAt: at,
  };
}

function rechecked(before: CaseState, event: Extract<CaseEvent, { type: 'rechecked' }>): CaseState {
  const urls = { ...before.urls };
  for (const { url, outcome } of event.results) urls[url] = { outcome, at: event.at };
  const stillThere = event.results.some(({ outcome }) => outcome === 'present');
  // Somebody says that it is gone, and it is not: that opens the way on like a refusal.
  const contradicted = before.reply?.class === 'removed' && stillThere && event.at > before.reply.at;
  return {
    ...before,
    urls,
    recheckAt: event.nextAt,
    unlockedBy: contradicted ? 'still-there' : before.unlockedBy,
  };
}

/** Every URL that the case watches was last found gone. */
export function allGone(state: Pick<CaseState, 'materials' | 'urls'>): boolean {
  const watched = watchedUrls(state);
  return watched.length > 0 && watched.every((url) => state.urls[url]?.outcome === 'gone');
}

/** The address by which a material is watched: its page, or its image where no page is known. */
export function materialKey({ pageUrl, imageUrl }: Material): string | null {
  return pageUrl ?? imageUrl;
}

/** The pages of the materials, or their images where no page is known. */
export function watchedUrls(state: Pick<CaseState, 'materials'>): string[] {
  return [...new Set(state.materials.map(materialKey).filter((url): url is string => url !== null))];
}

/** The rung above the present one; undefined at the top. */
export function rungAbove(state: Pick<CaseState, 'ladder' | 'rung'>): string | undefined {
  const { rungs } = state.ladder;
  return rungs[rungs.findIndex(({ id }) => id === state.rung) + 1]?.id;
}

function nextActionOf(state: CaseState): NextAction {
  if (state.state === 'closed') return state.reuploads > 0 ? 'reopen' : 'none';
  if (allGone(state)) return 'close';
  if (state.approved !== null) return 'send';
  // An answer that disputes the claim needs a lawyer's eye before anything else happens.
  if (state.reply?.class === 'counter-claim') return 'consult';
  if (state.unlockedBy !== null) return rungAbove(state) === undefined ? 'consult' : 'advance';
  if (state.reply?.class === 'removed') return 'await-removal';
  if (state.sentHere) return 'await-reply';
  const forms = state.ladder.rungs.find(({ id }) => id === state.rung)?.forms ?? [];
  return forms.length > 0 ? 'approve-notice' : 'send';
}

/** When upkeep must look at the case next; null while nothing waits. */
export function attendAt(state: CaseState): string | null {
  if (state.state === 'closed') return null;
  const times = [
    state.clock?.dueAt,
    state.clock !== null && state.remindedOf !== state.clock.dueAt ? state.clock.remindAt : undefined,
    state.recheckAt ?? undefined,
    state.logs.warned ? undefined : state.logs.warnAt,
  ].filter((time): time is string => time !== undefined);
  return times.length === 0 ? null : times.reduce((a, b) => (a < b ? a : b));
}
