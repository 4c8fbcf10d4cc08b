import type { Precedent } from './likeness.ts';

/**
 * Where a name stands that the page has somewhere, not where the picture is. A page about a work names all of it, so
 * such a name says little of this picture: it moves an alert up by less, and opens no watch entry.
 */
export const AWAY_FROM_PICTURE = 'page text away from the picture';

/** One thing that moves an alert up or down the inbox. */
export interface PriorityPart {
  readonly what: 'score' | 'tier' | 'reliance' | 'confirmed-alike' | 'rejected-alike';
  readonly points: number;
}

/**
 * Why an alert stands where it stands in the inbox. It only orders: no part touches the recorded score, and none is
 * large enough to take an alert out of sight.
 */
export function priorityParts(alert: {
  readonly confidence: number;
  readonly tier: 'high' | 'standard';
  readonly reliance: readonly { readonly where: string }[];
  readonly precedents: readonly Precedent[];
}): PriorityPart[] {
  const alike = (decision: Precedent['decision']) =>
    alert.precedents.some((precedent) => precedent.decision === decision);
  const parts: PriorityPart[] = [
    { what: 'score', points: 50 * alert.confidence },
    { what: 'tier', points: alert.tier === 'high' ? 20 : 0 },
    { what: 'reliance', points: reliancePoints(alert.reliance) },
    { what: 'confirmed-alike', points: alike('confirm') ? 15 : 0 },
    { what: 'rejected-alike', points: alike('not-similar') ? -25 : 0 },
  ];
  return parts.filter(({ points }) => points !== 0);
}

function reliancePoints(reliance: readonly { readonly where: string }[]): number {
  if (reliance.some(({ where }) => where !== AWAY_FROM_PICTURE)) return 15;
  return reliance.length > 0 ? 5 : 0;
}

/** 0..100; the inbox shows the highest first. */
export function priorityOf(parts: readonly PriorityPart[]): number {
  return Math.min(
    100,
    Math.max(
      0,
      parts.reduce((sum, { points }) => sum + points, 0),
    ),
  );
}
