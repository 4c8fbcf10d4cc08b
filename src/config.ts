import { availableParallelism, homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { UtsushiError } from './errors.ts';

const positive = (fallback: number) => z.coerce.number().int().positive().default(fallback);
const url = (...protocols: string[]) =>
  z
    .string()
    .refine((value) => URL.canParse(value) && protocols.includes(new URL(value).protocol), {
      message: `must be a URL that begins with ${protocols.join('// or ')}//`,
    })
    .optional();

const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((entry) => entry.trim())
      .filter(Boolean),
  );

const environment = z.object({
  UTSUSHI_DATA_DIR: z.string().min(1).optional(),
  DATABASE_URL: url('postgres:', 'postgresql:'),
  REDIS_URL: url('redis:', 'rediss:'),
  UTSUSHI_QUEUE_PREFIX: z
    .string()
    .regex(/^[\w{}-]+$/, 'may hold letters, digits, _ - { } only')
    .default('utsushi'),
  UTSUSHI_API_TOKEN: z.string().min(16, 'must have at least 16 characters').optional(),
  UTSUSHI_HOST: z.string().min(1).default('127.0.0.1'),
  UTSUSHI_OIDC_ISSUER: url('https:', 'http:'),
  UTSUSHI_OIDC_CLIENT_ID: z.string().min(1).optional(),
  UTSUSHI_OIDC_CLIENT_SECRET: z.string().min(1).optional(),
  UTSUSHI_SECOND_REVIEWER: z.enum(['never', 'confirm']).default('never'),
  UTSUSHI_DOUBLE_REVIEW: z.coerce.number().min(0).max(1).default(0),
  UTSUSHI_PUBLIC_URL: url('http:', 'https:'),
  UTSUSHI_PORT: z.coerce.number().int().min(0).max(65535).default(8080),
  UTSUSHI_CONCURRENCY: positive(availableParallelism()),
  UTSUSHI_MAX_PIXELS: positive(100_000_000),
  UTSUSHI_MAX_BYTES: positive(64 * 2 ** 20),
  UTSUSHI_COMPUTE_TIMEOUT_MS: positive(30_000),
  UTSUSHI_COMPUTE_MEMORY_MB: positive(1_536),
  UTSUSHI_C2PA_TRUST_FILE: z.string().min(1).optional(),
  UTSUSHI_TSA_URL: url('http:', 'https:'),
  UTSUSHI_TSA_TRUST_FILE: z.string().min(1).optional(),
  UTSUSHI_FETCH_TIMEOUT_MS: positive(20_000),
  UTSUSHI_FETCH_ALLOWED_HOSTS: list,
  UTSUSHI_FETCH_LIMITS: z.string().default('*=1/s:2'),
  UTSUSHI_CONTACT_URL: url('http:', 'https:', 'mailto:'),
  UTSUSHI_CA_FILE: z.string().min(1).optional(),
  NODE_EXTRA_CA_CERTS: z.string().min(1).optional(),
  HTTP_PROXY: url('http:', 'https:'),
  HTTPS_PROXY: url('http:', 'https:'),
  NO_PROXY: list,
  UTSUSHI_BROWSER: z.string().min(1).optional(),
  UTSUSHI_CAPTURE_TIMEOUT_MS: positive(300_000),
  UTSUSHI_SECRETS_DIR: z.string().min(1).default('/run/secrets'),
  UTSUSHI_SCREEN_CAPACITY: positive(4 * availableParallelism()),
  UTSUSHI_INDEX_MAX_AGE_MS: positive(10_000),
  UTSUSHI_WORKS_KEPT: positive(2_000),
  UTSUSHI_JOB_LOCK_MS: positive(30_000),
  UTSUSHI_SWEEP_MS: positive(30_000),
  UTSUSHI_PROTOCOL_FILE: z.string().min(1).optional(),
  UTSUSHI_SMTP_URL: url('smtp:', 'smtps:'),
  UTSUSHI_MAIL_FROM: z.string().min(3).includes('@').optional(),
  UTSUSHI_DIGEST_MS: positive(3_600_000),
  UTSUSHI_EVENTS_KEPT_DAYS: z.coerce.number().int().min(7).default(90),
  UTSUSHI_LOG_LEVEL: z.enum(['silent', 'error', 'warn', 'info', 'debug']).default('info'),
});

