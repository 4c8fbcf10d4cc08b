import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TermMatcher, matchTerms } from '../../../src/platform/provenance/index.ts';
import { hepburn, romajiKey, toHiragana } from '../../../src/platform/provenance/romaji.ts';

const found = (text: string, ...terms: string[]) =>
  matchTerms(
    [{ where: 'prompt', text }],
    terms.map((term, i) => ({ assetId: `a${i}`, term })),
  ).map(({ term }) => term);

describe('what is found', () => {
  test.each([
    ['hoshino ai', '1girl, hoshino_ai, smile'],
    ['hoshino ai', 'Hoshino Ai on stage'],
    ['Hoshino Ai', 'ai hoshino, idol'],
    ['Hoshino Ai', 'hoshinoai'],
    ['Hoshino Ai', 'HoshinoAi_v2.safetensors'],
    ['Hoshino Ai', 'loras/hoshinoAi3.safetensors'],
    ['hoshino_ai_(oshi_no_ko)', '1girl, hoshino_ai_(oshi_no_ko), idol'],
    ['hoshino_ai_(oshi_no_ko)', '1girl, hoshino ai \\(oshi no ko\\)'],
    ['hoshino_ai_(oshi_no_ko)', '(hoshino ai:1.3), idol'],
    ['Oshi no Ko', 'screenshot of oshinoko'],
    ["Howl's Moving Castle", 'howls moving castle style'],
    ['Pokémon', 'pokemon trainer'],
    ['ＤＲＡＧＯＮ　ＱＵＥＳＴ', 'dragon quest slime'],
    ['かぐやひめ', 'かぐやひめの物語'],
    ['カグヤヒメ', 'かぐやひめ、月'],
    ['かぐやひめ', 'kaguyahime, moon'],
    ['かぐや・ひめ', 'kaguya hime, moon'],
    ['かぐや・ひめ', 'hime_kaguya'],
    ['ｶｸﾞﾔﾋﾒ', 'カグヤヒメ'],
    ['ルフィー・モンキー', 'モンキー ルフィーモンキー'],
    ['しょうじょかくめい', 'shoujo kakumei'],
    ['しょうじょかくめい', 'shōjo kakumei'],
    ['しょうじょかくめい', 'shojokakumei'],
    ['しょうじょかくめい', 'syoujo kakumei'],
    ['じゅんいちろう', "jun'ichirou"],
    ['じゅんいちろう', 'junichiro'],
    ['せんぱいくらぶ', 'sempai kurabu'],
    ['マッチャラテ', 'matcha rate'],
    ['スーパーロボ', 'suupaarobo'],
    ['スーパーロボ', 'super_robo, スーパーロボ参上'],
    ['Shoujo Kakumei', 'shojo kakumei'],
    ['星野', '星野アイ'],
    ['星野 アイ', '星野アイ, ステージ'],
    ['星野アイ', '星野・アイ'],
    ['ドラゴンQ', 'ドラゴンＱの勇者'],
  ])('%s in "%s"', (term, text) => {
    expect(found(text, term)).toEqual([term]);
  });
});

describe('what is not', () => {
  test.each([
    ['Ran', 'orange branch, ran away'],
    ['Mio', 'miocene'],
    ['art of war', 'the art of warfare'],
    ['hoshino ai', 'hoshino, rain'],
    ['rem_(re:zero)', 'rem sleep'],
    ['あい', 'ai generated, あいさつ'],
    ['girl', '1girl, girl'],
    ['Magical Girl', 'magical girl outfit'],
    ['さくら', 'sakura, さくら'],
    ['少女', '少女、制服'],
    ['学園', '学園の風景'],
    ['龍', '龍と虎'],
    ['42', 'seed 42'],
    ['', 'anything'],
    ['()', 'anything ()'],
    ['星野アイ', '星, 野アイ'],
  ])('%s in "%s"', (term, text) => {
    // "Ran" as a word of its own is found: it is a name then, as far as anybody can tell.
    expect(found(text, term)).toEqual(term === 'Ran' ? ['Ran'] : []);
  });
});

test.each([
  ['月夜', '「月夜」の感想。', true],
  ['月夜', '月夜を描きました', true],
  ['月夜', '満月夜話を読む', false],
  ['灯籠坂', '新灯籠坂下', true],
])('in sentences, %s in "%s": %s', (term, text, isFound) => {
  const hits = matchTerms([{ where: 'page', text, prose: true }], [{ assetId: 'a', term }]);
  expect(hits.length > 0).toBe(isFound);
  // A prompt or a file name runs words together.
  expect(found(text, term)).toEqual([term]);
});

test('every hit says which asset, which term as the catalogue has it, and where', () => {
  const texts = [
    { where: 'prompt', text: 'a kaguyahime portrait' },
    { where: 'lora', text: 'Kaguyahime_v1.safetensors' },
    { where: 'page', text: 'nothing' },
  ];
  const terms = [
    { assetId: 'A', term: 'カグヤヒメ' },
    { assetId: 'B', term: 'Kaguyahime' },
  ];
  expect(matchTerms(texts, terms)).toEqual([
    { assetId: 'A', term: 'カグヤヒメ', where: 'prompt' },
    { assetId: 'B', term: 'Kaguyahime', where: 'prompt' },
    { assetId: 'A', term: 'カグヤヒメ', where: 'lora' },
    { assetId: 'B', term: 'Kaguyahime', where: 'lora' },
  ]);
});

