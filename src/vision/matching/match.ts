/** A technical proposal, never a legal finding: see the words in docs/architecture.md. */
export type Kind = 'reproduction' | 'adaptation';

/** The same sentence for Japanese and for English readers. */
export interface Sentence {
  readonly ja: string;
  readonly en: string;
}
