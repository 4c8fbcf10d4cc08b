import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { resolve } from 'node:path';
import { parse as parseCsv } from 'csv-parse';
import { z } from 'zod';
import { UtsushiError } from '../../errors.ts';
import { declaredOf, faultsOf, readWebImage, textOf } from './read.ts';
import { type Item, type Source, type SourceContext, checkpoint, item, readCursor } from './source.ts';

export const urlsSpec = z.strictObject({
  kind: z.literal('urls'),
  /**
   * A text file with one URL a line (`#` begins a comment), a CSV file with a header line, or JSONL. Columns: `url`, and
   * where known `page_url`, `account`, `account_id`, `posted_at`, `title`, `tags`, `prompt`, `generator`, `model`.
   */
  file: z.string().min(1, 'must name a file'),
});

const webAddress = z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' });
const optional = <T extends z.ZodType>(shape: T) =>
  z.preprocess((value) => (value === '' || value === null ? undefined : value), shape.optional());
const rowShape = z.object({
  url: webAddress,
  page_url: optional(webAddress),
  account: optional(z.string()),
  account_id: optional(z.coerce.string()),
  posted_at: optional(z.coerce.date({ error: 'must be a time like 2026-01-31T09:00:00+09:00' })),
  title: optional(z.string()),
  tags: optional(z.union([z.string(), z.array(z.string())])),
  prompt: optional(z.string()),
  generator: optional(z.string()),
  model: optional(z.string()),
});

/** How many records were listed, and a digest of them: as long as the file begins with these, the rest is new. */
const cursorShape = z.object({ records: z.number().int(), sha256: z.string() });

const CHECKPOINT_EVERY = 500;

/** One line, or one CSV record; `value` is undefined where it cannot be parsed, and `fault` says why. */
interface FileRecord {
  readonly line: number;
  readonly raw: string;
  readonly value?: unknown;
  readonly fault?: string;
}

export function urlsSource(spec: z.infer<typeof urlsSpec>, context: SourceContext): Source {
  const file = resolve(spec.file);
  return {
    async *items({ cursor, signal }) {
      const last = readCursor(cursorShape, cursor);
      const skip = last !== undefined && (await beginsWith(file, last, signal)) ? last.records : 0;
      const digest = createHash('sha256');
      let records = 0;
      for await (const record of recordsOf(file)) {
        signal.throwIfAborted();
        digest.update(`${record.raw}\n`);
        if (++records <= skip) continue;
        yield toEvent(file, record);
        if (records % CHECKPOINT_EVERY === 0) {
          yield checkpoint({ records, sha256: digest.copy().digest('hex') });
        }
      }
      yield checkpoint({ records, sha256: digest.digest('hex') });
    },
    read: (imageUrl, signal) => readWebImage(context, imageUrl, signal),
  };
}

/** Whether the file still begins with the records that were listed; else it was rewritten and begins anew. */
async function beginsWith(
  file: string,
  { records, sha256 }: z.infer<typeof cursorShape>,
  signal: AbortSignal,
): Promise<boolean> {
  const digest = createHash('sha256');
  let read = 0;
  for await (const { raw } of recordsOf(file)) {
    if (read === records) break;
    signal.throwIfAborted();
    digest.update(`${raw}\n`);
    read += 1;
  }
  return read === records && digest.digest('hex') === sha256;
}

async function* recordsOf(file: string): AsyncGenerator<FileRecord> {
  try {
    if (/\.csv$/i.test(file)) yield* csvRecords(file);
    else yield* lineRecords(file, /\.(jsonl|ndjson)$/i.test(file));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).syscall === undefined) throw cause;
    throw new UtsushiError('source_unreadable', (cause as Error).message, { cause });
  }
}

async function* lineRecords(file: string, json: boolean): AsyncGenerator<FileRecord> {
  let line = 0;
  const input = createReadStream(file, 'utf8');
  try {
    for await (const text of createInterface({ input, crlfDelay: Infinity })) {
      line += 1;
      const raw = text.replace(/^\uFEFF/, '').trim();
      if (raw === '' || (!json && raw.startsWith('#'))) continue;
      if (!json) yield { line, raw, value: { url: raw } };
      else yield { line, raw, ...parseJson(raw) };
    }
  } finally {
    input.destroy();
  }
}

async function* csvRecords(file: string): AsyncGenerator<FileRecord> {
  const input = createReadStream(file);
  const parser = parseCsv({ bom: true, columns: true, info: true, relax_column_count: true, trim: true });
  input.on('error', (error) => parser.destroy(error));
  input.pipe(parser);
  try {
    for await (const { record, info } of parser as AsyncIterable<{
      record: unknown;
      info: { lines: number };
    }>) {
      yield { line: info.lines, raw: JSON.stringify(record), value: record };
    }
  } catch (cause) {
    // What comes after a quote that never closes cannot be told apart into records.
    const { code, lines } = cause as { code?: string; lines?: number };
    if (code?.startsWith('CSV_') !== true) throw cause;
    yield { line: lines ?? 0, raw: code, fault: `${(cause as Error).message}; nothing after it was read` };
  } finally {
    input.destroy();
  }
}

function parseJson(raw: string): { value: unknown } | { fault: string } {
  try {
    return { value: JSON.parse(raw) };
  } catch {
    return { fault: 'not valid JSON' };
  }
}

function toEvent(file: string, { line, value, fault }: FileRecord) {
  const parsed = rowShape.safeParse(value);
  if (fault === undefined && parsed.success) return toItem(parsed.data);
  const faults = fault ?? faultsOf(parsed.error!);
  const where = `${file}:${line}`;
  return {
    type: 'failure' as const,
    where,
    error: new UtsushiError('invalid_item', `line ${line}: ${faults}`),
  };
}

function toItem(row: z.infer<typeof rowShape>): Item {
  const { title, tags, prompt } = row;
  return item({
    imageUrl: row.url,
    pageUrl: row.page_url ?? null,
    account: row.account ?? null,
    accountId: row.account_id ?? null,
    postedAt: row.posted_at ?? null,
    text: textOf(title, ...(Array.isArray(tags) ? tags : [tags]), prompt),
    declared: declaredOf(row),
  });
}
