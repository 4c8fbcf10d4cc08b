import { japaneseDate } from '../catalogue/index.ts';
import { type NoticeFacts, formatDate } from './facts.ts';
import { aiOriginText, similarityText, wording } from './wording.ts';

const TEXTS = {
  ja: {
    recipient: '株式会社サンプル',
    name: '株式会社見本出版',
    address: '東京都千代田区見本町1-2-3',
    signatory: '法務部長 見本 花子',
    title: '見本の夜',
    author: '見本 太郎',
    grounds: '対象の画像には、上記著作物の人物の構図、衣装及び背景の具体的な表現が再現されています。',
    reliance: '当該画像のファイルに記録された生成時の情報(prompt)に「見本の夜」の語があります。',
    document: '出版契約書(2020年4月1日)',
  },
  en: {
    recipient: 'Sample Inc.',
    name: 'Mihon Publishing Co., Ltd.',
    address: '1-2-3 Mihoncho, Chiyoda-ku, Tokyo, Japan',
    signatory: 'Hanako Mihon, Head of Legal',
    title: 'Night of Samples',
    author: 'Taro Mihon',
    grounds: 'The image reproduces the concrete expression of the figures, their dress and the background.',
    reliance: 'What the file records of its generation (prompt) names “Night of Samples”.',
    document: 'publishing agreement of 1 April 2020',
  },
} as const;

const EXAMPLE_MATCH = { transformations: ['framed'], verification: { overlap: { asset: 0.92 } } };

/** A made-up case, for the preview of a template. */
export function exampleFacts(lang: 'ja' | 'en', now: Date): NoticeFacts {
  const text = TEXTS[lang];
  const words = wording();
  return {
    today: japaneseDate(now),
    date: { ja: formatDate(now, 'ja'), en: formatDate(now, 'en') },
    recipient: { name: text.recipient, designated: true },
    claimant: {
      name: text.name,
      address: text.address,
      phone: '+81-3-0000-0000',
      email: 'legal@mihon.example',
      signatory: text.signatory,
    },
    works: [
      {
        n: 1,
        title: text.title,
        series: null,
        author: text.author,
        rightsHolder: text.name,
        published: '2021-07-01',
        capacity: words.claimRight['publishing-right'][lang],
        right: 'publishing-right',
        document: text.document,
        territory: 'JP',
        expires: null,
      },
    ],
    materials: [
      {
        n: 1,
        url: 'https://service.example/posts/12345',
        imageUrl: 'https://images.service.example/12345.png',
        account: '@example_account',
        seenAt: `${japaneseDate(now)} 09:00:00 JST`,
        sha256: '0123456789abcdef'.repeat(4),
      },
    ],
    location: null,
    rights: ['21', '23'].map((code) => words.rights[code]![lang]),
    manner: { item: 'b', label: words.manner.b[lang], text: null },
    grounds: text.grounds,
    similarity: [{ n: 1, text: similarityText(1, EXAMPLE_MATCH, lang) }],
    reliance: [text.reliance],
    aiOrigin: {
      grade: 'declared-in-file',
      text: aiOriginText('declared-in-file', lang, { generator: 'ExampleDiffusion' }),
      fault: null,
    },
    figures: [],
    otherHosts: [],
    programs: [],
    foreign: [],
  };
}
