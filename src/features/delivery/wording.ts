import { NO_LEGAL_FINDING, shownScore } from '../../vision/matching/match.ts';
import type { EVENTS, EventType, PublishedEvent } from './events.ts';
import type { z } from 'zod';

/** What people are told besides the event itself. */
export interface Facts {
  /** The title of the work, or of the case. */
  readonly title: string | null;
  /** The page or host where it was seen. */
  readonly place: string | null;
  /** A small JPEG of the output. */
  readonly artwork: Uint8Array | undefined;
}

/** An event for people to read. */
export interface Reading {
  readonly headline: string;
  readonly lines: readonly (readonly [label: string, value: string])[];
  readonly link: string;
  readonly artwork: Uint8Array | undefined;
}

export type Language = 'ja' | 'en';
type Data<T extends EventType> = z.infer<(typeof EVENTS)[T]>;

const LABELS = {
  work: { ja: '作品', en: 'Work' },
  kind: { ja: '候補の型', en: 'Kind' },
  score: { ja: '照合スコア', en: 'Match score' },
  tier: { ja: '優先度', en: 'Tier' },
  place: { ja: '掲載場所', en: 'Seen at' },
  decision: { ja: '判断', en: 'Decision' },
  reason: { ja: '理由', en: 'Reason' },
  actor: { ja: '担当者', en: 'By' },
  event: { ja: '出来事', en: 'Event' },
  rung: { ja: '段階', en: 'Rung' },
  due: { ja: '期限', en: 'Due' },
  outcome: { ja: '結果', en: 'Outcome' },
  reference: { ja: '外部参照', en: 'Reference' },
} as const;

const HEADLINES: Readonly<Record<EventType, Readonly<Record<Language, string>>>> = {
  'alert.opened': { ja: '確認待ちの候補', en: 'Candidate to review' },
  'alert.seen': { ja: '再度見つかりました', en: 'Seen again' },
  'alert.decided': { ja: '判断されました', en: 'Decided' },
  'alert.reopened': { ja: '確認待ちに戻りました', en: 'Back for review' },
  'case.opened': { ja: '案件を開始しました', en: 'Case opened' },
  'case.changed': { ja: '案件に動きがあります', en: 'Case changed' },
  'case.closed': { ja: '案件を終了しました', en: 'Case closed' },
  'webhook.test': { ja: 'Utsushi からのテスト送信です', en: 'A test from Utsushi' },
};

const KINDS = {
  reproduction: { ja: '複製型', en: 'reproduction type' },
  adaptation: { ja: '改変型', en: 'adaptation type' },
} as const;

const TIERS = { high: { ja: '高', en: 'high' }, standard: { ja: '標準', en: 'standard' } } as const;

const DECISIONS: Readonly<Record<Data<'alert.decided'>['decision'], Readonly<Record<Language, string>>>> = {
  confirm: {
    ja: '対応対象とする(侵害の判断ではない)',
    en: 'to be acted upon (not a finding of infringement)',
  },
  'not-similar': { ja: '類似していない', en: 'not similar' },
  licensed: { ja: '許諾済み', en: 'licensed' },
  tolerated: { ja: '容認', en: 'tolerated' },
  escalate: { ja: '上位の判断へ', en: 'escalated' },
};

/** The sentence that stands below everything that is told of candidates. */
export const footer = (lang: Language): string => NO_LEGAL_FINDING[lang];

export function digestHeadline(count: number, lang: Language): string {
  return lang === 'ja'
    ? `Utsushi: ${count} 件のお知らせ`
    : `Utsushi: ${count} event${count === 1 ? '' : 's'}`;
}

export const openLabel = (lang: Language): string =>
  lang === 'ja' ? 'コンソールで開く' : 'Open in the console';

export function read(event: PublishedEvent, facts: Facts, link: string, lang: Language): Reading {
  const lines: [keyof typeof LABELS, string | null][] = [
    ['work', facts.title],
    ...details(event, lang),
    ['place', facts.place],
    ['tier', event.tier === null ? null : TIERS[event.tier][lang]],
  ];
  const title = facts.title === null ? '' : `: ${facts.title}`;
  return {
    headline: `${HEADLINES[event.type][lang]}${title}`,
    lines: lines.flatMap(([label, value]) => (value === null ? [] : [[LABELS[label][lang], value] as const])),
    link,
    artwork: facts.artwork,
  };
}

function details({ type, data }: PublishedEvent, lang: Language): [keyof typeof LABELS, string | null][] {
  switch (type) {
    case 'alert.opened': {
      const { kind, confidence } = data as Data<'alert.opened'>;
      return [
        ['kind', KINDS[kind][lang]],
        ['score', shownScore(confidence)],
      ];
    }
    case 'alert.decided': {
      const { decision, reason, actor } = data as Data<'alert.decided'>;
      return [
        ['decision', DECISIONS[decision][lang]],
        ['reason', reason],
        ['actor', actor],
      ];
    }
    case 'alert.reopened': {
      const { reason, actor } = data as Data<'alert.reopened'>;
      return [
        ['reason', reason],
        ['actor', actor],
      ];
    }
    case 'case.changed': {
      const { event, rung, dueAt, externalRef, actor } = data as Data<'case.changed'>;
      return [
        ['event', event],
        ['rung', rung],
        ['due', dueAt],
        ['reference', externalRef],
        ['actor', actor],
      ];
    }
    case 'case.closed': {
      const { outcome, externalRef, actor } = data as Data<'case.closed'>;
      return [
        ['outcome', outcome],
        ['reference', externalRef],
        ['actor', actor],
      ];
    }
    case 'alert.seen':
      return [];
    case 'case.opened':
    case 'webhook.test':
      return [['actor', (data as Data<'case.opened' | 'webhook.test'>).actor]];
  }
}
