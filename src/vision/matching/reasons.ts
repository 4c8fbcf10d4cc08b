import type { Sentence } from './match.ts';
import type { Verified } from './verify-shortlist.ts';

/** Fewer keypoints than this in agreement prove little by themselves. */
const FEW_POINTS = 12;
/** Aligned line structure from which lines are said to agree, and below which they are said to differ. */
const LINES_AGREE = 0.6;
const LINES_DIFFER = 0.35;
/** Mean chroma difference (levels) up to which colours are said to agree. */
const COLOURS_AGREE = 14;

/**
 * What a reviewer reads: how much of the work appears, where and how it lies, what agrees and what does not. Only facts
 * of the two pictures; nothing here says what they mean in law.
 */
export function reasonsFor({ evidence, description, orientation }: Verified): Sentence[] {
  const { verification } = evidence;
  return [
    placement(verification.overlap, description, orientation.startsWith('mirrored')),
    agreement(verification.alignment),
    support(verification.inliers, evidence.hashDistance),
  ];
}

function placement(
  overlap: { readonly work: number; readonly output: number },
  description: Verified['description'],
  mirrored: boolean,
): Sentence {
  const share = Math.round(100 * Math.min(1, overlap.work));
  const degrees = Math.round(description.degrees);
  const turned = Math.abs(degrees) >= 2;
  const how: Sentence[] = [];
  if (mirrored) how.push({ ja: '左右反転して', en: 'mirrored' });
  if (turned)
    how.push({ ja: `約${Math.abs(degrees)}°回転して`, en: `turned by about ${Math.abs(degrees)}°` });
  const fills = overlap.output > 0.85;
  const where: Sentence = fills
    ? { ja: '出力の全面に', en: 'filling the output' }
    : placeOf(description.centre);
  const manner = how.map((each) => each.en).join(' and ');
  return {
    ja: `作品の約${share} %が、${where.ja}${how.map((each) => `、${each.ja}`).join('')}現れています。`,
    en: `About ${share} % of the work appears${manner === '' ? '' : `, ${manner}`}, ${where.en}.`,
  };
}

function placeOf([x, y]: readonly [number, number]): Sentence {
  const third = (value: number) => (value < 1 / 3 ? 0 : value > 2 / 3 ? 2 : 1);
  const rows: Sentence[] = [
    { ja: '上', en: 'upper' },
    { ja: '', en: '' },
    { ja: '下', en: 'lower' },
  ];
  const columns: Sentence[] = [
    { ja: '左', en: 'left' },
    { ja: '', en: '' },
    { ja: '右', en: 'right' },
  ];
  const row = rows[third(y)]!;
  const column = columns[third(x)]!;
  const en = [row.en, column.en].filter(Boolean).join(' ');
  return en === ''
    ? { ja: '出力の中央に', en: 'in the middle of the output' }
    : { ja: `出力の${column.ja}${row.ja}に`, en: `in the ${en} part of the output` };
}

function agreement(alignment: Verified['evidence']['verification']['alignment']): Sentence {
  const lines: Sentence =
    alignment.structure >= LINES_AGREE
      ? { ja: '位置を合わせると線の構造は一致し', en: 'Laid over each other, the line structure agrees' }
      : alignment.structure >= LINES_DIFFER || alignment.elastic >= LINES_AGREE
        ? {
            ja: '位置を合わせると線の構造は部分的に一致し',
            en: 'Laid over each other, the line structure agrees in part',
          }
        : {
            ja: '位置を合わせても線の構造の一致は弱く',
            en: 'Laid over each other, the line structure agrees only weakly',
          };
  const colours: Sentence =
    alignment.tone < -0.3
      ? { ja: '明暗が反転しています。', en: 'light and dark are exchanged.' }
      : alignment.colour <= COLOURS_AGREE
        ? { ja: '色もほぼ同じです。', en: 'the colours are nearly the same.' }
        : { ja: '色は異なります。', en: 'the colours differ.' };
  return { ja: `${lines.ja}、${colours.ja}`, en: `${lines.en}; ${colours.en}` };
}

function support(inliers: number, hashDistance: number): Sentence {
  const bits = 256 - hashDistance;
  return inliers >= FEW_POINTS
    ? {
        ja: `特徴点${inliers}組が同じ配置で対応します(ハッシュは256ビット中${bits}ビット一致)。`,
        en: `${inliers} pairs of distinctive points lie in the same arrangement (${bits} of 256 hash bits agree).`,
      }
    : {
        ja: `対応する特徴点は少なく(${inliers}組)、主に画面全体の構造による照合です(ハッシュは256ビット中${bits}ビット一致)。`,
        en: `Few distinctive points correspond (${inliers}); compared mainly by overall structure (${bits} of 256 hash bits agree).`,
      };
}
