import type { ComputePool } from '../../../platform/compute/pool.ts';
import type { Executor } from '../../../platform/storage/database.ts';
import { type AuditExtract, extractAudit } from '../../audit/index.ts';
import { type Match, type PairFigures, comparePair } from '../../checks/index.ts';
import { type CaseDetail, showCase } from '../cases.ts';
import { type NoticeDependencies, renderApproved } from '../notices.ts';
import { FILES, bothClocks, jsonBytes } from './manifest.ts';

export interface EvidenceDependencies extends NoticeDependencies {
  readonly compute: ComputePool;
  readonly limits: { readonly maxPixels: number; readonly maxBytes: number };
}

/** How a match was found, and how the same pair compares by itself. */
export interface MatchFile {
  readonly alertId: string;
  readonly checkId: string;
  readonly work: string;
  readonly output: string;
  /** As recorded when the alert was raised. */
  readonly recorded: Match;
  readonly check: {
    readonly catalogueVersion: number;
    readonly policyVersion: number;
    readonly algorithmVersion: string;
    readonly depth: string;
    readonly at: ReturnType<typeof bothClocks>;
  };
  readonly policy: unknown;
  /** Computed when the bundle was made, from the two pictures in it alone; what `verify` computes again. */
  readonly pair: PairFigures | null;
}

export interface Contents {
  readonly case: CaseDetail;
  readonly subjects: readonly string[];
  readonly files: Readonly<Record<string, Uint8Array>>;
}

/**
 * Everything a case rests on, as files by their path: pictures as they were seen, who saw them when and where, figures
 * and pictures of the match, the work and the claimant's authority, notices, decisions, and the audit chain over it.
 *
 * @throws UtsushiError `not_found` for the case; `file_not_found` when a picture is gone from the store
 */
export async function gatherContents(deps: EvidenceDependencies, caseId: string): Promise<Contents> {
  const { db } = deps;
  const found = await showCase(db, caseId);
  const files: Record<string, Uint8Array> = { [FILES.case]: jsonBytes(found) };
  const subjects = new Set([caseId]);
  const links = await db.selectFrom('case_alerts').selectAll().where('case_id', '=', caseId).execute();
  const outputIds = new Set<string>();
  for (const { alert_id: alertId, watch_id: watchId } of links) {
    if (alertId !== null) outputIds.add(await addAlert(deps, files, subjects, alertId));
    if (watchId !== null) outputIds.add(await addWatch(db, files, subjects, watchId));
  }
  for (const outputId of outputIds) await addOutput(deps, files, subjects, outputId);
  for (const { assetId } of found.works) await addWork(deps, files, subjects, assetId);
  for (const { noticeId } of found.notices) {
    for (const format of ['pdf', 'text', 'json'] as const) {
      const extension = format === 'text' ? 'txt' : format;
      files[`notices/${noticeId}.${extension}`] = await renderApproved(deps, caseId, { noticeId }, format);
    }
  }
  const extract: AuditExtract = await extractAudit(db, [...subjects]);
  files[FILES.audit] = Buffer.from(`${JSON.stringify(extract)}\n`);
  files[FILES.anchors] = jsonBytes(await anchorsWithin(db, extract));
  return { case: found, subjects: [...subjects].toSorted(), files };
}

async function addAlert(
  deps: EvidenceDependencies,
  files: Record<string, Uint8Array>,
  subjects: Set<string>,
  id: string,
): Promise<string> {
  const { db } = deps;
  const alert = await db.selectFrom('alerts').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  const events = await db
    .selectFrom('alert_events')
    .select(['seq', 'type', 'actor', 'at', 'body'])
    .where('alert_id', '=', id)
    .orderBy('seq')
    .execute();
  subjects.add(id);
  files[`alerts/${id}/alert.json`] = jsonBytes({
    ...alert,
    events: events.map(({ body, ...event }) => ({ ...event, at: bothClocks(event.at), event: body })),
  });
  const row = await db
    .selectFrom('matches as m')
    .innerJoin('checks as c', 'c.id', 'm.check_id')
    .innerJoin('outputs as o', 'o.id', 'c.output_id')
    .innerJoin('policies as p', 'p.version', 'c.policy_version')
    .innerJoin('reference_images as r', 'r.id', 'm.reference_id')
    .where('m.check_id', '=', alert.check_id)
    .where('m.asset_id', '=', alert.asset_id)
    .select([
      'm.body as match',
      'p.body as policy',
      'r.sha256 as work',
      'r.format as workFormat',
      'o.sha256 as output',
      'o.retained_sha256 as retained',
      'o.format as outputFormat',
      'o.retained as retainedAs',
      'c.catalogue_version as catalogueVersion',
      'c.policy_version as policyVersion',
      'c.algorithm_version as algorithmVersion',
      'c.depth',
      'c.created_at as at',
    ])
    .executeTakeFirst();
  if (row === undefined) return alert.output_id;
  const work = workPath(alert.asset_id, row.work, row.workFormat);
  const workBytes = await deps.blobs.get(row.work);
  const outputBytes = await deps.blobs.get(row.retained);
  files[work] = workBytes;
  files[`alerts/${id}/match.json`] = jsonBytes({
    alertId: id,
    checkId: alert.check_id,
    work,
    output: outputPath(row.output, row.retainedAs, row.outputFormat),
    recorded: row.match as Match,
    check: {
      catalogueVersion: row.catalogueVersion,
      policyVersion: row.policyVersion,
      algorithmVersion: row.algorithmVersion,
      depth: row.depth,
      at: bothClocks(row.at),
    },
    policy: row.policy,
    pair: (await comparePair(deps, workBytes, outputBytes)) ?? null,
  } satisfies MatchFile);
  files[`alerts/${id}/comparison.png`] = await deps.drawEvidence({
    checkId: alert.check_id,
    assetId: alert.asset_id,
  });
  return alert.output_id;
}

