import { randomUUID } from 'node:crypto';
import { UtsushiError } from '../../errors.ts';
import type { Database, Executor } from '../../platform/storage/database.ts';
import type { UserRow } from '../../platform/storage/schema/people.ts';
import { recordAudit } from '../audit/index.ts';
import type { Role } from './roles.ts';

export interface User {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly locale: 'ja' | 'en';
  /** Whether the person may sign in. */
  readonly enabled: boolean;
  /** How: by password, through the OpenID provider, or not yet at all. */
  readonly signIn: 'password' | 'oidc' | 'none';
  readonly createdAt: Date;
  readonly lastSignInAt: Date | null;
}

interface By {
  readonly actor: string;
  readonly at: Date;
}

/** Letters and digits of any script, and . _ @ + - : e-mail addresses fit. */
const NAME = /^[\p{L}\p{N}][\p{L}\p{N}._@+-]{0,63}$/u;
/** Names under which programs act; a person of such a name could pass for one. */
const RESERVED = new Set(['utsushi', 'api', 'demo']);

/** @throws UtsushiError `usage` for a name that cannot be used, `already_exists` for one that is taken */
export async function addUser(
  tx: Executor,
  user: { readonly name: string; readonly role: Role; readonly locale?: 'ja' | 'en' | undefined },
  by: By,
): Promise<User> {
  const name = user.name.normalize('NFKC');
  if (!NAME.test(name) || RESERVED.has(name.toLowerCase())) {
    throw new UtsushiError(
      'usage',
      `'${user.name}' cannot be a user's name: letters, digits, . _ @ + - (64 at most), and none of ${[...RESERVED].join(', ')}`,
    );
  }
  const row = await tx
    .insertInto('users')
    .values({
      id: randomUUID(),
      name,
      role: user.role,
      locale: user.locale ?? 'ja',
      enabled: true,
      created_at: by.at,
    })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .returningAll()
    .executeTakeFirst();
  if (row === undefined) throw new UtsushiError('already_exists', `there is already a user ${name}`);
  await recordAudit(tx, [
    { at: by.at, kind: 'user.added', subject: row.id, payload: { name, role: user.role, actor: by.actor } },
  ]);
  return toUser(row);
}

export async function listUsers(db: Database): Promise<User[]> {
  return (await db.selectFrom('users').selectAll().orderBy('name').execute()).map(toUser);
}

/** @throws UtsushiError `not_found` */
export async function findUser(db: Executor, by: { id: string } | { name: string }): Promise<User> {
  const [[column, value]] = Object.entries(by) as [['id' | 'name', string]];
  const row = await db.selectFrom('users').selectAll().where(column, '=', value).executeTakeFirst();
  if (row === undefined) throw new UtsushiError('not_found', `there is no user ${value}`);
  return toUser(row);
}

/**
 * Changes role, language or whether the person may sign in; who may not any more is signed out everywhere.
 *
 * @throws UtsushiError `not_found`; `usage` when no enabled admin would be left
 */
export async function changeUser(
  db: Database,
  id: string,
  change: {
    readonly role?: Role | undefined;
    readonly locale?: 'ja' | 'en' | undefined;
    readonly enabled?: boolean | undefined;
  },
  by: By,
): Promise<User> {
  const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  return db.transaction().execute(async (tx) => {
    // Two admins who demote each other must not both succeed.
    const admins = await tx
      .selectFrom('users')
      .select(['id'])
      .where('role', '=', 'admin')
      .where('enabled', '=', true)
      .orderBy('id')
      .forUpdate()
      .execute();
    const demotes = change.enabled === false || (change.role !== undefined && change.role !== 'admin');
    if (demotes && admins.length === 1 && admins[0]!.id === id) {
      throw new UtsushiError('usage', 'this is the only admin; make somebody else one first');
    }
    if (Object.keys(given).length === 0) return findUser(tx, { id });
    const row = await tx
      .updateTable('users')
      .set(given)
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) throw new UtsushiError('not_found', `there is no user ${id}`);
    if (!row.enabled) {
      await tx.deleteFrom('sessions').where('user_id', '=', id).execute();
      await tx.deleteFrom('sign_in_links').where('user_id', '=', id).execute();
    }
    await recordAudit(tx, [
      { at: by.at, kind: 'user.changed', subject: id, payload: { ...given, actor: by.actor } },
    ]);
    return toUser(row);
  });
}

/** Whether nobody can sign in yet: the first admin's link has not been used. */
export async function needsSetup(db: Executor): Promise<boolean> {
  const someone = await db
    .selectFrom('users')
    .select('id')
    .where((eb) => eb.or([eb('password_hash', 'is not', null), eb('oidc_subject', 'is not', null)]))
    .limit(1)
    .executeTakeFirst();
  return someone === undefined;
}

export function toUser(row: SelectedUser): User {
  return {
    id: row.id,
    name: row.name,
    role: row.role,
    locale: row.locale,
    enabled: row.enabled,
    signIn: row.oidc_subject !== null ? 'oidc' : row.password_hash !== null ? 'password' : 'none',
    createdAt: row.created_at,
    lastSignInAt: row.last_sign_in_at,
  };
}

type SelectedUser = Omit<UserRow, 'created_at' | 'last_sign_in_at'> & {
  created_at: Date;
  last_sign_in_at: Date | null;
};
