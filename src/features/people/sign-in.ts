import { createHash, randomBytes } from 'node:crypto';
import type { Options } from '@node-rs/argon2';
import { UtsushiError } from '../../errors.ts';
import type { Database, Executor } from '../../platform/storage/database.ts';
import { recordAudit } from '../audit/index.ts';
import { type User, addUser, findUser, needsSetup, toUser } from './users.ts';

export interface Session {
  readonly user: User;
  /** The cookie's value; only its hash is stored. */
  readonly secret: string;
  readonly expiresAt: Date;
}

const HOUR_MS = 3_600_000;
const SESSION_MS = 14 * 24 * HOUR_MS;
/** A session that nobody used for so long is over, however young. */
const IDLE_MS = 3 * 24 * HOUR_MS;
const LINK_MS = 24 * HOUR_MS;
/** How exactly `last_used_at` is kept: writing it at every request would make readers of the console write. */
const USED_EVERY_MS = 5 * 60_000;
const MIN_PASSWORD = 12;
const MAX_PASSWORD = 256;

/** OWASP's least for argon2id (Password Storage Cheat Sheet): 19 MiB, two passes, one lane. The library's own kind. */
const ARGON2: Options = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
/** Compared with when there is no such user, so that the answer takes as long. */
const decoy = once(() => hashed(randomBytes(16)));
/** Native code, loaded on demand: only who signs in or sets a password needs it. */
const argon2 = () => import('@node-rs/argon2');

/**
 * @throws UtsushiError `sign_in_failed`, the same for a wrong name, a wrong password and a disabled user
 */
export async function signIn(db: Database, name: string, password: string, at: Date): Promise<Session> {
  const row = await db
    .selectFrom('users')
    .selectAll()
    .where('name', '=', name.normalize('NFKC'))
    .executeTakeFirst();
  const usable = row?.enabled === true ? row.password_hash : null;
  const { verify } = await argon2();
  const right = await verify(usable ?? (await decoy()), password.slice(0, MAX_PASSWORD)).catch(() => false);
  if (row === undefined || usable === null || !right) {
    throw new UtsushiError('sign_in_failed', 'name or password is wrong');
  }
  return db.transaction().execute((tx) => openSession(tx, row.id, 'password', at));
}

/** The user and session of a cookie; undefined when it is unknown, over, or its user disabled. */
export async function sessionUser(db: Database, secret: string, at: Date): Promise<User | undefined> {
  const row = await db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .selectAll('users')
    .select('sessions.last_used_at')
    .where('sessions.hash', '=', digest(secret))
    .where('sessions.expires_at', '>', at)
    .where('sessions.last_used_at', '>', new Date(at.getTime() - IDLE_MS))
    .where('users.enabled', '=', true)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  if (at.getTime() - row.last_used_at.getTime() > USED_EVERY_MS) {
    await db.updateTable('sessions').set({ last_used_at: at }).where('hash', '=', digest(secret)).execute();
  }
  return toUser(row);
}

export async function signOut(db: Database, secret: string): Promise<void> {
  await db.deleteFrom('sessions').where('hash', '=', digest(secret)).execute();
}

/**
 * Makes the one link by which this person can sign in once and set a password; earlier ones stop working.
 *
 * @returns the link's secret, good for a day
 */
export async function makeLink(
  db: Database,
  userId: string,
  by: { readonly actor: string; readonly at: Date },
): Promise<{ secret: string; expiresAt: Date }> {
  const secret = newSecret();
  const expiresAt = new Date(by.at.getTime() + LINK_MS);
  await db.transaction().execute(async (tx) => {
    await tx.deleteFrom('sign_in_links').where('user_id', '=', userId).execute();
    await tx
      .insertInto('sign_in_links')
      .values({ hash: digest(secret), user_id: userId, created_at: by.at, expires_at: expiresAt })
      .execute();
    await recordAudit(tx, [
      { at: by.at, kind: 'user.link_made', subject: userId, payload: { actor: by.actor, expiresAt } },
    ]);
  });
  return { secret, expiresAt };
}

