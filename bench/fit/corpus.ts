import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { vocabulary } from '../../src/platform/compute/vocabulary.ts';
import { decodeImage } from '../../src/platform/image/decode.ts';
import { FEATURE_SIDE, type Features, extractFeatures } from '../../src/vision/fingerprint/features.ts';
import {
  ALGORITHM_VERSION,
  FINGERPRINT_RASTER,
  fingerprint,
} from '../../src/vision/fingerprint/fingerprint.ts';

/** A picture that is compared with the catalogue, and what the answer should be. */
export interface Query {
  readonly id: string;
  readonly path: string;
  /** `look` resembles a work and is another picture. */
  readonly type: 'pos' | 'neg' | 'negatk' | 'look';
  /** File name of the work that is in it; null for a negative. */
  readonly work: string | null;
  /** The picture it was made from: those of one picture always fall into the same half. */
  readonly origin: string;
  readonly group: string;
  readonly family: string;
  /** Beyond doubt a reproduction or an adaptation; null where one may argue, and for negatives. */
  readonly kind: 'reproduction' | 'adaptation' | null;
}

export interface Corpus {
  readonly works: readonly { readonly name: string; readonly path: string }[];
  readonly queries: readonly Query[];
}

/** Attack families that leave the expression as it is; of `warp` only some attacks do. */
const UNCHANGED = new Set(
  'recode resize aspect blur_noise tone border crop flip_rot90 rotate overlay composite'.split(' '),
);
const UNCHANGED_ATTACKS = new Set(['persp_mild', 'persp_strong', 'shear']);
const ALTERED = new Set(['stylize', 'img2img']);

/**
 * @param pack folder of pictures with pack.tsv: file name first, kind and role last but two and last but… (see columns)
 * @param queries folder with queries.jsonl
 */
export async function readCorpus(pack: string, queries: string): Promise<Corpus> {
  const [header, ...lines] = (await readFile(join(pack, 'pack.tsv'), 'utf8')).trim().split('\n');
  const column = (name: string) => header!.split('\t').indexOf(name);
  const [file, role] = [column('file'), column('role')];
  const works = lines
    .map((line) => line.split('\t'))
    .filter((cells) => cells[role] === 'catalogue')
    .map((cells) => ({ name: cells[file]!, path: join(pack, cells[file]!) }));
  const rows = (await readFile(join(queries, 'queries.jsonl'), 'utf8')).trim().split('\n');
  return { works, queries: rows.map((row) => toQuery(queries, JSON.parse(row) as QueryRow)) };
}

interface QueryRow {
  readonly qid: string;
  readonly type: Query['type'];
  readonly file: string;
  readonly asset?: string;
  readonly attack?: string;
  readonly family?: string;
  readonly cls?: string;
  readonly level?: string;
}

function toQuery(folder: string, row: QueryRow): Query {
  const family = row.family ?? '';
  const unchanged = UNCHANGED.has(family) || UNCHANGED_ATTACKS.has(row.attack ?? '');
  const altered = ALTERED.has(family) && row.level !== 'easy';
  return {
    id: row.qid,
    path: join(folder, row.file),
    type: row.type,
    work: row.type === 'pos' ? row.asset! : null,
    origin: row.type === 'pos' ? row.asset! : row.qid.split('-')[1]!,
    group: row.cls ?? '',
    family,
    kind: row.type !== 'pos' ? null : unchanged ? 'reproduction' : altered ? 'adaptation' : null,
  };
}

/** Which half of the corpus a picture belongs to, in one of several ways of halving it: 0 to 5. */
export function halfOf(origin: string, split: number): 0 | 1 {
  return (createHash('sha256').update(origin).digest()[3 + split]! & 1) as 0 | 1;
}

/** Features of a picture as the product computes them; kept in `cache`. Undefined when it is unhashable. */
export async function featuresOf(
  path: string,
  role: 'work' | 'output',
  cache: string,
): Promise<Features | undefined> {
  const bytes = await readFile(path);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const folder = join(cache, ALGORITHM_VERSION);
  const kept = join(folder, `${role}-${sha256}`);
  const found = await readFile(kept).catch(() => undefined);
  if (found !== undefined) return (deserialize(found) as { features?: Features }).features;
  const features = await extract(bytes, role);
  await mkdir(folder, { recursive: true });
  await writeFile(kept, serialize({ features }));
  return features;
}

async function extract(bytes: Uint8Array, role: 'work' | 'output'): Promise<Features | undefined> {
  const limits = { maxPixels: 100_000_000 };
  const stretched = await decodeImage(bytes, FINGERPRINT_RASTER, limits);
  const result = fingerprint(stretched.raster, stretched);
  if (!result.hashable) return undefined;
  const { raster } = await decodeImage(bytes, { longerSide: FEATURE_SIDE }, limits);
  return extractFeatures(raster, result.fingerprint, role, vocabulary());
}
