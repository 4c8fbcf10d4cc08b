/** How long the API takes to answer a reviewer, with many alerts in the database. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { type App, openApp } from '../src/app.ts';
import { loadConfig } from '../src/config.ts';
import { buildServer } from '../src/entry/http/server.ts';
import { removeEmbeddedPostgres } from '../src/platform/storage/embedded/index.ts';
import type { BenchOptions, Section } from './support/section.ts';

const TOKEN = 'a-token-only-for-this-bench';
const SERIES = 40;
const ASSETS = 400;

export async function reviewSection({ small }: BenchOptions): Promise<Section> {
  const rounds = small ? 3 : 60;
  return {
    file: 'review.md',
    title: 'Reviewing',
    note: `What a reviewer waits for at the API (without network and browser), over ${rounds} requests of each kind; API and PostgreSQL on one machine.`,
    body: await reviewTable(small ? 300 : 50_000, rounds),
  };
}

/**
 * @param alerts how many alerts the database holds
 * @param rounds requests of each kind
 * @returns a Markdown table: median and 95th percentile in milliseconds, measured in front of the HTTP routes
 */
async function reviewTable(alerts: number, rounds: number): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), 'utsushi-bench-'));
  try {
    await using app = await openApp({
      ...loadConfig({ dataDir }, {}),
      name: 'bench',
      log: pino({ level: 'silent' }),
    });
    await fill(app, alerts);
    await using server = await buildServer({ app, apiToken: TOKEN });
    const ask = async (url: string, payload?: object) => {
      const started = performance.now();
      const answer = await server.inject({
        method: payload === undefined ? 'GET' : 'POST',
        url: `/api${url}`,
        headers: { authorization: `Bearer ${TOKEN}` },
        ...(payload === undefined ? {} : { payload }),
      });
      const ms = performance.now() - started;
      if (answer.statusCode !== 200) throw new Error(`${url}: ${answer.statusCode} ${answer.body}`);
      return { ms, body: answer.json<{ alerts: { id: string }[]; next: string | null }>() };
    };
    const some = (await ask('/alerts?state=open&limit=1000')).body.alerts;
    const nth = (i: number) => some[i % some.length]!.id;
    let cursor = (await ask('/alerts?limit=1000')).body.next;
    const kinds: [string, (i: number) => Promise<{ ms: number }>][] = [
      ['inbox, first page of 50 with counts', () => ask('/alerts?state=open,in-review&limit=50')],
      [
        'inbox, filtered by tier, kind and score',
        () => ask('/alerts?state=open&tier=high&kind=reproduction&minConfidence=0.6&sort=due&limit=50'),
      ],
      ['inbox, searched by part of a title', (i) => ask(`/alerts?q=Work ${i % ASSETS}&limit=50`)],
      [
        'inbox, page after page',
        async () => {
          const page = await ask(`/alerts?limit=50${cursor === null ? '' : `&after=${cursor}`}`);
          cursor = page.body.next;
          return page;
        },
      ],
      ['one alert in full', (i) => ask(`/alerts/${nth(i)}`)],
      [
        'a decision',
        (i) => ask(`/alerts/${nth(i)}/events`, { type: 'decide', decision: 'confirm', reason: 'bench' }),
      ],
      ['report of 30 days', () => ask('/reports/alerts')],
    ];
    const lines = [];
    for (const [what, request] of kinds) {
      await request(0).catch(() => undefined);
      const times: number[] = [];
      for (let i = 1; i <= rounds; i++) times.push((await request(i)).ms);
      times.sort((a, b) => a - b);
      const at = (share: number) => times[Math.min(times.length - 1, Math.floor(share * times.length))]!;
      lines.push(`| ${what} | ${at(0.5).toFixed(1)} | ${at(0.95).toFixed(1)} |`);
    }
    return [
      `| ${alerts.toLocaleString('en')} alerts | p50 ms | p95 ms |`,
      '| --- | ---: | ---: |',
      ...lines,
    ].join('\n');
  } finally {
    await removeEmbeddedPostgres(dataDir);
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Alerts such as a year of watching leaves behind, written straight into the tables. */
async function fill({ pool }: App, alerts: number): Promise<void> {
  const statements = [
    `select setseed(0.5)`,
    `insert into assets (id, series, title, aliases, characters, claim, tier, enabled, created_at)
     select 'work-' || i, 'Series ' || i % ${SERIES}, 'Work ' || i, '[]', '[]', '{}',
            case when i % 4 = 0 then 'high' else 'standard' end, true, now()
       from generate_series(0, ${ASSETS - 1}) i`,
    `insert into reference_images (id, asset_id, sha256, file, format, width, height, changed_version)
     select gen_random_uuid(), id, encode(sha256(id::bytea), 'hex'), id || '.png', 'png', 512, 512, 0 from assets`,
    `insert into outputs (id, sha256, format, width, height, byte_length, retained, retained_sha256, provenance, created_at)
     select gen_random_uuid(), encode(sha256(('output ' || i)::bytea), 'hex'), 'jpeg', 1024, 1024, 100000, 'original',
            encode(sha256(('output ' || i)::bytea), 'hex'),
            '{"grade":"none","generator":null,"model":null,"sources":[],"loras":[],"findings":[],"conflicts":[]}', now()
       from generate_series(1, ${alerts}) i`,
    `insert into checks (id, output_id, depth, catalogue_version, policy_version, algorithm_version, verdict, retroactive, ms, created_at)
     select gen_random_uuid(), id, 'deep', 1, (select max(version) from policies), 'bench', 'candidate', false, '{}', now() - random() * interval '365 days'
       from outputs`,
    `insert into sightings (id, state, acquisition, image_url, page_url, account, seen_at, output_id, check_id, finished_at)
     select gen_random_uuid(), 'done', 'fetched', 'https://img.example/' || c.id, 'https://service-' || floor(random() * 30) || '.example/' || c.id,
            'account ' || floor(random() * 5000), c.created_at, c.output_id, c.id, c.created_at
       from checks c`,
    `create temporary table filling as
     select gen_random_uuid() as id, row_number() over () as n, c.id as check_id, c.output_id, c.created_at,
            random() as score, random() as fate, 'work-' || floor(random() * ${ASSETS}) as asset_id,
            substring(s.page_url from '//([^/]+)') as source
       from checks c join sightings s on s.check_id = c.id`,
    `insert into clusters (id, series_key, hash, opened_at)
     select gen_random_uuid(), w.series, ('x' || md5(n::text) || md5(n::text || 'b'))::bit(256), f.created_at
       from filling f join assets w on w.id = f.asset_id where n % 3 = 0`,
    `insert into alerts (id, output_id, asset_id, reference_id, state, decision, decided_by, decided_at, assignee, kind,
            confidence, check_id, sightings, retroactive, tier, source, cluster_id, hash, hash_quality, reliance, priority,
            due_at, opened_at, last_event_at, last_seq)
     select f.id, f.output_id, f.asset_id, r.id,
            case when fate < 0.4 then 'decided' when fate < 0.5 then 'in-review' else 'open' end,
            case when fate < 0.1 then 'confirm' when fate < 0.4 then 'not-similar' end,
            case when fate < 0.4 then 'reviewer ' || floor(random() * 12) end,
            case when fate < 0.4 then f.created_at + interval '5 hours' end,
            case when fate between 0.4 and 0.5 then 'reviewer ' || floor(random() * 12) end,
            case when score > 0.5 then 'reproduction' else 'adaptation' end,
            score, f.check_id, 1, false, w.tier, f.source, k.id,
            ('x' || md5(f.n::text) || md5(f.n::text || 'b'))::bit(256), 80, '[]',
            50 * score + case w.tier when 'high' then 20 else 0 end,
            f.created_at + interval '72 hours', f.created_at, f.created_at, 1
       from filling f
       join assets w on w.id = f.asset_id
       join reference_images r on r.asset_id = f.asset_id
       join (select id, series_key, row_number() over (partition by series_key order by id) - 1 as place,
                    count(*) over (partition by series_key) as size from clusters) k
         on k.series_key = w.series and k.place = f.n % k.size`,
    `insert into alert_events (alert_id, seq, type, actor, at, body)
     select id, 1, 'opened', 'utsushi', opened_at, jsonb_build_object('type', 'opened', 'checkId', check_id, 'sightingId', null,
            'kind', kind, 'confidence', confidence, 'retroactive', false) from alerts`,
    `analyze`,
  ];
  const client = await pool.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    client.release();
  }
}
