import { gather } from '../../platform/storage/gather.ts';
import type { Database } from '../../platform/storage/database.ts';
import { type Known, lastChecks } from './known.ts';
import { findSightings } from './sightings.ts';
import { type CheckToWrite, writeChecks } from './write.ts';

/** What every check asks of the database, gathered over the checks that a process has at hand. */
export type GatheredQueries = ReturnType<typeof gatherQueries>;

/** Jobs come, and are examined, within milliseconds of each other. */
const READING = { lingerMs: 8, enough: () => 32 };
/** One that waits for a slow host must not hold up the others. */
const WRITE_WITHIN_MS = 100;
const MOST_WRITTEN = 16;

export function gatherQueries(db: Database) {
  let underWay = 0;
  return {
    /** Counts a check as under way until it ends, so that it is known how many are worth waiting for. */
    async whileUnderWay<T>(check: () => Promise<T>): Promise<T> {
      underWay += 1;
      try {
        return await check();
      } finally {
        underWay -= 1;
      }
    },
    sighting: gather((ids: readonly string[]) => findSightings(db, ids), READING),
    lastCheck: gather((asked: readonly Known[]) => lastChecks(db, asked), READING),
    /** Recorded when answered: whoever gets an answer may forget the job. */
    write: gather((checks: readonly CheckToWrite[]) => writeChecks(db, checks), {
      lingerMs: WRITE_WITHIN_MS,
      // One alone does not wait, and while one half is written the other is looked at.
      enough: () => Math.min(MOST_WRITTEN, Math.ceil(underWay / 2)),
    }),
  };
}
