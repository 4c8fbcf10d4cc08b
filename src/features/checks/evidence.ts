import { basename } from 'node:path';
import { UtsushiError } from '../../errors.ts';
import type { PictureSource } from '../../platform/compute/tasks.ts';
import type { Executor } from '../../platform/storage/database.ts';
import { KIND_LABELS, shownScore } from '../../vision/matching/match.ts';
import type { CheckDependencies } from './check.ts';
import type { Match } from './compare.ts';

/** One match, and what is needed to draw it. */
export interface Evidence {
  readonly match: Match;
  readonly output: {
    readonly source: PictureSource['source'];
    readonly sha256: string;
    /** Pixels of the output as it was compared; `source` may be a smaller picture of it. */
    readonly width: number;
    readonly height: number;
  };
  readonly catalogueVersion: number;
  readonly policyVersion: number;
  readonly algorithmVersion: string;
}

type EvidenceDependencies = Pick<CheckDependencies, 'db' | 'blobs' | 'compute' | 'limits'>;

/**
 * The evidence picture of a recorded match: work and output side by side with outline and correspondences, overlay,
 * difference, and a caption that says what was compared by what. Drawn from what was stored with the match, so it
 * shows what was decided on, whatever catalogue, policy and algorithm are in force now.
 *
 * @param of an alert's `checkId` and `assetId`
 * @returns a PNG
 * @throws UtsushiError `not_found` when no such match was recorded, `file_not_found` when a picture is gone
 */
export async function evidencePicture(
  deps: EvidenceDependencies,
  of: { readonly checkId: string; readonly assetId: string },
): Promise<Uint8Array> {
  const row = await deps.db
    .selectFrom('matches as m')
    .innerJoin('checks as c', 'c.id', 'm.check_id')
    .innerJoin('outputs as o', 'o.id', 'c.output_id')
    .where('m.check_id', '=', of.checkId)
    .where('m.asset_id', '=', of.assetId)
    .select([
      'm.body',
      'c.catalogue_version as catalogueVersion',
      'c.policy_version as policyVersion',
      'c.algorithm_version as algorithmVersion',
      'o.sha256',
      'o.width',
      'o.height',
      'o.retained_sha256 as retainedSha256',
    ])
    .executeTakeFirst();
  if (row === undefined)
    throw new UtsushiError('not_found', `check ${of.checkId} recorded no match with ${of.assetId}`);
  const { body, sha256, width, height, retainedSha256, ...versions } = row;
  const source = { path: deps.blobs.path(retainedSha256) };
  return drawMatch(deps, {
    match: body as Match,
    output: { source, sha256, width, height },
    ...versions,
  });
}

/** The same for a match at hand, recorded or not. */
export async function drawMatch(deps: EvidenceDependencies, evidence: Evidence): Promise<Uint8Array> {
  const { match, output } = evidence;
  const workSha256 = await referenceSha256(deps.db, match.referenceId);
  return deps.compute.drawEvidence({
    source: output.source,
    work: { path: deps.blobs.path(workSha256) },
    limits: deps.limits,
    drawing: {
      quad: match.verification.quad.map(([x, y]) => [x / output.width, y / output.height] as const),
      correspondences: match.verification.correspondences,
      title: `${match.title}  (${match.assetId})`,
      lines: caption(match),
      record: [
        // The picture goes to others: folders of this machine are no concern of theirs.
        `作品 / work  ${basename(match.file)}  SHA-256 ${workSha256}`,
        `出力 / output  ${output.width} × ${output.height}  SHA-256 ${output.sha256}`,
        `アルゴリズム / algorithm ${evidence.algorithmVersion}   ポリシー / policy ${evidence.policyVersion}   カタログ / catalogue ${evidence.catalogueVersion}`,
      ],
    },
  });
}

function caption({ kind, candidate, confidence, verification, reasons }: Match): string[] {
  const label = KIND_LABELS[kind];
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  const { overlap, inliers } = verification;
  return [
    `${label.ja}(法的評価ではありません) / ${label.en} (not a legal finding)` +
      (candidate ? '' : '   ※ 基準未満 / below the policy’s threshold'),
    `照合スコア / match score ${shownScore(confidence)}   重なり / overlap: 作品の / of the work ${percent(overlap.asset)}, 出力の / of the output ${percent(overlap.output)}   対応点 / pairs of points ${inliers}`,
    ...reasons.map(({ ja }) => ja),
    ...reasons.map(({ en }) => en),
  ];
}

async function referenceSha256(db: Executor, referenceId: string): Promise<string> {
  const row = await db
    .selectFrom('reference_images')
    .select('sha256')
    .where('id', '=', referenceId)
    .executeTakeFirst();
  if (row === undefined)
    throw new UtsushiError('not_found', `the catalogue holds no reference image ${referenceId}`);
  return row.sha256;
}
