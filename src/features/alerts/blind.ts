/**
 * Two people review an alert without knowing of each other: what the first one said is kept from everybody else until
 * the second one has decided too.
 */
import type { AlertEvent, AlertStanding, Decision, Recorded } from './alert.ts';

/** Which decisions need a second person. */
export interface SecondReview {
  /** Every confirmation. */
  readonly confirm: boolean;
  /** Share of all alerts, 0..1, that two people decide whatever the first one says: only these tell how far people agree. */
  readonly share: number;
}

/** The same alerts each time: an id is random, so its first digits are a draw. */
export function isDrawn(alertId: string, share: number): boolean {
  return Number.parseInt(alertId.slice(0, 8), 16) < share * 2 ** 32;
}

interface Veilable {
  readonly state: AlertStanding;
  readonly decision: Decision | null;
  readonly decidedBy: string | null;
  readonly decidedAt: Date | null;
  readonly rule: unknown;
  readonly scope: unknown;
}

/** @param viewer undefined for who must see everything: evidence, the operator's own tools */
function isVeiled({ state, decidedBy }: Pick<Veilable, 'state' | 'decidedBy'>, viewer: string | undefined) {
  return viewer !== undefined && state === 'second-review' && decidedBy !== viewer;
}

/** An alert as this viewer may see it. */
export function veil<A extends Veilable>(alert: A, viewer: string | undefined): A {
  if (!isVeiled(alert, viewer)) return alert;
  return { ...alert, decision: null, decidedBy: null, decidedAt: null, rule: null, scope: null };
}

/** A decision that its viewer may not know of yet. */
export type VeiledDecision = {
  readonly type: 'decided';
  readonly veiled: true;
};

/** An alert's events as this viewer may see them: of the decision that waits for a second one, only that it was made. */
export function veilEvents<E extends Recorded<AlertEvent>>(
  events: readonly E[],
  alert: Pick<Veilable, 'state' | 'decidedBy'>,
  viewer: string | undefined,
): (E | (Omit<E, 'event'> & { readonly event: VeiledDecision }))[] {
  if (!isVeiled(alert, viewer)) return [...events];
  return events.map((each) =>
    each.event.type === 'decided' && each.event.state === 'second-review'
      ? { ...each, actor: '', event: { type: 'decided', veiled: true } }
      : each,
  );
}
