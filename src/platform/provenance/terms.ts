import type { Provenance } from './provenance.ts';
import { hepburn, looksRomaji, romajiKey, toHiragana } from './romaji.ts';

/** A name by which a work is known: title, alias or character. */
export interface Term {
  readonly assetId: string;
  readonly term: string;
}

export interface TermText {
  readonly where: string;
  readonly text: string;
  /** Sentences of a page, in which two kanji inside of a longer word are no name. */
  readonly prose?: boolean;
}

export interface TermHit {
  readonly assetId: string;
  /** The term as the catalogue has it. */
  readonly term: string;
  readonly where: string;
}

const MAX_TEXT = 20_000;
/** A term of more words than this is only found by its first ones' run together; titles are shorter. */
const MAX_WORDS = 12;
const MIN_LATIN = 3;
const MIN_ROMAJI = 5;
const MIN_CJK = 3;
const MIN_KANJI = 2;

/** Words of every prompt. A work of such a name is found by its other names only. */
const STOP_WORDS = new Set(
  `anime manga girl boy woman man lady child kid people person character cute best good masterpiece quality high low
  detailed art artwork style illustration picture image photo portrait landscape night day morning evening sky star
  stars moon sun sea ocean river lake city town street school uniform dress hair eyes eye face smile black white red blue
  green yellow pink purple silver gold golden brown blonde long short hero heroine princess prince king queen angel demon
  devil dragon cat dog fox rabbit wolf bird fish flower flowers tree forest garden rose sakura cherry blossom love heart
  dream magic magical witch ninja samurai robot mecha idol maid neko kawaii chibi kimono yukata shoujo shojo shounen
  shonen senpai sensei onna otoko fantasy summer winter spring autumn rain snow wind fire water light dark darkness shadow
  the end world story life game music one two three solo score source rating general sensitive safe model lora checkpoint
  none null default test sample untitled image1 input output`.split(/\s+/),
);
const STOP_CJK = new Set(
  `少女 少年 女性 男性 女子 男子 女の 男の 人物 美人 美女 制服 学校 学園 教室 先生 学生 生徒 世界 物語 日本 東京 京都 東方 未来
  夜空 青空 星空 夕焼 背景 風景 画像 写真 漫画 動画 高画 画質 最高 傑作 作品 黒髪 金髪 白髪 銀髪 茶髪 長髪 短髪 笑顔 和服 浴衣
  着物 水着 魔法 魔女 天使 悪魔 勇者 王子 王女 姫様 騎士 忍者 武士 戦士 英雄 神様 巫女 桜花 花火 太陽 海辺 春夏 秋冬 冒険 恋愛
  青春 家族 友達 仲間 時間 空間 機械 猫耳 動物 植物 森林 都市 未定 無題 きれい かわいい すてき おんな おとこ さくら ねこみみ
  いらすと きゃらくたー あにめ まんが`
    .split(/\s+/)
    .map(toHiragana),
);

const CJK = /[\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff々〆]/;
const KANJI_ONLY = /^[\u3400-\u9fff\uf900-\ufaff々〆]+$/;

interface Known extends Term {
  readonly order: number;
}

/**
 * Finds the names of works in prompts, tags and file names. Built once for a catalogue; a text costs time by its own
 * length, not by the number of names.
 *
 * - NFKC, case folded, katakana as hiragana
 * - Latin names by whole words, however joined: `hoshino_ai`, `Hoshino Ai`, `hoshinoai`; two words in either order
 * - booru tags: `name_(series)` is found as a whole, and its name alone if that is distinctive
 * - names in kana also by their romaji, whatever its way with long vowels
 * - names in CJK as a part of the text, from three characters on, or two kanji that are no everyday word
 */
export class TermMatcher {
  readonly #words = new Map<string, Known[]>();
  readonly #romaji = new Map<string, Known[]>();
  /** The first three letters of every key in #romaji: most words of a prompt begin none of them. */
  readonly #romajiBeginnings = new Set<string>();
  /** By their first two characters if they have no more, else by their first three. */
  readonly #cjk = new Map<string, { readonly pattern: string; readonly known: Known }[]>();

  constructor(terms: readonly Term[]) {
    for (const [order, term] of terms.entries()) this.#learn({ ...term, order });
  }

  /** Every term found, once for each text it stands in; in the order of texts, then of terms. */
  match(texts: readonly TermText[]): TermHit[] {
    return texts.flatMap(({ where, text, prose = false }) => {
      const found = new Set<Known>();
      this.#matchLatin(text.slice(0, MAX_TEXT), found);
      this.#matchCjk(text.slice(0, MAX_TEXT), prose, found);
      return [...found]
        .sort((a, b) => a.order - b.order)
        .map(({ assetId, term }) => ({ assetId, term, where }));
    });
  }

