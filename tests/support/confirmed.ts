/** An alert that a person has confirmed, made the short way: rows as a recorded check leaves them, and a decision. */
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { App } from '../../src/app.ts';
import { type Decision, reviewAlert } from '../../src/features/alerts/index.ts';

export interface ConfirmedOptions {
  readonly assetId?: string;
  readonly kind?: 'reproduction' | 'adaptation';
  readonly pageUrl?: string | null;
  readonly imageUrl?: string | null;
  readonly account?: string | null;
  readonly seenAt?: Date;
  readonly decision?: Decision | null;
  /** What the bytes say (see platform/provenance). */
  readonly provenance?: { grade: string; generator: string | null; findings?: unknown[] };
}

const WORK = {
  author: '霧島ことは',
  rights_holder: '株式会社アケボノ動画',
  claim: {
    right: 'copyright',
    document: '著作権譲渡契約書 AKB-17',
    territory: 'JP|US|EU',
    expires: '2030-03-31',
  },
};

/** Who makes the claims, with all that every form wants. */
export const CLAIMANT = {
  name: { ja: '株式会社アケボノ動画', en: 'Akebono Animation Co., Ltd.' },
  address: { ja: '東京都千代田区千代田1-2-3', en: '1-2-3 Chiyoda, Tokyo' },
  phone: '+81-3-1234-5678',
  email: 'rights@akebono.example',
  signatory: { ja: '法務部長 朝日 昇', en: 'Noboru Asahi' },
};

/** A work as a row of a manifest says it, but for its file. */
export const WORK_ROW = {
  asset_id: 'moon',
  title: '灯籠坂の夜',
  author: '霧島ことは',
  rights_holder: '株式会社アケボノ動画',
  right: 'copyright',
  right_document: '著作権譲渡契約書 AKB-17',
};

/** A work whose claim has everything that a notice wants. */
export async function addWork(app: App, id = 'moon', title = '灯籠坂の夜'): Promise<string> {
  const { author, rights_holder, claim } = WORK;
  await sql`insert into assets (id, title, aliases, characters, author, rights_holder, claim, tier, published, enabled,
      created_at)
    values (${id}, ${title}, '[]', '[]', ${author}, ${rights_holder}, ${JSON.stringify(claim)}, 'high', '2024-07-20', true,
      now())`.execute(app.db);
  await sql`insert into reference_images (id, asset_id, sha256, file, format, width, height, changed_version)
    values (${randomUUID()}, ${id}, ${randomUUID()}, ${`${id}.png`}, 'png', 100, 100, 1)`.execute(app.db);
  return id;
}

/** @returns the alert's id */
export async function addConfirmed(app: App, options: ConfirmedOptions = {}): Promise<string> {
  const {
    assetId = 'moon',
    kind = 'reproduction',
    pageUrl = `https://service.example/posts/${randomUUID()}`,
    imageUrl = null,
    account = null,
    seenAt = new Date('2026-04-20T03:00:00Z'),
    decision = 'confirm',
    provenance = { grade: 'none', generator: null },
  } = options;
  const [outputId, checkId, alertId, clusterId] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
  const found = { prompt: null, sources: [], loras: [], findings: [], conflicts: [], ...provenance };
  await sql`insert into outputs (id, sha256, format, width, height, byte_length, retained, retained_sha256, provenance,
      created_at)
    values (${outputId}, ${outputId.replaceAll('-', '').repeat(2)}, 'png', 100, 100, 1, 'original', 'none',
      ${JSON.stringify(found)}, ${seenAt})`.execute(app.db);
  await sql`insert into checks (id, output_id, depth, catalogue_version, policy_version, algorithm_version, verdict,
      retroactive, ms, created_at)
    values (${checkId}, ${outputId}, 'deep', 1, (select max(version) from policies), '1', 'candidate', false, '{}',
      ${seenAt})`.execute(app.db);
  await sql`insert into sightings (id, state, acquisition, acquired_by, image_url, page_url, account, seen_at, output_id,
      check_id, finished_at)
    values (${randomUUID()}, 'done', 'fetched', 'test', ${imageUrl}, ${pageUrl}, ${account}, ${seenAt}, ${outputId},
      ${checkId}, ${seenAt})`.execute(app.db);
  const match = {
    transformations: kind === 'reproduction' ? ['framed'] : ['restyled'],
    kind,
    verification: { overlap: { asset: 0.92, output: 1 } },
    reasons: [],
  };
  await sql`insert into matches (check_id, asset_id, reference_id, confidence, candidate, kind, body)
    values (${checkId}, ${assetId}, (select id from reference_images where asset_id = ${assetId} limit 1), 0.99, true,
      ${kind}, ${JSON.stringify(match)})`.execute(app.db);
  await sql`insert into clusters (id, series_key, opened_at) values (${clusterId}, ${assetId}, ${seenAt})`.execute(
    app.db,
  );
  await sql`insert into alerts (id, output_id, asset_id, state, kind, confidence, check_id, sightings, retroactive, tier,
      source, cluster_id, reliance, priority, due_at, opened_at, last_event_at, last_seq)
    values (${alertId}, ${outputId}, ${assetId}, 'open', ${kind}, 0.99, ${checkId}, 1, false, 'high', 'service.example',
      ${clusterId}, '[]', 50, ${seenAt}, ${seenAt}, ${seenAt}, 1)`.execute(app.db);
  if (decision !== null) await decide(app, alertId, decision, seenAt);
  return alertId;
}

export async function decide(app: App, alertId: string, decision: Decision, at: Date): Promise<void> {
  const actor = { id: null, name: 'reviewer', role: 'approver' as const };
  const what = { type: 'decide' as const, decision, reason: 'seen side by side' };
  await reviewAlert(app.db, alertId, what, undefined, {
    actor,
    at,
    secondReview: { confirm: false, share: 0 },
  });
}