/** What may be shown to anyone, in logs and in `utsushi doctor`. Sizes in bytes or pixels, durations in milliseconds. */
export interface Config {
  readonly dataDir: string;
  readonly database: 'embedded' | 'external';
  readonly queue: 'postgres' | 'redis';
  readonly queuePrefix: string;
  readonly host: string;
  readonly port: number;
  /** Where people reach the console, when a proxy stands before it. */
  readonly publicUrl: string | undefined;
  /** The OpenID provider through which people may sign in. */
  readonly oidc: { readonly issuer: string; readonly clientId: string } | undefined;
  /** Which decisions need a second person: all confirmations, a share of everything. */
  readonly secondReview: { readonly confirm: boolean; readonly share: number };
  readonly concurrency: number;
  /** Works looked at closely last, whose features stay in a process's memory. */
  readonly worksKept: number;
  readonly limits: { readonly maxPixels: number; readonly maxBytes: number };
  readonly compute: { readonly timeoutMs: number; readonly memoryMb: number };
  /** Time-stamp authority (RFC 3161), and file with the certificates (PEM) that it is trusted by. */
  readonly tsa: { readonly url: string | undefined; readonly trustFile: string | undefined };
  /** File with certificates (PEM) whose C2PA signatures count as verified. */
  readonly c2paTrustFile: string | undefined;
  readonly fetch: {
    readonly timeoutMs: number;
    /** Private hosts that may be asked nevertheless: host, address or network, with an optional port. */
    readonly allowedHosts: readonly string[];
    /** Requests per host: `*=1/s:2, images.example=10/s:4`. */
    readonly limits: string;
    /** Told with every request, for whoever wants to complain. */
    readonly contact: string | undefined;
    /** Certificates (PEM) to trust besides the well-known ones. */
    readonly caFiles: readonly string[];
    readonly noProxy: readonly string[];
  };
  /** The browser that captures pages; without one they are not captured. */
  readonly capture: { readonly browser: string | undefined; readonly timeoutMs: number };
  /** Where the files lie that sources may refer to as secrets. */
  readonly secretsDir: string;
  /** How many pictures are screened at once, and how old the catalogue in memory may be then. */
  readonly screening: { readonly capacity: number; readonly indexMaxAgeMs: number };
  readonly jobLockMs: number;
  readonly sweepMs: number;
  /** File (YAML or JSON) that says what is owed to the works of each tier. */
  readonly protocolFile: string | undefined;
  /** Where mails come from, how often messages that can wait are sent, and for how long events are kept. */
  readonly delivery: {
    readonly mailFrom: string | undefined;
    readonly digestMs: number;
    readonly eventsKeptDays: number;
  };
  readonly logLevel: 'silent' | 'error' | 'warn' | 'info' | 'debug';
}

/** What must never be printed. */
export interface Secrets {
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
  readonly apiToken: string | undefined;
  readonly oidcClientSecret: string | undefined;
  /** Of the mail server; may hold a password. */
  readonly smtpUrl: string | undefined;
  /** They may hold a password. */
  readonly httpProxy: string | undefined;
  readonly httpsProxy: string | undefined;
  /** The variables UTSUSHI_SECRET_…, to which sources refer by name. */
  readonly named: Readonly<Record<string, string>>;
}

/**
 * The environment as one frozen, validated configuration: the only reader of `process.env`.
 *
 * @param overrides what the command line said; it wins over the environment
 * @throws UtsushiError `invalid_config`, naming every faulty variable at once
 */
