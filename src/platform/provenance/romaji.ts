/** Kana to Hepburn, and one key for the many ways to spell the same romaji. */

const SYLLABLES: Readonly<Record<string, string>> = {
  ...row('', ['あ', 'い', 'う', 'え', 'お']),
  ...row('k', ['か', 'き', 'く', 'け', 'こ']),
  ...row('s', ['さ', '', 'す', 'せ', 'そ']),
  ...row('t', ['た', '', '', 'て', 'と']),
  ...row('n', ['な', 'に', 'ぬ', 'ね', 'の']),
  ...row('h', ['は', 'ひ', '', 'へ', 'ほ']),
  ...row('m', ['ま', 'み', 'む', 'め', 'も']),
  ...row('y', ['や', '', 'ゆ', '', 'よ']),
  ...row('r', ['ら', 'り', 'る', 'れ', 'ろ']),
  ...row('w', ['わ', 'ゐ', '', 'ゑ', '']),
  ...row('g', ['が', 'ぎ', 'ぐ', 'げ', 'ご']),
  ...row('z', ['ざ', '', 'ず', 'ぜ', 'ぞ']),
  ...row('d', ['だ', '', '', 'で', 'ど']),
  ...row('b', ['ば', 'び', 'ぶ', 'べ', 'ぼ']),
  ...row('p', ['ぱ', 'ぴ', 'ぷ', 'ぺ', 'ぽ']),
  ...row('', ['ぁ', 'ぃ', 'ぅ', 'ぇ', 'ぉ']),
  ...row('y', ['ゃ', '', 'ゅ', '', 'ょ']),
  し: 'shi',
  ち: 'chi',
  つ: 'tsu',
  ふ: 'fu',
  を: 'o',
  ん: 'n',
  ゔ: 'vu',
  じ: 'ji',
  ぢ: 'ji',
  づ: 'zu',
  ゎ: 'wa',
  ゕ: 'ka',
  ゖ: 'ke',
  ...glides(
    ['き', 'ぎ', 'に', 'ひ', 'び', 'ぴ', 'み', 'り'],
    ['ky', 'gy', 'ny', 'hy', 'by', 'py', 'my', 'ry'],
  ),
  ...glides(['し', 'じ', 'ち', 'ぢ'], ['sh', 'j', 'ch', 'j']),
  しぇ: 'she',
  じぇ: 'je',
  ちぇ: 'che',
  てぃ: 'ti',
  でぃ: 'di',
  とぅ: 'tu',
  どぅ: 'du',
  でゅ: 'dyu',
  いぇ: 'ye',
  ...digraphs('ふ', 'f'),
  ...digraphs('ゔ', 'v'),
  ...digraphs('つ', 'ts'),
  うぃ: 'wi',
  うぇ: 'we',
  うぉ: 'wo',
  くぁ: 'kwa',
  ぐぁ: 'gwa',
  すぃ: 'si',
  ずぃ: 'zi',
};

function row(consonant: string, kana: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    kana.map((sign, i) => [sign, consonant + 'aiueo'[i]!]).filter(([sign]) => sign !== ''),
  );
}

function glides(kana: readonly string[], romaji: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    kana.flatMap((sign, i) => [
      [`${sign}ゃ`, `${romaji[i]}a`],
      [`${sign}ゅ`, `${romaji[i]}u`],
      [`${sign}ょ`, `${romaji[i]}o`],
    ]),
  );
}

function digraphs(sign: string, consonant: string): Record<string, string> {
  return {
    [`${sign}ぁ`]: `${consonant}a`,
    [`${sign}ぃ`]: `${consonant}i`,
    [`${sign}ぇ`]: `${consonant}e`,
    [`${sign}ぉ`]: `${consonant}o`,
  };
}

/** Katakana as hiragana; everything else as it is. ヷ and its like, which have no hiragana, stay. */
export function toHiragana(text: string): string {
  return text.replaceAll(/[ァ-ヶヽヾ]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) - 0x60));
}

/** Hepburn of a text in hiragana, long vowels written out (`ou`, and ー as the vowel again); undefined if it holds more than kana. */
export function hepburn(hiragana: string): string | undefined {
  let out = '';
  let doubled = false;
  for (let at = 0; at < hiragana.length;) {
    const sign = hiragana[at]!;
    if (/[\s・=＝-]/.test(sign)) {
      at++;
      continue;
    }
    if (sign === 'っ') {
      doubled = true;
      at++;
      continue;
    }
    if (sign === 'ー') {
      const vowel = /[aiueo]$/.exec(out)?.[0];
      if (vowel === undefined) return undefined;
      out += vowel;
      at++;
      continue;
    }
    const pair = SYLLABLES[hiragana.slice(at, at + 2)];
    const syllable = pair !== undefined && at + 1 < hiragana.length ? pair : SYLLABLES[sign];
    if (syllable === undefined) return undefined;
    if (doubled) out += syllable.startsWith('ch') ? 't' : /^[aiueon]/.test(syllable) ? '' : syllable[0]!;
    doubled = false;
    out += syllable;
    at += syllable === pair ? 2 : 1;
  }
  return out;
}

const REWRITES: readonly [RegExp, string][] = [
  // Kunrei and typing spellings to Hepburn
  [/sy([auo])/g, 'sh$1'],
  [/(?:zy|jy|dy)([auo])/g, 'j$1'],
  [/(?:ty|cy)([auo])/g, 'ch$1'],
  [/(?<![a-z])si|(?<=[aiueon])si/g, 'shi'],
  [/(?<![a-z])ti|(?<=[aiueon])ti/g, 'chi'],
  [/(?<![a-z])tu|(?<=[aiueon])tu/g, 'tsu'],
  [/(?<![a-z])hu|(?<=[aiueon])hu/g, 'fu'],
  [/(?:zi|di)/g, 'ji'],
  [/(?:dzu|du)/g, 'zu'],
  [/wo/g, 'o'],
  [/m(?=[bmp])/g, 'n'],
  [/cch/g, 'tch'],
  // Long vowels in all their spellings to short ones
  [/o(?:u|o|h(?![aiueoy]))/g, 'o'],
  [/o(?:u|o|h(?![aiueoy]))/g, 'o'],
  [/u+/g, 'u'],
  [/a+/g, 'a'],
  [/i+/g, 'i'],
  [/e+/g, 'e'],
];

/** One key for `shōjo`, `shoujo`, `shojo`, `syoujo`: equal words have equal keys, and now and then unequal ones too. */
export function romajiKey(latin: string): string {
  return REWRITES.reduce((text, [pattern, to]) => text.replaceAll(pattern, to), latin);
}

const ROMAJI_WORD =
  /^(?:(?:ky|gy|ny|hy|by|py|my|ry|sh|ch|ts|tch|ssh|[kgsztdnhbpmyrwjf]|kk|ss|tt|pp|gg|dd|bb|zz|sy|ty|zy|jy|cy)?[aiueo]h?|n)+$/;

/** Whether a Latin word can be read as romaji from end to end. */
export const looksRomaji = (latin: string): boolean => latin.length <= 60 && ROMAJI_WORD.test(latin);
