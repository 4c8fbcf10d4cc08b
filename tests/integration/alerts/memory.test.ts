/** What was decided before: how far it reaches, and that it can be taken back. On a real PostgreSQL, through the API. */
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AlertDetail, type WatchEntry, raiseAlert } from '../../../src/features/alerts/index.ts';
import type { Incident } from '../../../src/features/incidents/index.ts';
import { artwork } from '../../support/pictures.ts';
import { iTXt } from '../../support/provenance-encoders.ts';
import { ReviewRoom } from '../../support/review.ts';

const LICENSED = {
  licences: [
    {
      licensee: 'Acme',
      accounts: ['@Acme'],
      domains: ['ok.example'],
      from: '2026-01-01',
      until: '2026-12-31',
    },
  ],
};
/** After the signature and the header chunk. */
const PNG_HEAD = 8 + 25;
const withChunks = (png: Buffer, chunk: Buffer) =>
  Buffer.concat([png.subarray(0, PNG_HEAD), chunk, png.subarray(PNG_HEAD)]);

const IN_TIME = new Date('2026-06-01T00:00:00Z');

describe('decision memory', () => {
  let room: ReviewRoom;
  let hana: string;
  let ken: string;
  beforeAll(async () => {
    room = await ReviewRoom.open([0, 1, 2, 3, 4, 5, 6, 7], {
      describe: (index) => ({
        ...(index === 1 ? LICENSED : {}),
        ...(index === 2 ? { series: 'A Series', published: '2020-05-01' } : {}),
        ...(index === 3 ? { aliases: ['ホシノウミ物語'], characters: ['Hoshino Umiko'] } : {}),
      }),
    });
    hana = await room.person('hana', 'reviewer');
    ken = await room.person('ken', 'approver');
  });
  afterAll(() => room?.close());

  const show = (id: string) => room.get<AlertDetail>(`/alerts/${id}`);
  const act = (id: string, body: object, token = hana) =>
    room.post<AlertDetail>(`/alerts/${id}/events`, body, token);
  const copyOf = (seed: number, quality: number, width = 400) =>
    artwork(seed).resize(width).jpeg({ quality }).toBuffer();
  const typesOf = ({ events }: AlertDetail) => events.map(({ event }) => event.type);

  test('near-copies are one cluster, mirrored ones too; another picture of the same work is not', async () => {
    const [first] = await room.see(await copyOf(0, 90));
    const [second] = await room.see(await copyOf(0, 60, 250));
    const [mirrored] = await room.see(await artwork(0).flop().jpeg({ quality: 70 }).toBuffer());
    const crop = artwork(0).png();
    const [part] = await room.see(
      await sharp(await crop.toBuffer())
        .extract({ left: 0, top: 0, width: 210, height: 210 })
        .png()
        .toBuffer(),
    );
    const clusters = await Promise.all(
      [first, second, mirrored, part].map(async (id) => (await show(id!)).clusterId),
    );
    expect(clusters[1]).toBe(clusters[0]);
    expect(clusters[2]).toBe(clusters[0]);
    expect(clusters[3]).not.toBe(clusters[0]);
    expect((await show(first!)).clusterSize).toBe(3);
    const bulk = await room.post<{ done: string[]; refused: { id: string; code: string }[] }>(
      '/alerts/decide',
      { clusterId: clusters[0], decision: 'confirm', reason: 'all the same', expected: { [second!]: 7 } },
      hana,
    );
    expect(bulk.done.toSorted()).toEqual([first, mirrored].toSorted());
    expect(bulk.refused).toMatchObject([{ id: second, code: 'conflict' }]);
  });

  test('not-similar reaches near-copies, waiting and new, and frees them when it is taken back', async () => {
    const [waiting] = await room.see(await copyOf(4, 90));
    const [judged] = await room.see(await copyOf(4, 80));
    await act(judged!, { type: 'decide', decision: 'not-similar', reason: 'another picture' });
    const [later] = await room.see(await copyOf(4, 50, 300));
    for (const id of [waiting!, later!]) {
      const heir = await show(id);
      expect(heir).toMatchObject({
        state: 'decided',
        decision: 'not-similar',
        decidedBy: 'hana',
        inheritedFrom: judged,
      });
      expect(heir.events.at(-1)!.event).toMatchObject({ type: 'inherited', from: judged, decidedBy: 'hana' });
    }
    // Nothing is hidden: every one is in the inbox, with its score.
    const { total } = await room.get<{ total: number }>('/alerts?assetId=work-4&state=decided');
    expect(total).toBe(3);
    await act(judged!, { type: 'undo' });
    for (const id of [waiting!, judged!, later!]) {
      expect(await show(id)).toMatchObject({ state: 'open', decision: null, inheritedFrom: null });
    }
  });

  test('a decision reaches near-copies whose prints an earlier version made', async () => {
    const [judged] = await room.see(await copyOf(6, 90));
    const [waiting] = await room.see(await copyOf(6, 60, 300));
    await room.app.pool.query(
      `update fingerprints set algorithm_version = 'utsushi-2'
        where sha256 in (select o.sha256 from outputs o join alerts a on a.output_id = o.id where a.id = any($1))`,
      [[judged, waiting]],
    );
    await act(judged!, { type: 'decide', decision: 'not-similar' });
    expect(await show(waiting!)).toMatchObject({ state: 'decided', inheritedFrom: judged });
    await act(judged!, { type: 'undo' });
  });

  test('an heir that a person opens again stays open when its origin changes, and an inherited one is no origin', async () => {
    const [judged] = await room.see(await copyOf(5, 90));
    await act(judged!, { type: 'decide', decision: 'not-similar' });
    const [heir] = await room.see(await copyOf(5, 70));
    await act(heir!, { type: 'reopen', reason: 'this one is' });
    await act(heir!, { type: 'decide', decision: 'confirm', reason: 'the same drawing' });
    await act(judged!, { type: 'undo' });
    expect(await show(heir!)).toMatchObject({ state: 'decided', decision: 'confirm', decidedBy: 'hana' });
    // What is alike moves, what is recorded does not.
    const { confidence, priorityParts, priority } = await show(judged!);
    expect(priorityParts).toContainEqual({ what: 'confirmed-alike', points: 15 });
    expect(priority).toBeCloseTo(50 * confidence + 20 + 15);
  });

  test('a licence covers its account, domain and period, and nothing else; the same picture elsewhere alerts again', async () => {
    const bytes = await copyOf(1, 85);
    const licensed = { pageUrl: 'https://www.ok.example/1', account: 'acme', postedAt: IN_TIME };
    const [id] = await room.see(bytes, licensed);
    const covered = await show(id!);
    expect(covered).toMatchObject({ state: 'decided', decision: 'licensed', rule: { name: 'Acme' } });
    expect(covered.rules).toMatchObject([
      { decision: 'licensed', coverage: { applies: 1, unknown: 0, no: 0 } },
    ]);
    await room.see(bytes, licensed);
    expect(await show(id!)).toMatchObject({ state: 'decided', sightings: 2 });
    await room.see(bytes, { ...licensed, account: 'somebody-else' });
    const again = await show(id!);
    expect(again).toMatchObject({ state: 'open', decision: null, sightings: 3 });
    expect(again.events.at(-1)!.event).toMatchObject({ type: 'reopened', why: 'outside-scope' });
  });

  test.each([
    ['after its end', { postedAt: new Date('2026-12-31T15:00:00Z') }],
    ['on another domain', { pageUrl: 'https://not-ok.example/1' }],
    ['by nobody named', { account: undefined }],
  ])('a licence does not cover a use %s', async (_, change) => {
    const { account, ...where } = {
      pageUrl: 'https://ok.example/1',
      account: 'acme',
      postedAt: IN_TIME,
      ...change,
    };
    const at = { ...where, ...(account === undefined ? {} : { account }) };
    // Another picture each time: a near-copy of it, which must not inherit the licence either.
    const [id] = await room.see(await copyOf(1, 40 + _.length, 350), at);
    expect(await show(id!)).toMatchObject({ state: 'open', decision: null });
  });

  test('licensed by a person without a rule holds for the places seen so far only', async () => {
    const bytes = await copyOf(6, 80);
    const [id] = await room.see(bytes, { pageUrl: 'https://shop.example/1', account: 'maker' });
    const refused = await room.ask(
      'POST',
      `/alerts/${id}/events`,
      { type: 'decide', decision: 'licensed', reason: 'contract', rule: 'licence:999' },
      hana,
    );
    expect(refused.json()).toMatchObject({ error: { code: 'usage' } });
    await act(id!, { type: 'decide', decision: 'licensed', reason: 'contract of May' });
    await room.see(bytes, { pageUrl: 'https://shop.example/2', account: 'MAKER' });
    expect(await show(id!)).toMatchObject({ state: 'decided', decision: 'licensed' });
    const [nearCopy] = await room.see(await copyOf(6, 60), {
      pageUrl: 'https://elsewhere.example/1',
      account: 'copyist',
    });
    expect(await show(nearCopy!)).toMatchObject({ state: 'open' });
    await room.see(bytes, { pageUrl: 'https://elsewhere.example/2', account: 'copyist' });
    expect(await show(id!)).toMatchObject({ state: 'open', decision: null });
  });

  test('a tolerance rule is named on what it covers, keeps it in sight, and gives it back when it ends', async () => {
    const [id] = await room.see(await copyOf(2, 80), { pageUrl: 'https://fans.example/1', account: 'fan' });
    const refused = await room.ask(
      'POST',
      '/rules',
      { name: 'everywhere', series: 'A Series', reason: 'x' },
      ken,
    );
    expect(refused.json()).toMatchObject({ error: { code: 'usage' } });
    expect((await room.ask('POST', '/rules', {}, hana)).statusCode).toBe(403);
    const made = await room.post<{ rule: { id: string }; applied: number }>(
      '/rules',
      { name: 'fan works', series: 'A Series', domains: ['fans.example'], reason: 'guideline' },
      ken,
    );
    expect(made.applied).toBe(1);
    expect(await show(id!)).toMatchObject({
      state: 'decided',
      decision: 'tolerated',
      rule: { id: made.rule.id, name: 'fan works' },
    });
    const bytes = await copyOf(2, 60, 300);
    const [next] = await room.see(bytes, { pageUrl: 'https://fans.example/2' });
    expect(await show(next!)).toMatchObject({ decision: 'tolerated' });
    await room.see(bytes, { pageUrl: 'https://shop.example/2' });
    expect(await show(next!)).toMatchObject({ state: 'open' });
    expect(
      await room.ask('DELETE', `/rules/${made.rule.id}`, undefined, ken).then((each) => each.json()),
    ).toEqual({
      reopened: 1,
    });
    expect(typesOf(await show(id!))).toEqual(['opened', 'ruled', 'reopened']);
  });

  test('a page that names the work, found later, raises the priority of its alert', async () => {
    const bytes = await artwork(3).resize(300).jpeg({ quality: 66 }).toBuffer();
    const [id] = await room.see(bytes, { pageUrl: 'https://pictures.example/1' });
    const before = await show(id!);
    const named = { pageUrl: 'https://pictures.example/tags/hoshino_umiko' };
    expect(await room.see(bytes, named)).toEqual([id]);
    await room.see(bytes, named);
    const after = await show(id!);
    expect(before.reliance).toEqual([]);
    expect(after.reliance).toEqual([{ assetId: 'work-3', term: 'Hoshino Umiko', where: 'page URL' }]);
    expect(after.priority).toBe(Math.min(100, before.priority + 15));
    expect(after.confidence).toBe(before.confidence);
  });

  test('a prompt that names a work raises priority where the picture resembles it, and else only a watch entry', async () => {
    const stated = (text: string) => iTXt('parameters', `${text}\nSteps: 20, Seed: 1`);
    const resembling = withChunks(
      await artwork(3).resize(380).png().toBuffer(),
      stated('hoshino_umiko, smiling'),
    );
    const [id] = await room.see(resembling);
    const alert = await show(id!);
    expect(alert.reliance).toMatchObject([{ assetId: 'work-3', term: 'Hoshino Umiko' }]);
    expect(alert.priorityParts).toContainEqual({ what: 'reliance', points: 15 });
    expect(alert.facts.map(({ fact }) => fact)).toContain('named-in-prompt');
    expect(alert.provenance).toMatchObject({ grade: 'declared' });
    const unlike = withChunks(await artwork(900).png().toBuffer(), stated('ﾎｼﾉｳﾐ物語, masterpiece'));
    expect(await room.see(unlike, { account: 'prompter' })).toEqual([]);
    const { watch } = await room.get<{ watch: WatchEntry[] }>('/watch?state=open');
    expect(watch).toMatchObject([
      {
        assetId: 'work-3',
        account: 'prompter',
        terms: [{ term: 'ホシノウミ物語' }],
        sightings: 1,
        lastSeq: 1,
      },
    ]);
    const { id: entry } = watch[0]!;
    const promote = { type: 'promote', reason: 'sold as the character', expectedSeq: 1 };
    expect((await room.ask('POST', `/watch/${entry}/events`, promote, hana)).statusCode).toBe(403);
    const promoted = await room.post<WatchEntry & { events: unknown[] }>(
      `/watch/${entry}/events`,
      promote,
      ken,
    );
    expect(promoted).toMatchObject({
      state: 'promoted',
      events: [{ type: 'opened' }, { type: 'promoted', actor: 'ken' }],
    });
    expect((await room.ask('POST', `/watch/${entry}/events`, promote, ken)).statusCode).toBe(409);
    await room.see(unlike);
    expect(await room.get(`/watch/${entry}`)).toMatchObject({ state: 'promoted', sightings: 2 });
  });

  test('a work published before the output is a fact of the alert', async () => {
    const [id] = await room.see(await copyOf(2, 88), { pageUrl: 'https://x.example/', postedAt: IN_TIME });
    const { facts } = await show(id!);
    expect(facts.find(({ fact }) => fact === 'published-before')).toMatchObject({
      values: { published: '2020-05-01' },
    });
  });

  test('an asset that suddenly matches everything is quarantined under one incident, and nothing is lost', async () => {
    const { app } = room;
    const outputs = 36;
    // Thirty-six outputs that resemble neither each other nor any work.
    for (let i = 0; i < outputs; i++)
      expect(
        await room.see(
          await artwork(2_000 + i, 200)
            .png()
            .toBuffer(),
        ),
      ).toEqual([]);
    const { rows } = await app.pool.query<{
      output_id: string;
      check_id: string;
      sighting_id: string;
      reference_id: string;
    }>(
      `select s.output_id, s.check_id, s.id as sighting_id, r.id as reference_id
         from sightings s, reference_images r
        where r.asset_id = 'work-7' and s.output_id not in (select output_id from alerts) and s.account is null
        order by s.seen_at desc limit $1`,
      [outputs],
    );
    const raised: (string | undefined)[] = [];
    for (const row of rows) {
      raised.push(
        await app.db.transaction().execute((tx) =>
          raiseAlert(
            tx,
            {
              outputId: row.output_id,
              assetId: 'work-7',
              referenceId: row.reference_id,
              checkId: row.check_id,
              sightingId: row.sighting_id,
              kind: 'reproduction',
              confidence: 0.9,
              reliance: [],
            },
            { actor: 'utsushi', at: app.checks.clock(), protocol: app.checks.protocol },
          ),
        ),
      );
    }
    const alerts = raised.filter((id) => id !== undefined).length;
    expect(alerts).toBe(30);
    const { incidents } = await room.get<{ incidents: Incident[] }>('/incidents');
    expect(incidents).toMatchObject([
      { kind: 'asset-flood', subject: 'work-7', details: { held: outputs - 30 } },
    ]);
    await room.post(
      `/incidents/${incidents[0]!.id}/events`,
      { type: 'close', note: 'looked', held: 'release' },
      hana,
    );
    const { total } = await room.get<{ total: number }>('/alerts?assetId=work-7');
    expect(total).toBe(outputs);
    expect((await room.get<{ incidents: Incident[] }>('/incidents')).incidents).toEqual([]);
  });

  test('reports say how many wait, and how people decided', async () => {
    const report = await room.get<{
      overall: { decisions: number; overturned: number };
      byReviewer: { reviewer: string }[];
    }>('/reports/reviewers');
    expect(report.overall.decisions).toBeGreaterThan(4);
    expect(report.overall.overturned).toBeGreaterThan(0);
    expect(report.byReviewer.map(({ reviewer }) => reviewer)).toEqual(['hana']);
    const series = await room.get<{
      days: { day: string; opened: number }[];
      confidence: { alerts: number }[];
      waiting: { alerts: number };
    }>('/reports/alerts');
    const { total } = await room.get<{ total: number }>('/alerts');
    expect(series.days.reduce((sum, { opened }) => sum + opened, 0)).toBe(total);
    expect(series.confidence.reduce((sum, { alerts }) => sum + alerts, 0)).toBe(total);
    expect(series.waiting.alerts).toBe(
      (await room.get<{ total: number }>('/alerts?state=open,in-review,second-review,escalated')).total,
    );
  });
});
