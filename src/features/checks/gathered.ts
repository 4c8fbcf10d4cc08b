import { gather } from '../../platform/storage/gather.ts';
import type { Database } from '../../platform/storage/database.ts';
import { type Known, lastChecks } from './known.ts';
import { areCaptured } from './reliance.ts';
import { findSightings } from './sightings.ts';
import { type CheckToWrite, writeChecks } from './write.ts';

/** What every check asks of the database, gathered over the checks that a process has at hand. */
export type GatheredQueries = ReturnType<typeof gatherQueries>;

/** Jobs come and are examined within milliseconds of each other. */
const READING = { lingerMs: 2, most: 32 };
/** Long enough for several pictures to be looked at, short beside what a queue takes. */
const WRITING = { lingerMs: 40, most: 16 };

export function gatherQueries(db: Database) {
  return {
    sighting: gather((ids: readonly string[]) => findSightings(db, ids), READING),
    lastCheck: gather((asked: readonly Known[]) => lastChecks(db, asked), READING),
    isCaptured: gather((sightingIds: readonly string[]) => areCaptured(db, sightingIds), READING),
    /** Recorded when answered: whoever gets an answer may forget the job. */
    write: gather((checks: readonly CheckToWrite[]) => writeChecks(db, checks), WRITING),
  };
}
