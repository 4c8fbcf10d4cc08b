import { z } from 'zod';

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const PATTERN = /^([1-9]\d{0,5})(s|m|h|d)$/;

/** A duration as people write it in files: `30m`, `6h`, `1d`. Read as milliseconds. */
export const duration = z
  .string()
  .regex(PATTERN, 'must be a duration like 30m, 6h or 1d')
  .transform((text) => {
    const [, count, unit] = PATTERN.exec(text)!;
    return Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
  });

/** Milliseconds as people write them, in the largest unit that divides them: 21600000 is `6h`. */
export function showDuration(ms: number): string {
  const unit = (['d', 'h', 'm'] as const).find((each) => ms % UNIT_MS[each] === 0) ?? 's';
  return `${ms / UNIT_MS[unit]}${unit}`;
}
