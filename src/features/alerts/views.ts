import { randomUUID } from 'node:crypto';
import { UtsushiError } from '../../errors.ts';
import type { Database } from '../../platform/storage/database.ts';

/** A named filter of the inbox. */
export interface SavedView {
  readonly id: string;
  readonly owner: string;
  readonly name: string;
  /** Whether others see it too. */
  readonly shared: boolean;
  /** The query string of GET /api/alerts. */
  readonly query: string;
  readonly createdAt: Date;
}

/** One's own views and those that others share. */
export async function listViews(db: Database, owner: string): Promise<SavedView[]> {
  const rows = await db
    .selectFrom('saved_views')
    .selectAll()
    .where((eb) => eb.or([eb('owner', '=', owner), eb('shared', '=', true)]))
    .orderBy('name')
    .orderBy('id')
    .execute();
  return rows.map(({ created_at, ...view }) => ({ ...view, createdAt: created_at }));
}

/** Saves a view; one of the same owner and name is replaced. */
export async function saveView(
  db: Database,
  view: Omit<SavedView, 'id' | 'createdAt'>,
  at: Date,
): Promise<SavedView> {
  const { created_at, ...saved } = await db
    .insertInto('saved_views')
    .values({ id: randomUUID(), ...view, created_at: at })
    .onConflict((conflict) =>
      conflict.columns(['owner', 'name']).doUpdateSet({ shared: view.shared, query: view.query }),
    )
    .returningAll()
    .executeTakeFirstOrThrow();
  return { ...saved, createdAt: created_at };
}

/** @throws UtsushiError `not_found` also for a view that is somebody else's */
export async function deleteView(db: Database, id: string, owner: string): Promise<void> {
  const row = await db
    .deleteFrom('saved_views')
    .where('id', '=', id)
    .where('owner', '=', owner)
    .returning('id')
    .executeTakeFirst();
  if (row === undefined) throw new UtsushiError('not_found', `you have no saved view with the id ${id}`);
}
