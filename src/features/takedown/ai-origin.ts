import type { AiOrigin, Particulars } from './case.ts';
import { aiOriginText } from './wording.ts';

/** What one output's bytes say, as far as a notice may rely on it. */
export interface OriginEvidence {
  /** The numbers of its materials in the notice. */
  readonly numbers: readonly number[];
  /** The best grade among findings that speak of a generative model (see platform/provenance). */
  readonly grade: string;
  readonly generator: string | null;
}

export interface AiOriginStatement {
  readonly grade: AiOrigin;
  /** What the notice says; empty where it is silent. */
  readonly text: string;
  /** Why the statement may not stand as it is: more was asserted than the evidence bears, or a reason is missing. */
  readonly fault: { readonly ja: string; readonly en: string } | null;
}

/** The strongest grade that these bytes bear by themselves. A key or text that anybody can write proves little. */
function borne(evidence: OriginEvidence): 'verified' | 'declared-in-file' | 'not-asserted' {
  if (evidence.grade === 'signed-verified') return 'verified';
  return evidence.grade === 'none' || evidence.grade === 'platform-label'
    ? 'not-asserted'
    : 'declared-in-file';
}

const STRENGTH: readonly AiOrigin[] = ['not-asserted', 'declared-in-file', 'verified'];

/**
 * What a notice says about generation by AI: what a person chose, if the evidence of every output bears it; else what
 * the bytes of each output bear. A missing mark proves nothing, so silence is always allowed.
 */
export function stateAiOrigin(
  outputs: readonly OriginEvidence[],
  chosen: Particulars['aiOrigin'],
  lang: 'ja' | 'en',
): AiOriginStatement {
  return chosen === undefined ? asBorne(outputs, lang) : asChosen(outputs, chosen, lang);
}

function asChosen(
  outputs: readonly OriginEvidence[],
  chosen: NonNullable<Particulars['aiOrigin']>,
  lang: 'ja' | 'en',
): AiOriginStatement {
  const { grade, reason, quotation } = chosen;
  const generators = new Set(outputs.map(({ generator }) => generator));
  const generator = generators.size === 1 ? [...generators][0]! : null;
  const text = aiOriginText(grade, lang, {
    generator,
    ...(reason === undefined ? {} : { reason }),
    ...(quotation === undefined ? {} : { quotation }),
  });
  return { grade, text, fault: faultOf(outputs, chosen) };
}

function faultOf(
  outputs: readonly OriginEvidence[],
  { grade, reason, quotation }: NonNullable<Particulars['aiOrigin']>,
): AiOriginStatement['fault'] {
  if (grade === 'suspected' && reason === undefined)
    return { ja: '疑いの理由がありません。', en: 'A suspicion needs its reason.' };
  if (grade === 'declared-by-poster' && quotation === undefined)
    return { ja: '投稿者の表示の引用がありません。', en: 'The poster’s own words are missing.' };
  if (grade !== 'verified' && grade !== 'declared-in-file') return null;
  const weaker = outputs.filter((each) => STRENGTH.indexOf(borne(each)) < STRENGTH.indexOf(grade));
  if (weaker.length === 0) return null;
  const numbers = weaker.flatMap((each) => each.numbers).join(', ');
  return {
    ja: `画像(${numbers})のファイルは「${grade}」を裏付けません。`,
    en: `The file of image ${numbers} does not bear “${grade}”.`,
  };
}

function asBorne(outputs: readonly OriginEvidence[], lang: 'ja' | 'en'): AiOriginStatement {
  const statements = new Map<string, number[]>();
  for (const output of outputs) {
    const text = aiOriginText(borne(output), lang, output);
    if (text !== '') statements.set(text, [...(statements.get(text) ?? []), ...output.numbers]);
  }
  const grades = outputs.map(borne).toSorted((a, b) => STRENGTH.indexOf(a) - STRENGTH.indexOf(b));
  const ofAll = statements.size === 1 && grades[0] !== 'not-asserted';
  const lines = [...statements].map(([text, numbers]) => (ofAll ? text : `(${numbers.join(', ')}) ${text}`));
  return { grade: grades[0] ?? 'not-asserted', text: lines.join('\n'), fault: null };
}
