import type { Database } from '../../platform/storage/database.ts';
import { type Term, TermMatcher } from '../../platform/provenance/index.ts';

/** Titles, series, aliases and character names of the works that are watched, ready to be found in prompts and texts. */
export async function catalogueTerms(db: Database): Promise<TermMatcher> {
  const assets = await db
    .selectFrom('assets')
    .select(['id', 'title', 'series', 'aliases', 'characters'])
    .where('enabled', '=', true)
    .orderBy('id')
    .execute();
  const terms: Term[] = assets.flatMap(({ id, title, series, aliases, characters }) =>
    [title, ...(series === null ? [] : [series]), ...aliases, ...characters].map((term) => ({
      assetId: id,
      term,
    })),
  );
  return new TermMatcher(terms);
}
