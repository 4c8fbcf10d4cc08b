/** What the default policy finds among this project's own pictures, beside plain hashes in the same run. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { vocabulary } from '../src/platform/compute/vocabulary.ts';
import { decodeImage } from '../src/platform/image/decode.ts';
import { FEATURE_SIDE, type Features, extractFeatures } from '../src/vision/fingerprint/features.ts';
import { FINGERPRINT_RASTER, type Fingerprint, fingerprint } from '../src/vision/fingerprint/fingerprint.ts';
import { hammingDistance } from '../src/vision/fingerprint/hash.ts';
import { Matcher } from '../src/vision/matching/matcher.ts';
import { DEFAULT_POLICY } from '../src/vision/matching/policy.ts';

interface Truth {
  readonly file: string;
  readonly truth: 'reproduction' | 'adaptation' | 'lookalike' | 'unrelated';
  readonly asset: string | null;
}

/** PDQ's published limit, with which plain libraries are used. Bits of 256. */
const PLAIN_RADIUS = 31;

/** @returns a table in Markdown */
export async function accuracyTable(fixtures: string): Promise<string> {
  const manifest = parse(await readFile(join(fixtures, 'manifest.csv')), { columns: true, bom: true }) as {
    file: string;
    asset_id: string;
  }[];
  const deep = new Matcher(vocabulary());
  const shallow = new Matcher(vocabulary());
  const references: { asset: string; fingerprint: Fingerprint }[] = [];
  for (const { file, asset_id } of manifest) {
    const found = await read(join(fixtures, file), 'work');
    if (found === undefined) continue;
    deep.add(references.length, asset_id, found.features, true);
    shallow.add(references.length, asset_id, found.features, false);
    references.push({ asset: asset_id, fingerprint: found.fingerprint });
  }
  const truths = (await readFile(join(fixtures, 'outputs', 'truth.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Truth);
  const rows = new Map<
    string,
    { n: number; deep: number; standard: number; pdq: number; blockhash: number }
  >();
  for (const { file, truth, asset } of truths) {
    const row = rows.get(truth) ?? { n: 0, deep: 0, standard: 0, pdq: 0, blockhash: 0 };
    rows.set(truth, row);
    row.n += 1;
    const output = await read(join(fixtures, 'outputs', file), 'output');
    if (output === undefined) continue;
    const right = (found: string) => asset === null || found === asset;
    const judged = (matcher: Matcher, tier: 'high' | 'standard') =>
      matcher
        .verify(matcher.propose(output.features))
        .some(
          ({ id, confidence }) =>
            confidence >= DEFAULT_POLICY.tiers[tier].minConfidence && right(references[id]!.asset),
        );
    const near = (kind: 'pdq' | 'blockhash') =>
      references.some(
        (each) => distance(each.fingerprint, output.fingerprint, kind) <= PLAIN_RADIUS && right(each.asset),
      );
    if (judged(deep, 'high')) row.deep += 1;
    if (judged(shallow, 'standard')) row.standard += 1;
    if (near('pdq')) row.pdq += 1;
    if (near('blockhash')) row.blockhash += 1;
  }
  return [
    '| outputs | n | Utsushi, tier high | Utsushi, tier standard | plain PDQ, 31 bits | blockhash-256, 31 bits |',
    '|---|---|---|---|---|---|',
    ...[...rows].map(([truth, row]) => {
      const wanted = truth === 'reproduction' || truth === 'adaptation' ? 'found' : 'false alarms';
      return `| ${truth}: ${wanted} | ${row.n} | ${row.deep} | ${row.standard} | ${row.pdq} | ${row.blockhash} |`;
    }),
  ].join('\n');
}

function distance(a: Fingerprint, b: Fingerprint, kind: 'pdq' | 'blockhash'): number {
  const [x, y] = [a.views[0]!, b.views[0]!];
  return kind === 'pdq' ? hammingDistance(x.pdq[0]!, y.pdq[0]!) : hammingDistance(x.blockhash, y.blockhash);
}

async function read(
  path: string,
  role: 'work' | 'output',
): Promise<{ fingerprint: Fingerprint; features: Features } | undefined> {
  const bytes = await readFile(path);
  const limits = { maxPixels: 100_000_000 };
  const stretched = await decodeImage(bytes, FINGERPRINT_RASTER, limits);
  const result = fingerprint(stretched.raster, stretched);
  if (!result.hashable) return undefined;
  const { raster } = await decodeImage(bytes, { longerSide: FEATURE_SIDE }, limits);
  return {
    fingerprint: result.fingerprint,
    features: extractFeatures(raster, result.fingerprint, role, vocabulary()),
  };
}
