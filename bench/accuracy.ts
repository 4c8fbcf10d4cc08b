/** What Utsushi finds beside plain hash libraries, over the same pictures in the same run. */
import { availableParallelism } from 'node:os';
import sharp from 'sharp';
import phash from 'sharp-phash';
import { ComputePool } from '../src/platform/compute/pool.ts';
import { vocabulary } from '../src/platform/compute/vocabulary.ts';
import { decodeFingerprint } from '../src/vision/fingerprint/fingerprint.ts';
import { hammingDistance } from '../src/vision/fingerprint/hash.ts';
import { countScores, interval } from '../src/vision/matching/calibration.ts';
import { workHashes } from '../src/vision/fingerprint/work-hashes.ts';
import { Matcher, type Shortlist } from '../src/vision/matching/matcher.ts';
import { type Work, verifyShortlist } from '../src/vision/matching/verify-shortlist.ts';
import { DEFAULT_POLICY, type Tier } from '../src/vision/matching/policy.ts';
import { type AccuracySet, type Query, halfOf } from './accuracy-set.ts';
import { ZERO, zeroOf } from './fit/zero.ts';
import { percent, withInterval } from './statistics.ts';

const METHODS = [
  'Utsushi, tier high',
  'Utsushi, tier standard',
  'PDQ, 8 orientations',
  'PDQ',
  'sharp-phash',
  'blockhash-256',
] as const;
type Method = (typeof METHODS)[number];
const [DEEP, SHALLOW] = METHODS;
const PDQ_QUALITY = 50;
const RATES = [0.001, 0.01] as const;
const LIMITS = { maxPixels: 100_000_000, maxBytes: 64 * 2 ** 20 };
const SIMULATED =
  'All attacks are scripts: "img2img" here is simulated; no diffusion model was used. Intervals: 95 %, Wilson.';

/** Its types describe an ES module; it is CommonJS. */
const sharpPhash = phash as unknown as (bytes: Buffer) => Promise<string>;

interface Scored {
  /** The best score of any work, and that of the right one; larger is nearer. */
  readonly top: number;
  readonly own: number;
  /** The first work is the right one. */
  readonly right: boolean;
}

interface Judged {
  readonly query: Query;
  readonly by: Readonly<Record<Method, Scored>>;
  /** The kind named for the right work. */
  readonly kind: 'reproduction' | 'adaptation' | null;
  /** At standard depth a work was near enough by its hashes for a closer look. */
  readonly closely: boolean;
}

interface Hashed {
  readonly pdq: readonly ReturnType<typeof decodeFingerprint>['views'][number]['pdq'][number][];
  readonly blockhash: ReturnType<typeof decodeFingerprint>['views'][number]['blockhash'];
  readonly phash: string;
}

export interface AccuracyRun {
  /** Markdown. */
  readonly tables: string;
  /** How the different pictures score, per tier. */
  readonly negatives: Readonly<Record<Tier, ReturnType<typeof countScores>>>;
  /** Works that could be compared with. */
  readonly works: number;
}

