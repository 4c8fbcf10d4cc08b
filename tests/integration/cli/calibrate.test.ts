import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { App } from '../../../src/app.ts';
import { listAlerts } from '../../../src/features/alerts/index.ts';
import { importCatalogue, listImport } from '../../../src/features/catalogue/index.ts';
import { type Calibration, currentPolicy, matchRetroactively } from '../../../src/features/checks/index.ts';
import { storePolicy } from '../../../src/features/checks/policies.ts';
import { DEFAULT_POLICY } from '../../../src/vision/matching/policy.ts';
import { CommandLine, buildCommand } from '../../support/command.ts';
import { type Installation, install } from '../../support/installation.ts';
import { artwork } from '../../support/pictures.ts';

const NEGATIVES = 32;
type Answer = Calibration & { policyVersion: number | null; report: string };

describe('utsushi calibrate', () => {
  let installation: Installation;
  let app: App;
  let utsushi: CommandLine;
  let folder: string;
  const at = (name: string) => join(folder, name);

  beforeAll(async () => {
    await buildCommand();
    installation = await install('postgres', { UTSUSHI_CONCURRENCY: '2' });
    app = await installation.open();
    utsushi = new CommandLine(installation.env);
    folder = await mkdtemp(join(tmpdir(), 'utsushi-calibrate-'));
    for (const each of ['works', 'negatives']) await mkdir(at(each));
    const rows: string[] = [];
    for (let seed = 0; seed < 24; seed++) {
      await artwork(seed, 200)
        .png()
        .toFile(at(`works/${seed}.png`));
      rows.push(`${seed}.png,work-${seed},月うさぎ ${seed},${seed % 6 === 0 ? 'standard' : 'high'}`);
    }
    // A thing that anything may resemble: a pale ring, soft enough to lie over whatever comes.
    const ring =
      '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="200"><rect width="200" height="200" fill="#eee"/><ellipse cx="100" cy="100" rx="70" ry="60" fill="#777"/></svg>';
    await sharp(Buffer.from(ring)).blur(4).png().toFile(at('works/ring.png'));
    rows.push('ring.png,work-ring,輪,high');
    await writeFile(at('works/manifest.csv'), `file,asset_id,title,tier\n${rows.join('\n')}\n`);
    for (let seed = 0; seed < NEGATIVES; seed++)
      await artwork(9_000 + seed, 200)
        .jpeg()
        .toFile(at(`negatives/other-${seed}.jpg`));
    const report = await importCatalogue(app.checks, await listImport(at('works/manifest.csv'), undefined), {
      tier: 'high',
      actor: 'test',
    });
    expect(report).toMatchObject({ imported: 25, failed: [] });
  });
  afterAll(async () => {
    await installation?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const calibrate = (...more: string[]) =>
    utsushi.run('calibrate', '--negatives', at('negatives'), '--json', ...more);

  test('refuses a rate that needs more pictures than there are, and says how many', async () => {
    const ran = await calibrate();
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toMatch(/^utsushi: too_few_negatives: .*at least 3000 pictures.* 32 were given$/m);
    const nearly = await calibrate('--target-fpr', '0.09');
    expect(nearly.code).toBe(2);
    expect(nearly.stderr).toContain('at least 34 pictures');
  });

  test('--dry-run measures, draws and stores nothing; works that resemble everything are named', async () => {
    const ran = await calibrate('--target-fpr', '0.1', '--works', '1', '--dry-run', '--out', at('report'));
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    const [answer] = ran.json<Answer>() as [Answer];
    expect(answer).toMatchObject({
      policyVersion: null,
      targetFpr: 0.1,
      suspectsAre: 'counted',
      negatives: { files: NEGATIVES, used: NEGATIVES, duplicates: 0, unhashable: 0, setAside: 0 },
    });
    for (const tier of ['high', 'standard'] as const) {
      const { threshold, copies, scores } = answer.tiers[tier]!;
      expect(threshold.falseAlarms.of).toBe(NEGATIVES);
      expect(threshold.atMost).toBeLessThanOrEqual(0.1);
      expect(scores.reduce((sum, [, n]) => sum + n, 0)).toBe(NEGATIVES);
      expect(copies).toMatchObject({ simulated: true, works: 1, of: copies.byKind.length });
      expect(copies.byKind.find(({ kind }) => kind === 'recode')).toMatchObject({ of: 1, found: 1 });
    }
    expect(answer.magnets).toMatchObject([{ assetId: 'work-ring', reference: 'ring.png', plain: true }]);
    expect((await readdir(at('report'))).toSorted()).toEqual([
      'calibration.html',
      'calibration.json',
      'distribution-high.svg',
      'distribution-standard.svg',
      'trade-off-high.svg',
      'trade-off-standard.svg',
    ]);
    for (const name of ['distribution-high.svg', 'trade-off-standard.svg'])
      expect(await sharp(at(`report/${name}`)).metadata()).toMatchObject({ format: 'svg', width: 760 });
    const html = await readFile(at('report/calibration.html'), 'utf8');
    expect(html).toContain('no diffusion model was used');
    expect(html).toContain('画像生成モデルは使っていません');
    expect(html).toContain('ring.png');
    // Self-contained: it asks nobody for anything.
    expect(html).not.toMatch(/(src|href)=|url\(|@import/);
    expect((await currentPolicy(app.db)).version).toBe(1);
  });

  test('a copy among the negatives stops it, until a person has said what it is', async () => {
    await artwork(5, 200).resize(300).jpeg({ quality: 70 }).toFile(at('negatives/a-copy.jpg'));
    const stopped = await calibrate('--target-fpr', '0.1', '--works', '0');
    expect(stopped.code).toBe(3);
    expect(stopped.stderr).toMatch(/^utsushi: suspected_copies: /m);
    expect(stopped.json<Answer>()[0]).toMatchObject({
      policyVersion: null,
      suspectsAre: 'undecided',
      suspects: [{ file: at('negatives/a-copy.jpg'), assetId: 'work-5', reference: '5.png' }],
    });
    expect((await currentPolicy(app.db)).version).toBe(1);

    const stored = await calibrate('--target-fpr', '0.1', '--works', '0', '--suspects', 'set-aside');
    expect(stored).toMatchObject({ code: 0, stderr: '' });
    const [answer] = stored.json<Answer>() as [Answer];
    expect(answer).toMatchObject({
      policyVersion: 2,
      suspectsAre: 'set-aside',
      negatives: { files: NEGATIVES + 1, used: NEGATIVES, setAside: 1 },
    });
    const policy = await currentPolicy(app.db);
    expect(policy).toMatchObject({
      version: 2,
      tiers: {
        high: { minConfidence: answer.tiers.high!.threshold.minConfidence, depth: 'deep' },
        standard: { minConfidence: answer.tiers.standard!.threshold.minConfidence, depth: 'standard' },
      },
    });
    const shown = await utsushi.run('policy', 'show');
    expect(shown.stdout).toContain('calibrated on 32 pictures known to be different');
    expect(shown.stdout).toContain('with 95 % certainty at most');
    expect((await utsushi.run('policy', 'list', '--json')).json()).toMatchObject([
      { version: 2 },
      { version: 1, reason: 'default policy' },
    ]);
  });

  test('from then on every match says how many pictures known to be different score as high', async () => {
    const ran = await utsushi.run('check', at('works/7.png'), '--json');
    expect(ran.json()).toMatchObject([
      {
        policyVersion: 2,
        matches: [
          { assetId: 'work-7', falseAlarms: { atLeast: 0, of: NEGATIVES, measuredOn: 'own-catalogue' } },
        ],
      },
    ]);
    const [{ matches }] = ran.json<{ matches: { reasons: { ja: string; en: string }[] }[] }>() as [
      { matches: { reasons: { ja: string; en: string }[] }[] },
    ];
    expect(matches[0]!.reasons.at(-1)).toEqual({
      ja: '別物と分かっている絵32枚のうち、照合スコアがこれ以上になるものは0枚です(自分のカタログで測定)。',
      en: '0 of 32 pictures known to be different score at least this (measured on your catalogue).',
    });
    const people = await utsushi.run('check', at('works/7.png'), '--lang', 'ja');
    expect(people.stdout).toContain('別物と分かっている絵32枚のうち');
  });

  test('a policy that speaks up earlier looks at stored outputs again', async () => {
    const by = { actor: 'test', at: new Date() };
    const policy = (minConfidence: number) => ({
      tiers: {
        high: { ...DEFAULT_POLICY.tiers.high, minConfidence },
        standard: { ...DEFAULT_POLICY.tiers.standard, minConfidence },
      },
      reason: 'for a test',
      calibration: null,
    });
    await matchRetroactively(app.checks);
    await storePolicy(app.db, policy(1), by);
    const copy = at('copy.jpg');
    await artwork(8, 200).flop().resize(260).jpeg({ quality: 60 }).toFile(copy);
    const recorded = await utsushi.run('check', copy, '--record', '--json');
    expect(recorded.json()).toMatchObject([{ verdict: 'no-candidate', alertIds: [] }]);
    await storePolicy(app.db, policy(0.5), by);
    expect(await matchRetroactively(app.checks)).toMatchObject({ outputs: 1, alerts: 1 });
    expect(await listAlerts(app.db, { limit: 10 })).toMatchObject([{ assetId: 'work-8' }]);
  });
});
