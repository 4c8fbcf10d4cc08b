import { randomUUID } from 'node:crypto';
import { UtsushiError } from '../../errors.ts';
import type { Database } from '../../platform/storage/database.ts';
import { recordAudit } from '../audit/index.ts';
import { digest, newSecret } from './sign-in.ts';
import { type User, toUser } from './users.ts';

/** A person's own key to the API; what it may do is what the person may. */
export interface Token {
  readonly id: string;
  readonly user: string;
  readonly name: string;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
}

/** Makes a token recognisable in a log or a repository it was leaked to. */
const PREFIX = 'utsushi_';
const USED_EVERY_MS = 5 * 60_000;

interface By {
  readonly actor: string;
  readonly at: Date;
}

/** @returns the token and its secret, which is shown this once and stored only as a hash */
export async function createToken(
  db: Database,
  user: Pick<User, 'id' | 'name'>,
  token: { readonly name: string; readonly expiresAt?: Date | undefined },
  by: By,
): Promise<{ token: Token; secret: string }> {
  const secret = `${PREFIX}${newSecret()}`;
  return db.transaction().execute(async (tx) => {
    const row = await tx
      .insertInto('tokens')
      .values({
        id: randomUUID(),
        user_id: user.id,
        name: token.name,
        hash: digest(secret),
        created_at: by.at,
        expires_at: token.expiresAt ?? null,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    await recordAudit(tx, [
      {
        at: by.at,
        kind: 'token.created',
        subject: row.id,
        payload: { user: user.name, name: token.name, actor: by.actor },
      },
    ]);
    return { token: toToken({ ...row, user: user.name }), secret };
  });
}

/** The user whose token this is; undefined when it is unknown, over, or its user disabled. */
export async function tokenUser(db: Database, secret: string, at: Date): Promise<User | undefined> {
  if (!secret.startsWith(PREFIX)) return undefined;
  const row = await db
    .selectFrom('tokens')
    .innerJoin('users', 'users.id', 'tokens.user_id')
    .selectAll('users')
    .select(['tokens.id as token_id', 'tokens.last_used_at'])
    .where('tokens.hash', '=', digest(secret))
    .where((eb) => eb.or([eb('tokens.expires_at', 'is', null), eb('tokens.expires_at', '>', at)]))
    .where('users.enabled', '=', true)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  if (at.getTime() - (row.last_used_at?.getTime() ?? 0) > USED_EVERY_MS) {
    await db.updateTable('tokens').set({ last_used_at: at }).where('id', '=', row.token_id).execute();
  }
  return toUser(row);
}

/** @param userId only this person's; everybody's when left out */
export async function listTokens(db: Database, userId?: string): Promise<Token[]> {
  const rows = await db
    .selectFrom('tokens')
    .innerJoin('users', 'users.id', 'tokens.user_id')
    .selectAll('tokens')
    .select('users.name as user')
    .$if(userId !== undefined, (query) => query.where('user_id', '=', userId!))
    .orderBy('tokens.created_at')
    .execute();
  return rows.map(toToken);
}

/**
 * @param userId only if it is this person's; anybody's when left out
 * @throws UtsushiError `not_found`
 */
export async function deleteToken(
  db: Database,
  id: string,
  userId: string | undefined,
  by: By,
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const row = await tx
      .deleteFrom('tokens')
      .where('id', '=', id)
      .$if(userId !== undefined, (query) => query.where('user_id', '=', userId!))
      .returning('id')
      .executeTakeFirst();
    if (row === undefined) throw new UtsushiError('not_found', `no token has the id ${id}`);
    await recordAudit(tx, [{ at: by.at, kind: 'token.deleted', subject: id, payload: { actor: by.actor } }]);
  });
}

function toToken(row: {
  id: string;
  user: string;
  name: string;
  created_at: Date;
  expires_at: Date | null;
  last_used_at: Date | null;
}): Token {
  return {
    id: row.id,
    user: row.user,
    name: row.name,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
  };
}
