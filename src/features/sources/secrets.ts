import { readFile, realpath } from 'node:fs/promises';
import { resolve, sep } from 'node:path';
import { UtsushiError } from '../../errors.ts';
import type { SecretReference } from './source.ts';

/**
 * The secret behind a reference. Only what the administrator set aside can be referred to: whoever may describe a source
 * could otherwise have any variable or file of this machine sent to a server of their choice.
 *
 * @param from.variables the variables UTSUSHI_SECRET_…
 * @param from.directory where files with secrets lie; paths are relative to it
 * @throws UtsushiError `secret_missing`
 */
export async function readSecret(
  reference: SecretReference,
  from: { readonly variables: Readonly<Record<string, string>>; readonly directory: string },
): Promise<string> {
  if ('env' in reference) {
    const value = from.variables[reference.env];
    if (value !== undefined) return value;
    const why = reference.env.startsWith('UTSUSHI_SECRET_')
      ? 'is not set'
      : 'does not begin with UTSUSHI_SECRET_';
    throw new UtsushiError('secret_missing', `the variable ${reference.env} ${why}`);
  }
  try {
    const directory = await realpath(from.directory);
    const path = await realpath(resolve(directory, reference.file));
    if (!path.startsWith(directory + sep)) throw new Error(`does not lie below ${directory}`);
    return (await readFile(path, 'utf8')).trim();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UtsushiError('secret_missing', `the file ${reference.file}: ${why}`, { cause });
  }
}
