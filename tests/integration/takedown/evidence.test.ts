/** A bundle proves what it holds, to anybody, and shows every change made to it. */
import { randomInt } from 'node:crypto';
import { tmpdir } from 'node:os';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { App } from '../../../src/app.ts';
import { buildServer } from '../../../src/entry/http/server.ts';
import { anchorAudit, sealAudit } from '../../../src/features/audit/index.ts';
import { listAlerts } from '../../../src/features/alerts/index.ts';
import { importCatalogue, listImport } from '../../../src/features/catalogue/index.ts';
import { checkTarget, currentPolicy } from '../../../src/features/checks/index.ts';
import { addUser, createToken } from '../../../src/features/people/index.ts';
import {
  ATTESTATIONS,
  type EvidenceReport,
  approveNotice,
  openCase,
  reportToCase,
  sealEvidence,
  verifyEvidence,
  writeProfile,
} from '../../../src/features/takedown/index.ts';
import { readArchive, writeArchive } from '../../../src/platform/archive/zip.ts';
import { openSigner, rotateSigner } from '../../../src/platform/signing/keys.ts';
import { CLAIMANT, decide } from '../../support/confirmed.ts';
import { type Installation, install } from '../../support/installation.ts';
import { artwork } from '../../support/pictures.ts';
import { type TestAuthority, hasOpenssl, startAuthority } from '../../support/tsa.ts';
import { type WebServer, serve } from '../../support/web-server.ts';

const AT = new Date('2026-11-20T03:00:00Z');
const BY = { actor: 'reviewer', at: AT };
const CHANGES = process.env['UTSUSHI_TEST_FULL'] === '1' ? 1_000 : 100;

const TSA_HERE = hasOpenssl();

