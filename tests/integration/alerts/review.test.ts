/** Reviewing alerts through the API, on a real PostgreSQL and with real pictures. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AlertDetail } from '../../../src/features/alerts/index.ts';
import { artwork } from '../../support/pictures.ts';
import { ReviewRoom } from '../../support/review.ts';

const copy = (seed: number, quality: number) => artwork(seed).resize(400).jpeg({ quality }).toBuffer();

describe('reviewing alerts', () => {
  let room: ReviewRoom;
  let hana: string;
  let ken: string;
  let vera: string;
  beforeAll(async () => {
    room = await ReviewRoom.open([0, 1, 2, 3, 4, 5]);
    hana = await room.person('hana', 'reviewer');
    ken = await room.person('ken', 'approver');
    vera = await room.person('vera', 'viewer');
  });
  afterAll(() => room?.close());

  const show = (id: string) => room.get<AlertDetail>(`/alerts/${id}`);
  const act = (id: string, body: unknown, token = hana) =>
    room.ask('POST', `/alerts/${id}/events`, body, token);

  test('an alert says all there is to know, and is decided by a named person with a reason', async () => {
    const [id] = await room.see(await copy(0, 80), {
      pageUrl: 'https://www.service.example/post/1',
      account: 'someone',
    });
    const opened = await show(id!);
    expect(opened).toMatchObject({
      state: 'open',
      decision: null,
      tier: 'high',
      source: 'service.example',
      clusterSize: 1,
      lastSeq: 1,
      asset: { title: 'work-0' },
      reference: { file: 'work-0.png' },
      match: { title: 'work-0', candidate: true },
    });
    expect(Date.parse(String(opened.dueAt)) - Date.parse(String(opened.openedAt))).toBe(24 * 3_600_000);
    expect((await act(id!, { type: 'decide', decision: 'confirm', expectedSeq: 1 })).json()).toMatchObject({
      error: { code: 'usage', message: expect.stringContaining('needs a reason') },
    });
    const decided = await act(id!, {
      type: 'decide',
      decision: 'confirm',
      reason: 'the whole picture',
      expectedSeq: 1,
    });
    expect(decided.json()).toMatchObject({
      state: 'decided',
      decision: 'confirm',
      decidedBy: 'hana',
      lastSeq: 2,
    });
    const { rows } = await room.app.pool.query(
      `select payload::jsonb as payload from audit_records where kind = 'alert.decided' and subject = $1`,
      [id],
    );
    expect(rows).toMatchObject([{ payload: { actor: 'hana', reason: 'the whole picture' } }]);
  });

  test('the second of two reviewers who decide at once is told, and nothing is lost', async () => {
    const [id] = await room.see(await copy(1, 80));
    const [first, second] = await Promise.all([
      act(id!, { type: 'decide', decision: 'not-similar', expectedSeq: 1 }, hana),
      act(id!, { type: 'decide', decision: 'confirm', reason: 'same', expectedSeq: 1 }, ken),
    ]);
    const [won, lost] = first.statusCode === 200 ? [first, second] : [second, first];
    expect([won.statusCode, lost.statusCode]).toEqual([200, 409]);
    const { error } = lost.json();
    expect(error).toMatchObject({
      code: 'conflict',
      details: {
        lastSeq: 2,
        state: 'decided',
        decision: won.json().decision,
        decidedBy: won.json().decidedBy,
        events: [{ seq: 2, actor: won.json().decidedBy, event: { type: 'decided' } }],
      },
    });
    expect((await show(id!)).events).toHaveLength(2);
  });

  test('a look and a further sighting are no conflict', async () => {
    const bytes = await copy(2, 80);
    const [id] = await room.see(bytes);
    await act(id!, { type: 'seen' }, ken);
    await act(id!, { type: 'seen' }, ken);
    await room.see(bytes);
    const answer = await act(id!, { type: 'decide', decision: 'not-similar', expectedSeq: 1 });
    expect(answer.json()).toMatchObject({ state: 'decided', lastSeq: 4 });
    expect(answer.json().events.map(({ event }: { event: { type: string } }) => event.type)).toEqual([
      'opened',
      'viewed',
      'seen',
      'decided',
    ]);
  });

  test('a decision is taken back to what stood before, by its author or an approver', async () => {
    const [id] = await room.see(await copy(3, 80));
    await act(id!, { type: 'assign', assignee: 'ken' });
    await act(id!, { type: 'decide', decision: 'escalate', reason: 'unsure' });
    expect(await show(id!)).toMatchObject({ state: 'escalated', assignee: 'ken' });
    expect((await act(id!, { type: 'decide', decision: 'not-similar' })).statusCode).toBe(403);
    await act(id!, { type: 'decide', decision: 'not-similar' }, ken);
    expect((await act(id!, { type: 'undo' })).statusCode).toBe(403);
    expect((await act(id!, { type: 'undo' }, ken)).json()).toMatchObject({
      state: 'escalated',
      decision: 'escalate',
      decidedBy: 'hana',
      assignee: 'ken',
    });
    expect((await act(id!, { type: 'undo' }, ken)).statusCode).toBe(400);
  });

  test('a viewer looks and does not touch', async () => {
    const { alerts } = await room.get<{ alerts: { id: string }[] }>('/alerts', vera);
    expect(alerts.length).toBeGreaterThan(0);
    const answer = await act(alerts[0]!.id, { type: 'note', text: 'hello' }, vera);
    expect(answer.json()).toMatchObject({ error: { code: 'forbidden' } });
  });

  test('the inbox pages without gaps, and counts each facet as if it did not narrow', async () => {
    const all = await room.get<{ alerts: { id: string }[]; total: number }>('/alerts?limit=100');
    const found: string[] = [];
    let after = '';
    do {
      const page = await room.get<{ alerts: { id: string }[]; next: string | null }>(
        `/alerts?limit=1&sort=priority${after}`,
      );
      found.push(...page.alerts.map(({ id }) => id));
      after = page.next === null ? '' : `&after=${encodeURIComponent(page.next)}`;
    } while (after !== '');
    expect(found).toEqual(all.alerts.map(({ id }) => id));
    expect(found).toHaveLength(all.total);
    const decided = await room.get<{ total: number; counts: { state: Record<string, number> } }>(
      '/alerts?state=decided&q=WORK-',
    );
    expect(decided.counts.state).toEqual({ decided: decided.total, escalated: 1 });
    expect((await room.get<{ total: number }>('/alerts?q=service.example')).total).toBe(1);
    expect((await room.get<{ total: number }>('/alerts?q=nowhere')).total).toBe(0);
    expect((await room.ask('GET', '/alerts?sort=due&after=bm9uc2Vuc2U')).statusCode).toBe(400);
  });
});
