import type { Executor } from '../../platform/storage/database.ts';
import { type Term, TermMatcher } from '../../platform/provenance/terms.ts';
import { readVersion } from './catalogue.ts';

/** Titles, series, aliases, character and LoRA names of the works that are watched, to be found in prompts and texts. */
export async function catalogueTerms(db: Executor): Promise<TermMatcher> {
  const assets = await db
    .selectFrom('assets')
    .select(['id', 'title', 'series', 'aliases', 'characters', 'lora_names'])
    .where('enabled', '=', true)
    .orderBy('id')
    .execute();
  const terms: Term[] = assets.flatMap(({ id, title, series, aliases, characters, lora_names }) =>
    [title, ...(series === null ? [] : [series]), ...aliases, ...characters, ...lora_names].map((term) => ({
      assetId: id,
      term,
    })),
  );
  return new TermMatcher(terms);
}

/** The same, kept in memory for as long as the catalogue's version stands. */
export class LiveTerms {
  #version = -1;
  #matcher: TermMatcher | undefined;

  /** @param version at least this one, where the caller knows; left out, the newest */
  async current(db: Executor, version?: number): Promise<TermMatcher> {
    version ??= (await readVersion(db)).version;
    if (this.#matcher === undefined || version > this.#version) {
      // The version is read first: what commits in between is read again under the next one.
      this.#matcher = await catalogueTerms(db);
      this.#version = version;
    }
    return this.#matcher;
  }
}
