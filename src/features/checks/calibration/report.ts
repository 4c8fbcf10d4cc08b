import { SIMULATED_COPIES } from '../../../platform/image/simulated-copies.ts';
import type { Sentence } from '../../../vision/matching/match.ts';
import type { Tier } from '../../../vision/matching/policy.ts';
import type { Calibration, Magnet, TierCalibration } from './calibration.ts';
import { distributionChart, tradeOffChart } from './charts.ts';

/** The files of a calibration's report, by name. */
export function calibrationReport(
  calibration: Calibration,
  version: number | null,
): Readonly<Record<string, string>> {
  const files: Record<string, string> = { 'calibration.json': `${JSON.stringify(calibration, null, 1)}\n` };
  const sections: string[] = [];
  for (const [tier, measured] of tiersOf(calibration)) {
    const distribution = distributionChart(tier, measured);
    const tradeOff = tradeOffChart(tier, measured, calibration.targetFpr);
    files[`distribution-${tier}.svg`] = distribution;
    files[`trade-off-${tier}.svg`] = tradeOff;
    sections.push(tierSection(tier, measured, calibration.targetFpr, distribution, tradeOff));
  }
  files['calibration.html'] = page(calibration, version, sections);
  return files;
}

export function tiersOf(calibration: Calibration): [Tier, TierCalibration][] {
  return (['high', 'standard'] as const).flatMap((tier) => {
    const measured = calibration.tiers[tier];
    return measured === null ? [] : [[tier, measured] as [Tier, TierCalibration]];
  });
}

/** What the threshold promises, in plain words. */
export function promise({ threshold, raised }: TierCalibration, targetFpr: number): Sentence {
  const { atLeast, of } = threshold.falseAlarms;
  const most = percent(threshold.atMost);
  const kept = raised
    ? {
        ja: 'しきい値はこれ以上下げません(照合スコアの低い一致は、それ自体が疑わしいため)。',
        en: 'It is not set lower, because a weaker match hardly believes in itself.',
      }
    : { ja: '', en: '' };
  return {
    ja: `別物と分かっている${count(of)}枚のうち${count(atLeast)}枚が、このしきい値に達しました。これらと同じような絵であれば、候補になるのは95 %の確かさで多くとも${most}です(目標 ${percent(targetFpr)})。${kept.ja}`,
    en: `${count(atLeast)} of ${count(of)} pictures known to be different reach this threshold. Of pictures like these, with 95 % certainty at most ${most} will raise a candidate (target ${percent(targetFpr)}). ${kept.en}`.trim(),
  };
}

export const SIMULATED: Sentence = {
  ja: '複製・改変は、自社カタログの絵からスクリプトで作った模擬的なものです。画像生成モデルは使っていません。実際の見つかりやすさとは異なることがあります。',
  en: 'The copies are simulated: made by scripts from the works in the catalogue; no diffusion model was used. What is found in practice may differ.',
};

export function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}

const count = (n: number) => n.toLocaleString('en');

const escape = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const both = ({ ja, en }: Sentence) => `<p lang="ja">${escape(ja)}</p><p lang="en">${escape(en)}</p>`;

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = (tag: string, row: readonly (string | number)[]) =>
    row.map((cell) => `<${tag}>${escape(String(cell))}</${tag}>`).join('');
  return `<table><thead><tr>${cells('th', head)}</tr></thead><tbody>${rows.map((row) => `<tr>${cells('td', row)}</tr>`).join('')}</tbody></table>`;
}

/** Why a work is named among those that resemble everything. */
export function why({ collides, plain }: Magnet): Sentence {
  return {
    ja: [...(collides ? ['多くの絵に似る'] : []), ...(plain ? ['手がかりが乏しい'] : [])].join('、'),
    en: [...(collides ? ['many resemble it'] : []), ...(plain ? ['little to recognise it by'] : [])].join(
      ', ',
    ),
  };
}

function tierSection(
  tier: Tier,
  measured: TierCalibration,
  targetFpr: number,
  distribution: string,
  tradeOff: string,
): string {
  const { threshold, copies, highest } = measured;
  const names = new Map(SIMULATED_COPIES.map(({ id, name }) => [id, name]));
  return [
    `<section><h2>${tier}: しきい値 / threshold ${threshold.minConfidence} <small>(以前 / before ${measured.thresholdBefore})</small></h2>`,
    both(promise(measured, targetFpr)),
    `<p>誤報率の95 %信頼区間 / 95 % confidence interval of the rate (Clopper–Pearson): ${percent(threshold.interval[0])} – ${percent(threshold.interval[1])}</p>`,
    `<figure>${distribution}</figure><figure>${tradeOff}</figure>`,
    `<h3>模擬的な複製・改変 / Simulated copies: ${copies.found} / ${copies.of} (${percent(copies.interval[0])} – ${percent(copies.interval[1])})</h3>`,
    both(SIMULATED),
    table(
      ['種類 / kind', '見つかった数 / found', '試した数 / of'],
      copies.byKind.map(({ kind, found, of }) => {
        const name = names.get(kind);
        return [name === undefined ? kind : `${name.ja} / ${name.en}`, found, of];
      }),
    ),
    '<h3>しきい値を決めた絵 / The pictures that set the threshold</h3>',
    table(
      ['照合スコア / score', '絵 / picture', '作品 / work', '作品の絵 / its picture'],
      highest.map((each) => [
        each.score.toFixed(4),
        each.file,
        `${each.title} (${each.assetId})`,
        each.reference,
      ]),
    ),
    '</section>',
  ].join('\n');
}