export function loadConfig(
  overrides: { dataDir?: string | undefined; host?: string | undefined; port?: number | undefined } = {},
  env: NodeJS.ProcessEnv = process.env,
): { config: Config; secrets: Secrets } {
  // An empty variable means "not set": docker-compose hands over FOO= for a variable that the host lacks.
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  // Both spellings are customary, and curl prefers the small one.
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'])
    present[name] = present[name.toLowerCase()] ?? present[name];
  const parsed = environment.safeParse(present);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new UtsushiError('invalid_config', faults.join('; '));
  }
  const e = parsed.data;
  const provider = [e.UTSUSHI_OIDC_ISSUER, e.UTSUSHI_OIDC_CLIENT_ID, e.UTSUSHI_OIDC_CLIENT_SECRET];
  const isSaid = provider.some((each) => each !== undefined);
  if (isSaid && [...provider, e.UTSUSHI_PUBLIC_URL].includes(undefined)) {
    throw new UtsushiError(
      'invalid_config',
      'UTSUSHI_OIDC_ISSUER, UTSUSHI_OIDC_CLIENT_ID, UTSUSHI_OIDC_CLIENT_SECRET and UTSUSHI_PUBLIC_URL belong together',
    );
  }
  if (e.UTSUSHI_SMTP_URL !== undefined && e.UTSUSHI_MAIL_FROM === undefined)
    throw new UtsushiError(
      'invalid_config',
      'UTSUSHI_MAIL_FROM: with UTSUSHI_SMTP_URL, say who sends the mail',
    );
  const dataHome = present['XDG_DATA_HOME'] ?? join(homedir(), '.local', 'share');
  const config: Config = {
    dataDir: resolve(overrides.dataDir ?? e.UTSUSHI_DATA_DIR ?? join(dataHome, 'utsushi')),
    database: e.DATABASE_URL === undefined ? 'embedded' : 'external',
    queue: e.REDIS_URL === undefined ? 'postgres' : 'redis',
    queuePrefix: e.UTSUSHI_QUEUE_PREFIX,
    host: overrides.host ?? e.UTSUSHI_HOST,
    port: overrides.port ?? e.UTSUSHI_PORT,
    publicUrl: e.UTSUSHI_PUBLIC_URL,
    oidc: isSaid ? { issuer: e.UTSUSHI_OIDC_ISSUER!, clientId: e.UTSUSHI_OIDC_CLIENT_ID! } : undefined,
    secondReview: { confirm: e.UTSUSHI_SECOND_REVIEWER === 'confirm', share: e.UTSUSHI_DOUBLE_REVIEW },
    concurrency: e.UTSUSHI_CONCURRENCY,
    worksKept: e.UTSUSHI_WORKS_KEPT,
    limits: { maxPixels: e.UTSUSHI_MAX_PIXELS, maxBytes: e.UTSUSHI_MAX_BYTES },
    compute: { timeoutMs: e.UTSUSHI_COMPUTE_TIMEOUT_MS, memoryMb: e.UTSUSHI_COMPUTE_MEMORY_MB },
    c2paTrustFile: e.UTSUSHI_C2PA_TRUST_FILE,
    tsa: { url: e.UTSUSHI_TSA_URL, trustFile: e.UTSUSHI_TSA_TRUST_FILE },
    fetch: {
      timeoutMs: e.UTSUSHI_FETCH_TIMEOUT_MS,
      allowedHosts: e.UTSUSHI_FETCH_ALLOWED_HOSTS,
      limits: e.UTSUSHI_FETCH_LIMITS,
      contact: e.UTSUSHI_CONTACT_URL,
      caFiles: [e.UTSUSHI_CA_FILE, e.NODE_EXTRA_CA_CERTS].filter((file) => file !== undefined),
      noProxy: e.NO_PROXY,
    },
    capture: { browser: e.UTSUSHI_BROWSER, timeoutMs: e.UTSUSHI_CAPTURE_TIMEOUT_MS },
    secretsDir: resolve(e.UTSUSHI_SECRETS_DIR),
    screening: { capacity: e.UTSUSHI_SCREEN_CAPACITY, indexMaxAgeMs: e.UTSUSHI_INDEX_MAX_AGE_MS },
    jobLockMs: e.UTSUSHI_JOB_LOCK_MS,
    sweepMs: e.UTSUSHI_SWEEP_MS,
    protocolFile: e.UTSUSHI_PROTOCOL_FILE,
    delivery: {
      mailFrom: e.UTSUSHI_MAIL_FROM,
      digestMs: e.UTSUSHI_DIGEST_MS,
      eventsKeptDays: e.UTSUSHI_EVENTS_KEPT_DAYS,
    },
    logLevel: e.UTSUSHI_LOG_LEVEL,
  };
  const secrets: Secrets = {
    databaseUrl: e.DATABASE_URL,
    redisUrl: e.REDIS_URL,
    apiToken: e.UTSUSHI_API_TOKEN,
    oidcClientSecret: e.UTSUSHI_OIDC_CLIENT_SECRET,
    smtpUrl: e.UTSUSHI_SMTP_URL,
    httpProxy: e.HTTP_PROXY,
    httpsProxy: e.HTTPS_PROXY,
    named: Object.fromEntries(
      Object.entries(present).filter(
        (entry): entry is [string, string] =>
          entry[0].startsWith('UTSUSHI_SECRET_') && entry[1] !== undefined,
      ),
    ),
  };
  return { config: Object.freeze(config), secrets: Object.freeze(secrets) };
}
