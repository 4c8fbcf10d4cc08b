import { type Kysely, sql } from 'kysely';

/** Which alerts stand under a rule is asked for every rule that is shown. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index alerts_rule on alerts ((rule ->> 'id')) where rule is not null`.execute(db);
}
