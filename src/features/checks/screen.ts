import { asUtsushiError } from '../../errors.ts';
import { ALGORITHM_VERSION } from '../../vision/fingerprint/fingerprint.ts';
import type { CheckDependencies } from './check.ts';
import { type Match, compare } from './compare.ts';
import { lookAt } from './output-picture.ts';
import { currentPolicy } from './policies.ts';

/** Why a picture was let through or held back without having been looked at; the caller decides which of the two. */
export type NotScreened =
  'over-capacity' | 'deadline' | 'index-stale' | 'unhashable' | 'unreadable' | 'failed';

/** The answer to a generation platform that asks before it hands a picture out. */
export type Screening = {
  /** Milliseconds from asking to answering. */
  readonly ms: number;
} & (
  | {
      readonly answer: 'match' | 'no-match';
      readonly sha256: string;
      /** The candidates, best first. */
      readonly matches: readonly Pick<Match, 'assetId' | 'title' | 'kind' | 'confidence' | 'reasons'>[];
      readonly catalogueVersion: number;
      readonly policyVersion: number;
      readonly algorithmVersion: string;
    }
  | { readonly answer: 'not-screened'; readonly reason: NotScreened; readonly detail: string }
);

export interface ScreeningLimits {
  /** Pictures screened at once, waiting ones included; one more is turned away at once. */
  readonly capacity: number;
  /** How old the catalogue in memory may be. Milliseconds. */
  readonly indexMaxAgeMs: number;
}

/**
 * Looks at one picture while somebody waits, and keeps nothing of it: no file, no row, no audit record.
 *
 * @param deadlineMs how long the caller waits; when it runs out the answer is `not-screened`, never a guess
 * @returns never throws: what went wrong is the reason why the picture was not screened
 */
export async function screen(
  deps: CheckDependencies,
  bytes: Uint8Array,
  deadlineMs: number,
  limits: ScreeningLimits,
): Promise<Screening> {
  const started = performance.now();
  const elapsed = () => Math.round(performance.now() - started);
  const not = (reason: NotScreened, detail: string): Screening => ({
    answer: 'not-screened',
    reason,
    detail,
    ms: elapsed(),
  });
  if (deps.compute.urgentJobs >= limits.capacity) {
    return not('over-capacity', `${limits.capacity} pictures are being screened; try again`);
  }
  const deadline = AbortSignal.timeout(deadlineMs);
  const late = () => not('deadline', `not done within ${deadlineMs} ms`);
  try {
    deps.index.requireYoungerThan(limits.indexMaxAgeMs);
    const [{ examined, picture }, policy] = await Promise.all([
      lookAt(deps, { bytes }, {}, { urgent: true, signal: deadline }),
      currentPolicy(deps.db),
    ]);
    const { outcome } = examined;
    if ('unhashable' in outcome) return not('unhashable', outcome.unhashable);
    const { version } = deps.index;
    const { matches } = await compare(deps, picture!, policy, 'candidates');
    if (elapsed() > deadlineMs) return late();
    return {
      answer: matches.length > 0 ? 'match' : 'no-match',
      sha256: examined.sha256,
      matches: matches.map(({ assetId, title, kind, confidence, reasons }) => ({
        assetId,
        title,
        kind,
        confidence,
        reasons,
      })),
      catalogueVersion: version,
      policyVersion: policy.version,
      algorithmVersion: ALGORITHM_VERSION,
      ms: elapsed(),
    };
  } catch (thrown) {
    if (deadline.aborted) return late();
    const error = asUtsushiError(thrown);
    if (error.code === 'index_stale') return not('index-stale', error.message);
    return not(
      error.retryable || error.code === 'internal' ? 'failed' : 'unreadable',
      `${error.code}: ${error.message}`,
    );
  }
}
