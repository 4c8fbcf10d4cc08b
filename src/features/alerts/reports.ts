import { sql } from 'kysely';
import type { Database } from '../../platform/storage/database.ts';
import { DECISIONS, type Decision } from './alert.ts';

/** A span of time to report on; `until` is exclusive. */
export interface Span {
  readonly since: Date;
  readonly until: Date;
}

/** How people review. Durations in milliseconds; null where there is nothing to say it from. */
export interface ReviewQuality {
  /** Decisions of people; those inherited or made by a rule are not among them. */
  readonly decisions: number;
  /** Share of decisions that were later taken back, or reopened by a person and decided otherwise. */
  readonly overturned: number | null;
  /** From the alert to the decision, and from first looking at it to the decision: median and nine in ten. */
  readonly sinceOpened: { readonly p50: number; readonly p90: number } | null;
  readonly sinceViewed: { readonly p50: number; readonly p90: number } | null;
}

/** How far two people agree who decided the same alerts without knowing of each other. */
export interface Agreement {
  /** Alerts that had a second review. */
  readonly alerts: number;
  /** Share on which they said the same. */
  readonly observed: number | null;
  /** Cohen's kappa; null where all said one and the same, so that chance alone explains everything. */
  readonly kappa: number | null;
}

/**
 * Over all second reviews, and over those of alerts that were drawn whatever the first reviewer said. Where only
 * confirmations have a second review, the first one always said the same and kappa means little: ask the drawn ones.
 */
interface Agreements {
  readonly agreement: Agreement;
  readonly drawn: Agreement;
}

export interface ReviewerReport {
  readonly since: Date;
  readonly until: Date;
  readonly overall: ReviewQuality & Agreements;
  readonly byTier: readonly (ReviewQuality & Agreements & { readonly tier: 'high' | 'standard' })[];
  readonly byReviewer: readonly (ReviewQuality & { readonly reviewer: string })[];
}

interface DecisionMade {
  readonly alertId: string;
  readonly tier: 'high' | 'standard';
  readonly reviewer: string;
  readonly decision: Decision;
  readonly sinceOpened: number;
  readonly sinceViewed: number | null;
  readonly overturned: boolean;
  readonly undone: boolean;
  /** What it led to. */
  readonly state: 'second-review' | 'escalated' | 'decided';
  readonly drawn: boolean;
}

export async function reviewerReport(db: Database, span: Span): Promise<ReviewerReport> {
  const made = await decisionsIn(db, span);
  const pairs = pairsOf(made);
  const tiers = ['high', 'standard'] as const;
  const reviewers = [...new Set(made.map(({ reviewer }) => reviewer))].toSorted();
  return {
    ...span,
    overall: { ...qualityOf(made), ...agreementsOf(pairs) },
    byTier: tiers.map((tier) => ({
      tier,
      ...qualityOf(made.filter((each) => each.tier === tier)),
      ...agreementsOf(pairs.filter((each) => each.tier === tier)),
    })),
    byReviewer: reviewers.map((reviewer) => ({
      reviewer,
      ...qualityOf(made.filter((each) => each.reviewer === reviewer)),
    })),
  };
}

/**
 * A decision is overturned when it is taken back, when a person reopens the alert and the next decision is another one,
 * or when the second reviewer says something else.
 */
async function decisionsIn(db: Database, { since, until }: Span): Promise<DecisionMade[]> {
  const { rows } = await sql<DecisionMade>`
    select e.alert_id as "alertId", a.tier, e.actor as reviewer, e.body ->> 'decision' as decision,
           (extract(epoch from e.at - coalesce(opened.at, a.opened_at)) * 1000)::float8 as "sinceOpened",
           (extract(epoch from e.at - viewed.at) * 1000)::float8 as "sinceViewed",
           coalesce(undone.found or next.decision <> e.body ->> 'decision', false) as overturned,
           coalesce(undone.found, false) as undone, e.body ->> 'state' as state,
           coalesce((e.body ->> 'drawn')::boolean, false) as drawn
      from alert_events e
      join alerts a on a.id = e.alert_id
      left join lateral (
        select max(o.at) as at from alert_events o
         where o.alert_id = e.alert_id and o.seq < e.seq and o.type in ('opened', 'reopened')) opened on true
      left join lateral (
        select min(v.at) as at from alert_events v
         where v.alert_id = e.alert_id and v.seq < e.seq and v.type = 'viewed' and v.actor = e.actor) viewed on true
      left join lateral (
        select true as found from alert_events u
         where u.alert_id = e.alert_id and u.type = 'undone' and (u.body ->> 'seq')::int = e.seq limit 1) undone on true
      left join lateral (
        select d.body ->> 'decision' as decision from alert_events d
         where d.alert_id = e.alert_id and d.seq > e.seq and d.type = 'decided' order by d.seq limit 1) next on true
     where e.type = 'decided' and e.at >= ${since} and e.at < ${until}
     order by e.at, e.alert_id, e.seq`.execute(db);
  return rows;
}

interface Pair {
  readonly tier: 'high' | 'standard';
  readonly first: Decision;
  readonly second: Decision;
  readonly drawn: boolean;
}

/** Decisions that waited for a second one, with it; escalating is handing on, not deciding. */
function pairsOf(made: readonly DecisionMade[]): Pair[] {
  const waiting = new Map<string, DecisionMade>();
  const pairs: Pair[] = [];
  for (const each of made) {
    const first = waiting.get(each.alertId);
    waiting.delete(each.alertId);
    if (each.state === 'second-review') {
      if (!each.undone) waiting.set(each.alertId, each);
    } else if (first !== undefined && each.decision !== 'escalate') {
      pairs.push({
        tier: each.tier,
        first: first.decision,
        second: each.decision,
        drawn: first.drawn,
      });
    }
  }
  return pairs;
}

