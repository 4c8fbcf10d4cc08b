import { UtsushiError } from '../../errors.ts';

/** Each may do what the ones before it may. */
export const ROLES = ['viewer', 'reviewer', 'approver', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Who acts: a user, or one of the names under which programs act. */
export interface Actor {
  /** The user's id; null for the service token, the command line and demo mode. */
  readonly id: string | null;
  /** The name that events and the audit chain carry. */
  readonly name: string;
  readonly role: Role;
}

export function hasRole(actor: Actor, least: Role): boolean {
  return ROLES.indexOf(actor.role) >= ROLES.indexOf(least);
}

/** @throws UtsushiError `forbidden` */
export function requireRole(actor: Actor, least: Role): void {
  if (!hasRole(actor, least)) {
    throw new UtsushiError('forbidden', `${actor.name} is ${actor.role}; this needs the role ${least}`);
  }
}
