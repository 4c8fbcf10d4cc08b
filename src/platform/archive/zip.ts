import { type Zippable, unzipSync, zipSync } from 'fflate';
import { UtsushiError } from '../../errors.ts';

/** Files by their path in the archive. */
export type ArchiveFiles = Readonly<Record<string, Uint8Array>>;

// Nothing in the container may depend on when, where and by which version it was written: see isCanonical.
const OPTIONS = { level: 0, mtime: new Date(1980, 0, 1), os: 3, attrs: 0o644 << 16 } as const;

/** A ZIP file that equal files always give the same bytes of: stored, in order of their paths, without dates. */
export function writeArchive(files: ArchiveFiles): Uint8Array {
  const ordered: Zippable = {};
  for (const path of Object.keys(files).toSorted()) ordered[path] = [files[path]!, OPTIONS];
  return zipSync(ordered);
}

/**
 * @param maxBytes of all files together
 * @throws UtsushiError `not_a_bundle` when it is no ZIP file or too large
 */
export function readArchive(bytes: Uint8Array, maxBytes: number): ArchiveFiles {
  let total = 0;
  try {
    return unzipSync(bytes, {
      filter: ({ originalSize }) => {
        total += originalSize;
        if (total > maxBytes) throw new RangeError(`more than ${maxBytes} bytes`);
        return true;
      },
    });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UtsushiError('not_a_bundle', `the archive cannot be read: ${why}`, { cause });
  }
}

/** Whether the container is byte for byte what writeArchive makes of these files: nothing hides between them. */
export function isCanonical(bytes: Uint8Array, files: ArchiveFiles): boolean {
  return Buffer.compare(bytes, writeArchive(files)) === 0;
}
