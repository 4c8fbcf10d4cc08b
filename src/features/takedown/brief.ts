import type { Database } from '../../platform/storage/database.ts';
import type { CaseState } from './case.ts';

/** What a message about a case says besides the event; undefined when there is no such case. */
export async function caseBrief(
  db: Database,
  id: string,
): Promise<{ readonly title: string; readonly place: string | null } | undefined> {
  const row = await db.selectFrom('cases').select('body').where('id', '=', id).executeTakeFirst();
  if (row === undefined) return undefined;
  const { title, materials } = row.body as CaseState;
  return { title, place: materials.find(({ pageUrl }) => pageUrl !== null)?.pageUrl ?? null };
}
