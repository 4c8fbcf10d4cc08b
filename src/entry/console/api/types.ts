/** What the API answers, as far as the console reads it. Times are ISO 8601 in UTC. */
import type { Point } from '../workbench/geometry.ts';
import type { Sentence } from '../text/index.tsx';

export type Role = 'viewer' | 'reviewer' | 'approver' | 'admin';
export type Tier = 'high' | 'standard';
export type Kind = 'reproduction' | 'adaptation';
export type AlertStatus = 'open' | 'in-review' | 'second-review' | 'escalated' | 'decided';
export type Decision = 'confirm' | 'not-similar' | 'licensed' | 'tolerated' | 'escalate';

export interface AppliedRule {
  readonly id: string;
  readonly name: string;
  readonly accounts: readonly string[];
  readonly domains: readonly string[];
  readonly validFrom: string | null;
  readonly validUntil: string | null;
  readonly territory: readonly string[];
}

/** A rule with how many alerts stand under it now. */
export interface RuleInForce extends AppliedRule {
  readonly alerts: number;
}

export interface Licence extends RuleInForce {
  readonly assetId: string;
  readonly title: string;
}

export interface ToleranceRule extends RuleInForce {
  readonly assetId: string | null;
  readonly series: string | null;
  readonly reason: string;
  readonly createdBy: string;
  readonly createdAt: string;
  readonly endedBy: string | null;
  readonly endedAt: string | null;
}

export interface Person {
  /** Null for those who are no persons: the demo. */
  readonly id: string | null;
  readonly name: string;
  readonly role: Role;
}

export interface Session {
  readonly user: Person | null;
  /** Open without sign-in, on this machine only. */
  readonly demo: boolean;
  readonly oidc: boolean;
  /** Nobody has signed in yet: the one-time link is needed. */
  readonly setup: boolean;
}

/** A name of a work found in what surrounds the output. */
export interface Reliance {
  readonly assetId: string;
  readonly term: string;
  readonly where: string;
}

export interface Alert {
  readonly id: string;
  readonly outputId: string;
  readonly outputSha256: string;
  readonly assetId: string;
  readonly referenceId: string | null;
  readonly title: string;
  readonly series: string | null;
  readonly tier: Tier;
  readonly state: AlertStatus;
  readonly decision: Decision | null;
  readonly decidedBy: string | null;
  readonly decidedAt: string | null;
  readonly inheritedFrom: string | null;
  readonly assignee: string | null;
  readonly kind: Kind;
  readonly confidence: number;
  readonly sightings: number;
  readonly source: string;
  readonly clusterId: string;
  readonly clusterSize: number;
  readonly reliance: readonly Reliance[];
  readonly dueAt: string;
  readonly openedAt: string;
  readonly lastEventAt: string;
  /** The newest event; a change names it, so that nothing newer is overwritten unseen. */
  readonly lastSeq: number;
}

export interface Match {
  readonly assetId: string;
  readonly referenceId: string;
  readonly file: string;
  readonly title: string;
  readonly kind: Kind;
  readonly transformations: readonly string[];
  readonly confidence: number;
  readonly hashDistance: number;
  readonly orientation: string;
  readonly verification: {
    readonly inliers: number;
    readonly overlap: { readonly asset: number; readonly output: number };
    readonly alignedSimilarity: number;
    readonly quad: readonly Point[];
    /** x and y in the work, x and y in the output, in shares of their sides; older checks kept none. */
    readonly correspondences?: readonly (readonly [number, number, number, number])[];
  } | null;
  readonly reasons: readonly Sentence[];
  readonly candidate?: boolean;
}

export type Grade =
  'signed-verified' | 'signed-untrusted' | 'watermark' | 'declared' | 'platform-label' | 'none';

export interface ProvenanceFacts {
  readonly grade: Grade;
  readonly generator?: string | null;
  readonly model?: string | null;
  readonly prompt?: string | null;
  readonly sources?: readonly string[];
  readonly loras?: readonly string[];
  readonly findings?: readonly {
    readonly reader: string;
    readonly grade: Grade;
    readonly where: string;
    readonly value: string;
    readonly sentence: Sentence;
  }[];
  /** What contradicts itself; checks of earlier versions have no sentence. */
  readonly conflicts?: readonly { readonly sentence?: Sentence }[];
}

export type Verdict = 'no-candidate' | 'candidate' | 'unhashable';