function page(calibration: Calibration, version: number | null, sections: readonly string[]): string {
  const { negatives, magnets, suspects, suspectsAre } = calibration;
  const decided = {
    counted: '別物として数えました / counted as different',
    'set-aside': '除外しました / set aside',
    undecided: '判断待ち。ポリシーは保存していません / undecided: no policy was stored',
  }[suspectsAre];
  return [
    '<!doctype html>',
    '<html lang="ja"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
    '<title>Utsushi 較正 / Calibration</title>',
    '<style>',
    "body{font:16px/1.7 system-ui,'Hiragino Sans','Noto Sans JP',sans-serif;max-width:860px;margin:2rem auto;padding:0 1rem;color:#222}",
    'h1{font-size:1.6rem}h2{margin-top:2.5rem;border-bottom:2px solid #e6007e}small{font-weight:400;color:#666}',
    'figure{margin:1rem 0}svg{max-width:100%;height:auto;border:1px solid #e2e4e8}p{margin:.3rem 0}p[lang=en]{color:#555}',
    'table{border-collapse:collapse;font-size:.9rem;width:100%;margin:.6rem 0}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #e2e4e8;overflow-wrap:anywhere}th{background:#f5f6f8}',
    '.warn{border-left:4px solid #d1495b;padding-left:.8rem}',
    '</style></head><body>',
    `<h1>較正 / Calibration ${version === null ? '(保存なし / not stored)' : `— ポリシー / policy ${version}`}</h1>`,
    `<p>${escape(calibration.measuredAt)} · アルゴリズム / algorithm ${escape(calibration.algorithmVersion)} · カタログ / catalogue ${calibration.catalogueVersion}</p>`,
    `<p>別物と分かっている絵 / pictures known to be different: ${count(negatives.files)} → ${count(negatives.used)} (重複 / duplicates ${negatives.duplicates}, 手がかりなし / unhashable ${negatives.unhashable}, 読めない / unreadable ${negatives.unreadable.length}, 除外 / set aside ${negatives.setAside})</p>`,
    both({
      ja: '誤報率は階層ごとの約束です。二つの階層を併せると、最大で両方の和になります。',
      en: 'The rate is promised for each tier; both together may reach the sum of the two.',
    }),
    suspects.length === 0
      ? ''
      : `<section class="warn"><h2>写しかもしれない絵 / These may be copies after all</h2>${both({
          ja: '「別物」として渡されましたが、作品とよく一致します。人が見て判断してください。',
          en: 'Given as different, and yet very like a work. A person must look.',
        })}<p>${decided}</p>${table(
          ['照合スコア / score', '絵 / picture', '作品 / work', '作品の絵 / its picture'],
          suspects.map((each) => [
            each.score.toFixed(4),
            each.file,
            `${each.title} (${each.assetId})`,
            each.reference,
          ]),
        )}</section>`,
    magnets.length === 0
      ? ''
      : `<section class="warn"><h2>何にでも似てしまう作品 / Works that resemble everything</h2>${both({
          ja: '多くの別物の絵に似てしまう作品と、手がかりの乏しい(無地に近い・小さい・ありふれた)作品です。特徴の多い絵に差し替えるか、カタログから外すと、しきい値を下げられることがあります。',
          en: 'Works that many different pictures resemble, and works with little to recognise them by (nearly blank, tiny, generic). A more characteristic picture, or leaving them out, may allow lower thresholds.',
        })}${table(
          [
            '作品 / work',
            '絵 / picture',
            '理由 / why',
            '一番になった数 / first for',
            '似てしまった数 / collisions',
            '最高 / highest',
            '大きさ / size',
            '特徴点 / keypoints',
          ],
          magnets.map((each) => [
            `${each.title} (${each.assetId})`,
            each.reference,
            why(each).ja + ' / ' + why(each).en,
            `${each.first} / ${negatives.used}`,
            each.collisions,
            each.highest.toFixed(4),
            `${each.width} × ${each.height}`,
            each.keypoints,
          ]),
        )}</section>`,
    ...sections,
    '</body></html>',
    '',
  ].join('\n');
}
