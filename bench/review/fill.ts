import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { App } from '../../src/app.ts';
import type { BlobStore } from '../../src/platform/storage/blobs.ts';

const SERIES = 40;
/** Works in the catalogue. */
export const ASSETS = 400;

/** What a check wrote of a reproduction: with its place in the output, as the workbench draws it. */
const MATCH = {
  file: 'work.png',
  title: 'Work',
  kind: 'reproduction',
  transformations: ['partial'],
  confidence: 0.93,
  hashDistance: 96,
  orientation: 'upright',
  verification: {
    inliers: 48,
    overlap: { asset: 0.7, output: 0.6 },
    alignedSimilarity: 0.91,
    quad: [
      [64, 80],
      [880, 96],
      [864, 920],
      [72, 904],
    ],
    correspondences: Array.from({ length: 24 }, (_, i) => {
      const [x, y] = [0.1 + 0.13 * (i % 6), 0.1 + 0.2 * Math.floor(i / 6)];
      return [x, y, 0.05 + 0.8 * x, 0.06 + 0.8 * y];
    }),
  },
  reasons: [
    { ja: '作品の 70 % が出力の中に見つかりました。', en: '70 % of the work was found in the output.' },
    { ja: '対応する特徴点が 48 か所あります。', en: '48 keypoints agree.' },
  ],
  candidate: true,
};

/**
 * Alerts such as a year of watching leaves behind, written straight into the tables.
 *
 * @param fixtures the project's own pictures, which works and outputs show in turn
 */
export async function fill(
  { pool, checks: { blobs } }: App,
  alerts: number,
  fixtures: string,
): Promise<void> {
  const works = await storePictures(blobs, join(fixtures, 'catalogue'));
  const outputs = await storePictures(blobs, join(fixtures, 'outputs'));
  const statements = [
    `select setseed(0.5)`,
    `insert into assets (id, series, title, aliases, characters, claim, tier, enabled, created_at)
     select 'work-' || i, 'Series ' || i % ${SERIES}, 'Work ' || i, '[]', '[]', '{}',
            case when i % 4 = 0 then 'high' else 'standard' end, true, now()
       from generate_series(0, ${ASSETS - 1}) i`,
    `insert into reference_images (id, asset_id, sha256, file, format, width, height, changed_version)
     select gen_random_uuid(), id, ${inTurn(works)}, id || '.png', 'png', 1024, 1024, 0
       from (select id, row_number() over (order by id) as i from assets) a`,
    `insert into outputs (id, sha256, format, width, height, byte_length, retained, retained_sha256, provenance, created_at)
     select gen_random_uuid(), encode(sha256(('output ' || i)::bytea), 'hex'), 'jpeg', 1024, 1024, 100000, 'original',
            ${inTurn(outputs)},
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
    `insert into matches (check_id, asset_id, reference_id, confidence, candidate, kind, body)
     select check_id, asset_id, reference_id, confidence, true, kind,
            '${JSON.stringify(MATCH)}'::jsonb || jsonb_build_object('assetId', asset_id, 'referenceId', reference_id)
       from alerts`,
    `analyze`,
  ];
  const client = await pool.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    client.release();
  }
}

async function storePictures(blobs: BlobStore, folder: string): Promise<string[]> {
  const files = (await readdir(folder)).filter((name) => /\.(jpg|png|webp)$/.test(name)).toSorted();
  return Promise.all(files.map(async (name) => blobs.put(await readFile(join(folder, name)))));
}

/** SQL that gives row `i` one of these. */
function inTurn(sha256s: readonly string[]): string {
  return `(array[${sha256s.map((each) => `'${each}'`).join(', ')}])[1 + i % ${sha256s.length}]`;
}
