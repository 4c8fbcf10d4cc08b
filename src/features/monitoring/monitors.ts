import { randomUUID } from 'node:crypto';
import { type Selectable, sql } from 'kysely';
import { UtsushiError } from '../../errors.ts';
import type { Database, Executor } from '../../platform/storage/database.ts';
import type { MonitorRow } from '../../platform/storage/schema/monitoring.ts';
import { canonicalJson, recordAudit } from '../audit/index.ts';
import { type SourceSpec, parseSourceSpec } from '../sources/index.ts';
import { type Schedule, showSchedule, storedSchedule } from './schedule.ts';
import { requireAssets, storedScope } from './scope.ts';
import { type MonitorSpec, type Scope, sourceKey } from './spec.ts';

export interface Monitor {
  readonly id: string;
  readonly name: string;
  readonly source: SourceSpec;
  readonly sourceKey: string;
  readonly scope: Scope;
  readonly schedule: Schedule | null;
  readonly territory: string | null;
  readonly paused: boolean;
  readonly createdAt: Date;
}

/** What applying a description does to one monitor. */
export interface Change {
  readonly name: string;
  readonly action: 'create' | 'update' | 'delete' | 'unchanged';
  /** What an update changes, as people read it. */
  readonly fields: readonly { readonly field: string; readonly before: string; readonly after: string }[];
  readonly spec?: MonitorSpec;
}

export interface By {
  readonly actor: string;
  readonly at: Date;
}

/** What would have to happen so that the monitors are exactly those described; nothing is changed. */
export async function planMonitors(db: Executor, specs: readonly MonitorSpec[]): Promise<Change[]> {
  for (const { name, scope } of specs) await requireAssets(db, name, scope);
  const present = new Map((await allMonitors(db)).map((monitor) => [monitor.name, monitor]));
  const wanted = specs.map((spec): Change => {
    const monitor = present.get(spec.name);
    present.delete(spec.name);
    if (monitor === undefined) return { name: spec.name, action: 'create', fields: [], spec };
    const fields = differences(monitor, spec);
    return { name: spec.name, action: fields.length === 0 ? 'unchanged' : 'update', fields, spec };
  });
  const superfluous = [...present.keys()].map((name): Change => ({ name, action: 'delete', fields: [] }));
  return [...wanted, ...superfluous];
}

/**
 * Makes the monitors exactly those described. The plan is made again in the same transaction: what it returns is what
 * was done.
 *
 * @throws UtsushiError `invalid_monitors`
 */
export async function applyMonitors(db: Database, specs: readonly MonitorSpec[], by: By): Promise<Change[]> {
  return db.transaction().execute(async (tx) => {
    await sql`lock table monitors in share row exclusive mode`.execute(tx);
    const plan = await planMonitors(tx, specs);
    for (const change of plan) await carryOut(tx, change, by);
    return plan;
  });
}

/** Creates or changes one monitor and leaves the others alone. @throws UtsushiError `invalid_monitors` */
export async function putMonitor(db: Database, spec: MonitorSpec, by: By): Promise<Change> {
  return db.transaction().execute(async (tx) => {
    await sql`lock table monitors in share row exclusive mode`.execute(tx);
    const plan = await planMonitors(tx, [spec]);
    await carryOut(tx, plan[0]!, by);
    return plan[0]!;
  });
}

/** @throws UtsushiError `not_found` */
export async function pauseMonitor(db: Database, name: string, paused: boolean, by: By): Promise<Monitor> {
  return db.transaction().execute(async (tx) => {
    const monitor = await findMonitor(tx, name);
    if (monitor.paused === paused) return monitor;
    await tx
      .updateTable('monitors')
      .set({ paused, updated_at: by.at })
      .where('id', '=', monitor.id)
      .execute();
    await recordAudit(tx, [
      {
        at: by.at,
        kind: paused ? 'monitor.paused' : 'monitor.resumed',
        subject: monitor.id,
        payload: { name, actor: by.actor },
      },
    ]);
    return { ...monitor, paused };
  });
}

/** The monitors there are, by name. */
export async function allMonitors(db: Executor): Promise<Monitor[]> {
  const rows = await db
    .selectFrom('monitors')
    .selectAll()
    .where('removed_at', 'is', null)
    .orderBy('name')
    .execute();
  return rows.map(toMonitor);
}

/** @throws UtsushiError `not_found` */
export async function findMonitor(db: Executor, name: string): Promise<Monitor> {
  const row = await db
    .selectFrom('monitors')
    .selectAll()
    .where('name', '=', name)
    .where('removed_at', 'is', null)
    .executeTakeFirst();
  if (row === undefined) throw new UtsushiError('not_found', `no monitor is called ${name}`);
  return toMonitor(row);
}

