import type { Agent } from 'node:http';
import { isIP } from 'node:net';
import { useAgent } from 'request-filtering-agent';
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
  if (found === null || (port !== undefined && port > 65_535)) {
    throw new UtsushiError('invalid_config', `${text} is no host, address or network with an optional :port`);
  }
  return { host: found[1]!.toLowerCase(), port };
}

/** @throws UtsushiError `fetch_forbidden` for what is not an http(s) URL */
export function webUrl(text: string): URL {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new UtsushiError('fetch_forbidden', `${text} is not an http(s) URL`);
  }
  return new URL(text);
}

/**
 * An agent that refuses private, loopback, link-local and reserved addresses when it connects, so that a name which
 * resolves to one later is refused as well; but for what the administrator allowed.
 */
export function guardedAgent(url: URL, allowed: readonly AllowedEndpoint[], ca?: string[]): Agent {
  const here = endpointsFor(url, allowed);
  const named = here.some(({ host }) => host === hostOf(url) && isIP(host) === 0);
  return useAgent(url.href, {
    allowPrivateIPAddress: named,
    allowIPAddressList: here.map(({ host }) => host).filter((host) => isIP(host.split('/')[0]!) !== 0),
    denyIPAddressList: named ? METADATA_ADDRESSES : [],
    ...(ca === undefined ? {} : { ca }),
  });
}

function endpointsFor(url: URL, allowed: readonly AllowedEndpoint[]): AllowedEndpoint[] {
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  return allowed.filter((endpoint) => endpoint.port === undefined || endpoint.port === port);
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
}
