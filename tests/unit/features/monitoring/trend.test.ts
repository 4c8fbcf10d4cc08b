import { expect, it } from 'vitest';
import { trendOf } from '../../../../src/features/monitoring/trend.ts';

/** Newest first. */
const scans = (...seen: number[]) =>
  seen.map((each, at) => ({ seen: each, startedAt: new Date(2026, 10, 30 - at) }));

it('says that a source went silent or shrinks only when that is unusual for it', () => {
  const states = {
    'steady, whatever the first scan saw': [9, 12, 10, 11, 9, 10, 12, 5_000],
    'silent when nothing comes where something used to': [0, 0, 0, 11, 9, 10, 12, 10],
    'shrinking when less than half comes': [4, 2, 5, 11, 9, 10, 12, 10],
    'steady when it was never busy': [0, 0, 0, 1, 0, 2, 0, 1],
    'steady while too little is known': [0, 0, 0, 50, 50],
    'steady before anything': [],
  };
  for (const [what, seen] of Object.entries(states))
    expect({ [what]: trendOf(scans(...seen)).state }).toEqual({ [what]: what.split(/[ ,]/)[0] });
  expect(trendOf(scans(4, 2, 5, 11, 9, 10, 12, 10))).toEqual({
    state: 'shrinking',
    scans: 3,
    seen: 11,
    expected: 30,
  });
});
