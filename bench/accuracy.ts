/** What the default policy finds among this project's own pictures, beside plain hashes in the same run. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { decodeImage } from '../src/platform/image/decode.ts';
import { FINGERPRINT_RASTER, type Fingerprint, fingerprint } from '../src/vision/fingerprint/fingerprint.ts';
import { hammingDistance } from '../src/vision/fingerprint/hash.ts';
import { findNearest, judge, selfDistance } from '../src/vision/matching/match.ts';
import { DEFAULT_POLICY } from '../src/vision/matching/policy.ts';
import { LinearIndex } from '../src/vision/search/linear-index.ts';

interface Truth {
  readonly file: string;
  readonly truth: 'reproduction' | 'adaptation' | 'lookalike' | 'unrelated';
  readonly asset: string | null;
}

/** PDQ's published limit, with which plain libraries are used. */
const PLAIN_PDQ_RADIUS = 31;

/** @returns a table in Markdown */
export async function accuracyTable(fixtures: string): Promise<string> {
  const manifest = parse(await readFile(join(fixtures, 'manifest.csv')), { columns: true, bom: true }) as {
    file: string;
    asset_id: string;
  }[];
  const index = new LinearIndex();
  const references: { asset: string; fingerprint: Fingerprint }[] = [];
  for (const { file, asset_id } of manifest) {
    const found = await fingerprintFile(join(fixtures, file));
    if (found === undefined) continue;
    index.add(references.length, found.views[0]!.pdq[0]!);
    references.push({ asset: asset_id, fingerprint: found });
  }
  const truths = (await readFile(join(fixtures, 'outputs', 'truth.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Truth);
  const rows = new Map<string, { n: number; ours: number; upright: number; blockhash: number }>();
  for (const { file, truth, asset } of truths) {
    const row = rows.get(truth) ?? { n: 0, ours: 0, upright: 0, blockhash: 0 };
    rows.set(truth, row);
    row.n += 1;
    const output = await fingerprintFile(join(fixtures, 'outputs', file));
    if (output === undefined) continue;
    const [best] = findNearest(index, output, references.length)
      .map((hit) => ({
        asset: references[hit.id]!.asset,
        ...judge(hit, selfDistance(references[hit.id]!.fingerprint)),
      }))
      .toSorted((a, b) => b.confidence - a.confidence);
    const right = (found: string) => asset === null || found === asset;
    if (best!.confidence >= DEFAULT_POLICY.tiers.standard.minConfidence && right(best!.asset)) row.ours += 1;
    const [plain] = index.nearest(output.views[0]!.pdq[0]!, 1);
    if (plain!.distance <= PLAIN_PDQ_RADIUS && right(references[plain!.id]!.asset)) row.upright += 1;
    const near = references.filter(
      (each) =>
        hammingDistance(each.fingerprint.views[0]!.blockhash, output.views[0]!.blockhash) <= PLAIN_PDQ_RADIUS,
    );
    if (near.some((each) => right(each.asset))) row.blockhash += 1;
  }
  return [
    '| outputs | n | Utsushi, default policy | plain PDQ, 31 bits | blockhash-256, 31 bits |',
    '|---|---|---|---|---|',
    ...[...rows].map(([truth, { n, ours, upright, blockhash }]) => {
      const wanted = truth === 'reproduction' || truth === 'adaptation' ? 'found' : 'false alarms';
      return `| ${truth}: ${wanted} | ${n} | ${ours} | ${upright} | ${blockhash} |`;
    }),
  ].join('\n');
}

async function fingerprintFile(path: string): Promise<Fingerprint | undefined> {
  const decoded = await decodeImage(await readFile(path), FINGERPRINT_RASTER, { maxPixels: 100_000_000 });
  const result = fingerprint(decoded.raster, decoded);
  return result.hashable ? result.fingerprint : undefined;
}
