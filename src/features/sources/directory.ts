import { createHash } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { extname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { z } from 'zod';
import { UtsushiError } from '../../errors.ts';
import { readBounded } from '../../platform/storage/blobs.ts';
import { invalidItem } from './read.ts';
import { type ItemFailure, type Source, type SourceContext, checkpoint, item, readCursor } from './source.ts';
import { watchDirectory } from './watch.ts';

export const directorySpec = z.strictObject({
  kind: z.literal('directory'),
  /** Absolute, or relative to where Utsushi was started. Folders below it belong to it; symbolic links do not. */
  path: z.string().min(1, 'must name a directory'),
});

/**
 * Files are new when they were created, written to or moved here since the last complete walk began, by the file
 * system's own clock: what shows this is the change time, which nobody can set back.
 */
const cursorShape = z.object({
  /** Change times before this were covered by complete walks. Milliseconds since 1970. */
  since: z.number(),
  /** Files near that limit which were listed already: digests of path and change time. */
  recent: z.array(z.string()),
  /** A walk that was interrupted: when it began, and the last path that was listed. */
  walk: z.object({ began: z.number(), after: z.string() }).optional(),
});

const CHECKPOINT_EVERY = 500;
// Clocks of file systems tick coarsely, and those of file servers run apart.
const CLOCK_SLACK_MS = 2_000;
// Beyond this a burst of new files is listed twice rather than remembered.
const MOST_RECENT = 5_000;
/** Of the files that may be pictures; `''` because generators often leave names without one. */
export const PICTURE_EXTENSIONS: ReadonlySet<string> = new Set([
  '',
  '.jpg',
  '.jpeg',
  '.jfif',
  '.png',
  '.apng',
  '.webp',
  '.avif',
  '.gif',
  '.tif',
  '.tiff',
]);

export function directorySource(spec: z.infer<typeof directorySpec>, context: SourceContext): Source {
  const root = resolve(spec.path);
  return {
    async *items({ cursor, signal }) {
      const last = readCursor(cursorShape, cursor) ?? { since: 0, recent: [] };
      const known = new Set(last.recent);
      const began = last.walk?.began ?? Date.now();
      const recent: string[] = [];
      let listed = 0;
      for await (const found of walk(root, '', last.walk?.after ?? '', signal)) {
        signal.throwIfAborted();
        if (found.type === 'failure') {
          yield found;
          continue;
        }
        // A file that went away meanwhile is no failure.
        const file = await stat(found.path).catch(() => undefined);
        if (file === undefined || file.ctimeMs < last.since - CLOCK_SLACK_MS) continue;
        const changed = file.ctimeMs;
        const digest = digestOf(found.path, changed);
        if (changed >= began - CLOCK_SLACK_MS && recent.length < MOST_RECENT) recent.push(digest);
        if (known.has(digest)) continue;
        if (file.size === 0) yield invalidItem(found.path, 'the file has no bytes');
        else {
          yield item({
            imageUrl: pathToFileURL(found.path).href,
            text: relative(root, found.path),
            validator: `${file.size} ${file.mtimeMs}`,
          });
        }
        if (++listed % CHECKPOINT_EVERY === 0) {
          const after = relative(root, found.path);
          yield checkpoint({
            since: last.since,
            recent: [...last.recent, ...recent].slice(-MOST_RECENT),
            walk: { began, after },
          });
        }
      }
      yield checkpoint({ since: began, recent });
    },

    async read(imageUrl) {
      const path = fileURLToPath(imageUrl);
      // A link that was planted in the directory must not lead out of it.
      const [inside, real] = await Promise.all([realpath(root), realpath(path)]).catch((cause: Error) => {
        throw new UtsushiError('file_not_found', cause.message, { cause });
      });
      if (!real.startsWith(inside + sep)) {
        throw new UtsushiError('fetch_forbidden', `${path} lies outside ${root}`);
      }
      return readBounded(real, context.maxBytes);
    },

    watch: (signal) => watchDirectory(root, signal),
  };
}

type Found = { readonly type: 'file'; readonly path: string } | ItemFailure;

/** Files below a directory in the order of their paths, one directory's names in memory at a time a level. */
async function* walk(root: string, below: string, after: string, signal: AbortSignal): AsyncGenerator<Found> {
  const directory = join(root, below);
  let entries: Dirent[];
  try {
    entries = await readdir(directory, { withFileTypes: true });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    if (below === '') throw new UtsushiError('source_unreadable', why, { cause });
    yield { type: 'failure', where: directory, error: new UtsushiError('file_not_found', why, { cause }) };
    return;
  }
  // Compared as the paths are when a walk is taken up again: a folder sorts where its contents do.
  const sorted = entries
    .filter(({ name }) => !name.startsWith('.'))
    .map((entry) => ({ entry, path: join(below, entry.name) }))
    .toSorted((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
  for (const each of sorted) {
    signal.throwIfAborted();
    const { entry, path } = each;
    if (entry.isDirectory()) {
      const passed = orderOf(each) < after && !after.startsWith(orderOf(each));
      if (!passed) yield* walk(root, path, after, signal);
    } else if (entry.isFile() && path > after && PICTURE_EXTENSIONS.has(extname(entry.name).toLowerCase())) {
      yield { type: 'file', path: join(root, path) };
    }
  }
}

function orderOf({ entry, path }: { entry: Dirent; path: string }): string {
  return entry.isDirectory() ? path + sep : path;
}

function digestOf(path: string, changed: number): string {
  return createHash('sha256').update(`${changed} ${path}`).digest('base64url').slice(0, 11);
}
