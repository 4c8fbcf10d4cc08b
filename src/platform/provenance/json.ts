/** JSON as generators write it: Python's, with NaN and Infinity, of any depth a stranger likes. */

export type JsonObject = Readonly<Record<string, unknown>>;

/** The parsed value, or undefined when it is no JSON. Python's NaN and Infinity are read as null. */
export function parseJson(text: string): unknown {
  const start = text.trimStart();
  if (start[0] !== '{' && start[0] !== '[') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    if (!/NaN|Infinity/.test(text)) return undefined;
  }
  try {
    return JSON.parse(text.replaceAll(/(?<=[[:,]\s{0,4})-?(?:NaN|Infinity)(?=\s{0,4}[\],}])/g, 'null'));
  } catch {
    return undefined;
  }
}

export function asObject(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : undefined;
}

export function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function parseObject(text: string | undefined): JsonObject | undefined {
  return text === undefined ? undefined : asObject(parseJson(text));
}

export const asString = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined;

/** The last component of a Windows or POSIX path. */
export const baseName = (path: unknown): string | undefined => asString(path)?.split(/[\\/]/).at(-1);