/** @param onProgress pictures done, of all */
export async function measureAccuracy(
  set: AccuracySet,
  onProgress: (done: number, total: number) => void,
): Promise<AccuracyRun> {
  await using compute = new ComputePool({ size: availableParallelism(), timeoutMs: 60_000, memoryMb: 1_536 });
  const total = set.works.length + set.queries.length;
  let done = 0;
  const look = async (path: string, role: 'work' | 'output') => {
    const { outcome } = await compute.examine({ role, depth: 'deep', source: { path }, limits: LIMITS });
    onProgress(++done, total);
    if ('unhashable' in outcome) return undefined;
    const { quality, views } = decodeFingerprint(Buffer.from(outcome.fingerprint));
    const view = views[0]!;
    const hashed: Hashed = {
      // As PDQ's authors advise: a hash of low quality is not compared.
      pdq: quality < PDQ_QUALITY ? [] : view.pdq,
      blockhash: view.blockhash,
      phash: await sharpPhash(await onWhite(path)),
    };
    return { features: outcome.features, hashed };
  };
  const deep = new Matcher(vocabulary());
  const shallow = new Matcher(vocabulary());
  const assets: string[] = [];
  const closely = new Map<number, Work>();
  const works: { asset: string; hashed: Hashed }[] = [];
  for (const [i, found] of (await inOrder(set.works, ({ path }) => look(path, 'work'))).entries()) {
    const { asset } = set.works[i]!;
    if (found === undefined) continue;
    const hashes = workHashes(found.features);
    deep.addDeep(assets.length, hashes, found.features);
    shallow.add(assets.length, hashes);
    closely.set(assets.length, { key: asset, features: found.features });
    assets.push(asset);
    works.push({ asset, hashed: found.hashed });
  }
  await deep.settle();
  await shallow.settle();
  const judged = await inOrder(set.queries, async (query): Promise<Judged> => {
    const found = await look(query.path, 'output');
    if (found === undefined) {
      // Below anything, whatever a method's scores are.
      const none = { top: -Infinity, own: -Infinity, right: false };
      return {
        query,
        by: Object.fromEntries(METHODS.map((each) => [each, none])) as Judged['by'],
        kind: null,
        closely: false,
      };
    }
    const matched = (shortlist: Shortlist) =>
      verifyShortlist(shortlist, closely).map(({ id, confidence, unchanged }) => ({
        asset: assets[id]!,
        score: confidence,
        unchanged,
      }));
    // As a check does: at standard depth most pictures go no farther than this.
    const standard = await compute.examine({
      role: 'output',
      depth: 'standard',
      pixelsOnly: true,
      source: { path: query.path },
      limits: LIMITS,
    });
    const near = 'features' in standard.outcome && shallow.hasNear(standard.outcome.features);
    const ranked = (distance: (work: Hashed) => number) =>
      works
        .map(({ asset, hashed }) => ({ asset, score: -distance(hashed) }))
        .toSorted((a, b) => b.score - a.score);
    const mine = found.hashed;
    const deepMatches = matched(deep.shortlist(found.features));
    const own = deepMatches.find(({ asset }) => asset === query.asset);
    return {
      query,
      by: {
        'Utsushi, tier high': scored(deepMatches, query),
        'Utsushi, tier standard': scored(near ? matched(shallow.shortlist(found.features, near)) : [], query),
        'PDQ, 8 orientations': scored(
          ranked((work) => Math.min(256, ...mine.pdq.map((hash) => pdqDistance(work.pdq[0], hash)))),
          query,
        ),
        PDQ: scored(
          ranked((work) => pdqDistance(work.pdq[0], mine.pdq[0])),
          query,
        ),
        'sharp-phash': scored(
          ranked((work) => unlike(work.phash, mine.phash)),
          query,
        ),
        'blockhash-256': scored(
          ranked((work) => hammingDistance(work.blockhash, mine.blockhash)),
          query,
        ),
      },
      closely: near,
      kind: own === undefined ? null : own.unchanged >= 0.5 ? 'reproduction' : 'adaptation',
    };
  });
  const negatives = judged.filter(({ query }) => query.truth === 'different');
  const scores = (method: Method) => countScores(negatives.map(({ by }) => Math.max(0, by[method].top)));
  return {
    works: works.length,
    tables: tablesOf(set, judged, works.length),
    negatives: { high: scores(DEEP), standard: scores(SHALLOW) },
  };
}

function scored(matches: readonly { asset: string; score: number }[], { asset }: Query): Scored {
  return {
    top: matches[0]?.score ?? -Infinity,
    own: matches.find((each) => each.asset === asset)?.score ?? -Infinity,
    right: matches[0]?.asset === asset,
  };
}

/** sharp-phash takes transparent pixels as they are stored; on one ground for all it does itself justice. */
async function onWhite(path: string): Promise<Buffer> {
  return sharp(path).autoOrient().flatten({ background: '#fff' }).png({ compressionLevel: 1 }).toBuffer();
}

type PdqHash = Hashed['pdq'][number];

function pdqDistance(a: PdqHash | undefined, b: PdqHash | undefined): number {
  return a === undefined || b === undefined ? 256 : hammingDistance(a, b);
}

function unlike(a: string, b: string): number {
  let bits = 0;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) bits += 1;
  return bits;
}

/** A copy is found when the right work scores above what this share of the negatives reach. */
function thresholdAt(negatives: readonly Judged[], method: Method, rate: number): number {
  const falling = negatives.map(({ by }) => by[method].top).toSorted((a, b) => b - a);
  return falling[Math.floor(rate * falling.length)] ?? -Infinity;
}

