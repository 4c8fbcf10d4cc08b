/** What the publisher of a model says it was trained on. */
export interface TrainingStatement {
  readonly statement: { readonly ja: string; readonly en: string };
  /** Where it says so. */
  readonly source: string;
}

/**
 * Only what a publisher itself states of a model of this very name. Fine-tuned models have names of their own and are
 * not told apart by this list: what is not in it is unknown, not clean.
 */
const STATEMENTS: readonly (TrainingStatement & { readonly model: RegExp })[] = [
  {
    model: /^(?:sd[-_]?v1|stable[-_ ]?diffusion[-_ ]?v?1(?![\d/])|v1-5-pruned)/i,
    statement: {
      ja: 'LAION-2B(en) とその部分集合で学習した。',
      en: 'it was trained on LAION-2B (en) and subsets thereof.',
    },
    source:
      'https://github.com/CompVis/stable-diffusion/blob/main/Stable_Diffusion_v1_Model_Card.md (Training Data)',
  },
  {
    model: /^(?:sd[-_]?v2|stable[-_ ]?diffusion[-_ ]?v?2(?!\d))/i,
    statement: {
      ja: 'LAION-5B とその部分集合を、NSFW 検出器で選別したうえで学習した。',
      en: 'it was trained on LAION-5B and subsets, further filtered by an NSFW detector.',
    },
    source: 'https://github.com/Stability-AI/stablediffusion/blob/main/modelcard.md (Training Data)',
  },
];

/** @param model a model's name or file name, as a picture gives it */
export function statedTrainingData(model: string): TrainingStatement[] {
  const name = model.split(/[\\/]/).at(-1)!.trim();
  return STATEMENTS.filter((each) => each.model.test(name)).map(({ statement, source }) => ({
    statement,
    source,
  }));
}
