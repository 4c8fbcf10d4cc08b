/** A document to send or print, apart from the format it is written in. Text is plain: each format escapes its own. */
export interface PrintableDocument {
  readonly lang: 'ja' | 'en';
  readonly title: string;
  /** Set above the title on every format, e.g. that this is a draft. */
  readonly mark?: string | undefined;
  readonly blocks: readonly Block[];
  /** At the foot of each page, left of the page number. */
  readonly footer: string;
  /** When it was made; the PDF carries it as its date. */
  readonly madeAt: Date;
}

export type Block =
  | { readonly kind: 'heading'; readonly text: string }
  | {
      readonly kind: 'paragraph';
      readonly text: string;
      readonly align?: 'left' | 'right' | 'center' | undefined;
      readonly small?: boolean | undefined;
    }
  | { readonly kind: 'fields'; readonly rows: readonly Row[] }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | { readonly kind: 'figure'; readonly png: Uint8Array; readonly caption: string };

/** A line of a form: what is asked, and what is answered (line breaks are kept). */
export interface Row {
  readonly label: string;
  readonly text: string;
}
