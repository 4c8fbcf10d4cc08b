import { describe, expect, test } from 'vitest';
import type { Finding } from '../../../src/platform/provenance/index.ts';
import { relianceFacts } from '../../../src/features/alerts/facts.ts';

const NOTHING = { published: null, firstSeen: null, reliance: [], provenance: null };
const seen = (day: string, how: 'posted' | 'seen' = 'posted') => ({ at: new Date(`${day}T03:00:00Z`), how });
const finding = (about: Finding['about'], value: string, grade: Finding['grade'] = 'declared') =>
  ({
    reader: 'test',
    about,
    grade,
    where: 'test',
    value,
    generative: true,
    sentence: { ja: '', en: '' },
  }) as const;
const made = (more: object) => ({ sources: [], loras: [], model: null, findings: [], ...more });
const told = (of: Partial<Parameters<typeof relianceFacts>[0]>) =>
  relianceFacts({ ...NOTHING, ...of }).map(({ fact, values }) => ({ fact, ...values }));

describe('publication', () => {
  test.each([
    ['2024-07-20', '2024-07-21', 'published-before'],
    ['2024-07-21', '2024-07-20', 'published-after'],
    ['2024-06', '2024-07-20', 'published-before'],
    ['2023', '2024-07-20', 'published-before'],
    ['2025', '2024-07-20', 'published-after'],
  ])('%s and an output of %s: %s', (published, day, fact) => {
    expect(told({ published, firstSeen: seen(day) })).toEqual([{ fact, published, posted: day }]);
  });

  test.each([
    ['2024-07-20', '2024-07-20'],
    ['2024-07', '2024-07-20'],
    ['2024', '2024-07-20'],
  ])('%s and an output of %s: nobody can tell which came first', (published, day) => {
    expect(told({ published, firstSeen: seen(day) })).toEqual([]);
  });

  test('goes by the day in Japan, and says whether the output was posted or only seen then', () => {
    const firstSeen = { at: new Date('2024-07-20T15:30:00Z'), how: 'seen' as const };
    expect(told({ published: '2024-07-20', firstSeen })).toEqual([
      { fact: 'published-before', published: '2024-07-20', seen: '2024-07-21' },
    ]);
  });

  test('of which nothing is known is no fact', () => {
    expect(told({ firstSeen: seen('2024-07-20') })).toEqual([]);
    expect(told({ published: '2024' })).toEqual([]);
  });
});

test('names, source pictures and extra training are told as they stand, each in both languages', () => {
  const facts = relianceFacts({
    ...NOTHING,
    reliance: [
      { assetId: 'moon', term: '灯籠坂の夜', where: 'page text near the picture' },
      { assetId: 'moon', term: '灯籠坂の夜', where: 'prompt: PNG iTXt "parameters"' },
    ],
    provenance: made({ sources: ['灯籠坂の夜_kv.png'], loras: ['toroozaka_v2'] }),
  });
  expect(facts.map(({ fact, values }) => ({ fact, ...values }))).toEqual([
    { fact: 'named-in-prompt', term: '灯籠坂の夜', where: 'page text near the picture' },
    { fact: 'named-in-prompt', term: '灯籠坂の夜', where: 'prompt: PNG iTXt "parameters"' },
    { fact: 'source-image', name: '灯籠坂の夜_kv.png' },
    { fact: 'extra-training', name: 'toroozaka_v2' },
  ]);
  expect(facts[0]!.sentence).toEqual({
    ja: '作品側の名称「灯籠坂の夜」が 掲載ページの画像付近の文章 にあります。',
    en: '“灯籠坂の夜”, a name of the work, stands in page text near the picture.',
  });
});

describe('the stated training data of the model', () => {
  test.each(['v1-5-pruned-emaonly', 'sd-v1-4.ckpt', 'models/Stable-diffusion/v1-5-pruned.safetensors'])(
    '%s',
    (model) => {
      expect(told({ provenance: made({ model }) })).toEqual([
        { fact: 'stated-training-data', model, source: expect.stringContaining('https://') },
      ]);
    },
  );

  test('does not follow from a watermark, which several models share', () => {
    const findings = [finding('watermark', 'Stable Diffusion 1: 136/136, 12.0σ', 'watermark')];
    expect(told({ provenance: made({ findings }) })).toEqual([]);
  });

  test.each(['animefull-v1', 'my-sd-v1-mix', 'sd_xl_base_1.0.safetensors'])(
    'of %s is unknown, and nothing is said',
    (model) => {
      expect(told({ provenance: made({ model }) })).toEqual([]);
    },
  );
});
