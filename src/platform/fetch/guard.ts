import { lookup } from 'node:dns';
import { type LookupFunction, isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { UtsushiError } from '../../errors.ts';

/**
 * A place inside that an administrator lets through the guard: `10.0.0.5`, `10.0.0.0/24`, `images.intranet`, each with
 * or without `:port`. Without a port all of its ports are meant; an IPv6 address with a port stands in brackets.
 */
export interface AllowedEndpoint {
  readonly host: string;
  readonly port: number | undefined;
}

// The addresses under which cloud machines learn their own secrets: naming a host does not open these.
const METADATA_ADDRESSES = ['169.254.0.0/16', 'fd00:ec2::254/128'];

/** @throws UtsushiError `invalid_config` for text that is no endpoint */
export function parseEndpoint(text: string): AllowedEndpoint {
  const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(text);
  const plain = isIP(text) === 6 || /^[\da-f:]+\/\d+$/i.test(text) ? [text, text] : undefined;
  const found = bracketed ?? plain ?? /^([^\s:]+)(?::(\d+))?$/.exec(text);
  const port = found?.[2] === undefined ? undefined : Number(found[2]);
  const host = found?.[1]?.toLowerCase() ?? '';
  if (host === '' || (port !== undefined && port > 65_535) || (host.includes('/') && !isNetwork(host))) {
    throw new UtsushiError('invalid_config', `${text} is no host, address or network with an optional :port`);
  }
  return { host, port };
}

/** @throws UtsushiError `fetch_forbidden` for what is not an http(s) URL */
export function webUrl(text: string): URL {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new UtsushiError('fetch_forbidden', `${text} is not an http(s) URL`);
  }
  return new URL(text);
}

/** A URL's host name or address, without brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
}

/** Whether the administrator opened a URL's host, by name or by the address that stands in the URL. */
export function isNamed(url: URL, allowed: readonly AllowedEndpoint[]): boolean {
  const host = hostOf(url);
  return endpointsFor(url, allowed).some(
    (endpoint) => endpoint.host === host || (isIP(host) !== 0 && covers(endpoint.host, host)),
  );
}

/** Whether a URL's host may be asked at this address, to which its name resolved. */
export function addressAllowed(address: string, url: URL, allowed: readonly AllowedEndpoint[]): boolean {
  if (!ipaddr.isValid(address)) return false;
  const here = endpointsFor(url, allowed);
  if (here.some(({ host }) => covers(host, address))) return true;
  if (METADATA_ADDRESSES.some((network) => covers(network, address))) return false;
  return here.some(({ host }) => host === hostOf(url)) || ipaddr.parse(address).range() === 'unicast';
}

/**
 * Looks names up for one request and refuses what must not be asked: private, loopback, link-local and reserved
 * addresses, but for what the administrator allowed. Being the connection's own look-up, it cannot be deceived by a name
 * that resolves differently the next time.
 */
export function guardedLookup(url: URL, allowed: readonly AllowedEndpoint[]): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, '', 0);
      const refused = found.find(({ address }) => !addressAllowed(address, url, allowed));
      if (refused !== undefined) return callback(forbidden(url, refused.address), '', 0);
      if (options.all === true) callback(null, found);
      else callback(null, found[0]!.address, found[0]!.family);
    });
  };
}

export function forbidden(url: URL, address: string): UtsushiError {
  return new UtsushiError('fetch_forbidden', `${url.origin} (${address}) is not a public address`);
}

function endpointsFor(url: URL, allowed: readonly AllowedEndpoint[]): AllowedEndpoint[] {
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  return allowed.filter((endpoint) => endpoint.port === undefined || endpoint.port === port);
}

function isNetwork(text: string): boolean {
  return ipaddr.isValidCIDR(text);
}

/** Whether an address is, or lies in the network, that the text names. */
function covers(text: string, address: string): boolean {
  if (isIP(text) !== 0) return ipaddr.parse(text).toString() === ipaddr.parse(address).toString();
  if (!isNetwork(text)) return false;
  const [network, bits] = ipaddr.parseCIDR(text);
  const parsed = ipaddr.parse(address);
  return parsed.kind() === network.kind() && parsed.match(network, bits);
}
