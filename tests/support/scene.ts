/**
 * A catalogue, outputs of which some are copies of its works, and the answer: which output must have raised an alert
 * for which asset, worked out in this process, from the bytes, apart from whatever the processes under test did.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { App } from '../../src/app.ts';
import { LiveIndex, importCatalogue, listImport } from '../../src/features/catalogue/index.ts';
import { compare } from '../../src/features/checks/compare.ts';
import { type OutputPicture, lookAt } from '../../src/features/checks/output-picture.ts';
import { currentPolicy, openUpload } from '../../src/features/checks/index.ts';
import type { Tier } from '../../src/vision/matching/policy.ts';
import { artwork } from './pictures.ts';

/** The sizes the tests are named after; without it smaller ones, for everyday runs. */
export const FULL = process.env['UTSUSHI_TEST_FULL'] === '1';
/** For one test of either size, on a busy machine. */
export const TIMEOUT = { timeout: FULL ? 420_000 : 120_000 } as const;

const SIDE = 160;
/** Seeds from here on belong to outputs that copy nothing. */
const UNRELATED = 100_000;

interface Submitted {
  /** How often it was handed in. */
  times: number;
  /** Undefined: nothing to recognise it by. */
  readonly picture: OutputPicture | undefined;
  /** The assets found for it in the catalogue of this version: comparing takes long, and rounds ask again. */
  answer?: { readonly version: number; readonly assetIds: readonly string[] };
}

export class Scene {
  readonly #outputs = new Map<string, Submitted>();
  /** "output/asset" of plain copies: pairs that the answer must hold, or it is no answer. */
  readonly #planted = new Set<string>();
  #round = 0;

  /** Sightings submitted so far. */
  get submitted(): number {
    return [...this.#outputs.values()].reduce((sum, { times }) => sum + times, 0);
  }

  /** Writes works `from` to `to` as files into a new folder. */
  static async works(folder: string, from: number, to: number): Promise<string> {
    await mkdir(folder, { recursive: true });
    for (let seed = from; seed < to; seed++)
      await writeFile(join(folder, `work-${seed}.png`), await workBytes(seed));
    return folder;
  }

  static async importWorks(app: App, folder: string, tier: Tier = 'high'): Promise<void> {
    const report = await importCatalogue(app.checks, await listImport(folder, undefined), {
      tier,
      actor: 'test',
    });
    expect(report).toMatchObject({ imported: (await readdir(folder)).length, failed: [] });
  }

  /** The asset id that a work's file gets when a folder is imported. */
  static async assetOf(seed: number): Promise<string> {
    return `sha-${sha256Of(await workBytes(seed)).slice(0, 24)}`;
  }

  /**
   * Submits `count` outputs as the API does: of ten, four are copies of works below `works` (re-encoded, scaled,
   * mirrored, or the very file), four copy nothing, and two have the bytes of the one before them. Every seventh is
   * stored and never queued, as if the process that took it had died in between.
   */
  async submit(app: App, count: number, works: number): Promise<void> {
    const round = this.#round++;
    const queued: string[] = [];
    let previous: Buffer = Buffer.alloc(0);
    for (let i = 0; i < count; i++) {
      const work = (round * 3 + i) % works;
      const kind = i % 10;
      const bytes =
        kind === 4 || kind === 9 ? previous : await outputBytes(kind, work, round, count * round + i);
      previous = bytes;
      const sha256 = await this.#note(app, bytes);
      if (kind < 4) this.#planted.add(`${sha256}/${await Scene.assetOf(work)}`);
      const id = await openUpload(
        app.checks,
        bytes,
        { acquiredBy: 'test', pageUrl: `https://service.example/${i}`, account: null, postedAt: null },
        app.checks.clock(),
      );
      if (i % 7 !== 3) queued.push(id);
    }
    const queue = await app.queue();
    await queue.addMany(
      'check-sighting',
      queued.map((sightingId) => ({ payload: { sightingId }, options: { jobId: sightingId } })),
    );
  }

  async #note(app: App, bytes: Buffer): Promise<string> {
    const sha256 = sha256Of(bytes);
    const known = this.#outputs.get(sha256);
    if (known !== undefined) known.times += 1;
    else {
      const { picture } = await lookAt(app.checks, { bytes });
      // Looked at closely now: when the answer is worked out, this app is closed.
      await picture?.inDepth();
      this.#outputs.set(sha256, { times: 1, picture });
    }
    return sha256;
  }

