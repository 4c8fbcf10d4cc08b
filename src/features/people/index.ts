export { type OidcJourney, OidcSignIn } from './oidc.ts';
export { type Actor, ROLES, type Role, hasRole, requireRole } from './roles.ts';
export {
  type Session,
  firstAdminLink,
  makeLink,
  sessionUser,
  setPassword,
  signIn,
  signOut,
  useLink,
} from './sign-in.ts';
export { type Token, createToken, deleteToken, listTokens, tokenUser } from './tokens.ts';
export { type User, addUser, changeUser, findUser, listUsers, needsSetup } from './users.ts';
