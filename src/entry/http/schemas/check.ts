/** What a check says, as the API answers it; the compiler holds each schema to the type it describes. */
import { z } from 'zod';
import type { CheckAnswer, Match, RecordedAnswer } from '../../../features/checks/index.ts';
import type { Provenance } from '../../../platform/provenance/index.ts';
import { sentence } from '../api.ts';

const grade = z
  .enum(['signed-verified', 'signed-untrusted', 'watermark', 'declared', 'platform-label', 'none'])
  .describe('How much it is worth as evidence, best first; none proves nothing.');
/**
 * One of some words that grow in number: what was stored by another version must still be answered.
 *
 * @param known the words of this version
 */
const word = <T extends string>(...known: readonly T[]) =>
  z.string().describe(`E.g. ${known.join(', ')}`) as unknown as z.ZodType<T>;
const about = word<Provenance['findings'][number]['about']>(
  'generator',
  'model',
  'prompt',
  'source',
  'lora',
  'signature',
  'watermark',
);
const texts = z.array(z.string());

const finding = {
  reader: z.string(),
  about,
  grade,
  where: z.string(),
  value: z.string(),
  generative: z.boolean(),
  sentence,
};
const said = {
  generator: z.string().nullable(),
  model: z.string().nullable(),
  prompt: z.string().nullable(),
  negativePrompt: z.string().nullable(),
  sources: texts,
  loras: texts,
  seed: z.string().nullable(),
  findings: z.array(z.looseObject(finding)),
  conflicts: z.array(
    z.looseObject({ about, findings: z.array(z.number()), sentence: finding.sentence.exactOptional() }),
  ),
};

/** What a file's bytes say about its generator, as some version recorded it; the first ones knew less. */
export const storedProvenance: z.ZodType<unknown> = z.looseObject({
  grade,
  generator: said.generator,
  model: said.model.optional(),
  prompt: said.prompt.optional(),
  negativePrompt: said.negativePrompt.optional(),
  sources: texts.optional(),
  loras: texts.optional(),
  seed: said.seed.optional(),
  findings: z
    .array(z.looseObject({ ...finding, generative: finding.generative.optional(), about: about.optional() }))
    .optional(),
  conflicts: said.conflicts.optional(),
});

const statedProvenance = z.looseObject({
  grade,
  generator: said.generator,
  model: said.model.exactOptional(),
  prompt: said.prompt.exactOptional(),
  negativePrompt: said.negativePrompt.exactOptional(),
  sources: said.sources.exactOptional(),
  loras: said.loras.exactOptional(),
  seed: said.seed.exactOptional(),
  findings: said.findings.exactOptional(),
  conflicts: said.conflicts.exactOptional(),
});

/** Names of works in what a file says of itself and in where it was seen. */
const reliance = z.array(z.object({ assetId: z.string(), term: z.string(), where: z.string() }));

const verification = {
  inliers: z.number(),
  overlap: z.object({ asset: z.number(), output: z.number() }),
  alignedSimilarity: z.number(),
  quad: z
    .array(z.tuple([z.number(), z.number()]))
    .describe('The work’s corners in output pixels, clockwise from its top left.'),
};
const correspondences = z
  .array(z.tuple([z.number(), z.number(), z.number(), z.number()]))
  .describe('Place in the work and place in the output, in shares of their sides.');
const falseAlarms = z
  .looseObject({})
  .describe('Pictures known to be different that score at least this.')
  .nullable() as unknown as z.ZodType<Match['falseAlarms']>;

const matched = {
  assetId: z.string(),
  referenceId: z.string(),
  file: z.string(),
  title: z.string(),
  kind: z
    .enum(['reproduction', 'adaptation'])
    .describe('A technical proposal for a person to decide on, never a legal finding.'),
  transformations: z.array(
    word<Match['transformations'][number]>('partial', 'framed', 'mirrored', 'restyled'),
  ),
  confidence: z.number().min(0).max(1),
  hashDistance: z.number().describe('Bits of 256.'),
  orientation: word<Match['orientation']>('upright', 'rot90', 'mirrored'),
  reasons: z.array(sentence),
};
const fullyMatched = {
  ...matched,
  verification: z.looseObject({ ...verification, correspondences }),
  falseAlarms,
};

/** A match as some version recorded it; the first ones knew less. */
export const storedMatch: z.ZodType<unknown> = z.looseObject({
  ...matched,
  verification: z.looseObject({ ...verification, correspondences: correspondences.optional() }).nullable(),
  falseAlarms: falseAlarms.optional(),
  candidate: z.boolean().optional(),
});

const verdict = z.enum(['no-candidate', 'candidate', 'unhashable']);
const versions = {
  catalogueVersion: z.number(),
  policyVersion: z.number(),
  algorithmVersion: z.string(),
};

/** The line that `utsushi check --json` prints. */
export const checkAnswer: z.ZodType<Exclude<CheckAnswer, { error: unknown }>> = z.looseObject({
  target: z.string(),
  sha256: z.string(),
  checkId: z.string().nullable(),
  alertIds: z.array(z.string()),
  verdict,
  reason: z.string().exactOptional(),
  matches: z.array(z.looseObject(fullyMatched)),
  provenance: statedProvenance,
  reliance,
  ms: z.object({ decode: z.number(), fingerprint: z.number(), search: z.number(), verify: z.number() }),
  ...versions,
});

/** How far a submitted output has come, and what was found. */
export const recordedAnswer: z.ZodType<RecordedAnswer> = z.looseObject({
  id: z.string(),
  state: z.enum(['pending', 'done', 'failed']),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  check: z
    .looseObject({
      checkId: z.string(),
      sha256: z.string(),
      verdict,
      reason: z.string().nullable(),
      matches: z.array(storedMatch) as z.ZodType<Match[]>,
      provenance: storedProvenance.nullable() as z.ZodType<Provenance | null>,
      alertIds: z.array(z.string()),
      ms: z.record(z.string(), z.number()),
      ...versions,
    })
    .nullable(),
});
