import type { Provenance, TermHit } from '../../platform/provenance/index.ts';
import { AWAY_FROM_PICTURE } from './priority.ts';
import { statedTrainingData } from './training-data.ts';

/** Something about reliance (依拠性) that is so. What follows from it is for a person to say. */
export interface Fact {
  readonly fact:
    | 'published-before'
    | 'published-after'
    | 'named-in-prompt'
    | 'source-image'
    | 'extra-training'
    | 'stated-training-data';
  /** What the fact rests on: a date, a name, a place in the file. */
  readonly values: Readonly<Record<string, string>>;
  readonly sentence: { readonly ja: string; readonly en: string };
}

/**
 * The facts that speak of reliance, each with what it rests on.
 *
 * @param published the day or year the work was published, ISO 8601
 * @param firstSeen when the output was posted, or else first seen
 */
export function relianceFacts(of: {
  readonly published: string | null;
  readonly firstSeen: { readonly at: Date; readonly how: 'posted' | 'seen' } | null;
  readonly reliance: readonly TermHit[];
  readonly provenance: Pick<Provenance, 'sources' | 'loras' | 'model' | 'findings'> | null;
}): Fact[] {
  const { provenance } = of;
  return [
    ...publication(of.published, of.firstSeen),
    ...of.reliance.map(({ term, where }): Fact => ({
      fact: 'named-in-prompt',
      values: { term, where },
      sentence: {
        ja: `作品側の名称「${term}」が ${WHERE_JA[where] ?? where} にあります。`,
        en: `“${term}”, a name of the work, stands in ${where}.`,
      },
    })),
    ...(provenance?.sources ?? []).map((name): Fact => ({
      fact: 'source-image',
      values: { name },
      sentence: {
        ja: `元画像として「${name}」が記録されています。`,
        en: `“${name}” is recorded as a picture it was made from.`,
      },
    })),
    ...(provenance?.loras ?? []).map((name): Fact => ({
      fact: 'extra-training',
      values: { name },
      sentence: {
        ja: `追加学習モデル(LoRA)「${name}」の使用が記録されています。`,
        en: `The use of “${name}”, an extra trained model (LoRA), is recorded.`,
      },
    })),
    ...modelNames(provenance).flatMap((model) =>
      statedTrainingData(model).map(({ statement, source }): Fact => ({
        fact: 'stated-training-data',
        values: { model, source },
        sentence: {
          ja: `モデル「${model}」の学習データについて、公表資料は次のように述べています: ${statement.ja}(出典: ${source})`,
          en: `Of the training data of the model “${model}” its publisher states: ${statement.en} (source: ${source})`,
        },
      })),
    ),
  ];
}

/** Places outside of the file; places in it are named as they stand there. */
const WHERE_JA: Readonly<Record<string, string>> = {
  'page URL': '掲載ページのURL',
  'image URL': '画像のURL',
  'file name': 'ファイル名',
  'page title': '掲載ページの題名',
  'source text': '投稿の題名・タグ・説明',
  'declared prompt': '投稿に表示されたプロンプト',
  'declared model': '投稿に表示されたモデル名',
  'page text near the picture': '掲載ページの画像付近の文章',
  [AWAY_FROM_PICTURE]: '掲載ページの画像から離れた箇所の文章',
};

function publication(
  published: string | null,
  firstSeen: { readonly at: Date; readonly how: 'posted' | 'seen' } | null,
): Fact[] {
  if (published === null || firstSeen === null) return [];
  const day = dayInJapan(firstSeen.at);
  // A year or a month is before a day only when it is over.
  const isBefore = published < day.slice(0, published.length);
  const isAfter = published > day.slice(0, published.length);
  if (!isBefore && !isAfter) return [];
  const how = { posted: { ja: '投稿', en: 'posted' }, seen: { ja: '発見', en: 'first seen' } }[firstSeen.how];
  return [
    {
      fact: isBefore ? 'published-before' : 'published-after',
      values: { published, [firstSeen.how]: day },
      sentence: {
        ja: `作品は ${published} に公表され、出力は ${day} に${how.ja}されました。`,
        en: `The work was published ${published}; the output was ${how.en} ${day}.`,
      },
    },
  ];
}

function modelNames(provenance: Pick<Provenance, 'model' | 'findings'> | null): string[] {
  if (provenance === null) return [];
  const named = provenance.findings
    // A watermark is that of a program, which runs models of several makers.
    .filter(({ about, grade }) => (about === 'model' || about === 'generator') && grade !== 'none')
    .map(({ value }) => value);
  return [...new Set([...(provenance.model === null ? [] : [provenance.model]), ...named])];
}

function dayInJapan(at: Date): string {
  return new Date(at.getTime() + 9 * 3_600_000).toISOString().slice(0, 10);
}
