/** Share of the negatives, the worst of them, whose mean sets the zero: one alone moves by a whole unit from half to half. */
const WORST_SHARE = 0.0075;
/** How far above it the zero lies, ln of the odds: other pictures will be worse. */
const MARGIN = 2;

/** Said of it in the weights that are written. */
export const ZERO = `${MARGIN} above the mean of the worst ${100 * WORST_SHARE} % of the negatives`;

/**
 * The score that is called a confidence of one half, where a policy may begin.
 *
 * @param tops what each picture known to be different reached: ln of the odds
 * @throws RangeError without any
 */
export function zeroOf(tops: readonly number[]): number {
  if (tops.length === 0) throw new RangeError('A zero needs pictures known to be different.');
  const worst = tops.toSorted((a, b) => b - a).slice(0, Math.max(1, Math.round(WORST_SHARE * tops.length)));
  return worst.reduce((a, b) => a + b, 0) / worst.length + MARGIN;
}
