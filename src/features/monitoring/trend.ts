/** Whether a source shows as much as it used to. */
export interface Trend {
  readonly state: 'steady' | 'shrinking' | 'silent';
  /** The newest complete scans together, and what was to be expected of as many. */
  readonly scans: number;
  readonly seen: number;
  readonly expected: number;
}

export interface TrendScan {
  readonly startedAt: Date;
  readonly seen: number;
}

const NEWEST = 3;
const HISTORY = 5;
/** Below these a quiet spell is nothing unusual. */
const LEAST_FOR_SILENCE = 5;
const LEAST_FOR_SHRINKING = 10;

/**
 * Compares the last three complete scans with those before them. Expected is three times their median, so that a first
 * scan that sees everything, or a burst, does not count; nothing is said before there are five to compare with.
 *
 * @param done complete scans, newest first
 */
export function trendOf(done: readonly TrendScan[]): Trend {
  const newest = done.slice(0, NEWEST);
  const before = done
    .slice(NEWEST)
    .map(({ seen }) => seen)
    .toSorted((a, b) => a - b);
  const seen = newest.reduce((total, scan) => total + scan.seen, 0);
  const expected = (before[Math.floor(before.length / 2)] ?? 0) * NEWEST;
  const known = before.length >= HISTORY;
  const state =
    known && seen === 0 && expected >= LEAST_FOR_SILENCE
      ? 'silent'
      : known && seen < expected / 2 && expected >= LEAST_FOR_SHRINKING
        ? 'shrinking'
        : 'steady';
  return { state, scans: newest.length, seen, expected };
}
