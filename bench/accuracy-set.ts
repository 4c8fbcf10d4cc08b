/** What accuracy is measured on: works, and pictures of which it is known whether they copy one. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parse } from 'csv-parse/sync';
import type { Kind } from '../src/vision/matching/match.ts';

export interface Query {
  readonly path: string;
  /** `lookalike` resembles a work and is none: it counts apart from the negatives. */
  readonly truth: 'copy' | 'different' | 'lookalike';
  /** The work it is a copy of. */
  readonly asset: string | null;
  /** `near` copies, or `altered` ones (partial or changed); the corpus's classes, not the product's kinds. */
  readonly cls: string;
  /** What was done to it. */
  readonly family: string;
  /** What sort of picture it is. */
  readonly picture: string;
  /** Null where the right kind is open to doubt. */
  readonly kind: Kind | null;
}

export interface AccuracySet {
  readonly name: string;
  readonly works: readonly { readonly path: string; readonly asset: string }[];
  readonly queries: readonly Query[];
}

/** Series of the fixtures by what sort of picture they are. */
const MANGA = /^KMO-/;

export async function fixturesSet(fixtures: string): Promise<AccuracySet> {
  const manifest = parse(await readFile(join(fixtures, 'manifest.csv')), { columns: true, bom: true }) as {
    file: string;
    asset_id: string;
  }[];
  const truths = (await readLines(join(fixtures, 'outputs', 'truth.jsonl'))) as {
    file: string;
    truth: 'reproduction' | 'adaptation' | 'lookalike' | 'unrelated';
    asset: string | null;
    transformations: string[];
  }[];
  return {
    name: 'fixtures',
    works: manifest.map(({ file, asset_id }) => ({ path: join(fixtures, file), asset: asset_id })),
    queries: truths.map(({ file, truth, asset, transformations }) => ({
      path: join(fixtures, 'outputs', file),
      truth: truth === 'unrelated' ? 'different' : truth === 'lookalike' ? 'lookalike' : 'copy',
      asset,
      cls: truth,
      family: transformations[0] ?? 'none',
      picture: asset !== null && MANGA.test(asset) ? 'manga with screentone' : 'drawn in other techniques',
      kind: truth === 'reproduction' || truth === 'adaptation' ? truth : null,
    })),
  };
}

const UNCHANGED = new Set([
  'recode',
  'resize',
  'aspect',
  'blur_noise',
  'tone',
  'border',
  'crop',
  'flip_rot90',
  'rotate',
  'overlay',
  'composite',
]);
const UNCHANGED_WARPS = new Set(['persp_mild', 'persp_strong', 'shear']);
const ALTERED = new Set(['stylize', 'img2img']);

/**
 * A corpus outside this repository.
 *
 * @param pack folder with pack.tsv (file, …, kind, role), whose `catalogue` rows are the works
 * @param queries folder with queries.jsonl (file, type, asset, family, attack, cls, level, kind)
 */
export async function packSet(pack: string, queries: string): Promise<AccuracySet> {
  const [head, ...lines] = (await readFile(join(pack, 'pack.tsv'), 'utf8')).trim().split('\n');
  const columns = head!.split('\t');
  const rows = lines.map((line) => {
    const cells = line.split('\t');
    return Object.fromEntries(columns.map((column, i) => [column, cells[i] ?? '']));
  });
  const listed = (await readLines(join(queries, 'queries.jsonl'))) as {
    file: string;
    type: 'pos' | 'neg' | 'negatk' | 'look';
    asset?: string;
    family?: string;
    attack?: string;
    cls?: string;
    level?: string;
    kind: string;
  }[];
  return {
    name: 'corpus',
    works: rows
      .filter((row) => row['role'] === 'catalogue')
      .map((row) => ({ path: join(pack, row['file']!), asset: basename(row['file']!) })),
    queries: listed.map((each) => ({
      path: join(queries, each.file),
      truth: each.type === 'pos' ? 'copy' : each.type === 'look' ? 'lookalike' : 'different',
      asset: each.type === 'pos' ? (each.asset ?? null) : null,
      cls: each.cls ?? each.type,
      family: each.family ?? '-',
      picture: each.kind,
      kind:
        UNCHANGED.has(each.family ?? '') || UNCHANGED_WARPS.has(each.attack ?? '')
          ? 'reproduction'
          : ALTERED.has(each.family ?? '') && each.level !== 'easy'
            ? 'adaptation'
            : null,
    })),
  };
}

/** Which half a picture is in, by its file's name: thresholds are frozen on one and judged on the other. */
export function halfOf(query: Query): 0 | 1 {
  return (createHash('sha256').update(basename(query.path)).digest()[0]! & 1) as 0 | 1;
}

async function readLines(path: string): Promise<unknown[]> {
  return (await readFile(path, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}
