import type { Time } from './columns.ts';

export interface PeopleTables {
  users: UserRow;
  sessions: SessionRow;
  tokens: TokenRow;
  sign_in_links: SignInLinkRow;
}

export interface UserRow {
  id: string;
  /** What events and the audit chain call the person; it never changes and is never given to anybody else. */
  name: string;
  role: 'viewer' | 'reviewer' | 'approver' | 'admin';
  locale: 'ja' | 'en';
  enabled: boolean;
  /** argon2id in PHC form; null for who signs in elsewhere or has not set one yet. */
  password_hash: string | null;
  /** Issuer and subject of the OpenID provider through which the person signs in. */
  oidc_issuer: string | null;
  oidc_subject: string | null;
  created_at: Time;
  last_sign_in_at: Time | null;
}

/** Secrets are kept as SHA-256 only: they are long and random, so no slower hash is needed. */
interface SessionRow {
  hash: Buffer;
  user_id: string;
  created_at: Time;
  last_used_at: Time;
  expires_at: Time;
}

interface TokenRow {
  id: string;
  user_id: string;
  name: string;
  hash: Buffer;
  created_at: Time;
  expires_at: Time | null;
  last_used_at: Time | null;
}

interface SignInLinkRow {
  hash: Buffer;
  user_id: string;
  created_at: Time;
  expires_at: Time;
}