/** Whether a monitor is not to run: paused, or not there any more. */
export async function isPaused(db: Executor, id: string): Promise<boolean> {
  const row = await db
    .selectFrom('monitors')
    .select('paused')
    .where('id', '=', id)
    .where('removed_at', 'is', null)
    .executeTakeFirst();
  return row?.paused ?? true;
}

export function toMonitor(row: Selectable<MonitorRow>): Monitor {
  return {
    id: row.id,
    name: row.name,
    source: parseSourceSpec(row.source),
    sourceKey: row.source_key,
    scope: storedScope.parse(row.scope),
    schedule: row.schedule === null ? null : storedSchedule.parse(row.schedule),
    territory: row.territory,
    paused: row.paused,
    createdAt: row.created_at,
  };
}

async function carryOut(tx: Executor, { name, action, fields, spec }: Change, by: By): Promise<void> {
  if (action === 'unchanged') return;
  let id: string = randomUUID();
  if (action === 'delete') {
    id = await remove(tx, name, by.at);
  } else {
    const described = {
      source: JSON.stringify(spec!.source),
      source_key: sourceKey(spec!.source),
      scope: JSON.stringify(spec!.scope),
      schedule: spec!.schedule === null ? null : JSON.stringify(spec!.schedule),
      territory: spec!.territory,
      updated_at: by.at,
    };
    if (action === 'create') {
      await tx
        .insertInto('monitors')
        .values({ id, name, ...described, paused: spec!.paused ?? false, created_at: by.at })
        .execute();
    } else {
      // Another source, or other words to search it by: what was read of it so far says nothing.
      const anew = fields.some(({ field }) => /^(source|scope)\b/.test(field));
      const updated = await tx
        .updateTable('monitors')
        .set({
          ...described,
          ...(spec!.paused === undefined ? {} : { paused: spec!.paused }),
          ...(anew ? { cursor: null } : {}),
        })
        .where('name', '=', name)
        .where('removed_at', 'is', null)
        .returning('id')
        .executeTakeFirstOrThrow();
      id = updated.id;
    }
  }
  const done = { create: 'monitor.created', update: 'monitor.changed', delete: 'monitor.removed' };
  await recordAudit(tx, [
    { at: by.at, kind: done[action], subject: id, payload: { name, actor: by.actor, spec: spec ?? null } },
  ]);
}

async function remove(tx: Executor, name: string, at: Date): Promise<string> {
  const { id } = await tx
    .updateTable('monitors')
    .set({ removed_at: at, updated_at: at })
    .where('name', '=', name)
    .where('removed_at', 'is', null)
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

function differences(monitor: Monitor, spec: MonitorSpec): Change['fields'] {
  const compared: [string, string, string][] = [
    ...comparedSources(monitor.source, spec.source),
    ['scope', showScope(monitor.scope), showScope(spec.scope)],
    ['schedule', showOwn(monitor.schedule), showOwn(spec.schedule)],
    ['territory', monitor.territory ?? 'not said', spec.territory ?? 'not said'],
    ['paused', String(monitor.paused), String(spec.paused ?? monitor.paused)],
  ];
  return compared
    .filter(([, before, after]) => before !== after)
    .map(([field, before, after]) => ({ field, before, after }));
}

/** By its settings where the kind stays: of a long description one address may have changed. */
function comparedSources(before: SourceSpec, after: SourceSpec): [string, string, string][] {
  if (before.kind !== after.kind) return [['source', canonicalJson(before), canonicalJson(after)]];
  const [old, fresh] = [before, after].map((each) => new Map<string, unknown>(Object.entries(each)));
  const show = (value: unknown) => (value === undefined ? 'not said' : canonicalJson(value));
  return [...new Set([...old!.keys(), ...fresh!.keys()])].map((key) => [
    `source.${key}`,
    show(old!.get(key)),
    show(fresh!.get(key)),
  ]);
}

/** What a new monitor will do, as people read it. */
export function showSpec({ source, scope, schedule, territory, paused }: MonitorSpec): string[] {
  return [
    `source: ${canonicalJson(source)}`,
    `scope: ${showScope(scope)}`,
    `schedule: ${showOwn(schedule)}`,
    ...(territory === null ? [] : [`territory: ${territory}`]),
    ...(paused === true ? ['paused: true'] : []),
  ];
}

/** A scope as people read it. */
export function showScope({ tiers, assets, tags }: Scope): string {
  const parts = [
    ...(tiers.length > 0 ? [`tiers ${tiers.join(', ')}`] : []),
    ...(assets.length > 0 ? [`assets ${assets.join(', ')}`] : []),
    ...(tags.length > 0 ? [`tags ${tags.join(', ')}`] : []),
  ];
  return parts.length === 0 ? 'all assets' : parts.join('; ');
}

function showOwn(schedule: Schedule | null): string {
  return schedule === null ? 'by tier' : showSchedule(schedule);
}
