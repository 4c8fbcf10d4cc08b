import { type Kysely, sql } from 'kysely';

/**
 * How many alerts there are of each combination of what the inbox can be narrowed by, kept as alerts change: counting
 * them anew for every look at the inbox would cost more than the inbox itself.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const key = 'state, tier, kind, decision, assignee, source';
  const of = (row: 'old' | 'new') =>
    `${row}.state, ${row}.tier, ${row}.kind, coalesce(${row}.decision, 'none'), coalesce(${row}.assignee, 'none'), ${row}.source`;
  const statements = [
    `create table alert_counts (
      state text not null,
      tier text not null,
      kind text not null,
      decision text not null,
      assignee text not null,
      source text not null,
      n integer not null,
      primary key (${key})
    )`,
    `insert into alert_counts (${key}, n)
      select state, tier, kind, coalesce(decision, 'none'), coalesce(assignee, 'none'), source, count(*)
        from alerts group by 1, 2, 3, 4, 5, 6`,
    // Those who change alerts take turns (see journal.ts), so no two transactions wait for each other's counts.
    `create function count_alert() returns trigger language plpgsql as $$
      begin
        if tg_op = 'UPDATE' and (${of('old')}) = (${of('new')}) then return null; end if;
        if tg_op <> 'INSERT' then
          update alert_counts set n = n - 1 where (${key}) = (${of('old')});
        end if;
        if tg_op <> 'DELETE' then
          insert into alert_counts (${key}, n) values (${of('new')}, 1)
            on conflict (${key}) do update set n = alert_counts.n + 1;
        end if;
        return null;
      end $$`,
    `create trigger alerts_counted after insert or update or delete on alerts
      for each row execute function count_alert()`,
    `create index alerts_source on alerts (source)`,
    `create index sightings_account on sightings (lower(account)) where account is not null`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
