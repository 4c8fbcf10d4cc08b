import { expect, test } from 'vitest';
import {
  type CaseEvent,
  type CaseState,
  applyCaseEvent,
  attendAt,
} from '../../../../src/features/takedown/case.ts';
import { currentLadder } from '../../../../src/features/takedown/ladder.ts';

const ALERT = '0192f0c1-5b7e-4c9c-9a0e-2f6c1f7b6d11';
const URL_1 = 'https://service.example/posts/1';
const at = (day: number) => new Date(Date.UTC(2026, 5, day));
const iso = (day: number) => at(day).toISOString();

const opened: CaseEvent = {
  type: 'opened',
  works: [{ assetId: 'moon', title: '月' }],
  materials: [
    {
      alertId: ALERT,
      watchId: null,
      assetId: 'moon',
      outputSha256: 'ab',
      pageUrl: URL_1,
      imageUrl: null,
      account: null,
      postedAt: null,
      seenAt: iso(1),
    },
  ],
  externalRef: null,
  ladder: currentLadder(),
  rung: 'platform-notice',
  skipped: [{ rung: 'poster-contact', reason: 'no account of the poster is known' }],
  logs: { until: iso(90), warnAt: iso(45) },
};
const sent: CaseEvent = {
  type: 'sent',
  rung: 'platform-notice',
  noticeId: null,
  form: null,
  recipient: 'X',
  channel: 'form',
  receipt: null,
  at: iso(2),
  clock: {
    basis: 'policy',
    rule: { days: 7, counting: 'calendar', rollForward: false, closedDays: [] },
    startedAt: iso(2),
    dueOn: '2026-06-09',
    dueAt: iso(9),
    remindAt: iso(7),
  },
  recheckAt: iso(3),
};
const reply = (
  cls: 'removed' | 'refused' | 'under-investigation' | 'no-answer' | 'counter-claim',
): CaseEvent => ({
  type: 'reply',
  rung: 'platform-notice',
  class: cls,
  reason: null,
  at: iso(4),
});
const looked = (outcome: 'present' | 'gone' | 'unknown', day: number): CaseEvent => ({
  type: 'rechecked',
  results: [{ url: URL_1, outcome, status: null }],
  at: iso(day),
  nextAt: iso(day + 1),
});
const fold = (...events: CaseEvent[]): CaseState =>
  events.reduce<CaseState | undefined>(
    (state, event, n) => applyCaseEvent(state, { at: at(n + 1), event }),
    undefined,
  )!;

test.each<[string, CaseEvent[], Partial<CaseState>]>([
  ['opened', [], { nextAction: 'approve-notice', unlockedBy: null, clock: null }],
  ['sent: the clock runs', [sent], { nextAction: 'await-reply', sentHere: true }],
  ['refused', [sent, reply('refused')], { nextAction: 'advance', unlockedBy: 'refused', clock: null }],
  ['no answer', [sent, reply('no-answer')], { nextAction: 'advance', unlockedBy: 'no-answer', clock: null }],
  [
    'a counter-claim goes to a lawyer first',
    [sent, reply('counter-claim')],
    { nextAction: 'consult', unlockedBy: null },
  ],
  ['said to be removed', [sent, reply('removed')], { nextAction: 'await-removal', clock: null }],
  ['… and gone', [sent, reply('removed'), looked('gone', 5)], { nextAction: 'close', unlockedBy: null }],
  [
    '… and still there',
    [sent, reply('removed'), looked('present', 5)],
    { nextAction: 'advance', unlockedBy: 'still-there' },
  ],
  [
    '… or looked at before it was said',
    [sent, reply('removed'), looked('present', 3)],
    { nextAction: 'await-removal' },
  ],
  ['… or nobody can tell', [sent, reply('removed'), looked('unknown', 5)], { nextAction: 'await-removal' }],
  [
    'the term is over',
    [sent, { type: 'deadline-passed', rung: 'platform-notice', dueAt: iso(9) }],
    { nextAction: 'advance', unlockedBy: 'deadline-passed' },
  ],
  [
    'closed and reopened',
    [sent, { type: 'closed', outcome: 'removed', reason: null }, { type: 'reopened', reason: 'it is back' }],
    { state: 'open', outcome: null },
  ],
])('%s', (_, events, expected) => {
  expect(fold(opened, ...events)).toMatchObject(expected);
});

test('an inquiry under way does not stop the clock', () => {
  expect(fold(opened, sent, reply('under-investigation')).clock).toMatchObject({ dueAt: iso(9) });
});

test('a new rung begins afresh', () => {
  const up: CaseEvent = {
    type: 'advanced',
    from: 'platform-notice',
    to: 'repeat-notice',
    unlockedBy: 'refused',
    skipped: [],
    reason: null,
  };
  expect(fold(opened, sent, reply('refused'), up)).toMatchObject({
    rung: 'repeat-notice',
    sentHere: false,
    reply: null,
    unlockedBy: null,
    nextAction: 'approve-notice',
  });
});

test('upkeep looks at a case when the first of its times comes', () => {
  expect(attendAt(fold(opened))).toBe(iso(45));
  expect(attendAt(fold(opened, sent))).toBe(iso(3));
  expect(attendAt(fold(opened, sent, looked('present', 8)))).toBe(iso(7));
  expect(
    attendAt(fold(opened, sent, looked('present', 8), { type: 'reminded', what: 'due-soon', by: iso(9) })),
  ).toBe(iso(9));
  expect(attendAt(fold(opened, { type: 'closed', outcome: 'removed', reason: null }))).toBeNull();
});

test('a case begins with its opening', () => {
  expect(() => fold(sent)).toThrow(RangeError);
});
