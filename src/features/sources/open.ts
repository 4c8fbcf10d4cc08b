import { z } from 'zod';
import { UtsushiError } from '../../errors.ts';
import { directorySource, directorySpec } from './directory.ts';
import type { Source, SourceContext } from './source.ts';
import { urlsSource, urlsSpec } from './urls.ts';

/** What stands under `source:` in a monitor's configuration: one shape a kind. */
export const sourceSpec = z.discriminatedUnion('kind', [directorySpec, urlsSpec], {
  error: (issue) =>
    issue.code === 'invalid_union' ? `kind must be one of: ${SOURCE_KINDS.join(', ')}` : undefined,
});
export type SourceSpec = z.infer<typeof sourceSpec>;

export const SOURCE_KINDS: readonly string[] = sourceSpec.options.map((spec) => spec.shape.kind.value);

/** Opens the place that a specification names; nothing is read before its items are asked for. */
export function openSource(spec: SourceSpec, context: SourceContext): Source {
  switch (spec.kind) {
    case 'directory':
      return directorySource(spec, context);
    case 'urls':
      return urlsSource(spec, context);
  }
}

/** @throws UtsushiError `invalid_source` naming every fault */
export function parseSourceSpec(value: unknown): SourceSpec {
  const parsed = sourceSpec.safeParse(value);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => [...path, message].join(': '));
    throw new UtsushiError('invalid_source', faults.join('; '));
  }
  return parsed.data;
}
