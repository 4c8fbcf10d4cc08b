import { lookup } from 'node:dns/promises';
import { Agent as HttpAgent, type Agent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { isIP } from 'node:net';
import { type SecureContext, createSecureContext, rootCertificates } from 'node:tls';
import { UtsushiError } from '../../errors.ts';
import { type AllowedEndpoint, addressAllowed, forbidden, guardedLookup, hostOf, isNamed } from './guard.ts';

export interface NetworkSettings {
  /** Places inside that an administrator lets through the guard. */
  readonly allowed: readonly AllowedEndpoint[];
  /** Proxies for each scheme, and the hosts that are asked without one (NO_PROXY's own syntax). */
  readonly proxies?: { readonly http?: string | undefined; readonly https?: string | undefined };
  readonly noProxy?: readonly string[];
  /** Certificates (PEM) to trust besides the well-known ones, e.g. that of a proxy which looks into TLS. */
  readonly trustedPem?: readonly string[];
}

/** The way out of the house: directly behind the guard, or through the administrator's proxy. */
export class Network {
  readonly #settings: NetworkSettings;
  readonly #secureContext: SecureContext | undefined;

  constructor(settings: NetworkSettings) {
    this.#settings = settings;
    const { trustedPem = [] } = settings;
    // Made once: the well-known roots take long to read.
    this.#secureContext =
      trustedPem.length === 0 ? undefined : createSecureContext({ ca: [...rootCertificates, ...trustedPem] });
  }

  /** Whether a URL leads to a place that the administrator opened. */
  isOwn(url: URL): boolean {
    return isNamed(url, this.#settings.allowed);
  }

  /** The proxy for a URL; undefined where it is asked directly. */
  proxyFor(url: URL): string | undefined {
    const { proxies = {}, noProxy = [] } = this.#settings;
    const proxy = url.protocol === 'https:' ? proxies.https : proxies.http;
    return proxy !== undefined && !noProxy.some((entry) => bypasses(entry, url)) ? proxy : undefined;
  }

  /**
   * An agent for one request. Without a proxy the addresses are checked as it connects. A proxy connects by itself, so
   * they are looked up and checked before it is asked.
   *
   * @throws UtsushiError `fetch_forbidden`, or `fetch_failed` when the name does not resolve
   */
  async agentFor(url: URL): Promise<Agent> {
    const tls = this.#secureContext === undefined ? {} : { secureContext: this.#secureContext };
    const proxy = this.proxyFor(url);
    if (proxy === undefined) {
      // A literal address is connected to without a look-up.
      if (isIP(hostOf(url)) !== 0) await this.addressesOf(url);
      const options = { ...tls, lookup: guardedLookup(url, this.#settings.allowed) };
      return url.protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options);
    }
    await this.addressesOf(url);
    // Few installations have a proxy, so only they load what speaks to one.
    if (url.protocol === 'http:') {
      const { HttpProxyAgent } = await import('http-proxy-agent');
      return new HttpProxyAgent(proxy, tls);
    }
    const { HttpsProxyAgent } = await import('https-proxy-agent');
    const agent = new HttpsProxyAgent(proxy, tls);
    // Its options are those of the connection to the proxy; these are those of the connection through it.
    Object.assign(agent.options, tls);
    return agent;
  }

  /**
   * The addresses of a URL's host, all of which may be asked.
   *
   * @throws UtsushiError `fetch_forbidden`, or `fetch_failed` when the name does not resolve
   */
  async addressesOf(url: URL): Promise<string[]> {
    const host = hostOf(url);
    const found =
      isIP(host) === 0
        ? await lookup(host, { all: true }).catch((cause: Error) => {
            throw new UtsushiError('fetch_failed', `${host}: ${cause.message}`, { cause });
          })
        : [{ address: host }];
    for (const { address } of found) {
      if (!addressAllowed(address, url, this.#settings.allowed)) {
        throw forbidden(url, address);
      }
    }
    return found.map(({ address }) => address);
  }
}

/** NO_PROXY as curl and others read it: `*`, a domain with all below it, with or without a leading dot or a port. */
function bypasses(entry: string, url: URL): boolean {
  if (entry === '*') return true;
  const [, name = '', port] = /^\*?\.?(.*?)(?::(\d+))?$/.exec(entry.toLowerCase())!;
  const urlPort = url.port || (url.protocol === 'https:' ? '443' : '80');
  if (name === '' || (port !== undefined && port !== urlPort)) return false;
  const host = hostOf(url);
  return host === name || (isIP(host) === 0 && host.endsWith(`.${name}`));
}
