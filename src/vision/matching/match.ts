/** A technical proposal, never a legal finding: see the words in docs/architecture.md. */
export type Kind = 'reproduction' | 'adaptation';

/** The same sentence for Japanese and for English readers. */
export interface Sentence {
  readonly ja: string;
  readonly en: string;
}

/** How a kind is named to people. */
export const KIND_LABELS = {
  reproduction: { ja: '複製型の候補', en: 'reproduction candidate' },
  adaptation: { ja: '改変型の候補', en: 'adaptation candidate' },
} as const satisfies Record<Kind, Sentence>;

/** A confidence (0..1) as people read it: cut, never rounded up, for 0.9996 is not certainty. */
export const shownScore = (confidence: number): string => (Math.floor(confidence * 1_000) / 1_000).toFixed(3);

/** Said wherever a kind is shown to a person. */
export const NO_LEGAL_FINDING: Sentence = {
  ja: '候補の提示であり、法的評価ではありません。',
  en: 'Candidates for a person to decide; not a legal finding.',
};