function tablesOf(set: AccuracySet, judged: readonly Judged[], works: number): string {
  const copies = judged.filter(({ query }) => query.truth === 'copy');
  const negatives = judged.filter(({ query }) => query.truth === 'different');
  const lookalikes = judged.filter(({ query }) => query.truth === 'lookalike');
  const thresholds = Object.fromEntries(
    METHODS.map((method) => [method, RATES.map((rate) => thresholdAt(negatives, method, rate))]),
  ) as Record<Method, number[]>;
  const found = (list: readonly Judged[], method: Method, rate: 0 | 1) =>
    list.filter(({ by }) => by[method].own > thresholds[method][rate]!).length;
  const recall = (list: readonly Judged[], method: Method) =>
    `${percent(found(list, method, 0), list.length)} / ${percent(found(list, method, 1), list.length)}`;

  const byMethod = [
    `| | ${METHODS.join(' | ')} |`,
    `|---|${METHODS.map(() => '---').join('|')}|`,
    ...[...groups(copies, ({ query }) => query.cls), ['all', copies] as const].map(
      ([name, list]) =>
        `| ${name} (${list.length}) | ${METHODS.map((method) => recall(list, method)).join(' | ')} |`,
    ),
    ...groups(copies, ({ query }) => query.family).map(
      ([name, list]) =>
        `| ${name} (${list.length}) | ${METHODS.map((method) => recall(list, method)).join(' | ')} |`,
    ),
  ];
  const detailed = (title: string, key: (each: Judged) => string, mark = false) => {
    const rows = groups(copies, key);
    const worst = rows.toSorted(
      ([, a], [, b]) => found(a, DEEP, 0) / a.length - found(b, DEEP, 0) / b.length,
    )[0]?.[0];
    return [
      `| ${title} | n | at 0.1 % false positives | at 1 % | default verdict right |`,
      '|---|---|---|---|---|',
      ...rows.map(([name, list]) => {
        const verdicts = list.filter((each) => isCandidate(each, 'high') && each.by[DEEP].right).length;
        const shown = mark && name === worst && rows.length > 1 ? `**${name}** (worst)` : name;
        return `| ${shown} | ${list.length} | ${withInterval(found(list, DEEP, 0), list.length)} | ${withInterval(found(list, DEEP, 1), list.length)} | ${withInterval(verdicts, list.length)} |`;
      }),
    ];
  };
  return [
    `${works} works, ${copies.length} copies, ${negatives.length} different pictures, ${lookalikes.length} look-alikes (same style or kind, another work). ${SIMULATED}`,
    '',
    '## Recall beside hash libraries',
    '',
    `Recall in % at a false-positive rate of 0.1 % / 1 %: the threshold is what that share of the different pictures reach. PDQ as its authors advise: hashes of a quality below ${PDQ_QUALITY} are not compared${negatives.length < 1_000 ? `; with only ${negatives.length} of them, 0.1 % means above the worst` : ''}.`,
    '',
    ...byMethod,
    '',
    '## Utsushi, tier high, with intervals',
    '',
    ...detailed('what was done', ({ query }) => query.family),
    '',
    ...detailed('kind of picture', ({ query }) => query.picture, true),
    '',
    '## Default verdicts',
    '',
    ...verdictLines(negatives, lookalikes, works),
    '',
    '## Thresholds frozen on one half, judged on the other',
    '',
    ...frozenLines(copies, negatives, lookalikes),
    '',
    '## Kind',
    '',
    ...kindLines(copies),
    '',
    `_${set.name}: ${SIMULATED}_`,
  ].join('\n');
}

function isCandidate(each: Judged, tier: Tier): boolean {
  return each.by[tier === 'high' ? DEEP : SHALLOW].top >= DEFAULT_POLICY.tiers[tier].minConfidence;
}

/** The size of installation that false alerts are spoken of for. */
const LARGE_CATALOGUE = 10_000;
const OUTPUTS = 100_000;
/** From fewer different pictures the figure would span everything. */
const FEWEST_TO_EXTRAPOLATE = 500;

