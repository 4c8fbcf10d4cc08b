import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { UtsushiError } from '../../errors.ts';
import type { Tier } from '../../vision/matching/policy.ts';
import { canonicalJson } from '../audit/index.ts';
import { territory } from '../checks/index.ts';
import { type SourceSpec, sourceSpec } from '../sources/index.ts';
import { type Schedule, scheduleSpec } from './schedule.ts';

/** The assets a monitor is for. Every kind of condition that is given must hold; none given means all assets. */
export interface Scope {
  readonly tiers: readonly Tier[];
  readonly assets: readonly string[];
  readonly tags: readonly string[];
}

/** A monitor as its owner describes it. */
export interface MonitorSpec {
  readonly name: string;
  readonly source: SourceSpec;
  readonly scope: Scope;
  /** Null where the protocol's cadence for the tier holds. */
  readonly schedule: Schedule | null;
  /** Country to whose public the source is addressed, ISO 3166 alpha-2; its sightings bear it. */
  readonly territory: string | null;
  /** Undefined: as it is; a new monitor runs. */
  readonly paused: boolean | undefined;
}

const distinct = <T extends string>(item: z.ZodType<T>) =>
  z.array(item).transform((list) => [...new Set(list)].toSorted());

export const monitorName = z
  .string()
  .regex(/^[\p{L}\p{N}][\p{L}\p{N}._-]{0,63}$/u, 'may hold letters, digits, . _ - only (1 to 64)');

const body = z.strictObject({
  source: sourceSpec,
  schedule: scheduleSpec.optional(),
  tiers: distinct(z.enum(['high', 'standard'])).default([]),
  assets: distinct(z.string().min(1)).default([]),
  tags: distinct(z.string().min(1)).default([]),
  territory: territory.optional(),
  paused: z.boolean().optional(),
});

const file = z.strictObject({
  monitors: z.array(body.extend({ name: monitorName })).superRefine((monitors, context) => {
    const names = monitors.map((monitor) => monitor.name);
    for (const twice of new Set(names.filter((each, at) => names.indexOf(each) !== at)))
      context.addIssue({ code: 'custom', message: `the name ${twice} is used more than once` });
  }),
});

/**
 * Reads a file of monitors, YAML or JSON. Paths in it are relative to it.
 *
 * @throws UtsushiError `invalid_monitors` naming every fault
 */
export async function readMonitors(path: string): Promise<MonitorSpec[]> {
  let written: unknown;
  try {
    written = parse(await readFile(path, 'utf8'));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UtsushiError('invalid_monitors', `cannot read ${path}: ${why}`, { cause });
  }
  const { monitors } = checked(file, written, path);
  return monitors.map(({ name, ...rest }) => toSpec(name, rest, dirname(resolve(path))));
}

/**
 * One monitor as the API takes it; relative paths are taken from where Utsushi was started.
 *
 * @throws UtsushiError `invalid_monitors` naming every fault
 */
export function parseMonitor(name: string, value: unknown): MonitorSpec {
  return toSpec(
    checked(monitorName, name, 'name'),
    checked(body, value, `the monitor ${name}`),
    process.cwd(),
  );
}

function checked<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => [...path.map(String), message].join(': '));
  throw new UtsushiError('invalid_monitors', `${what}: ${faults.join('; ')}`);
}

function toSpec(
  name: string,
  { source, schedule, tiers, assets, tags, territory: country, paused }: z.infer<typeof body>,
  base: string,
): MonitorSpec {
  return {
    name,
    source: anchored(source, base),
    scope: { tiers, assets, tags },
    schedule: schedule ?? null,
    territory: country ?? null,
    paused,
  };
}

/** What is stored must not depend on where the next process is started. */
function anchored(source: SourceSpec, base: string): SourceSpec {
  if (source.kind === 'directory') return { ...source, path: resolve(base, source.path) };
  if (source.kind === 'urls') return { ...source, file: resolve(base, source.file) };
  return source;
}

/** Names a source by what it is: two monitors of one place know the same items. */
export function sourceKey(source: SourceSpec): string {
  return createHash('sha256').update(canonicalJson(source)).digest('hex');
}
