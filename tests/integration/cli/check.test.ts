/** The contract of `utsushi check`, word by word, on real processes. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { App } from '../../../src/app.ts';
import { listAlerts, showAlert } from '../../../src/features/alerts/index.ts';
import { filesBelow, importCatalogue, listImport } from '../../../src/features/catalogue/index.ts';
import { evidencePicture } from '../../../src/features/checks/index.ts';
import { CommandLine, REPOSITORY, buildCommand } from '../../support/command.ts';
import { type Installation, install } from '../../support/installation.ts';
import { HOSTILE_FILES, artwork, halves } from '../../support/pictures.ts';

const unit = z.number().min(0).max(1);
const point = z.tuple([z.number(), z.number()]);
const verification = z.strictObject({
  inliers: z.int().min(0),
  overlap: z.strictObject({ asset: unit, output: unit }),
  alignedSimilarity: unit,
  quad: z.tuple([point, point, point, point]),
  correspondences: z.array(z.tuple([z.number(), z.number(), z.number(), z.number()])).max(40),
});
const match = z.strictObject({
  assetId: z.string().min(1),
  referenceId: z.uuid(),
  file: z.string().min(1),
  title: z.string().min(1),
  kind: z.enum(['reproduction', 'adaptation']),
  transformations: z.array(
    z.enum([
      'partial',
      'framed',
      'mirrored',
      'rotated',
      'warped',
      'recoloured',
      'restyled',
      'overlaid',
      'composed',
    ]),
  ),
  confidence: unit,
  hashDistance: z.int().min(0).max(256),
  orientation: z.string().min(1),
  verification: verification.nullable(),
  falseAlarms: z
    .strictObject({
      atLeast: z.int().min(0),
      of: z.int().min(1),
      measuredOn: z.enum(['own-catalogue', 'development-corpus']),
    })
    .nullable(),
  reasons: z.array(z.strictObject({ ja: z.string().min(1), en: z.string().min(1) })).min(1),
});
const milliseconds = z.number().min(0);
const answered = z.strictObject({
  target: z.string(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  checkId: z.uuid().nullable(),
  alertIds: z.array(z.uuid()),
  verdict: z.enum(['no-candidate', 'candidate', 'unhashable']),
  reason: z.string().min(1).optional(),
  matches: z.array(match),
  provenance: z.looseObject({
    grade: z.string(),
    generator: z.string().nullable(),
    prompt: z.string().optional(),
  }),
  reliance: z.array(z.looseObject({ assetId: z.string(), term: z.string(), where: z.string() })),
  ms: z.strictObject({
    decode: milliseconds,
    fingerprint: milliseconds,
    search: milliseconds,
    verify: milliseconds,
  }),
  catalogueVersion: z.int().min(1),
  policyVersion: z.int().min(1),
  algorithmVersion: z.string().min(1),
});
const failed = z.strictObject({
  target: z.string(),
  error: z.strictObject({ code: z.string(), message: z.string().min(1) }),
});
type Answered = z.infer<typeof answered>;
type Line = Answered & z.infer<typeof failed>;

const WORKS = 8;

describe('utsushi check', () => {
  let installation: Installation;
  let app: App;
  let utsushi: CommandLine;
  let folder: string;
  let server: Server;
  let base: string;
  const at = (name: string) => join(folder, name);
  const copyOf = (seed: number) => artwork(seed).resize(260).jpeg({ quality: 70 }).toBuffer();

  beforeAll(async () => {
    await buildCommand();
    installation = await install('postgres', { UTSUSHI_CONCURRENCY: '2' });
    app = await installation.open();
    utsushi = new CommandLine(installation.env);
    folder = join(installation.dataDir, 'test pictures');
    await mkdir(join(folder, 'directory', 'below'), { recursive: true });
    await mkdir(at('works'));
    const rows: string[] = [];
    for (let seed = 0; seed < WORKS; seed++) {
      await artwork(seed)
        .png()
        .toFile(at(`works/${seed}.png`));
      rows.push(
        JSON.stringify({
          file: `${seed}.png`,
          asset_id: `work-${seed}`,
          title: `月うさぎ ${seed}`,
          tier: 'high',
        }),
      );
    }
    // A second reference image of one work: a match names the better of the two, once.
    await artwork(0).resize(320, 240, { fit: 'fill' }).blur(6).png().toFile(at('works/0-blurred.png'));
    rows.push(
      JSON.stringify({ file: '0-blurred.png', asset_id: 'work-0', title: '月うさぎ 0', tier: 'high' }),
    );
    await writeFile(at('works/manifest.jsonl'), rows.join('\n'));
    const report = await importCatalogue(
      app.checks,
      await listImport(at('works/manifest.jsonl'), undefined),
      {
        tier: 'standard',
        actor: 'test',
      },
    );
    expect(report).toMatchObject({ imported: WORKS + 1, failed: [] });
    await writeFile(at('copy.jpg'), await copyOf(1));
    await writeFile(at('copy of the first.jpg'), await copyOf(0));
    await writeFile(at('もう一枚 の 写し.jpg'), await copyOf(2));
    await writeFile(at('directory/a.jpg'), await copyOf(3));
    await writeFile(at('directory/below/b.jpg'), await copyOf(4));
    await writeFile(at('directory/README.md'), 'no picture, no line');
    await artwork(500).png().toFile(at('different.png'));
    await (await halves(64, 64)).linear(0, 128).png().toFile(at('flat.png'));
    server = createServer(async (request, response) => {
      if (request.url === '/copy.webp') response.end(await artwork(5).resize(400).webp().toBuffer());
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server?.close();
    await installation?.close();
  });

  const tables = [
    'assets',
    'reference_images',
    'fingerprints',
    'outputs',
    'sightings',
    'checks',
    'matches',
    'alerts',
    'alert_events',
    'audit_records',
  ] as const;
  async function everythingStored(): Promise<Record<string, unknown>> {
    const counts: Record<string, unknown> = {};
    for (const table of tables) {
      const { n } = await app.db
        .selectFrom(table)
        .select(({ fn }) => fn.countAll<number>().as('n'))
        .executeTakeFirstOrThrow();
      counts[table] = n;
    }
    for (const kept of ['blobs', 'spool']) {
      counts[kept] = await filesBelow(join(installation.dataDir, kept), false).catch(() => []);
    }
    return counts;
  }

  test('a --json line has every field of the contract and no other', async () => {
    const ran = await utsushi.run('check', at('copy.jpg'), '--json');
    expect(ran.code).toBe(1);
    const [line] = ran.json<unknown>();
    const answer = answered.parse(line);
    expect(answer).toMatchObject({
      target: at('copy.jpg'),
      checkId: null,
      alertIds: [],
      verdict: 'candidate',
      matches: [{ assetId: 'work-1', title: '月うさぎ 1', file: '1.png', kind: 'reproduction' }],
      catalogueVersion: 1,
      policyVersion: 1,
    });
    expect(Object.keys(line as object)).toEqual([
      'target',
      'sha256',
      'checkId',
      'alertIds',
      'verdict',
      'matches',
      'provenance',
      'reliance',
      'ms',
      'catalogueVersion',
      'policyVersion',
      'algorithmVersion',
    ]);
    expect(ran.stderr).toBe('');
  });

  test('answers one line a target, in input order, whatever kind of target it is', async () => {
    const stdin = `\n${at('もう一枚 の 写し.jpg')}\n   \n\n${at('different.png')}\r\n${at('none.png')}\n${at('directory')}`;
    const ran = await utsushi
      .with({ UTSUSHI_FETCH_ALLOWED_HOSTS: '127.0.0.1' })
      .pipe(
        stdin,
        'check',
        at('copy.jpg'),
        at('directory'),
        '-',
        `${base}/copy.webp`,
        `${base}/none`,
        at('flat.png'),
        '--json',
      );
    const lines = ran.json<Line>();
    for (const line of lines) ('error' in line ? failed : answered).parse(line);
    const short = lines.map((line) => [
      line.target.replace(folder, '').replace(base, 'URL'),
      line.error?.code ?? line.matches[0]?.assetId ?? line.verdict,
    ]);
    expect(short).toEqual([
      ['/copy.jpg', 'work-1'],
      ['/directory/a.jpg', 'work-3'],
      ['/directory/below/b.jpg', 'work-4'],
      ['/もう一枚 の 写し.jpg', 'work-2'],
      ['/different.png', 'no-candidate'],
      ['/none.png', 'file_not_found'],
      ['/directory/a.jpg', 'work-3'],
      ['/directory/below/b.jpg', 'work-4'],
      ['URL/copy.webp', 'work-5'],
      ['URL/none', 'fetch_rejected'],
      ['/flat.png', 'unhashable'],
    ]);
    expect(lines.at(-1)!.reason).toBeTruthy();
    // Failures outrank candidates.
    expect(ran.code).toBe(3);
  });

  test('keeps the order over many more targets than it works on at once', async () => {
    const names = ['copy.jpg', 'different.png', 'flat.png', 'もう一枚 の 写し.jpg', 'directory/a.jpg'];
    const targets = Array.from({ length: 60 }, (_, i) => at(names[(i * 7) % names.length]!));
    const ran = await utsushi.pipe(targets.join('\n'), 'check', '-', '--json');
    expect(ran.json<Line>().map((line) => line.target)).toEqual(targets);
    expect(ran.code).toBe(1);
  });

  test('answers a target before the next one is known', async () => {
    const running = utsushi.start('check', '-', '--json');
    running.child.stdin!.write(`${at('copy.jpg')}\n`);
    expect(JSON.parse(await running.line())).toMatchObject({ target: at('copy.jpg'), verdict: 'candidate' });
    running.child.stdin!.write(`${at('different.png')}\n`);
    expect(JSON.parse(await running.line())).toMatchObject({ verdict: 'no-candidate' });
    running.child.stdin!.end();
    expect(await running.ended).toMatchObject({ code: 1 });
  });

  test('refuses private addresses unless told otherwise', async () => {
    const ran = await utsushi.run('check', `${base}/copy.webp`, 'http://localhost:1/x.png', '--json');
    expect(ran.code).toBe(3);
    expect(ran.json<Line>().map((line) => line.error.code)).toEqual(['fetch_forbidden', 'fetch_forbidden']);
  });

  test.concurrent.each([
    ['0: nothing found, and unhashable is no failure', ['flat.png', 'different.png'], [], 0],
    ['1: a candidate', ['different.png', 'copy.jpg'], [], 1],
    ['3: a failure, before a candidate', ['copy.jpg', 'none.png'], [], 3],
    ['2: usage, before anything else', ['copy.jpg', 'none.png'], ['--min-confidence', '1.01'], 2],
    ['2: a score below 0', ['copy.jpg'], ['--min-confidence=-0.1'], 2],
    ['2: an empty score', ['copy.jpg'], ['--min-confidence', ''], 2],
    ['2: --top 0', ['copy.jpg'], ['--top', '0'], 2],
    ['2: --page-url without --record', ['copy.jpg'], ['--page-url', 'https://a.example/'], 2],
    ['2: no target', [], [], 2],
  ])('exit %s', async (_, names, options, code) => {
    const ran = await utsushi.run('check', ...names.map(at), ...options, '--json');
    expect(ran).toMatchObject({ code });
    expect(ran.json()).toHaveLength(code === 2 ? 0 : names.length);
    if (code === 2) expect(ran.stderr).toBeTruthy();
  });

  test('--min-confidence 0 lists the best K however weak, sorted, each asset once by its best reference', async () => {
    for (const [name, top] of [
      ['different.png', 3],
      ['copy of the first.jpg', WORKS],
    ] as const) {
      const ran = await utsushi.run('check', at(name), '--min-confidence', '0', '--top', `${top}`, '--json');
      const { matches, verdict } = answered.parse(ran.json()[0]);
      // Only what was proposed and verified can be listed, so there may be fewer than K.
      expect(matches.length).toBeGreaterThan(0);
      expect(matches.length).toBeLessThanOrEqual(top);
      expect(new Set(matches.map((each) => each.assetId)).size).toBe(matches.length);
      const scores = matches.map((each) => each.confidence);
      expect(scores).toEqual(scores.toSorted((a, b) => b - a));
      // Weak ones are listed and remain no candidates.
      expect(verdict).toBe(name === 'different.png' ? 'no-candidate' : 'candidate');
      expect(ran.code).toBe(name === 'different.png' ? 0 : 1);
      // work-0 has a blurred reference image too.
      if (name !== 'different.png') expect(matches[0]).toMatchObject({ assetId: 'work-0', file: '0.png' });
    }
    const five = await utsushi.run('check', at('different.png'), '--min-confidence', '0', '--json');
    expect(five.json<Answered>()[0]!.matches.length).toBeLessThanOrEqual(5);
  });

  test('writes nothing unless asked to', async () => {
    const before = await everythingStored();
    await utsushi
      .with({ UTSUSHI_FETCH_ALLOWED_HOSTS: '127.0.0.1' })
      .run('check', at('copy.jpg'), at('different.png'), at('none.png'), `${base}/copy.webp`, '--json');
    expect(await everythingStored()).toEqual(before);
  });

  test('--record stores output, sighting, check and alert; again, the same alert', async () => {
    const before = await everythingStored();
    const record = () =>
      utsushi.run(
        'check',
        at('copy.jpg'),
        at('different.png'),
        '--record',
        '--page-url',
        'https://service.example/作品/1',
        '--json',
      );
    const ran = await record();
    expect(ran.code).toBe(1);
    const [copy, different] = ran.json<Answered>();
    answered.parse(copy);
    expect(copy!.checkId).toEqual(expect.any(String));
    expect(copy!.alertIds).toHaveLength(1);
    expect(different).toMatchObject({ checkId: expect.any(String), alertIds: [] });
    const more = { outputs: 2, sightings: 2, checks: 2, matches: 1, alerts: 1 };
    expect(await everythingStored()).toMatchObject(
      Object.fromEntries(Object.entries(more).map(([table, n]) => [table, (before[table] as number) + n])),
    );
    const alert = await showAlert(app.db, copy!.alertIds[0]!);
    expect(alert).toMatchObject({
      assetId: 'work-1',
      outputSha256: copy!.sha256,
      checkId: copy!.checkId,
      sightings: 1,
      seenAt: [{ pageUrl: 'https://service.example/作品/1', acquisition: 'uploaded' }],
    });
    expect(await app.checks.blobs.get(copy!.sha256)).toEqual(await readFile(at('copy.jpg')));

    const again = (await record()).json<Answered>()[0]!;
    expect(again).toMatchObject({ alertIds: copy!.alertIds, checkId: copy!.checkId });
    expect(await listAlerts(app.db)).toMatchObject([{ id: copy!.alertIds[0], sightings: 2 }]);
    expect(await filesBelow(join(installation.dataDir, 'spool'), false)).toEqual([]);
  });

  test('--record of a target that fails leaves a failed sighting and no output', async () => {
    const before = await everythingStored();
    const ran = await utsushi.run('check', `${base}/copy.webp`, at('none.png'), '--record', '--json');
    expect(ran.code).toBe(3);
    expect(ran.json<Line>().map((line) => line.error.code)).toEqual(['fetch_forbidden', 'file_not_found']);
    expect((await everythingStored())['outputs']).toBe(before['outputs']);
    const pending = await app.db
      .selectFrom('sightings')
      .select('id')
      .where('state', '=', 'pending')
      .execute();
    expect(pending).toEqual([]);
  });

  test('hostile files each get their own line with their code, and the rest is answered', async () => {
    const targets: [string, string][] = [];
    await mkdir(at('hostile'));
    for (const { file, code, make } of HOSTILE_FILES) {
      await writeFile(at(`hostile/${file}`), await make());
      targets.push([at(`hostile/${file}`), code], [at('copy.jpg'), 'candidate']);
    }
    const ran = await utsushi.run('check', ...targets.map(([target]) => target), '--json');
    expect(ran.code).toBe(3);
    const lines = ran.json<Line>();
    for (const line of lines) ('error' in line ? failed : answered).parse(line);
    expect(lines.map((line) => [line.target, line.error?.code ?? line.verdict])).toEqual(targets);
  });

  test('stdout is data and stderr is logs, also when everything is logged', async () => {
    const ran = await utsushi
      .with({ UTSUSHI_LOG_LEVEL: 'debug', UTSUSHI_DATA_DIR: at('fresh') })
      .run('check', at('copy.jpg'), '--json');
    expect(ran.json<Line>()).toMatchObject([{ verdict: 'no-candidate', catalogueVersion: 0 }]);
    expect(ran.stderr).toContain('started PostgreSQL');
    expect(ran.stderr).toContain('The catalogue is empty');
    expect(ran.code).toBe(0);
  });

  test('a reader who has gone is no crash', async () => {
    const targets = Array.from({ length: 40 }, () => `'${at('copy.jpg')}'`).join(' ');
    const ran = await utsushi.shell(
      `set -o pipefail; $UTSUSHI check ${targets} --json | head -1; echo "\${PIPESTATUS[0]}"`,
    );
    const [line, code] = ran.stdout.trim().split('\n');
    expect(JSON.parse(line!)).toMatchObject({ verdict: 'candidate' });
    expect(code).toBe('1');
    expect(ran.stderr).toBe('');
  });

  test('people read the verdict with its reasons, in their language', async () => {
    const japanese = await utsushi.run(
      'check',
      at('copy.jpg'),
      at('flat.png'),
      at('none.png'),
      '--lang',
      'ja',
    );
    expect(japanese.stdout).toMatch(
      /複製型の候補 {2}月うさぎ 1 {2}\(work-1\)\n.*作品の約\d+ %が、出力の全面に/,
    );
    expect(japanese.stdout).toMatch(/flat\.png\n {2}unhashable {2}\S/);
    expect(japanese.stdout).toMatch(/none\.png\n {2}error {2}file_not_found: /);
    expect(japanese.stderr).toContain('法的評価ではありません');
    const english = await utsushi.run('check', at('copy.jpg'));
    expect(english.stdout).toMatch(
      /reproduction candidate .*\n.*About \d+ % of the work appears, filling the output/,
    );
    expect(english.stderr).toContain('not a legal finding');
  });

  test('--evidence writes a picture of each match, and the library draws the same of a recorded one', async () => {
    const ran = await utsushi.run(
      'check',
      at('copy.jpg'),
      '--record',
      '--json',
      '--evidence',
      at('evidence'),
    );
    expect(ran).toMatchObject({ code: 1, stderr: '' });
    const [{ checkId, matches }] = ran.json<{
      checkId: string;
      matches: { assetId: string; evidence: string }[];
    }>() as [{ checkId: string; matches: { assetId: string; evidence: string }[] }];
    expect(matches).toHaveLength(1);
    const { assetId, evidence } = matches[0]!;
    expect(evidence).toMatch(/copy\.jpg--work-1--[0-9a-f]{8}\.png$/);
    const written = await readFile(evidence);
    expect(await sharp(written).metadata()).toMatchObject({ format: 'png', width: 1340 });
    const drawn = await evidencePicture(app.checks, { checkId, assetId });
    expect(Buffer.compare(written, drawn)).toBe(0);
    await expect(evidencePicture(app.checks, { checkId, assetId: 'work-7' })).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  test('a picture that cannot be drawn hides no match', async () => {
    const { sha256 } = await app.db
      .selectFrom('reference_images')
      .select('sha256')
      .where('asset_id', '=', 'work-4')
      .executeTakeFirstOrThrow();
    await rm(app.checks.blobs.path(sha256));
    const ran = await utsushi.run(
      'check',
      at('directory/below/b.jpg'),
      '--json',
      '--evidence',
      at('evidence'),
    );
    expect(ran.code).toBe(3);
    expect(ran.json()).toMatchObject([
      { verdict: 'candidate', matches: [{ assetId: 'work-4', evidenceError: { code: 'file_not_found' } }] },
    ]);
  });

  test('the pictures that come with Utsushi: plain copies are found, each as its own work', async () => {
    const data = { UTSUSHI_DATA_DIR: at('fixtures') };
    const fixtures = join(REPOSITORY, 'fixtures');
    const imported = await utsushi.with(data).run('catalogue', 'import', join(fixtures, 'manifest.csv'));
    expect(imported).toMatchObject({ code: 0, stdout: expect.stringContaining('imported 37') });
    const ran = await utsushi.with(data).run('check', join(fixtures, 'outputs'), '--json');
    const answers = new Map(
      ran.json<Answered>().map((line) => [line.target.replace(/.*\//, ''), answered.parse(line)]),
    );
    const truth = (await readFile(join(fixtures, 'outputs', 'truth.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map(
        (line) =>
          JSON.parse(line) as { file: string; truth: string; asset: string; transformations: string[] },
      );
    expect([...answers.keys()].toSorted()).toEqual(truth.map((each) => each.file).toSorted());
    const plain = truth.filter((each) => each.truth === 'reproduction' && each.transformations.length === 0);
    expect(plain.length).toBeGreaterThan(5);
    const missed = plain.filter(
      ({ file, asset }) => !answers.get(file)!.matches.some((each) => each.assetId === asset),
    );
    expect(missed).toEqual([]);
    const unrelated = truth.filter((each) => each.truth === 'unrelated');
    expect(unrelated.filter(({ file }) => answers.get(file)!.verdict === 'candidate')).toEqual([]);
  });
});
