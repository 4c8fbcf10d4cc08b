/** The forms of notice: guideline form 様式A, Information Distribution Platform Act, DMCA, DSA art. 16, generator. */
export const FORMS = ['ja-a', 'ja-platform', 'dmca', 'dsa16', 'generator'] as const;
export type Form = (typeof FORMS)[number];

/** What a notice must state; the names that `missing` lists. */
export const ELEMENTS = [
  'recipient',
  'claimant-name',
  'claimant-address',
  'contact-phone',
  'contact-email',
  'signature',
  'work-identification',
  'material-url',
  'right-asserted',
  'claim-basis',
  'manner',
  'how-to-confirm',
  'authorisation',
  'valid-authority',
  'ai-origin',
  'statement-truth',
  'statement-good-faith',
  'statement-accuracy',
  'statement-perjury',
] as const;
export type Element = (typeof ELEMENTS)[number];

export interface FormRules {
  readonly languages: readonly ('ja' | 'en')[];
  /** Where the authority must hold; null where the form belongs to no law. */
  readonly territory: 'JP' | 'US' | 'EU' | null;
  readonly elements: readonly Element[];
  /** What Lumen, the archive of notices, calls this kind. */
  readonly lumenType: 'DMCA' | 'Other';
}

const EVERYWHERE = [
  'recipient',
  'claimant-name',
  'contact-email',
  'work-identification',
  'material-url',
  'right-asserted',
  'claim-basis',
  'authorisation',
  'valid-authority',
  'ai-origin',
] as const satisfies readonly Element[];

const JAPANESE = [
  ...EVERYWHERE,
  'claimant-address',
  'contact-phone',
  'signature',
  'manner',
  'how-to-confirm',
  'statement-truth',
] as const satisfies readonly Element[];

/** Sources: the guideline's form 様式A; 17 U.S.C. § 512(c)(3)(A); Regulation (EU) 2022/2065 art. 16(2). */
export const FORM_RULES: Readonly<Record<Form, FormRules>> = {
  'ja-a': { languages: ['ja'], territory: 'JP', elements: JAPANESE, lumenType: 'Other' },
  'ja-platform': { languages: ['ja'], territory: 'JP', elements: JAPANESE, lumenType: 'Other' },
  dmca: {
    languages: ['en'],
    territory: 'US',
    elements: [
      ...EVERYWHERE,
      'claimant-address',
      'contact-phone',
      'signature',
      'statement-good-faith',
      'statement-accuracy',
      'statement-perjury',
    ],
    lumenType: 'DMCA',
  },
  dsa16: {
    languages: ['en'],
    territory: 'EU',
    elements: [...EVERYWHERE, 'statement-good-faith', 'statement-accuracy'],
    lumenType: 'Other',
  },
  generator: {
    languages: ['en', 'ja'],
    territory: null,
    elements: [...EVERYWHERE, 'signature'],
    lumenType: 'Other',
  },
};
