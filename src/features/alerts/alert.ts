import type { Kind } from '../../vision/matching/match.ts';

/**
 * What a person can say of an alert. `confirm` means that it will be acted upon; it is no finding of infringement.
 * `not-similar` belongs to the pair of pictures and its near-copies; `licensed` and `tolerated` only to their places.
 */
export const DECISIONS = ['confirm', 'not-similar', 'licensed', 'tolerated', 'escalate'] as const;
export type Decision = (typeof DECISIONS)[number];

/**
 * `in-review`: somebody has taken it. `second-review`: one reviewer has decided it and another one must too, without
 * knowing what the first one said.
 * `escalated`: an approver must decide.
 */
export const ALERT_STATES = ['open', 'in-review', 'second-review', 'escalated', 'decided'] as const;
export type AlertStanding = (typeof ALERT_STATES)[number];

/** Where an output was seen; null where nobody said. */
export interface Place {
  readonly account: string | null;
  /** Host name without `www.` */
  readonly domain: string | null;
}

/** A licence or tolerance rule as it was when it was applied: rules change, what stood under them does not. */
export interface AppliedRule {
  /** E.g. `licence:12` or `tolerance:3`. */
  readonly id: string;
  /** Licensee, or the rule's name. */
  readonly name: string;
  readonly accounts: readonly string[];
  readonly domains: readonly string[];
  readonly validFrom: string | null;
  readonly validUntil: string | null;
  readonly territory: readonly string[];
}

/** The part of an alert that people change, and that `undone` brings back. */
export interface Standing {
  readonly state: AlertStanding;
  readonly decision: Decision | null;
  readonly decidedBy: string | null;
  readonly decidedAt: Date | null;
  readonly rule: AppliedRule | null;
  /** The places that a licensed or tolerated decision without a rule is confined to. */
  readonly scope: readonly Place[] | null;
  /** The alert whose human decision this one inherits. */
  readonly inheritedFrom: string | null;
  readonly assignee: string | null;
}

/** What can happen to an alert. */
export type AlertEvent =
  | {
      readonly type: 'opened';
      readonly checkId: string;
      readonly sightingId: string | null;
      readonly kind: Kind;
      readonly confidence: number;
      /** Found because an asset was added after the output was seen. */
      readonly retroactive: boolean;
    }
  /** The output was seen again; `rule` names the rule that covers this place, `reopens` says that a decision does not. */
  | {
      readonly type: 'seen';
      readonly sightingId: string;
      readonly checkId: string;
      readonly rule?: AppliedRule;
      readonly reopens: boolean;
    }
  /** Every place it was seen at stands under a licence or is tolerated. */
  | { readonly type: 'ruled'; readonly decision: 'licensed' | 'tolerated'; readonly rule: AppliedRule }
  /** A near-copy of an output that a person judged against the same reference image. Distance in bits of 256. */
  | {
      readonly type: 'inherited';
      readonly decision: 'not-similar';
      readonly from: string;
      readonly decidedBy: string;
      readonly distance: number;
    }
  /** A person looked at it. */
  | { readonly type: 'viewed' }
  | { readonly type: 'assigned'; readonly assignee: string | null }
  | {
      readonly type: 'decided';
      readonly decision: Decision;
      readonly reason: string | null;
      readonly rule: AppliedRule | null;
      readonly scope: readonly Place[] | null;
      /** What it leads to: a confirmation may need a second person, a contradiction goes to an approver. */
      readonly state: 'second-review' | 'escalated' | 'decided';
      /** This alert was drawn to be reviewed by two people, whatever the first one says. */
      readonly drawn?: true;
    }
  /** The decision of event `seq` is taken back. */
  | {
      readonly type: 'undone';
      readonly seq: number;
      readonly reason: string | null;
      readonly standing: Standing;
    }
  | {
      readonly type: 'reopened';
      /** `outside-scope`: seen where the decision does not reach. `origin-changed`: what it inherited was taken back. */
      readonly why: 'person' | 'outside-scope' | 'origin-changed' | 'rule-ended';
      readonly reason: string | null;
      readonly sightingId: string | null;
    }
  | { readonly type: 'noted'; readonly text: string };

export interface Recorded<E> {
  readonly at: Date;
  readonly actor: string;
  readonly event: E;
}

export interface AlertState extends Standing {
  readonly kind: Kind;
  readonly confidence: number;
  readonly checkId: string;
  /** How often the output was seen, at different places or times. */
  readonly sightings: number;
  readonly retroactive: boolean;
  readonly openedAt: Date;
  readonly lastEventAt: Date;
}

const UNDECIDED = {
  decision: null,
  decidedBy: null,
  decidedAt: null,
  rule: null,
  scope: null,
  inheritedFrom: null,
} as const;

/** An alert's state is the fold of its events over this function. @throws RangeError when the first is no `opened` */
export function applyAlertEvent(
  before: AlertState | undefined,
  { at, actor, event }: Recorded<AlertEvent>,
): AlertState {
  if (event.type === 'opened') {
    return {
      ...UNDECIDED,
      state: 'open',
      assignee: null,
      kind: event.kind,
      confidence: event.confidence,
      checkId: event.checkId,
      sightings: event.sightingId === null ? 0 : 1,
      retroactive: event.retroactive,
      openedAt: at,
      lastEventAt: at,
    };
  }
  if (before === undefined) throw new RangeError(`an alert cannot begin with '${event.type}'`);
  const after = { ...before, lastEventAt: at };
  switch (event.type) {
    case 'seen':
      return { ...after, sightings: before.sightings + 1 };
    case 'viewed':
    case 'noted':
      return after;
    case 'assigned':
      return {
        ...after,
        assignee: event.assignee,
        state:
          before.state === 'open' || before.state === 'in-review' ? undecided(event.assignee) : before.state,
      };
    case 'ruled':
      return {
        ...after,
        ...UNDECIDED,
        state: 'decided',
        decision: event.decision,
        decidedBy: actor,
        decidedAt: at,
        rule: event.rule,
      };
    case 'inherited':
      return {
        ...after,
        ...UNDECIDED,
        state: 'decided',
        decision: event.decision,
        decidedBy: event.decidedBy,
        decidedAt: at,
        inheritedFrom: event.from,
      };
    case 'decided':
      return {
        ...after,
        ...UNDECIDED,
        state: event.state,
        decision: event.state === 'escalated' ? 'escalate' : event.decision,
        decidedBy: actor,
        decidedAt: at,
        rule: event.rule,
        scope: event.scope,
      };
    case 'undone':
      return { ...after, ...event.standing };
    case 'reopened':
      return { ...after, ...UNDECIDED, state: undecided(before.assignee) };
  }
}

const undecided = (assignee: string | null) => (assignee === null ? 'open' : 'in-review');
