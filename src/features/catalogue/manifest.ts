import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream';
import { parse as parseCsv } from 'csv-parse';
import { z } from 'zod';
import { UtsushiError } from '../../errors.ts';

const text = z.string().trim().min(1);
const optionalText = z.preprocess((value) => (value === '' ? undefined : value), text.optional());
const date = z.preprocess(
  (value) => (value === '' ? undefined : value),
  z.iso.date('must be a date like 2026-01-31').optional(),
);
/** Lists stand in JSON as arrays and in CSV as `a|b|c`. */
const list = z.preprocess(
  (value) =>
    typeof value === 'string'
      ? value
          .split('|')
          .map((part) => part.trim())
          .filter(Boolean)
      : (value ?? []),
  z.array(text),
);

const licence = z.object({
  licensee: text,
  accounts: list,
  domains: list,
  from: date,
  until: date,
  territory: list,
});

const row = z.object({
  file: text,
  asset_id: z
    .string()
    .trim()
    .regex(/^[\w.-]{1,128}$/, 'may hold letters, digits, _ . - only (1 to 128)'),
  title: text,
  series: optionalText,
  aliases: list,
  characters: list,
  tags: list,
  lora_names: list,
  author: optionalText,
  rights_holder: optionalText,
  right: z.preprocess(
    (value) => (value === '' ? undefined : value),
    z.enum(['copyright', 'publishing-right', 'exclusive-licence', 'agency']).optional(),
  ),
  right_document: optionalText,
  right_territory: optionalText,
  right_expires: date,
  human_authorship: optionalText,
  tier: z.preprocess((value) => (value === '' ? undefined : value), z.enum(['high', 'standard']).optional()),
  published: date,
  /** Undefined where a row says nothing of licences; an empty list says that there are none. */
  licences: z.preprocess(
    (value) => (typeof value === 'string' ? fromJsonCell(value) : value),
    z.array(licence).optional(),
  ),
});

/** What a manifest says of one reference image and its asset. */
export type ManifestRow = z.infer<typeof row>;

/** One thing to import, or why a row of the manifest cannot be. */
export type ImportItem =
  | { readonly path: string; readonly file: string; readonly row?: ManifestRow }
  | { readonly file: string; readonly error: UtsushiError };

const IMAGE_EXTENSIONS = new Set(['.jpg', '.jpeg', '.png', '.webp', '.avif', '.gif', '.tif', '.tiff']);

/**
 * Every regular file below a directory whose name does not begin with a dot, in name order. With `imagesOnly`, files
 * whose extension is no picture's are left out, so that a README beside the pictures is not an error.
 */
export async function filesBelow(directory: string, imagesOnly: boolean): Promise<string[]> {
  const found: string[] = [];
  for (const entry of (await readdir(directory, { withFileTypes: true })).toSorted((a, b) =>
    a.name < b.name ? -1 : 1,
  )) {
    if (entry.name.startsWith('.')) continue;
    const path = join(directory, entry.name);
    if (entry.isDirectory()) found.push(...(await filesBelow(path, imagesOnly)));
    else if (!imagesOnly || IMAGE_EXTENSIONS.has(extname(entry.name).toLowerCase())) found.push(path);
  }
  return found;
}

/**
 * What to import: the pictures of a folder or one picture, or the rows of a manifest (CSV with a header line, or one
 * JSON object a line). Files in a manifest are relative to it.
 *
 * @throws UtsushiError `usage` when the path or the manifest cannot be read
 */
export async function listImport(path: string, manifest: string | undefined): Promise<ImportItem[]> {
  const source = manifest ?? (/\.(csv|jsonl|ndjson)$/i.test(path) ? path : undefined);
  try {
    if (source !== undefined) {
      return await (/\.csv$/i.test(source) ? readCsv(source) : readJsonLines(source));
    }
    const files = (await stat(path)).isDirectory() ? await filesBelow(path, true) : [path];
    return files.map((file) => ({ path: resolve(file), file }));
  } catch (thrown) {
    throw new UtsushiError(
      'usage',
      `cannot read ${source ?? path}: ${thrown instanceof Error ? thrown.message : thrown}`,
    );
  }
}

/** The title a picture gets when nobody gave it one. */
export function titleFromFile(file: string): string {
  return basename(file, extname(file));
}

async function readCsv(source: string): Promise<ImportItem[]> {
  const items: ImportItem[] = [];
  const parser = pipeline(
    createReadStream(source),
    parseCsv({
      bom: true,
      columns: true,
      info: true,
      skip_empty_lines: true,
      skip_records_with_error: true,
      on_skip: (fault) => {
        if (fault !== undefined) items.push(faultyRow(source, Number(fault['lines'] ?? 0), fault.message));
      },
    }),
    // A file that cannot be read ends the iteration below with its error.
    () => {},
  );
  for await (const { record, info } of parser as AsyncIterable<{
    record: unknown;
    info: { lines: number };
  }>) {
    items.push(readRow(source, info.lines, record));
  }
  return items;
}

async function readJsonLines(source: string): Promise<ImportItem[]> {
  const items: ImportItem[] = [];
  let line = 0;
  for await (const content of createInterface({ input: createReadStream(source), crlfDelay: Infinity })) {
    line += 1;
    if (content.trim() === '') continue;
    const parsed = parseJson(content);
    items.push(
      parsed === undefined ? faultyRow(source, line, 'not valid JSON') : readRow(source, line, parsed),
    );
  }
  return items;
}

function readRow(source: string, line: number, record: unknown): ImportItem {
  const parsed = row.safeParse(record);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'row'}: ${issue.message}`);
    return faultyRow(source, line, faults.join('; '));
  }
  const { file } = parsed.data;
  return { path: resolve(dirname(source), file), file, row: parsed.data };
}

function faultyRow(source: string, line: number, what: string): ImportItem {
  return {
    file: `${source}:${line}`,
    error: new UtsushiError('invalid_manifest', `line ${line}: ${what}`),
  };
}

/** A CSV cell that holds JSON; what is no JSON stays text, so that it is named as a fault. */
function fromJsonCell(cell: string): unknown {
  return cell.trim() === '' ? undefined : (parseJson(cell) ?? cell);
}

function parseJson(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}
