import { randomUUID } from 'node:crypto';
import type { Selectable } from 'kysely';
import { UtsushiError } from '../../errors.ts';
import type { Database, Executor } from '../../platform/storage/database.ts';
import type { IncidentRow } from '../../platform/storage/schema/monitoring.ts';
import { recordAudit } from '../audit/index.ts';

/** An operational warning: something that keeps Utsushi from doing its work. Never about an output. */
export interface Warning {
  /** What kind of trouble, e.g. `coverage-overdue`. */
  readonly kind: string;
  /** What it is about: a monitor's name, a host. There is one open incident of a kind and subject. */
  readonly subject: string;
  readonly severity: 'warning' | 'critical';
  /** One sentence for people, in Japanese and English. */
  readonly message: { readonly ja: string; readonly en: string };
  /** Whatever else helps to act. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export interface Incident {
  readonly id: string;
  readonly kind: string;
  readonly subject: string;
  readonly severity: 'warning' | 'critical';
  readonly message: { readonly ja: string; readonly en: string };
  readonly details: Readonly<Record<string, unknown>>;
  readonly openedAt: Date;
  readonly lastSeenAt: Date;
  readonly acknowledgedAt: Date | null;
  readonly acknowledgedBy: string | null;
  readonly closedAt: Date | null;
  readonly closedBy: string | null;
}

/**
 * Raises an incident, or brings the open one of this kind and subject up to date: however often it is found, it is one.
 *
 * @returns its id, and whether it is new
 */
export async function raiseIncident(
  db: Executor,
  warning: Warning,
  at: Date,
): Promise<{ id: string; isNew: boolean }> {
  const shown = {
    severity: warning.severity,
    message: JSON.stringify(warning.message),
    details: JSON.stringify(warning.details ?? {}),
    last_seen_at: at,
  };
  const id = randomUUID();
  const row = await db
    .insertInto('incidents')
    .values({ id, kind: warning.kind, subject: warning.subject, ...shown, opened_at: at })
    .onConflict((conflict) =>
      conflict.columns(['kind', 'subject']).where('closed_at', 'is', null).doUpdateSet(shown),
    )
    .returning('id')
    .executeTakeFirstOrThrow();
  const isNew = row.id === id;
  if (isNew) await recordAudit(db, [{ at, kind: 'incident.opened', subject: id, payload: warning }]);
  return { id: row.id, isNew };
}

/** Closes the open incidents of a kind whose trouble is over. @returns how many */
export async function closeIncidents(
  db: Executor,
  kind: string,
  subjects: { readonly of: string } | { readonly allBut: readonly string[] },
  by: { readonly actor: string; readonly at: Date },
): Promise<number> {
  const closed = await db
    .updateTable('incidents')
    .set({ closed_at: by.at, closed_by: by.actor })
    .where('kind', '=', kind)
    .where('closed_at', 'is', null)
    .$if('of' in subjects, (query) => query.where('subject', '=', (subjects as { of: string }).of))
    .$if('allBut' in subjects && subjects.allBut.length > 0, (query) =>
      query.where('subject', 'not in', (subjects as { allBut: string[] }).allBut),
    )
    .returning('id')
    .execute();
  await recordAudit(
    db,
    closed.map(({ id }) => ({
      at: by.at,
      kind: 'incident.closed',
      subject: id,
      payload: { actor: by.actor },
    })),
  );
  return closed.length;
}

export async function listIncidents(
  db: Database,
  filter: { readonly state: 'open' | 'closed' | 'all'; readonly limit: number },
): Promise<Incident[]> {
  const rows = await db
    .selectFrom('incidents')
    .selectAll()
    .$if(filter.state === 'open', (query) => query.where('closed_at', 'is', null))
    .$if(filter.state === 'closed', (query) => query.where('closed_at', 'is not', null))
    .orderBy('opened_at', 'desc')
    .orderBy('id')
    .limit(filter.limit)
    .execute();
  return rows.map(toIncident);
}

/**
 * A person says that they have seen an incident, or that it is over. It comes back by itself while its cause remains.
 *
 * @throws UtsushiError `not_found`, or `invalid_request` when it is closed already
 */
export async function handleIncident(
  db: Database,
  id: string,
  event: { readonly type: 'acknowledge' | 'close'; readonly note: string | null },
  by: { readonly actor: string; readonly at: Date },
): Promise<Incident> {
  return db.transaction().execute(async (tx) => {
    const row = await tx
      .selectFrom('incidents')
      .selectAll()
      .where('id', '=', id)
      .forUpdate()
      .executeTakeFirst();
    if (row === undefined) throw new UtsushiError('not_found', `no incident has the id ${id}`);
    if (row.closed_at !== null) throw new UtsushiError('invalid_request', 'this incident is closed');
    const change =
      event.type === 'acknowledge'
        ? { acknowledged_at: by.at, acknowledged_by: by.actor }
        : { closed_at: by.at, closed_by: by.actor };
    const after = await tx
      .updateTable('incidents')
      .set(change)
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
    const kind = event.type === 'acknowledge' ? 'incident.acknowledged' : 'incident.closed';
    await recordAudit(tx, [{ at: by.at, kind, subject: id, payload: { actor: by.actor, note: event.note } }]);
    return toIncident(after);
  });
}

function toIncident(row: Selectable<IncidentRow>): Incident {
  return {
    id: row.id,
    kind: row.kind,
    subject: row.subject,
    severity: row.severity,
    message: row.message,
    details: row.details,
    openedAt: row.opened_at,
    lastSeenAt: row.last_seen_at,
    acknowledgedAt: row.acknowledged_at,
    acknowledgedBy: row.acknowledged_by,
    closedAt: row.closed_at,
    closedBy: row.closed_by,
  };
}
