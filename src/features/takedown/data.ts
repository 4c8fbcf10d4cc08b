import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { z } from 'zod';

/** A data file that comes with Utsushi (see data/), as it is. */
export function dataText(name: string): string {
  return readFileSync(new URL(`data/${name}`, import.meta.url), 'utf8');
}

/** The same, parsed and checked when first asked for, then kept. It throws a ZodError when it does not fit. */
export function lazyData<S extends z.ZodType>(name: string, schema: S): () => z.infer<S> {
  let read: z.infer<S> | undefined;
  return () => (read ??= schema.parse(parse(dataText(name))));
}