function verdictLines(negatives: readonly Judged[], lookalikes: readonly Judged[], works: number): string[] {
  return (['high', 'standard'] as const).flatMap((tier) => {
    const called = (list: readonly Judged[]) => list.filter((each) => isCandidate(each, tier)).length;
    const alarms = called(negatives);
    const scale = (rate: number) =>
      Math.round(OUTPUTS * (1 - (1 - rate) ** (LARGE_CATALOGUE / works))).toLocaleString('en');
    const [low, high] = interval(alarms, negatives.length);
    const closely = negatives.filter((each) => each.closely).length;
    return [
      `- Tier ${tier}, from ${DEFAULT_POLICY.tiers[tier].minConfidence}: ${alarms} of ${negatives.length} different pictures called a candidate; ${called(lookalikes)} of ${lookalikes.length} look-alikes (${withInterval(called(lookalikes), lookalikes.length)} %).${tier === 'standard' ? ` Of the different pictures ${closely} were looked at closely at all.` : ''}`,
      ...(negatives.length < FEWEST_TO_EXTRAPOLATE
        ? []
        : [
            `  False alerts per 100,000 outputs at 10,000 assets: ${scale(alarms / negatives.length)} (95 %: ${scale(low)} to ${scale(high)}), extrapolated from ${works} works as if each work raised its false alerts by itself; a larger catalogue also offers more other works to compare with, which lowers scores, so this is rather too high.`,
          ]),
    ];
  });
}

function frozenLines(
  copies: readonly Judged[],
  negatives: readonly Judged[],
  lookalikes: readonly Judged[],
): string[] {
  const lines = [
    '| frozen on | threshold | false positives | look-alikes | copies found |',
    '|---|---|---|---|---|',
  ];
  for (const half of [0, 1] as const) {
    const there = <T extends Judged>(list: readonly T[]) =>
      list.filter(({ query }) => halfOf(query) !== half);
    const here = negatives.filter(({ query }) => halfOf(query) === half);
    const tops = here.map(({ by }) => by[DEEP].top).filter((top) => top > 0);
    const rules: [string, number][] = [['0.1 %', thresholdAt(here, DEEP, RATES[0])]];
    if (tops.length > 0) rules.push(['by the rule of the default', confidenceAt(zeroOf(tops.map(oddsOf)))]);
    for (const [rule, threshold] of rules) {
      const above = (list: readonly Judged[]) =>
        withInterval(list.filter(({ by }) => by[DEEP].top > threshold).length, list.length);
      const mine = there(copies);
      const right = mine.filter(({ by }) => by[DEEP].own > threshold).length;
      lines.push(
        `| half ${half + 1}, ${rule} | ${threshold.toFixed(4)} | ${above(there(negatives))} % | ${above(there(lookalikes))} % | ${withInterval(right, mine.length)} % |`,
      );
    }
  }
  return [
    ...lines,
    '',
    `By the rule of the default: ${ZERO} (of that half; ln of the odds). The 0.1 % of a half of the negatives is the worst of them, and which that is is chance.`,
  ];
}

/** ln of the odds. */
function oddsOf(confidence: number): number {
  return Math.log(confidence / (1 - confidence));
}

function confidenceAt(odds: number): number {
  return 1 / (1 + Math.exp(-odds));
}

function kindLines(copies: readonly Judged[]): string[] {
  return (['reproduction', 'adaptation'] as const).map((kind) => {
    const list = copies.filter(
      (each) => each.query.kind === kind && isCandidate(each, 'high') && each.kind !== null,
    );
    const right = list.filter((each) => each.kind === kind).length;
    return `- ${kind}: named so in ${withInterval(right, list.length)} % of ${list.length} found, among those whose kind is beyond doubt.`;
  });
}

function groups(
  list: readonly Judged[],
  key: (each: Judged) => string,
): (readonly [string, readonly Judged[]])[] {
  const found = new Map<string, Judged[]>();
  for (const each of list) found.set(key(each), [...(found.get(key(each)) ?? []), each]);
  return [...found];
}

/** Several at once, so that every core decodes; results in the order of the items. */
async function inOrder<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const rest = items.entries();
  await Promise.all(
    Array.from({ length: availableParallelism() * 2 }, async () => {
      for (const [i, item] of { [Symbol.iterator]: () => rest }) results[i] = await work(item);
    }),
  );
  return results;
}
