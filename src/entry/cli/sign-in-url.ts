import type { Config } from '../../config.ts';

/**
 * Where a person follows a one-time link. The secret is in the fragment, which browsers send to no server and write into
 * no log.
 *
 * @param address where the console is served, when it is known better than from the configuration
 */
export function signInUrl(config: Config, secret: string, address?: string): string {
  const base = config.publicUrl ?? address ?? `http://${config.host}:${config.port}`;
  return new URL(`/#/link/${secret}`, base).href;
}