  /** Every (output, asset) that must have raised an alert, as "output/asset", sorted. */
  async expectedPairs(app: App): Promise<string[]> {
    const index = new LiveIndex(currentPolicy);
    await index.refresh(app.db);
    const policy = await currentPolicy(app.db);
    const pairs: string[] = [];
    for (const [sha256, output] of this.#outputs) {
      const { picture } = output;
      if (picture === undefined) continue;
      if (output.answer?.version !== index.version) {
        const { matches } = await compare({ db: app.db, index }, picture, policy, 'candidates');
        output.answer = { version: index.version, assetIds: matches.map(({ assetId }) => assetId) };
      }
      pairs.push(...output.answer.assetIds.map((assetId) => `${sha256}/${assetId}`));
    }
    // An answer that misses what was planted would let everything pass.
    expect([...this.#planted].filter((pair) => !pairs.includes(pair))).toEqual([]);
    return pairs.toSorted();
  }

  /** Nothing was lost, nothing was done twice, and exactly the right alerts were raised. */
  async expectComplete(app: App): Promise<{ sightings: number; outputs: number; alerts: number }> {
    expect(await countBy(app, 'select state as key, count(*)::int as n from sightings group by 1')).toEqual(
      new Map([['done', this.submitted]]),
    );
    expect(
      await countBy(
        app,
        `select o.sha256 as key, count(*)::int as n
           from sightings s join outputs o on o.id = s.output_id group by 1`,
      ),
    ).toEqual(new Map([...this.#outputs].map(([sha256, { times }]) => [sha256, times])));
    await expectNone(
      app,
      'checks recorded more than once under one key',
      `select concat_ws('/', output_id, depth, catalogue_version, policy_version, algorithm_version) as key,
                count(*)::int as n
           from checks group by 1 having count(*) > 1`,
    );

    const alerts = await countBy(
      app,
      `select o.sha256 || '/' || a.asset_id as key, count(*)::int as n
         from alerts a join outputs o on o.id = a.output_id group by 1`,
    );
    expect([...alerts.keys()].toSorted()).toEqual(await this.expectedPairs(app));
    expect([...alerts.values()].every((n) => n === 1)).toBe(true);
    await expectNone(
      app,
      'alerts that are not the fold of their events',
      `select a.id::text as key, count(e.seq)::int as n
           from alerts a left join alert_events e on e.alert_id = a.id
          group by a.id
         having count(e.seq) <> a.last_seq or count(e.seq) <> max(e.seq) or
                count(*) filter (where e.type = 'opened') <> 1 or
                a.sightings <> count(distinct e.body ->> 'sightingId')`,
    );

    await expectNone(
      app,
      'sightings without exactly one audit record',
      `select s.id::text as key, count(r.id)::int as n
           from sightings s
           left join audit_records r
             on r.kind = 'output.checked' and r.payload::jsonb ->> 'sightingId' = s.id::text
          group by 1 having count(r.id) <> 1`,
    );
    const { rows: stored } = await app.pool.query<{ retained_sha256: string }>(
      'select distinct retained_sha256 from outputs',
    );
    for (const { retained_sha256: wanted } of stored) {
      expect(sha256Of(await app.checks.blobs.get(wanted))).toBe(wanted);
    }
    expect({ spool: await readdir(join(app.config.dataDir, 'spool')) }).toEqual({ spool: [] });
    return { sightings: this.submitted, outputs: this.#outputs.size, alerts: alerts.size };
  }

  /** Where the catalogue stood still: one check an output, and each alert counts every sighting of its output once. */
  async expectExactlyOnce(app: App): Promise<void> {
    await expectNone(
      app,
      'outputs without exactly one check',
      `select o.sha256 as key, count(c.id)::int as n
           from outputs o left join checks c on c.output_id = o.id group by 1 having count(c.id) <> 1`,
    );
    const seen = await countBy(
      app,
      `select o.sha256 || '/' || a.asset_id as key, a.sightings as n
         from alerts a join outputs o on o.id = a.output_id`,
    );
    for (const [pair, n] of seen) {
      expect({ pair, n }).toEqual({ pair, n: this.#outputs.get(pair.split('/')[0]!)!.times });
    }
  }
}

/** Fails with `what` and the rows when the query finds any. */
async function expectNone(app: App, what: string, text: string): Promise<void> {
  expect({ [what]: await countBy(app, text) }).toEqual({ [what]: new Map() });
}

async function countBy(app: App, text: string): Promise<Map<string, number>> {
  const { rows } = await app.pool.query<{ key: string; n: number }>(text);
  return new Map(rows.map(({ key, n }) => [key, n]));
}

const workCache = new Map<number, Promise<Buffer>>();

function workBytes(seed: number): Promise<Buffer> {
  let bytes = workCache.get(seed);
  if (bytes === undefined) {
    bytes = artwork(seed, SIDE).png().toBuffer();
    workCache.set(seed, bytes);
  }
  return bytes;
}

async function outputBytes(kind: number, work: number, round: number, nth: number): Promise<Buffer> {
  const copy = artwork(work, SIDE);
  // The round is in the bytes, so that each has outputs of its own; but for the very file, which comes again.
  if (kind === 0)
    return copy
      .jpeg({ quality: 60 + (nth % 30) })
      .withExif({ IFD0: { ImageDescription: String(nth) } })
      .toBuffer();
  if (kind === 1)
    return copy
      .resize(120 + (nth % 40))
      .webp({ quality: 80 - round })
      .toBuffer();
  if (kind === 2)
    return copy
      .flop()
      .resize(200 + nth)
      .png()
      .toBuffer();
  if (kind === 3) return workBytes(work);
  return artwork(UNRELATED + nth, SIDE)
    .jpeg()
    .toBuffer();
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
