import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { App } from '../../../src/app.ts';
import {
  closeIncidents,
  handleIncident,
  listIncidents,
  raiseIncident,
} from '../../../src/features/incidents/index.ts';
import { type Installation, install } from '../../support/installation.ts';

describe('incidents', () => {
  let installation: Installation;
  let app: App;
  const at = (hour: number) => new Date(Date.UTC(2026, 10, 23, hour));
  const warning = (subject: string, en: string) => ({
    kind: 'scan-failed',
    subject,
    severity: 'warning' as const,
    message: { ja: '巡回に失敗しました', en },
  });
  const open = async () =>
    (await listIncidents(app.db, { state: 'open', limit: 100 })).map((each) => each.subject);

  beforeAll(async () => {
    installation = await install('postgres');
    app = await installation.open();
  });
  afterAll(() => installation.close());

  it('are one for a kind and subject however often they are found, and close when the trouble is over', async () => {
    const first = await raiseIncident(app.db, warning('a', 'one'), at(1));
    const again = await Promise.all(
      [2, 3, 4].map((hour) => raiseIncident(app.db, warning('a', 'two'), at(hour))),
    );
    expect(first.isNew).toBe(true);
    expect(again).toEqual(again.map(() => ({ id: first.id, isNew: false })));
    await raiseIncident(app.db, warning('b', 'other'), at(2));
    const found = await listIncidents(app.db, { state: 'open', limit: 100 });
    expect(found.map(({ subject, message, openedAt }) => [subject, message.en, openedAt])).toEqual([
      ['b', 'other', at(2)],
      ['a', 'two', at(1)],
    ]);
    expect(
      await closeIncidents(app.db, 'scan-failed', { allBut: ['b'] }, { actor: 'utsushi', at: at(5) }),
    ).toBe(1);
    expect(await closeIncidents(app.db, 'other-kind', { allBut: [] }, { actor: 'utsushi', at: at(5) })).toBe(
      0,
    );
    expect(await open()).toEqual(['b']);
    expect((await raiseIncident(app.db, warning('a', 'three'), at(6))).isNew).toBe(true);
    expect(await open()).toEqual(['a', 'b']);
  });

  it('are acknowledged and closed by people, once', async () => {
    const { id } = await raiseIncident(app.db, warning('c', 'seen by a person'), at(7));
    const by = { actor: 'mika', at: at(8) };
    expect(await handleIncident(app.db, id, { type: 'acknowledge', note: null }, by)).toMatchObject({
      acknowledgedBy: 'mika',
      acknowledgedAt: at(8),
      closedAt: null,
    });
    expect(await handleIncident(app.db, id, { type: 'close', note: 'mended' }, by)).toMatchObject({
      closedBy: 'mika',
    });
    await expect(handleIncident(app.db, id, { type: 'close', note: null }, by)).rejects.toMatchObject({
      code: 'invalid_request',
    });
    const { rows } = await app.pool.query<{ kind: string }>(
      'select kind from audit_records where subject = $1 order by id',
      [id],
    );
    expect(rows.map((row) => row.kind)).toEqual([
      'incident.opened',
      'incident.acknowledged',
      'incident.closed',
    ]);
  });
});