/**
 * Uses a one-time link: signs the person in, and sets a password when one is given.
 *
 * @throws UtsushiError `sign_in_failed` for a link that was used, is over or never was; `usage` for a weak password
 */
export async function useLink(
  db: Database,
  secret: string,
  password: string | undefined,
  at: Date,
): Promise<Session> {
  const hashed = password === undefined ? undefined : await hashPassword(password);
  return db.transaction().execute(async (tx) => {
    const link = await tx
      .deleteFrom('sign_in_links')
      .where('hash', '=', digest(secret))
      .returning(['user_id', 'expires_at'])
      .executeTakeFirst();
    const user = link === undefined ? undefined : await findUser(tx, { id: link.user_id });
    if (link === undefined || link.expires_at <= at || user?.enabled !== true) {
      throw new UtsushiError('sign_in_failed', 'this link was used before, is over, or never was one');
    }
    if (hashed !== undefined) await setHash(tx, user.id, hashed, { actor: user.name, at });
    return openSession(tx, user.id, 'link', at);
  });
}

/** Sets a password and ends the person's sessions. @throws UtsushiError `usage` when it is too short or too long */
export async function setPassword(
  db: Database,
  userId: string,
  password: string,
  by: { readonly actor: string; readonly at: Date },
): Promise<void> {
  const hashed = await hashPassword(password);
  await db.transaction().execute((tx) => setHash(tx, userId, hashed, by));
}

/**
 * Before anybody can sign in there must be somebody: the user `admin`, and a link for it.
 *
 * @returns undefined when somebody can sign in already
 */
export async function firstAdminLink(
  db: Database,
  at: Date,
): Promise<{ name: string; secret: string; expiresAt: Date } | undefined> {
  if (!(await needsSetup(db))) return undefined;
  const by = { actor: 'utsushi', at };
  const existing = await db
    .selectFrom('users')
    .select(['id', 'name'])
    .where('role', '=', 'admin')
    .where('enabled', '=', true)
    .orderBy('created_at')
    .limit(1)
    .executeTakeFirst();
  const admin = existing ?? (await addUser(db, { name: 'admin', role: 'admin' }, by));
  return { name: admin.name, ...(await makeLink(db, admin.id, by)) };
}

/** Opens a session in the caller's transaction. */
export async function openSession(
  tx: Executor,
  userId: string,
  how: 'password' | 'link' | 'oidc',
  at: Date,
): Promise<Session> {
  const secret = newSecret();
  const expiresAt = new Date(at.getTime() + SESSION_MS);
  await tx.deleteFrom('sessions').where('expires_at', '<=', at).execute();
  await tx
    .insertInto('sessions')
    .values({
      hash: digest(secret),
      user_id: userId,
      created_at: at,
      last_used_at: at,
      expires_at: expiresAt,
    })
    .execute();
  await tx.updateTable('users').set({ last_sign_in_at: at }).where('id', '=', userId).execute();
  const user = await findUser(tx, { id: userId });
  await recordAudit(tx, [
    { at, kind: 'user.signed_in', subject: userId, payload: { how, actor: user.name } },
  ]);
  return { user, secret, expiresAt };
}

async function setHash(
  tx: Executor,
  userId: string,
  hashed: string,
  by: { readonly actor: string; readonly at: Date },
): Promise<void> {
  await tx.updateTable('users').set({ password_hash: hashed }).where('id', '=', userId).execute();
  await tx.deleteFrom('sessions').where('user_id', '=', userId).execute();
  await recordAudit(tx, [
    { at: by.at, kind: 'user.password_set', subject: userId, payload: { actor: by.actor } },
  ]);
}

async function hashPassword(password: string): Promise<string> {
  if (password.length < MIN_PASSWORD || password.length > MAX_PASSWORD) {
    throw new UtsushiError(
      'usage',
      `a password has ${MIN_PASSWORD} to ${MAX_PASSWORD} characters; length is what makes it strong`,
    );
  }
  return hashed(password);
}

async function hashed(secret: string | Buffer): Promise<string> {
  const { hash } = await argon2();
  return hash(secret, ARGON2);
}

export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

export function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
