import { Matcher } from '../../src/vision/matching/matcher.ts';
import type { Evidence } from '../../src/vision/matching/score.ts';
import { vocabulary } from '../../src/platform/compute/vocabulary.ts';
import { type Corpus, type Query, featuresOf } from './corpus.ts';

/** One query compared with the whole catalogue: each work that was verified, with each transform looked at closely. */
export interface Compared {
  readonly query: Query;
  readonly works: readonly { readonly name: string; readonly evidence: readonly Evidence[] }[];
}

/**
 * Takes every query down the same road as the product, but for the score: the fit is to say what that should be.
 *
 * @param cache folder where features are kept between runs
 * @param deep whether works are found by their keypoints too
 */
export async function* compareAll(corpus: Corpus, cache: string, deep: boolean): AsyncGenerator<Compared> {
  const matcher = new Matcher(vocabulary());
  const names: string[] = [];
  for (const { name, path } of corpus.works) {
    const features = await featuresOf(path, 'work', cache);
    if (features === undefined) continue;
    matcher.add(names.length, name, features, deep);
    names.push(name);
  }
  for (const query of corpus.queries) {
    const features = await featuresOf(query.path, 'output', cache);
    const found = features === undefined ? [] : [...matcher.examine(matcher.propose(features))];
    yield { query, works: found.map(([id, evidence]) => ({ name: names[id]!, evidence })) };
  }
}