describe('evidence', () => {
  let installation: Installation;
  let app: App;
  let pictures: WebServer;
  let authority: TestAuthority | undefined;
  let caseId: string;
  let bundle: Uint8Array;

  beforeAll(async () => {
    authority = TSA_HERE ? await startAuthority() : undefined;
    installation = await install('postgres', {
      UTSUSHI_FETCH_ALLOWED_HOSTS: '127.0.0.1',
      ...(authority === undefined ? {} : { UTSUSHI_TSA_URL: authority.url }),
    });
    app = await installation.open({ clock: () => AT });
    pictures = await serve(async (_, response) => {
      response.setHeader('etag', '"as-it-was"');
      response.end(await artwork(1).resize(500).jpeg().toBuffer());
    });
    const works = join(installation.dataDir, 'works');
    await mkdir(works);
    await artwork(1).png().toFile(join(works, '灯籠坂の夜.png'));
    await importCatalogue(app.checks, await listImport(works, undefined), { tier: 'high', actor: 'test' });
    await writeProfile(app.db, JSON.stringify(CLAIMANT), BY);
    const claim = { right: 'copyright', document: 'AKB-17', territory: 'JP', expires: '2030-03-31' };
    await app.db
      .updateTable('assets')
      .set({ claim: JSON.stringify(claim), author: '霧島ことは', rights_holder: '株式会社アケボノ動画' })
      .execute();
    await checkTarget(app.checks, `${pictures.base}/images/1.jpg`, {
      policy: await currentPolicy(app.db),
      question: 'candidates',
      record: { by: 'test', pageUrl: 'https://x.com/someone/status/1' },
    });
    const [alert] = await listAlerts(app.db);
    await decide(app, alert!.id, 'confirm', AT);
    caseId = (await openCase(app.db, [alert!.id], BY)).id;
    await reportToCase(
      app.db,
      caseId,
      { type: 'particulars', particulars: { grounds: '同一の構図と線', location: '投稿の画像' } },
      BY,
    );
    await approveNotice(app.notices, caseId, { form: 'ja-a', attested: ATTESTATIONS }, BY);
    await reportToCase(app.db, caseId, { type: 'sent', channel: 'web-form', receipt: '4711' }, BY);
    await sealAudit(app.db);
    if (app.evidence.timestamp !== undefined) await anchorAudit(app.db, app.evidence.timestamp, AT);
    bundle = (await sealEvidence(app.evidence, caseId, BY)).zip;
  });
  afterAll(async () => {
    authority?.close();
    await pictures?.close();
    await installation.close();
  });

  const verify = async (zip: Uint8Array, trustedKey?: string): Promise<EvidenceReport> => {
    const { readTsaTrust } = await import('../../../src/app.ts');
    const tsa = { url: undefined, trustFile: authority?.trustFile };
    return verifyEvidence(zip, {
      compute: app.checks.compute,
      limits: app.config.limits,
      trustedKey,
      trustedTsa: await readTsaTrust({ ...app.config, tsa }),
    });
  };
  const unpack = (zip = bundle): Record<string, Uint8Array> => ({ ...readArchive(zip, 2 ** 30) });
  const asJson = (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString());

  /** What somebody with a key of their own would hand out: changed, and sealed again so that everything fits. */
  async function reseal(change: (files: Record<string, Uint8Array>) => void): Promise<Uint8Array> {
    const { checksums, jsonBytes, sha256Of } =
      await import('../../../src/features/takedown/evidence/manifest.ts');
    const forger = await openSigner(await mkdtemp(join(tmpdir(), 'utsushi-forger-')));
    const files = unpack();
    change(files);
    const manifest = asJson(files['manifest.json']!);
    for (const name of ['manifest.json', 'manifest.sig', 'manifest.tsr', 'checksums.txt']) delete files[name];
    manifest.files = Object.entries(files)
      .map(([path, bytes]) => ({ path, bytes: bytes.length, sha256: sha256Of(bytes) }))
      .toSorted((a, b) => (a.path < b.path ? -1 : 1));
    manifest.signer = { publicKey: forger.publicKey, fingerprint: forger.fingerprint, rotations: [] };
    files['manifest.json'] = jsonBytes(manifest);
    files['manifest.sig'] = Buffer.from(forger.sign(files['manifest.json']));
    files['checksums.txt'] = checksums(files);
    return writeArchive(files);
  }
  const edit = (
    files: Record<string, Uint8Array>,
    path: string,
    change: (value: ReturnType<typeof asJson>) => void,
  ) => {
    const value = asJson(files[path]!);
    change(value);
    files[path] = Buffer.from(JSON.stringify(value));
  };
  const alertPath = (files: object, name: string) =>
    Object.keys(files).find((path) => path.startsWith('alerts/') && path.endsWith(name))!;

  test('holds what the case rests on, is intact, and its match is found again from the bytes', async () => {
    const files = unpack();
    const paths = Object.keys(files).map((path) => path.replaceAll(/[0-9a-f]{64}|[0-9a-f-]{36}/g, '*'));
    expect(new Set(paths)).toEqual(
      new Set([
        'alerts/*/alert.json',
        'alerts/*/comparison.png',
        'alerts/*/match.json',
        'audit-anchors.json',
        'audit.json',
        'case.json',
        'checksums.txt',
        'manifest.json',
        'manifest.sig',
        ...(TSA_HERE ? ['manifest.tsr'] : []),
        'notices/*.json',
        'notices/*.pdf',
        'notices/*.txt',
        'outputs/*/original.jpeg',
        'outputs/*/output.json',
        paths.find((path) => path.startsWith('works/') && path.endsWith('.png')),
        paths.find((path) => path.startsWith('works/') && path.endsWith('work.json')),
      ]),
    );
    const output = asJson(files[Object.keys(files).find((path) => path.endsWith('output.json'))!]!);
    expect(output.sightings[0]).toMatchObject({
      seen_at: { utc: AT.toISOString(), jst: '2026-11-20T12:00:00.000+09:00' },
      page_url: 'https://x.com/someone/status/1',
      fetched: { status: 200, headers: { etag: '"as-it-was"' } },
    });
    const { fingerprint } = await openSigner(join(installation.dataDir, 'keys'));
    expect(await verify(bundle, fingerprint)).toMatchObject({
      state: 'intact',
      altered: [],
      recomputed: 'yes',
      signer: { fingerprint, trusted: true },
    });
    expect((await verify(bundle)).signer).toEqual({ fingerprint, trusted: null });
  });

  test.runIf(TSA_HERE)('is time-stamped by the authority, and so is the audit chain', async () => {
    const { timestamps } = await verify(bundle);
    expect(timestamps.map(({ of, trusted }) => [of.replace(/\d+/, 'N'), trusted])).toEqual([
      ['manifest.tsr', true],
      ['audit chain at entry N', true],
    ]);
  });

  test(`${CHANGES} changed bytes, one at a time, are all found`, async () => {
    const missed: number[] = [];
    for (let i = 0; i < CHANGES; i++) {
      const at = randomInt(bundle.length);
      const changed = Uint8Array.from(bundle);
      changed[at]! ^= 1 << randomInt(8);
      const { state, altered } = await verify(changed);
      if (state !== 'altered' || altered.length === 0) missed.push(at);
    }
    expect(missed).toEqual([]);
  });

  test('with another key it is not the trusted sender’s, and without a trusted key nobody’s', async () => {
    const forged = await reseal(() => {});
    const { fingerprint } = await openSigner(join(installation.dataDir, 'keys'));
    expect(await verify(forged, fingerprint)).toMatchObject({
      state: 'altered',
      altered: ['the signature: by another key than the trusted one'],
    });
    expect((await verify(forged)).signer?.trusted).toBeNull();
  });

  const forgeries: [string, (files: Record<string, Uint8Array>) => void, RegExp][] = [
    [
      'another picture',
      (files) => {
        const path = Object.keys(files).find((each) => each.includes('/original.'))!;
        files[path] =
          files[Object.keys(files).find((each) => each.startsWith('works/') && each.endsWith('.png'))!]!;
      },
      /not the picture that was checked/,
    ],
    [
      'a better score',
      (files) => edit(files, alertPath(files, 'match.json'), (match) => (match.recorded.confidence = 1)),
      /other figures than the audit chain has/,
    ],
    [
      'figures that the pictures do not give',
      (files) => edit(files, alertPath(files, 'match.json'), (match) => (match.pair.inliers *= 3)),
      /computed again, the figures are others/,
    ],
    [
      'an event of the case left out',
      (files) => edit(files, 'case.json', (found) => found.events.splice(1, 1)),
      /case\.json: has 3 events/,
    ],
    [
      'a decision left out',
      (files) => edit(files, alertPath(files, 'alert.json'), (alert) => alert.events.pop()),
      /alert\.json: has 1 events/,
    ],
    [
      'an audit record left out',
      (files) =>
        edit(files, 'audit.json', (audit) => {
          delete audit.entries.find((entry: { kind: string }) => entry.kind === 'alert.decided').record;
        }),
      /was left out/,
    ],
    [
      'an audit record reworded',
      (files) =>
        edit(files, 'audit.json', (audit) => {
          const { record } = audit.entries.find((entry: { kind: string }) => entry.kind === 'alert.decided');
          record.payload = record.payload.replace('seen side by side', 'seen at a glance');
        }),
      /was changed/,
    ],
  ];
  test.each(forgeries)('sealed again with %s it is found out', async (_, change, sentence) => {
    const { state, altered } = await verify(await reseal(change));
    expect(state).toBe('altered');
    expect(altered.join('\n')).toMatch(sentence);
  });

  test.runIf(TSA_HERE)('a chain computed anew up to a time-stamp is found out', async () => {
    const { digestOf, entryHash } = await import('../../../src/features/audit/chain.ts');
    const forged = await reseal((files) =>
      edit(files, 'audit.json', (audit) => {
        let previous: Buffer = Buffer.from(audit.previous, 'hex');
        for (const entry of audit.entries) {
          if (entry.kind === 'alert.decided') {
            entry.record.payload = entry.record.payload.replace('seen side by side', 'seen at a glance');
            entry.digest = digestOf(Buffer.from(entry.record.salt, 'hex'), entry.record.payload).toString(
              'hex',
            );
          }
          const { seq, recordId: id, at, kind, subject, digest } = entry;
          const record = { id, at: new Date(at), kind, subject, digest: Buffer.from(digest, 'hex') };
          previous = entryHash(seq, record, previous);
          entry.hash = previous.toString('hex');
        }
      }),
    );
    expect((await verify(forged)).altered.join('\n')).toMatch(/audit chain at entry \d+: the token is about/);
  });

  test('a new key takes over from the old one, which whoever trusted it may go on trusting', async () => {
    const folder = join(installation.dataDir, 'keys');
    const before = await openSigner(folder);
    const after = await rotateSigner(folder, AT);
    expect(after.fingerprint).not.toBe(before.fingerprint);
    const { zip } = await sealEvidence(app.evidence, caseId, BY);
    for (const known of [before, after]) {
      expect(await verify(zip, known.fingerprint)).toMatchObject({
        state: 'intact',
        signer: { trusted: true },
      });
    }
  });

  test('an approver approves through the API, and the notice is kept as it was', async () => {
    const api = await buildServer({ app, apiToken: 'a-token-only-for-this-test' });
    const id = await addUser(app.db, { name: 'judge', role: 'approver' }, BY);
    const { secret } = await createToken(app.db, id, { name: 'test' }, BY);
    const headers = { authorization: `Bearer ${secret}` };
    const url = `/api/cases/${caseId}/notice`;
    const payload = { form: 'ja-platform', attested: ATTESTATIONS };
    const approval = await api.inject({ method: 'POST', url: `${url}/approve`, headers, payload });
    expect(approval.statusCode).toBe(201);
    const { noticeId } = approval.json<{ noticeId: string }>();
    const kept = async () =>
      (await api.inject({ url: `${url}?form=ja-platform&format=text&approved=true`, headers })).body;
    const before = await kept();
    expect(before).toContain('株式会社アケボノ動画');
    expect(before).not.toContain('下書き');
    await writeProfile(app.db, JSON.stringify({ ...CLAIMANT, phone: '+81-3-0000-0000' }), BY);
    expect(await kept()).toBe(before);
    const { events } = (await api.inject({ url: `/api/cases/${caseId}`, headers })).json<{
      events: { actor: string; event: object }[];
    }>();
    expect(events).toContainEqual(
      expect.objectContaining({
        actor: 'judge',
        event: expect.objectContaining({ type: 'notice-approved', noticeId }),
      }),
    );
    await api.close();
  });

  test('what is no bundle is said to be none', async () => {
    await expect(verify(Buffer.from('no archive at all'))).rejects.toMatchObject({ code: 'not_a_bundle' });
    expect(await verify(writeArchive({ 'some.txt': Buffer.from('text') }))).toMatchObject({
      state: 'altered',
    });
  });
});
