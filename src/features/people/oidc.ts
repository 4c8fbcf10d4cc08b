import type * as oidc from 'openid-client';
import { UtsushiError } from '../../errors.ts';
import type { Database } from '../../platform/storage/database.ts';
import { recordAudit } from '../audit/index.ts';
import { type Session, openSession } from './sign-in.ts';

/** The OpenID provider through which people sign in. */
export interface OidcOptions {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Where the provider sends people back to. */
  readonly redirectUri: string;
}

/** What the browser keeps between leaving for the provider and coming back; put it into a cookie nobody else reads. */
export interface OidcJourney {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/**
 * Sign-in by OpenID Connect: authorization code with PKCE, state and nonce (RFC 7636, OpenID Connect Core 1.0). The
 * provider is asked for its settings on first use. Only people that an admin has added come in: the provider says who
 * somebody is, Utsushi what they may do.
 */
export class OidcSignIn {
  readonly #options: OidcOptions;
  #discovered: Promise<oidc.Configuration> | undefined;

  constructor(options: OidcOptions) {
    this.#options = options;
  }

  /** @returns where to send the browser. @throws UtsushiError `sign_in_failed` when the provider cannot be reached */
  async begin(): Promise<{ url: string; journey: OidcJourney }> {
    const client = await loadClient();
    const configuration = await this.#configuration();
    const journey = {
      state: client.randomState(),
      nonce: client.randomNonce(),
      verifier: client.randomPKCECodeVerifier(),
    };
    const url = client.buildAuthorizationUrl(configuration, {
      redirect_uri: this.#options.redirectUri,
      scope: 'openid email profile',
      state: journey.state,
      nonce: journey.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(journey.verifier),
      code_challenge_method: 'S256',
    });
    return { url: url.href, journey };
  }

  /**
   * Takes the person in who came back from the provider. The first time somebody comes they are recognised by the name
   * they were added under, which must be the e-mail address that the provider has verified; from then on by the
   * provider's own id for them.
   *
   * @param query the query with which the browser came back, `?` included
   * @throws UtsushiError `sign_in_failed`
   */
  async finish(db: Database, query: string, journey: OidcJourney, at: Date): Promise<Session> {
    const configuration = await this.#configuration();
    const client = await loadClient();
    const tokens = await client
      .authorizationCodeGrant(configuration, new URL(query, this.#options.redirectUri), {
        expectedState: journey.state,
        expectedNonce: journey.nonce,
        pkceCodeVerifier: journey.verifier,
        idTokenExpected: true,
      })
      .catch(refuse);
    const claims = tokens.claims()!;
    const email = await this.#verifiedEmail(configuration, tokens.access_token, claims);
    return db.transaction().execute(async (tx) => {
      const key = { oidc_issuer: claims.iss, oidc_subject: claims.sub };
      const known = await tx
        .selectFrom('users')
        .select(['id', 'enabled'])
        .where((eb) => eb.and(key))
        .executeTakeFirst();
      const user =
        known ??
        (email === undefined
          ? undefined
          : await tx
              .updateTable('users')
              .set(key)
              .where('name', '=', email)
              .where('oidc_subject', 'is', null)
              .returning(['id', 'enabled'])
              .executeTakeFirst());
      if (user?.enabled !== true) {
        throw new UtsushiError(
          'sign_in_failed',
          `nobody was added under the name ${email ?? '(the provider gives no verified e-mail address)'}`,
        );
      }
      if (known === undefined) {
        await recordAudit(tx, [
          { at, kind: 'user.oidc_linked', subject: user.id, payload: { ...key, actor: email } },
        ]);
      }
      return openSession(tx, user.id, 'oidc', at);
    });
  }

  async #verifiedEmail(
    configuration: oidc.Configuration,
    accessToken: string,
    claims: oidc.IDToken,
  ): Promise<string | undefined> {
    const info = { ...claims };
    if (info['email'] === undefined && configuration.serverMetadata().userinfo_endpoint !== undefined) {
      const client = await loadClient();
      Object.assign(info, await client.fetchUserInfo(configuration, accessToken, claims.sub).catch(refuse));
    }
    const email = info['email'];
    return typeof email === 'string' && info['email_verified'] === true ? email.normalize('NFKC') : undefined;
  }

  async #configuration(): Promise<oidc.Configuration> {
    const { issuer, clientId, clientSecret } = this.#options;
    const url = new URL(issuer);
    // Plain HTTP is for a provider on this machine only.
    const isLocal = ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
    const client = await loadClient();
    this.#discovered ??= client
      .discovery(url, clientId, clientSecret, undefined, {
        execute: url.protocol === 'http:' && isLocal ? [client.allowInsecureRequests] : [],
      })
      .catch((thrown: unknown) => {
        this.#discovered = undefined;
        return refuse(thrown);
      });
    return this.#discovered;
  }
}

/** Loaded on demand: only a server with a provider configured needs it. */
function loadClient(): Promise<typeof oidc> {
  return import('openid-client');
}

function refuse(thrown: unknown): never {
  const why = thrown instanceof Error ? thrown.message : String(thrown);
  throw new UtsushiError('sign_in_failed', `the OpenID provider: ${why}`, { cause: thrown });
}
