import type { Provenance, TermHit } from '../../platform/provenance/index.ts';
import type { Language } from './output.ts';

/**
 * What a file says of its origin, as lines for people: each finding with its grade, what contradicts itself, and which
 * works it names. Empty where there is nothing to say.
 */
export function provenanceLines(
  { findings = [], conflicts = [] }: Partial<Pick<Provenance, 'findings' | 'conflicts'>>,
  reliance: readonly TermHit[],
  lang: Language,
): string[] {
  return [
    ...findings.map(({ grade, sentence }) => `  ${grade}  ${sentence[lang]}`),
    ...conflicts.flatMap(({ sentence }) => (sentence === undefined ? [] : [`  conflict  ${sentence[lang]}`])),
    ...reliance.map(({ assetId, term, where }) => `  ${where}: ${term} (${assetId})`),
  ];
}
