import { workHashes } from '../../src/vision/fingerprint/work-hashes.ts';
import { Matcher } from '../../src/vision/matching/matcher.ts';
import { type Work, examine } from '../../src/vision/matching/verify-shortlist.ts';
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
  const works = new Map<number, Work>();
  for (const { name, path } of corpus.works) {
    const features = await featuresOf(path, 'work', cache);
    if (features === undefined) continue;
    if (deep) matcher.addDeep(names.length, workHashes(features), features);
    else matcher.add(names.length, workHashes(features));
    works.set(names.length, { key: name, features });
    names.push(name);
  }
  for (const query of corpus.queries) {
    const features = await featuresOf(query.path, 'output', cache);
    // Also where no work is near by its hashes: the fit is to see what a closer look would say.
    const found = features === undefined ? [] : [...examine(matcher.shortlist(features, true), works)];
    yield { query, works: found.map(([id, evidence]) => ({ name: names[id]!, evidence })) };
  }
}