function agreementsOf(pairs: readonly Pair[]): Agreements {
  return { agreement: agreementOf(pairs), drawn: agreementOf(pairs.filter(({ drawn }) => drawn)) };
}

/** J. Cohen, "A Coefficient of Agreement for Nominal Scales", 1960. */
export function agreementOf(pairs: readonly Pick<Pair, 'first' | 'second'>[]): Agreement {
  const n = pairs.length;
  if (n === 0) return { alerts: 0, observed: null, kappa: null };
  const observed = pairs.filter(({ first, second }) => first === second).length / n;
  const share = (which: 'first' | 'second', decision: Decision) =>
    pairs.filter((pair) => pair[which] === decision).length / n;
  const expected = DECISIONS.reduce(
    (sum, decision) => sum + share('first', decision) * share('second', decision),
    0,
  );
  return { alerts: n, observed, kappa: expected === 1 ? null : (observed - expected) / (1 - expected) };
}

function qualityOf(made: readonly DecisionMade[]): ReviewQuality {
  const quantiles = (values: readonly number[]) => {
    const sorted = values.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
    return sorted.length === 0 ? null : { p50: at(0.5), p90: at(0.9) };
  };
  return {
    decisions: made.length,
    overturned: made.length === 0 ? null : made.filter(({ overturned }) => overturned).length / made.length,
    sinceOpened: quantiles(made.map(({ sinceOpened }) => sinceOpened)),
    sinceViewed: quantiles(made.flatMap(({ sinceViewed }) => sinceViewed ?? [])),
  };
}

/** Series for charts. Days are Japan's. */
export interface AlertReport {
  readonly since: Date;
  readonly until: Date;
  readonly days: readonly {
    /** `2026-01-31` */
    readonly day: string;
    readonly opened: number;
    readonly decided: Readonly<Partial<Record<Decision, number>>>;
    /** Decisions that were made by a rule or inherited. */
    readonly automatic: number;
    readonly undone: number;
    readonly reopened: number;
  }[];
  /** Alerts opened in the span by score, in steps of 0.05, and how many of each were confirmed or called not similar. */
  readonly confidence: readonly {
    readonly from: number;
    readonly alerts: number;
    readonly confirmed: number;
    readonly notSimilar: number;
  }[];
  /** Alerts that wait now, and how many of them are past their deadline. */
  readonly waiting: { readonly alerts: number; readonly overdue: number };
}

const STEP = 0.05;

export async function alertReport(db: Database, span: Span, now: Date): Promise<AlertReport> {
  const [events, scores, waiting] = await Promise.all([
    sql<{ day: string; type: string; decision: Decision | null; n: number }>`
      select to_char(at at time zone 'Asia/Tokyo', 'YYYY-MM-DD') as day, type,
             case when type = 'decided' then body ->> 'decision' end as decision, count(*)::int as n
        from alert_events
       where type in ('opened', 'decided', 'ruled', 'inherited', 'undone', 'reopened')
         and at >= ${span.since} and at < ${span.until}
       group by 1, 2, 3 order by 1`.execute(db),
    sql<{ bin: number; alerts: number; confirmed: number; notSimilar: number }>`
      select least(floor(confidence / ${STEP}), ${1 / STEP - 1})::int as bin, count(*)::int as alerts,
             count(*) filter (where decision = 'confirm')::int as confirmed,
             count(*) filter (where decision = 'not-similar')::int as "notSimilar"
        from alerts where opened_at >= ${span.since} and opened_at < ${span.until} group by 1`.execute(db),
    sql<{ alerts: number; overdue: number }>`
      select count(*)::int as alerts, count(*) filter (where due_at < ${now})::int as overdue
        from alerts where state <> 'decided'`.execute(db),
  ]);
  const byBin = new Map(scores.rows.map(({ bin, ...rest }) => [bin, rest]));
  const none = { alerts: 0, confirmed: 0, notSimilar: 0 };
  return {
    ...span,
    days: daysIn(span).map((day) => {
      const of = (type: string) => events.rows.filter((row) => row.day === day && row.type === type);
      const count = (type: string) => of(type).reduce((sum, { n }) => sum + n, 0);
      return {
        day,
        opened: count('opened'),
        decided: Object.fromEntries(of('decided').map(({ decision, n }) => [decision!, n])),
        automatic: count('ruled') + count('inherited'),
        undone: count('undone'),
        reopened: count('reopened'),
      };
    }),
    confidence: Array.from({ length: Math.round(1 / STEP) }, (_, bin) => ({
      from: Math.round(bin * STEP * 100) / 100,
      ...(byBin.get(bin) ?? none),
    })),
    waiting: waiting.rows[0]!,
  };
}

const DAY_MS = 86_400_000;
const JAPAN_MS = 9 * 3_600_000;

/** Every day of the span, also those on which nothing happened. */
function daysIn({ since, until }: Span): string[] {
  const first = Math.floor((since.getTime() + JAPAN_MS) / DAY_MS);
  const last = Math.floor((until.getTime() - 1 + JAPAN_MS) / DAY_MS);
  return Array.from({ length: last - first + 1 }, (_, i) =>
    new Date((first + i) * DAY_MS).toISOString().slice(0, 10),
  );
}
