import type { Executor } from '../../platform/storage/database.ts';

/** Which works are meant; empty lists stand for all. A work must fit each list that is given. */
export interface QueryScope {
  readonly assets: readonly string[];
  readonly tiers: readonly ('high' | 'standard')[];
  readonly tags: readonly string[];
}

// A word of fewer characters finds everything. Kanji say more: two of them name a character.
const LEAST_LATIN = 3;
const LEAST_OTHER = 2;

/**
 * The words to search by for the works in scope: titles, series, aliases, characters and LoRA names, each once however
 * it is written, in a steady order.
 */
export async function catalogueQueries(db: Executor, scope: QueryScope): Promise<string[]> {
  const assets = await db
    .selectFrom('assets')
    .select(['id', 'title', 'series', 'aliases', 'characters', 'lora_names', 'tags'])
    .where('enabled', '=', true)
    .$if(scope.assets.length > 0, (query) => query.where('id', 'in', scope.assets))
    .$if(scope.tiers.length > 0, (query) => query.where('tier', 'in', scope.tiers))
    .orderBy('id')
    .execute();
  const words = new Map<string, string>();
  for (const { title, series, aliases, characters, lora_names: loraNames, tags } of assets) {
    if (scope.tags.length > 0 && !tags.some((tag) => scope.tags.includes(tag))) continue;
    for (const word of [title, series ?? '', ...aliases, ...characters, ...loraNames]) {
      const plain = word.normalize('NFKC').trim().replaceAll(/\s+/g, ' ');
      const least = /^[\p{Script=Latin}\d\p{P}\s]*$/u.test(plain) ? LEAST_LATIN : LEAST_OTHER;
      if ([...plain].length >= least && !words.has(plain.toLowerCase()))
        words.set(plain.toLowerCase(), plain);
    }
  }
  return [...words.values()];
}