/** A picture that was checked and kept nowhere. */
export interface CheckedPicture {
  readonly sha256: string;
  readonly verdict: Verdict;
  readonly reason?: string;
  readonly matches: readonly Match[];
  readonly provenance?: ProvenanceFacts;
  readonly reliance: readonly Reliance[];
  readonly ms: Readonly<Record<string, number>>;
}

export interface AlertList {
  readonly alerts: readonly Alert[];
  readonly total: number;
  readonly next: string | null;
  /** How many there are by each value, each under the other filters. */
  readonly counts: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export interface SavedView {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
  readonly shared: boolean;
  /** As the address bar has it, without its question mark. */
  readonly query: string;
}

export interface AlertEvent {
  readonly type: string;
  /** A first decision, kept back until the second is given. */
  readonly veiled?: true;
  /** What a decision led to. */
  readonly state?: AlertStatus;
  readonly decision?: Decision;
  readonly reason?: string | null;
  readonly rule?: AppliedRule | null;
  readonly assignee?: string | null;
  readonly text?: string;
}

export interface AlertDetail extends Alert {
  readonly events: readonly {
    readonly seq: number;
    readonly at: string;
    readonly actor: string;
    readonly event: AlertEvent;
  }[];
  readonly seenAt: readonly {
    readonly sightingId: string;
    readonly seenAt: string;
    readonly imageUrl: string | null;
    readonly pageUrl: string | null;
    readonly account: string | null;
    readonly acquisition: 'fetched' | 'captured-by-person' | 'uploaded';
  }[];
  readonly match: Match | null;
  readonly asset: {
    readonly author: string | null;
    readonly rightsHolder: string | null;
    readonly published: string | null;
  };
  readonly output: {
    readonly width: number;
    readonly height: number;
    readonly retained: 'original' | 'shrunk';
  };
  readonly reference: {
    readonly id: string;
    readonly file: string;
    readonly width: number;
    readonly height: number;
  } | null;
  readonly provenance: ProvenanceFacts | null;
  /** What bears on reliance, as facts. */
  readonly facts: readonly {
    readonly fact: string;
    /** What it rests on. */
    readonly values: Readonly<Record<string, string>>;
    readonly sentence: Sentence;
  }[];
  /** Licences and tolerance rules of the work, with how many of the sightings each covers. */
  readonly rules: readonly (AppliedRule & {
    readonly decision: 'licensed' | 'tolerated';
    readonly coverage: { readonly applies: number; readonly unknown: number; readonly no: number };
  })[];
  /** Decisions of people on outputs like this one; distance in bits of 256. */
  readonly precedents: readonly {
    readonly alertId: string;
    readonly decision: Decision;
    readonly decidedBy: string;
    readonly distance: number;
    readonly nearCopy: boolean;
  }[];
  /** Alerts of the same output for other works. */
  readonly siblings: readonly Pick<Alert, 'id' | 'title' | 'confidence' | 'state' | 'decision'>[];
}

export interface AssetDetail {
  readonly asset: {
    readonly id: string;
    readonly title: string;
    readonly series: string | null;
    readonly aliases: readonly string[];
    readonly characters: readonly string[];
    readonly author: string | null;
    readonly rights_holder: string | null;
    readonly claim: Readonly<Record<string, string | null>>;
    readonly human_authorship: string | null;
    readonly tier: Tier;
    readonly published: string | null;
    readonly enabled: boolean;
  };
  readonly references: readonly {
    readonly id: string;
    readonly file: string;
    readonly format: string;
    readonly width: number;
    readonly height: number;
  }[];
  readonly licences: readonly {
    readonly id: number;
    readonly licensee: string;
    readonly accounts: readonly string[];
    readonly domains: readonly string[];
    readonly valid_from: string | null;
    readonly valid_until: string | null;
    readonly territory: readonly string[];
  }[];
}

export type WatchState = 'open' | 'dismissed' | 'promoted';

export interface WatchEntry {
  readonly id: string;
  readonly outputSha256: string;
  readonly assetId: string;
  readonly title: string;
  readonly state: WatchState;
  readonly terms: readonly Reliance[];
  readonly sightings: number;
  readonly pageUrl: string | null;
  readonly account: string | null;
  readonly openedAt: string;
  readonly lastSeq: number;
}

export interface User {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly enabled: boolean;
  readonly signIn: 'password' | 'oidc' | 'none';
  readonly lastSignInAt: string | null;
}

export interface Token {
  readonly id: string;
  readonly user: string;
  readonly name: string;
  readonly lastUsedAt: string | null;
}

export interface AssetSummary {
  readonly id: string;
  readonly title: string;
  readonly series: string | null;
  readonly tier: Tier;
  readonly enabled: boolean;
  readonly references: number;
  /** The first reference image. */
  readonly firstReferenceId: string | null;
}

export interface Incident {
  readonly id: string;
  readonly kind: string;
  readonly severity: 'warning' | 'critical';
  readonly message: Sentence;
  readonly openedAt: string;
  readonly acknowledgedAt: string | null;
  readonly acknowledgedBy: string | null;
}

/** Whether the server can do its work. */
export interface Readiness {
  readonly catalogueVersion: number;
  readonly references: number;
}

/** Jobs of one queue by state. */
export interface QueueCounts {
  readonly name: string;
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  readonly failed: number;
}

export interface FailedJob {
  readonly id: string;
  readonly name: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly error: string;
  readonly attempts: number;
  readonly failedAt: string;
}

export type WebhookKind = 'json' | 'slack' | 'teams' | 'email';

export interface Webhook {
  readonly id: string;
  readonly kind: WebhookKind;
  readonly url: string;
  readonly events: readonly string[];
  readonly tiers: readonly Tier[];
  readonly digest: boolean;
  readonly artwork: boolean;
  readonly callbacks: boolean;
  readonly enabled: boolean;
  readonly previousSecretUntil: string | null;
  readonly deliveries: { readonly pending: number; readonly delivered: number; readonly dead: number };
  readonly lastError: string | null;
}

/** What could not be delivered within three days. */
export interface DeadDelivery {
  readonly id: string;
  readonly webhookId: string;
  readonly url: string;
  readonly type: string;
  readonly subject: string;
  readonly attempts: number;
  readonly lastError: string | null;
  readonly diedAt: string;
}

export interface Scan {
  readonly id: string;
  readonly monitor: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly trigger: 'schedule' | 'person';
  readonly startedAt: string;
  readonly seen: number;
  readonly new: number;
  readonly checked: number;
  readonly candidates: number;
  readonly failed: number;
  readonly error: { readonly code: string; readonly message: string } | null;
}

export interface Monitor {
  readonly name: string;
  readonly source: { readonly kind: string };
  readonly tier: Tier;
  readonly scheduleText: string;
  readonly paused: boolean;
  readonly lastScan: Scan | null;
  readonly nextRunAt: string | null;
}

export interface AlertReport {
  readonly days: readonly {
    readonly day: string;
    readonly opened: number;
    readonly decided: Readonly<Partial<Record<Decision, number>>>;
    readonly undone: number;
    readonly reopened: number;
  }[];
  readonly confidence: readonly {
    readonly from: number;
    readonly alerts: number;
    readonly confirmed: number;
    readonly notSimilar: number;
  }[];
  readonly waiting: { readonly alerts: number; readonly overdue: number };
}

/** From which match score a work has candidates. */
export interface Policy {
  readonly version: number;
  readonly tiers: Readonly<Record<Tier, { readonly minConfidence: number }>>;
}

/** Durations in milliseconds. */
export interface ReviewQuality {
  readonly decisions: number;
  readonly overturned: number | null;
  readonly sinceOpened: { readonly p50: number } | null;
  readonly sinceViewed: { readonly p50: number } | null;
  /** Of second reviews, and of those that were drawn whatever the first reviewer said. */
  readonly agreement?: Agreement;
  readonly drawn?: Agreement;
}

interface Agreement {
  readonly alerts: number;
  readonly observed: number | null;
  readonly kappa: number | null;
}

export interface ReviewerReport {
  readonly overall: ReviewQuality;
  readonly byTier: readonly (ReviewQuality & { readonly tier: Tier })[];
  readonly byReviewer: readonly (ReviewQuality & { readonly reviewer: string })[];
}

export interface ResemblingAsset extends AssetSummary {
  readonly match: { readonly referenceId: string; readonly confidence: number };
}

export type ReplyClass = 'removed' | 'refused' | 'under-investigation' | 'no-answer' | 'counter-claim';
export type CaseOutcome = 'removed' | 'settled' | 'withdrawn' | 'not-pursued' | 'court';
export type NoticeForm = 'ja-a' | 'ja-platform' | 'dmca' | 'dsa16' | 'generator';
export type AiOrigin = 'verified' | 'declared-in-file' | 'declared-by-poster' | 'suspected' | 'not-asserted';
export type Manner = 'a' | 'b' | 'c' | 'other';

export interface Rung {
  readonly id: string;
  readonly label: Sentence;
  readonly forms: readonly NoticeForm[];
}

export interface Particulars {
  readonly grounds?: string;
  readonly rights?: readonly string[];
  readonly manner?: Manner;
  readonly mannerText?: string;
  readonly location?: string;
  readonly aiOrigin?: { readonly grade: AiOrigin; readonly reason?: string; readonly quotation?: string };
}

/** Confirmed alerts without a case that could make one, because they share a work, a page or a poster. */
export interface CaseSuggestion {
  readonly alerts: readonly SuggestedAlert[];
  readonly works: readonly { readonly assetId: string; readonly title: string }[];
  readonly accounts: readonly string[];
}

export interface SuggestedAlert {
  readonly alertId: string;
  readonly assetId: string;
  readonly title: string;
  readonly outputSha256: string;
  readonly pageUrl: string | null;
}

export interface CaseSummary {
  readonly id: string;
  /** The newest event, as with alerts. */
  readonly seq: number;
  readonly state: 'open' | 'closed';
  readonly title: string;
  readonly works: readonly { readonly assetId: string; readonly title: string }[];
  readonly externalRef: string | null;
  readonly materials: readonly {
    /** Null for what was promoted from the watch queue. */
    readonly alertId: string | null;
    readonly watchId: string | null;
    readonly outputSha256: string;
    readonly pageUrl: string | null;
    readonly imageUrl: string | null;
    readonly account: string | null;
  }[];
  readonly ladder: { readonly rungs: readonly Rung[] };
  readonly rung: string;
  readonly particulars: Particulars;
  readonly approved: { readonly noticeId: string; readonly form: string } | null;
  readonly sent: number;
  readonly clock: { readonly dueAt: string } | null;
  readonly reply: { readonly class: ReplyClass; readonly reason: string | null } | null;
  readonly urls: Readonly<
    Record<string, { readonly outcome: 'present' | 'gone' | 'unknown'; readonly at: string }>
  >;
  readonly outcome: CaseOutcome | null;
  readonly nextAction: string;
  readonly openedAt: string;
  readonly lastEventAt: string;
}

/** One text for both languages, or one for each. */
export type Bilingual = string | { readonly ja?: string; readonly en?: string };

/** Who makes the claims; what the console does not edit stays as it is. */
export interface Profile {
  readonly name?: Bilingual;
  readonly address?: Bilingual;
  readonly signatory?: Bilingual;
  readonly phone?: string;
  readonly email?: string;
  readonly recipients: readonly {
    readonly id: string;
    readonly name: Sentence;
    readonly hosts: readonly string[];
  }[];
  readonly policy?: unknown;
}

export interface NoticeTemplate {
  readonly form: NoticeForm;
  readonly lang: 'ja' | 'en';
  /** `utsushi-1` comes with Utsushi, `own-1` stands in its place. */
  readonly version: string;
  readonly date: string;
  /** Elements that the form demands and the template does not state. */
  readonly lacks: readonly string[];
}

export interface CaseDetail extends CaseSummary {
  readonly events: readonly {
    readonly seq: number;
    readonly at: string;
    readonly actor: string;
    readonly event: Readonly<Record<string, unknown>> & { readonly type: string };
  }[];
  readonly notices: readonly {
    readonly noticeId: string;
    readonly form: NoticeForm;
    readonly lang: 'ja' | 'en';
    readonly approvedBy: string;
    readonly approvedAt: string;
  }[];
}

/** A part of a printed notice. */
export type Block =
  | { readonly kind: 'heading'; readonly text: string }
  | { readonly kind: 'paragraph'; readonly text: string; readonly align?: 'left' | 'right' | 'center' }
  | { readonly kind: 'fields'; readonly rows: readonly { readonly label: string; readonly text: string }[] }
  | { readonly kind: 'list'; readonly items: readonly string[] };

export interface NoticeDraft {
  readonly title: string;
  readonly blocks: readonly Block[];
  readonly details: readonly {
    readonly element: string;
    readonly message: Sentence;
    readonly remedy: string;
  }[];
  readonly warnings: readonly Sentence[];
  readonly attestations: readonly (Sentence & { readonly id: string })[];
}

export interface Coverage {
  readonly tiers: readonly {
    readonly tier: Tier;
    readonly assets: number;
    readonly overdue: number;
    readonly unwatched: number;
    readonly cadenceMs: number;
  }[];
  readonly assets: readonly {
    readonly assetId: string;
    readonly title: string;
    readonly lastLookedAt: string | null;
    readonly dueAt: string;
    readonly overdue: boolean;
    readonly monitors: readonly string[];
    readonly outputs: number;
  }[];
}
