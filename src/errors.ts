/**
 * Every failure Utsushi can name. A code is stable: programs may match on it, docs/errors.md lists it, and a test
 * keeps that page equal to this table. `retry` says whether doing the same thing again can help.
 */
export const ERROR_CODES = {
  // the picture
  empty_file: {
    retry: false,
    means: 'The file has no bytes.',
    remedy: 'Send the picture again; the transfer probably broke.',
  },
  unsupported_format: {
    retry: false,
    means: 'The bytes are not JPEG, PNG, WebP, AVIF, GIF or TIFF, whatever the file name says.',
    remedy: 'Convert the picture to one of these formats (HEIC, JPEG XL and SVG are not read).',
  },
  corrupt_image: {
    retry: false,
    means: 'The file begins like a picture but cannot be decoded to its end.',
    remedy: 'Fetch or export the picture again; it is probably truncated.',
  },
  image_too_large: {
    retry: false,
    means: 'The picture has more pixels or bytes than the limits allow.',
    remedy: 'Send a smaller version, or raise UTSUSHI_MAX_PIXELS or UTSUSHI_MAX_BYTES.',
  },
  file_not_found: {
    retry: false,
    means: 'There is no readable file at this path.',
    remedy: 'Check the path and its permissions.',
  },
  unhashable_reference: {
    retry: false,
    means: 'A reference image is so small, flat or empty that nothing would recognise a copy of it.',
    remedy: 'Import a larger or more characteristic picture of this work.',
  },
  // the outside world
  fetch_forbidden: {
    retry: false,
    means: 'The URL points to a private, loopback or otherwise reserved address, or is not http(s).',
    remedy: 'Use a public http(s) URL, or upload the file instead.',
  },
  fetch_rejected: {
    retry: false,
    means: 'The server answered that it will not give this picture (4xx).',
    remedy: 'Open the URL in a browser; it may be gone or need a login.',
  },
  fetch_failed: {
    retry: true,
    means: 'The server could not be reached, was too slow, or failed (5xx, 429).',
    remedy: 'Nothing to do: it is tried again with growing pauses.',
  },
  fetch_deferred: {
    retry: true,
    means: 'The host may not be asked yet: its rate limit, or what it said in Retry-After.',
    remedy: 'Nothing to do: it is tried again when its turn comes. UTSUSHI_FETCH_LIMITS sets the limits.',
  },
  robots_disallowed: {
    retry: false,
    means: "The site's robots.txt asks not to fetch this URL.",
    remedy:
      'Leave it, or ask the site. For an API whose terms allow you to use it, set `robots: ignore` at the source.',
  },
  secret_missing: {
    retry: false,
    means: 'A secret that a source refers to is not there, or lies where no secrets may be read from.',
    remedy: 'Set the variable (UTSUSHI_SECRET_…) or write the file (below UTSUSHI_SECRETS_DIR) it names.',
  },
  // sources
  invalid_source: {
    retry: false,
    means: 'The description of a source does not make sense; all faults are listed.',
    remedy: 'See docs/sources.md for an example of each kind.',
  },
  source_unreadable: {
    retry: true,
    means:
      'The source as a whole cannot be listed: it is not there, or does not answer in the form expected.',
    remedy: 'Check its path or URL. What was listed before stays, and the next run goes on from there.',
  },
  invalid_item: {
    retry: false,
    means: 'One entry of a source is malformed; the entries after it were read.',
    remedy: 'Nothing to do, unless there are many: then the source has probably changed its form.',
  },
  // monitoring
  invalid_monitors: {
    retry: false,
    means: 'The description of the monitors does not make sense; all faults are listed.',
    remedy: 'Correct what is named; docs/monitoring.md has an example.',
  },
  scan_taken_over: {
    retry: true,
    means: 'This process was silent for so long that another one goes on with its scan.',
    remedy: 'Nothing to do: nothing is lost or done twice.',
  },
  browser_missing: {
    retry: false,
    means: 'Pages cannot be captured: no browser is configured, or the one configured is not there.',
    remedy: 'Install Chromium and set UTSUSHI_BROWSER to its path. Everything else works without.',
  },
  capture_failed: {
    retry: true,
    means: 'The browser could not capture a page: it was too slow, too large, or broke.',
    remedy:
      'It is tried again a few times; what was found on the page stays. A person may capture it instead.',
  },
  // compute
  compute_timeout: {
    retry: false,
    means: 'The picture took longer to process than the deadline.',
    remedy: 'Send a smaller version, or raise UTSUSHI_COMPUTE_TIMEOUT_MS.',
  },
  compute_crashed: {
    retry: true,
    means:
      'The process working on this picture died; only this job was lost, and a new process took its place.',
    remedy: 'It is tried again a few times; a picture that always crashes is worth a bug report.',
  },
  // what was asked
  usage: { retry: false, means: 'The command line or request does not make sense.', remedy: 'See --help.' },
  invalid_config: {
    retry: false,
    means: 'One or more settings in the environment are wrong; all of them are listed.',
    remedy: 'Correct the variables named.',
  },
  invalid_manifest: {
    retry: false,
    means: 'A row of the manifest is malformed; the message names its line.',
    remedy: 'Correct that row and import again; rows already imported are skipped.',
  },
  invalid_request: {
    retry: false,
    means: 'The request body or query does not fit the schema.',
    remedy: 'See /openapi.json.',
  },
  too_few_negatives: {
    retry: false,
    means:
      'Fewer pictures known to be different were given than the target rate needs: three divided by the rate.',
    remedy: 'Add pictures to the folder, or ask for a larger --target-fpr.',
  },
  suspected_copies: {
    retry: false,
    means:
      'Some pictures given as different score so high that they may be copies of works; no threshold was stored.',
    remedy:
      'Look at the pairs listed. Take real copies out of the folder, or run again with --suspects count (they are different) or --suspects set-aside.',
  },
  not_found: { retry: false, means: 'There is no such record.', remedy: 'Check the id.' },
  unauthorized: {
    retry: false,
    means: 'Nobody is signed in, or the bearer token is missing or wrong.',
    remedy: 'Sign in, or send Authorization: Bearer TOKEN.',
  },
  forbidden: {
    retry: false,
    means: 'Who asks may not do this; the message says what it needs.',
    remedy: 'Ask an admin for the role, or somebody who has it.',
  },
  sign_in_failed: {
    retry: false,
    means: 'Name and password do not fit, or the sign-in link no longer works.',
    remedy: 'Try again, or ask an admin for a new link: utsushi user link NAME.',
  },
  too_many_requests: {
    retry: true,
    means: 'Too many attempts within a short time.',
    remedy: 'Wait a quarter of an hour.',
  },
  already_exists: {
    retry: false,
    means: 'There is already a record of this name.',
    remedy: 'Choose another name, or change the one that exists.',
  },
  conflict: {
    retry: false,
    means:
      'Somebody changed this since you read it, or its state does not allow this; nothing was changed now.',
    remedy: 'Look at what changed, then decide again.',
  },
  // webhooks
  mail_failed: {
    retry: true,
    means: 'The mail server could not be reached, or took the message for no recipient.',
    remedy: 'Check UTSUSHI_SMTP_URL and the addresses; webhook deliveries are tried again for three days.',
  },
  secret_unreadable: {
    retry: false,
    means: 'A stored secret was sealed with another key than the file webhook-key of this data directory.',
    remedy: 'Restore that file from your backup, or make new secrets: utsushi webhook rotate ID.',
  },
  events_removed: {
    retry: false,
    means: 'The feed is asked for events after a place, and some of them are not kept any more.',
    remedy:
      'Begin again where the message says, and read what happened before from alerts and cases themselves. UTSUSHI_EVENTS_KEPT_DAYS says how long events are kept.',
  },
  // cases and notices
  not_confirmed: {
    retry: false,
    means: 'A case is opened only from alerts that a reviewer confirmed.',
    remedy: 'Review the alert first: utsushi alerts decide ALERT_ID confirm --reason TEXT.',
  },
  rung_locked: {
    retry: false,
    means: 'The ladder is climbed one rung at a time, after a refusal, silence or the end of the term.',
    remedy: 'Wait for the answer or the deadline, or give the reason why this case goes on now.',
  },
  notice_incomplete: {
    retry: false,
    means: 'The notice lacks elements that its form demands, or the approver did not attest every point.',
    remedy: 'Supply what the message names; utsushi case notice shows where each comes from.',
  },
  // the installation
  data_dir_in_use: {
    retry: false,
    means: 'Another `utsushi up` already serves this data directory; the message names its process.',
    remedy: 'Stop that process, or use another --data-dir.',
  },
  database_unavailable: {
    retry: true,
    means: 'PostgreSQL could not be started or reached.',
    remedy: 'Run `utsushi doctor`; with DATABASE_URL set, check that the server is up.',
  },
  queue_unavailable: {
    retry: true,
    means: 'The queue backend did not answer in time.',
    remedy: 'Check that Redis (REDIS_URL) or PostgreSQL is up; pending work is kept and continues.',
  },
  catalogue_outdated: {
    retry: true,
    means:
      'Works were fingerprinted by another version of Utsushi; compared as they are, copies would be missed.',
    remedy:
      'Run `utsushi catalogue reindex`; `utsushi up` and `utsushi migrate` do it too. Then it is tried again.',
  },
  index_stale: {
    retry: true,
    means:
      'The catalogue in memory is not confirmed to be the newest: it kept changing, or the database was away.',
    remedy: 'It is tried again; should it last, see `utsushi doctor` for the database.',
  },
  not_a_bundle: {
    retry: false,
    means: 'The file is no evidence bundle of Utsushi.',
    remedy: 'Check that it is the ZIP file as it was exported, whole and not packed again.',
  },
  timestamp_refused: {
    retry: true,
    means: 'The time-stamp authority gave no token.',
    remedy: 'Try again; if it goes on, check UTSUSHI_TSA_URL with its operator.',
  },
  timestamp_invalid: {
    retry: false,
    means: 'A time-stamp does not hold for what it is said to be about.',
    remedy: 'The evidence was changed after it was time-stamped, or the token was damaged.',
  },
  audit_broken: {
    retry: false,
    means: 'The audit chain does not verify; the message names the first entry that differs.',
    remedy: 'Keep the database as it is and restore a backup beside it to compare.',
  },
  internal: {
    retry: true,
    means: 'Something unforeseen went wrong.',
    remedy: 'Please report it with the log lines around it.',
  },
} as const satisfies Record<string, { retry: boolean; means: string; remedy: string }>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** A failure with a stable code. `message` says what was wrong this time; the code's table entry says what to do. */
export class UtsushiError extends Error {
  readonly code: ErrorCode;
  /** What a program needs to go on from here, e.g. the newer state of what it wanted to change. */
  readonly details: unknown;
  /** Where it is known when another attempt can succeed: not before so many milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options?: { cause?: unknown; details?: unknown; retryAfterMs?: number },
  ) {
    super(message, options);
    this.name = 'UtsushiError';
    this.code = code;
    this.details = options?.details;
    this.retryAfterMs = options?.retryAfterMs;
  }

  /** Whether doing the same thing again can help. */
  get retryable(): boolean {
    return ERROR_CODES[this.code].retry;
  }

  get remedy(): string {
    return ERROR_CODES[this.code].remedy;
  }

  toJSON(): { code: ErrorCode; message: string } {
    return { code: this.code, message: this.message };
  }
}

/** Any thrown value as a UtsushiError; what is not one already becomes `internal` with its message kept. */
export function asUtsushiError(thrown: unknown): UtsushiError {
  if (thrown instanceof UtsushiError) return thrown;
  return new UtsushiError('internal', thrown instanceof Error ? thrown.message : String(thrown), {
    cause: thrown,
  });
}
