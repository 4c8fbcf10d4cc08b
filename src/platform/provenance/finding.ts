/** How much a mark is worth as evidence, best first. */
export const GRADES = [
  'signed-verified',
  'signed-untrusted',
  'watermark',
  'declared',
  'platform-label',
  'none',
] as const;

/**
 * - `signed-verified`: a signature that verifies, by a signer on the trust list (or a publisher's built-in key)
 * - `signed-untrusted`: a signature that verifies, by somebody nobody vouches for
 * - `watermark`: a mark in the pixels themselves; its key is public, so it can be forged
 * - `declared`: text in the file that anybody can write or change
 * - `platform-label`: a label that the platform showing the picture put on it
 * - `none`: told for completeness; it is no evidence
 */
export type Grade = (typeof GRADES)[number];

/** What a finding is about. */
export type About =
  | 'generator'
  | 'model'
  | 'prompt'
  | 'negative-prompt'
  | 'source'
  | 'lora'
  | 'seed'
  | 'source-type'
  | 'signature'
  | 'watermark'
  | 'author'
  | 'editing';

export interface Finding {
  /** Which reader found it, e.g. `comfyui`. */
  readonly reader: string;
  readonly about: About;
  readonly grade: Grade;
  /** Where in the file it stood, e.g. `PNG text "parameters"`. */
  readonly where: string;
  readonly value: string;
  /** Whether it says that a generative model was at work. A camera's or an editor's mark does not. */
  readonly generative: boolean;
  readonly sentence: { readonly ja: string; readonly en: string };
}

/** The longest value a finding carries, in UTF-16 units; a longer one is cut. */
const MAX_VALUE = 20_000;
const MAX_QUOTE = 160;

type Draft = Omit<Finding, 'sentence' | 'generative'> & {
  readonly generative?: boolean;
  readonly sentence?: Finding['sentence'];
};

/** A finding with its sentence written. */
export function finding(draft: Draft): Finding {
  const value = draft.value.slice(0, MAX_VALUE);
  return {
    reader: draft.reader,
    about: draft.about,
    grade: draft.grade,
    where: draft.where,
    value,
    generative: draft.generative ?? true,
    sentence: draft.sentence ?? sentenceOf({ ...draft, value }),
  };
}

const WHAT: Record<About, { ja: string; en: string }> = {
  generator: { ja: '生成に使われたプログラム', en: 'the program that made the picture' },
  model: { ja: '生成に使われたモデル', en: 'the model used' },
  prompt: { ja: 'プロンプト', en: 'the prompt' },
  'negative-prompt': { ja: 'ネガティブプロンプト(避けたいもの)', en: 'the negative prompt (what to avoid)' },
  source: { ja: '元画像の名前', en: 'the name of a source picture' },
  lora: { ja: '追加学習モデル(LoRA)', en: 'an extra trained model (LoRA)' },
  seed: { ja: 'シード値', en: 'the seed' },
  'source-type': { ja: 'デジタルソースの種別', en: 'the digital source type' },
  signature: { ja: '署名', en: 'the signature' },
  watermark: { ja: '電子透かし', en: 'the watermark' },
  author: { ja: '作者として記された名前', en: 'the name given as author' },
  editing: { ja: '編集に使われたプログラム', en: 'the program used for editing' },
};

const WORTH: Record<Grade, { ja: string; en: string }> = {
  'signed-verified': {
    ja: '信頼された鍵による署名で確かめられています。',
    en: 'a trusted signature confirms it',
  },
  'signed-untrusted': {
    ja: '署名は正しいものの、署名者は信頼リストにありません。',
    en: 'the signature is intact, but its signer is not on the trust list',
  },
  watermark: { ja: '鍵は公開されており、偽造もできます。', en: 'the key is public, so it can be forged' },
  declared: { ja: '誰でも書き換えられる記載です。', en: 'anybody can write or change this text' },
  'platform-label': { ja: '配信側が付けた表示です。', en: 'a label put on by the platform' },
  none: { ja: '証拠とはなりません。', en: 'this is no evidence' },
};

/** A value on one line, cut where it is long. */
function quoted(value: string, most: number): string {
  const flat = value.replaceAll(/\s+/g, ' ');
  return flat.length > most ? `${flat.slice(0, most)}…` : flat;
}

function sentenceOf({ about, grade, where, value }: Omit<Draft, 'sentence'>): Finding['sentence'] {
  const quote = quoted(value, MAX_QUOTE);
  return {
    ja: `${where} に${WHAT[about].ja}として「${quote}」とあります。${WORTH[grade].ja}`,
    en: `${where} gives “${quote}” as ${WHAT[about].en}; ${WORTH[grade].en}.`,
  };
}

const MAX_CONFLICT_QUOTE = 60;
/** A sentence names so many of the places that contradict each other; a graph may hold very many. */
const MAX_NAMED = 4;

/** That findings about one question cannot all be true, said once for each place. */
export function contradiction(about: About, findings: readonly Finding[]): Finding['sentence'] {
  const places = findings
    .filter((one, at) => findings.findIndex(({ where }) => where === one.where) === at)
    .slice(0, MAX_NAMED);
  const name = (one: Finding) => quoted(one.value, MAX_CONFLICT_QUOTE);
  return {
    ja: `${WHAT[about].ja}について記載が食い違っています: ${places.map((one) => `${one.where}「${name(one)}」`).join('、')}。どれが正しいかは判断していません。`,
    en: `The file contradicts itself on ${WHAT[about].en}: ${places.map((one) => `${one.where} “${name(one)}”`).join('; ')}. Which is true is not decided here.`,
  };
}

/** Drafts findings that share reader, place and grade; empty and missing values make no finding. */
export class Findings {
  readonly list: Finding[] = [];
  readonly #reader: string;
  readonly #where: string;
  readonly #grade: Grade;

  constructor(reader: string, where: string, grade: Grade = 'declared') {
    this.#reader = reader;
    this.#where = where;
    this.#grade = grade;
  }

  add(about: About, value: unknown, more: { where?: string; generative?: boolean } = {}): this {
    const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : '';
    if (text === '' || this.list.length >= MAX_FINDINGS_A_PLACE) return this;
    const where = more.where ?? this.#where;
    if (this.list.some((other) => other.about === about && other.value === text && other.where === where))
      return this;
    this.list.push(
      finding({
        reader: this.#reader,
        about,
        grade: this.#grade,
        where,
        value: text,
        ...(more.generative === undefined ? {} : { generative: more.generative }),
      }),
    );
    return this;
  }

  addAll(about: About, values: Iterable<unknown>): this {
    for (const value of values) this.add(about, value);
    return this;
  }
}

const MAX_FINDINGS_A_PLACE = 100;
