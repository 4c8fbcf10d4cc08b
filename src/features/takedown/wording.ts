import Mustache from 'mustache';
import { z } from 'zod';
import { AI_ORIGINS, type AiOrigin } from './case.ts';
import { lazyData } from './data.ts';
import { sentence } from './ladder.ts';

/** What the approver attests before a notice may be sent. */
export const ATTESTATIONS = [
  'expression',
  'reliance',
  'licence-and-term',
  'exceptions',
  'authority',
] as const;

const schema = z.object({
  version: z.int(),
  date: z.iso.date(),
  source: z.string(),
  rights: z.record(z.string(), sentence),
  manner: z.record(z.enum(['a', 'b', 'c', 'other']), sentence),
  claimRight: z.record(z.enum(['copyright', 'publishing-right', 'exclusive-licence', 'agency']), sentence),
  aiOrigin: z.record(z.enum(AI_ORIGINS), sentence),
  similarity: sentence,
  changes: z.record(z.string(), sentence),
  attestations: z.record(z.enum(ATTESTATIONS), sentence),
});

/** The sentences that people choose among, or that the evidence chooses. */
export const wording = lazyData('wording.yml', schema);

/** Fills a logic-less template. Values stay as they are: each format escapes the finished text. */
export function fill(template: string, view: object): string {
  return Mustache.render(template, view, undefined, { escape: String });
}

/** What a notice says of the origin at this grade; empty where it says nothing. */
export function aiOriginText(
  grade: AiOrigin,
  lang: 'ja' | 'en',
  view: { readonly generator: string | null; readonly reason?: string; readonly quotation?: string },
): string {
  return fill(wording().aiOrigin[grade][lang], view).trim();
}

/** What one comparison found, in words for a recipient who knows nothing of matching. */
export function similarityText(
  n: number,
  match: {
    readonly transformations: readonly string[];
    readonly verification: { readonly overlap: { readonly asset: number } };
  },
  lang: 'ja' | 'en',
): string {
  const { similarity, changes } = wording();
  const words = match.transformations.map((change) => changes[change]?.[lang] ?? change);
  return fill(similarity[lang], {
    n,
    share: Math.round(100 * match.verification.overlap.asset),
    changes: words.join(lang === 'ja' ? '、' : ', '),
  });
}