async function addWatch(
  db: Executor,
  files: Record<string, Uint8Array>,
  subjects: Set<string>,
  id: string,
): Promise<string> {
  const entry = await db
    .selectFrom('watch_entries')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  subjects.add(id);
  files[`watch/${id}.json`] = jsonBytes(entry);
  return entry.output_id;
}

async function addOutput(
  deps: EvidenceDependencies,
  files: Record<string, Uint8Array>,
  subjects: Set<string>,
  id: string,
): Promise<void> {
  const { db } = deps;
  const output = await db.selectFrom('outputs').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  const sightings = await db
    .selectFrom('sightings')
    .selectAll()
    .where('output_id', '=', id)
    .orderBy('seen_at')
    .execute();
  const fingerprints = await db
    .selectFrom('fingerprints')
    .select(['algorithm_version', 'quality', 'data'])
    .where('sha256', '=', output.sha256)
    .execute();
  const checks = await db
    .selectFrom('checks')
    .selectAll()
    .where('output_id', '=', id)
    .orderBy('created_at')
    .execute();
  for (const check of checks) subjects.add(check.id);
  const captures = await db
    .selectFrom('page_captures')
    .selectAll()
    .where(
      'sighting_id',
      'in',
      sightings.map((sighting) => sighting.id),
    )
    .execute();
  files[outputPath(output.sha256, output.retained, output.format)] = await deps.blobs.get(
    output.retained_sha256,
  );
  const folder = `outputs/${output.sha256}`;
  for (const capture of captures) {
    subjects.add(capture.id);
    for (const [extension, sha256] of Object.entries(capture.files)) {
      files[`${folder}/captures/${capture.id}.${extension}`] = await deps.blobs.get(sha256);
    }
  }
  files[`${folder}/output.json`] = jsonBytes({
    sha256: output.sha256,
    format: output.format,
    width: output.width,
    height: output.height,
    bytes: output.byte_length,
    /** `shrunk`: the original was not kept; the picture in this bundle was made of it. */
    retained: output.retained,
    provenance: output.provenance,
    fingerprints: fingerprints.map(({ data, ...print }) => ({ ...print, data: data.toString('hex') })),
    sightings: sightings.map((sighting) => ({
      ...sighting,
      seen_at: bothClocks(sighting.seen_at),
      posted_at: sighting.posted_at === null ? null : bothClocks(sighting.posted_at),
      finished_at: sighting.finished_at === null ? null : bothClocks(sighting.finished_at),
    })),
    captures: captures.map((capture) => ({ ...capture, captured_at: bothClocks(capture.captured_at) })),
    checks,
  });
}

async function addWork(
  { db, blobs }: EvidenceDependencies,
  files: Record<string, Uint8Array>,
  subjects: Set<string>,
  assetId: string,
): Promise<void> {
  subjects.add(assetId);
  const asset = await db.selectFrom('assets').selectAll().where('id', '=', assetId).executeTakeFirstOrThrow();
  const licences = await db.selectFrom('licences').selectAll().where('asset_id', '=', assetId).execute();
  const references = await db
    .selectFrom('reference_images')
    .selectAll()
    .where('asset_id', '=', assetId)
    .orderBy('file')
    .execute();
  const [first] = references;
  // At least one picture of the work, also where no match names one.
  if (first !== undefined)
    files[workPath(assetId, first.sha256, first.format)] ??= await blobs.get(first.sha256);
  files[`works/${folderOf(assetId)}/work.json`] = jsonBytes({ asset, licences, references });
}

/** The chain's time-stamps that fall into the extract: token as base64. */
async function anchorsWithin(db: Executor, { entries }: AuditExtract) {
  if (entries.length === 0) return [];
  const rows = await db
    .selectFrom('audit_anchors')
    .selectAll()
    .where('seq', '>=', entries[0]!.seq)
    .where('seq', '<=', entries.at(-1)!.seq)
    .orderBy('seq')
    .execute();
  return rows.map(({ seq, token, at }) => ({ seq, at: at.toISOString(), token: token.toString('base64') }));
}

function outputPath(sha256: string, retained: 'original' | 'shrunk', format: string): string {
  return retained === 'original' ? `outputs/${sha256}/original.${format}` : `outputs/${sha256}/shrunk.jpeg`;
}

function workPath(assetId: string, sha256: string, format: string): string {
  return `works/${folderOf(assetId)}/${sha256}.${format}`;
}

/** Ids of assets are the user's own words; a path must be safe to unpack anywhere. */
function folderOf(assetId: string): string {
  return encodeURIComponent(assetId).replaceAll('%', '_').replaceAll('.', '_').slice(0, 100);
}