describe('romaji', () => {
  test.each([
    ['きゃりーぱみゅぱみゅ', 'kyariipamyupamyu'],
    ['しんじゅく', 'shinjuku'],
    ['まっちゃ', 'matcha'],
    ['がっこう', 'gakkou'],
    ['ふぁんたじー', 'fantajii'],
    ['てぃふぁ', 'tifa'],
    ['ゔぁいおれっと', 'vaioretto'],
    ['づら・を', 'zurao'],
  ])('%s is %s', (kana, latin) => {
    expect(hepburn(kana)).toBe(latin);
  });

  test('every kana has a reading', () => {
    const all = Array.from({ length: 0x3096 - 0x3041 + 1 }, (_, i) => String.fromCharCode(0x3041 + i));
    expect(all.filter((sign) => sign !== 'っ' && !/^[a-z]+$/.test(hepburn(sign) ?? ''))).toEqual([]);
  });
});

const kana = fc
  .array(
    fc.constantFrom(
      ...'かきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろがぎぐげござじずぜぞだでどばびぶべぼ',
    ),
    { minLength: 4, maxLength: 9 },
  )
  .map((signs) => signs.join(''));
const word = fc.stringMatching(/^[b-df-hj-np-tv-z]{4,9}$/);
const toKatakana = (text: string) =>
  text.replaceAll(/[ぁ-ゖ]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) + 0x60));

describe('properties', () => {
  test('kana are found in either script and in romaji, whatever stands around them', () => {
    fc.assert(
      fc.property(kana, word, word, (name, before, after) => {
        const term = toKatakana(name);
        expect(found(`${before}、${name}が${after}`, term)).toEqual([term]);
        expect(found(`${before}${term}${after}`, name)).toEqual([name]);
        const latin = hepburn(name)!;
        if (romajiKey(latin).length >= 5)
          expect(found(`${before}, ${latin.toUpperCase()}, ${after}`, name)).toEqual([name]);
      }),
      { numRuns: 300 },
    );
  });

  test('a Latin name is found as tag, as words, run together and full width; never inside a longer word', () => {
    fc.assert(
      fc.property(word, word, word, (one, two, other) => {
        const term = `${one} ${two}`;
        const wide = [...term]
          .map((c) => (c === ' ' ? '\u3000' : String.fromCharCode(c.charCodeAt(0) + 0xfee0)))
          .join('');
        for (const text of [
          `${one}_${two}`,
          `x, ${one}${two}, y`,
          `(${one} ${two}:1.2)`,
          `${two} ${one}`,
          wide,
          `<lora:${one}_${two}:1>`,
        ])
          expect([text, ...found(text, term)]).toEqual([text, term]);
        for (const text of [`${one}${two}${other}`, `${other}${one} ${two}`, one])
          expect(found(`a ${text}`, term)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test('more texts and more terms never take a hit away, and the matcher is the same when reused', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(kana, word), { minLength: 1, maxLength: 8 }),
        fc.string({ unit: 'grapheme' }),
        (names, noise) => {
          const terms = names.flatMap(([a, b], i) => [
            { assetId: `${i}`, term: a },
            { assetId: `${i}`, term: b },
          ]);
          const text = { where: 'x', text: `${noise} ${names[0]![0]} ${names[0]![1]}` };
          const alone = matchTerms([text], terms.slice(0, 2));
          const matcher = new TermMatcher(terms);
          const all = matcher.match([{ where: 'y', text: noise }, text]);
          for (const hit of alone) expect(all).toContainEqual(hit);
          expect(matcher.match([{ where: 'y', text: noise }, text])).toEqual(all);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('any text and any term: no crash, and hits name only given terms', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 200 }),
        fc.array(fc.string({ unit: 'binary' }), { maxLength: 5 }),
        (text, terms) => {
          for (const term of found(text, ...terms)) expect(terms).toContain(term);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('hiragana is a fixed point', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(toHiragana(toHiragana(text))).toBe(toHiragana(text));
      }),
    );
  });
});

test('50,000 names cost a prompt no more than a few milliseconds', () => {
  const terms = Array.from({ length: 50_000 }, (_, i) => ({
    assetId: `${i}`,
    term: `name${i.toString(36)} word${i}`,
  }));
  const matcher = new TermMatcher([
    ...terms,
    ...terms.map(({ assetId }, i) => ({
      assetId,
      term: `カナ${String.fromCharCode(0x30a1 + (i % 80))}メイ${i}`,
    })),
  ]);
  const text = { where: 'prompt', text: '1girl, カナ, かなのめい, long_hair, name7 word260, '.repeat(200) };
  const started = performance.now();
  matcher.match([text]);
  expect(performance.now() - started).toBeLessThan(300);
});
