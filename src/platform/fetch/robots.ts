import robotsParser from 'robots-parser';
import { UtsushiError } from '../../errors.ts';

/** A CommonJS module whose types describe it as if it were none. */
const parseRobots = robotsParser as unknown as (url: string, text: string) => Rules;
interface Rules {
  isAllowed(url: string, robot: string): boolean | undefined;
  getCrawlDelay(robot: string): number | undefined;
}

/** How a server answered when it was asked for its robots.txt. */
interface RobotsFile {
  readonly status: number;
  readonly bytes: Uint8Array;
}

/** The product token that site owners write after `User-agent:`. */
export const ROBOT_NAME = 'Utsushi';

const KEEP_MS = 3_600_000;
const KEEP_FAILURE_MS = 60_000;
const MOST_ORIGINS = 1_000;
const LONGEST_CRAWL_DELAY_S = 30;

interface Kept {
  readonly rules: Promise<Rules>;
  until: number;
}

/** What the robots.txt of each origin allows (RFC 9309); each file is read at most once an hour. */
export class Robots {
  readonly #read: (url: string) => Promise<RobotsFile>;
  readonly #kept = new Map<string, Kept>();

  /** @param read gets a URL and answers every status, following redirects */
  constructor(read: (url: string) => Promise<RobotsFile>) {
    this.#read = read;
  }

  /**
   * @returns how long the file asks to wait between two requests, in milliseconds
   * @throws UtsushiError `robots_disallowed`; `fetch_failed` where the file cannot be read, which forbids everything for
   *   the time being
   */
  async permit(url: URL): Promise<number> {
    const rules = await this.#rulesOf(url.origin);
    if (rules.isAllowed(url.href, ROBOT_NAME) === false) {
      throw new UtsushiError('robots_disallowed', `${url.origin}/robots.txt asks not to fetch ${url.href}`);
    }
    return Math.min(Number(rules.getCrawlDelay(ROBOT_NAME) ?? 0), LONGEST_CRAWL_DELAY_S) * 1_000;
  }

  #rulesOf(origin: string): Promise<Rules> {
    const kept = this.#kept.get(origin);
    if (kept !== undefined && kept.until > performance.now()) return kept.rules;
    const fresh: Kept = { rules: this.#load(origin), until: performance.now() + KEEP_MS };
    fresh.rules.catch(() => {
      fresh.until = performance.now() + KEEP_FAILURE_MS;
    });
    this.#kept.delete(origin);
    this.#kept.set(origin, fresh);
    if (this.#kept.size > MOST_ORIGINS) this.#kept.delete(this.#kept.keys().next().value!);
    return fresh.rules;
  }

  async #load(origin: string): Promise<Rules> {
    const where = `${origin}/robots.txt`;
    const { status, bytes } = await this.#read(where);
    // No file, or none for us: nothing is forbidden. A server in trouble has not said so.
    if (status >= 400 && status < 500 && status !== 429) return parseRobots(where, '');
    if (status < 200 || status >= 300) {
      throw new UtsushiError(
        'fetch_failed',
        `${where} answered ${status}; until it answers, nothing is fetched`,
      );
    }
    return parseRobots(where, Buffer.from(bytes).toString('utf8'));
  }
}