  #learn(known: Known): void {
    const plain = fold(known.term).trim();
    if (CJK.test(plain)) {
      this.#learnCjk(withoutJoints(plain), known);
      return;
    }
    const tag = /^(.+?)[\s_]*\((.+)\)$/.exec(plain);
    this.#learnLatin(wordsOf(plain), known);
    if (tag === null) return;
    const name = wordsOf(tag[1]!);
    // One word without its series says too little unless it is a long one.
    if (name.length > 1 || name.join('').length >= 7) this.#learnLatin(name, known);
  }

  #learnLatin(words: readonly string[], known: Known): void {
    const joined = words.join('');
    if (joined.length < MIN_LATIN || /^\d+$/.test(joined) || words.every((word) => STOP_WORDS.has(word)))
      return;
    if (STOP_WORDS.has(joined)) return;
    push(this.#words, joined, known);
    const [one, two] = words;
    if (words.length === 2) push(this.#words, `${two}${one}`, known);
    if (!words.every(looksRomaji)) return;
    this.#learnRomaji(joined, known);
    if (words.length === 2) this.#learnRomaji(`${two}${one}`, known);
  }

  #learnRomaji(latin: string, known: Known): void {
    const key = romajiKey(latin);
    if (key.length < MIN_ROMAJI || STOP_WORDS.has(key) || STOP_WORDS.has(latin)) return;
    push(this.#romaji, key, known);
    this.#romajiBeginnings.add(key.slice(0, 3));
  }

  #learnCjk(pattern: string, known: Known): void {
    const isLongEnough =
      pattern.length >= MIN_CJK || (pattern.length >= MIN_KANJI && KANJI_ONLY.test(pattern));
    if (isLongEnough && !STOP_CJK.has(pattern)) push(this.#cjk, pattern.slice(0, 3), { pattern, known });
    const parts = fold(known.term).trim().split(JOINTS);
    const readings = parts.map(hepburn);
    if (STOP_CJK.has(pattern) || readings.some((reading) => reading === undefined || reading === '')) return;
    const latin = readings.join('');
    if (latin.length >= MIN_LATIN + 1 && !STOP_WORDS.has(latin)) push(this.#words, latin, known);
    this.#learnRomaji(latin, known);
    if (readings.length === 2) this.#learnRomaji(readings.toReversed().join(''), known);
  }

  #matchLatin(text: string, found: Set<Known>): void {
    // A file name has no other way to part its words than case and digits.
    const isName = !/[\s,]/.test(text.trim());
    const words = wordsOf(
      fold(isName ? text.replaceAll(/(?<=\p{Ll})(?=\p{Lu})|(?<=\p{L})(?=\d)/gu, ' ') : text),
    );
    for (let from = 0; from < words.length; from++) {
      let joined = '';
      // What follows a word can change the last letter of its key, never the ones before.
      const key = romajiKey(words[from]!);
      const mayBeRomaji = key.length < 4 || this.#romajiBeginnings.has(key.slice(0, 3));
      for (let to = from; to < Math.min(words.length, from + MAX_WORDS) && joined.length <= 80; to++) {
        joined += words[to]!;
        for (const known of this.#words.get(joined) ?? []) found.add(known);
        if (joined.length < MIN_ROMAJI || !mayBeRomaji) continue;
        for (const known of this.#romaji.get(romajiKey(joined)) ?? []) found.add(known);
      }
    }
  }

  #matchCjk(text: string, prose: boolean, found: Set<Known>): void {
    if (this.#cjk.size === 0) return;
    const plain = withoutJoints(fold(text));
    for (let at = 0; at + 1 < plain.length; at++)
      for (const length of [2, 3])
        for (const { pattern, known } of this.#cjk.get(plain.slice(at, at + length)) ?? [])
          if (plain.startsWith(pattern, at) && !(prose && isInsideWord(plain, at, pattern))) found.add(known);
  }
}

/** Whether two kanji stand in a longer run of kanji: 月夜 in 満月夜話. Longer names are distinctive by themselves. */
function isInsideWord(plain: string, at: number, pattern: string): boolean {
  if (pattern.length > 2) return false;
  return KANJI_ONLY.test(plain[at - 1] ?? '') || KANJI_ONLY.test(plain[at + pattern.length] ?? '');
}

/** As TermMatcher, for once. */
export function matchTerms(texts: readonly TermText[], terms: readonly Term[]): TermHit[] {
  return new TermMatcher(terms).match(texts);
}

function fold(text: string): string {
  // Kana keep their marks (が is か with one), Latin letters lose theirs.
  const plain = text.normalize('NFKC').toLowerCase();
  const bare = plain
    .normalize('NFD')
    .replaceAll(/(?<=\p{Script=Latin}\p{M}*)\p{M}/gu, '')
    .normalize('NFC');
  return toHiragana(bare);
}

/** Whole words: runs of letters and digits of scripts that part their words. Apostrophes join (`Howl's`, `Jun'ichi`). */
function wordsOf(folded: string): string[] {
  return (
    folded
      .replaceAll(/['’ʼ]/g, '')
      .match(/(?:(?![\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}ー])[\p{L}\p{N}])+/gu) ?? []
  );
}

const JOINTS = /[\s\u3000・=＝·‧_-]+/;

/** CJK text without what stands between the parts of a name. */
function withoutJoints(folded: string): string {
  return folded.replaceAll(
    /(?<=[\u3041-\u30ff\u3400-\u9fff々])[\s・=＝·‧_-]{1,3}(?=[\u3041-\u30ff\u3400-\u9fff々])/g,
    '',
  );
}

function push<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

/**
 * The texts in which a name of a work is evidence of reliance. What the prompt wanted to avoid is not among them.
 */
export function relianceTexts(provenance: Provenance): TermText[] {
  return provenance.findings
    .filter(({ about }) => about === 'prompt' || about === 'lora' || about === 'source' || about === 'model')
    .map(({ about, where, value }) => ({ where: `${about}: ${where}`, text: value }));
}
