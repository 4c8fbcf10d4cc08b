import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../../scripts/dependency-rule.mjs', import.meta.url));

/** A small house that keeps every rule. */
const CLEAN: Record<string, string> = {
  'src/errors.ts': `export class E extends Error {}`,
  'src/config.ts': `import { E } from './errors.ts';\nexport const c = () => { throw new E(); };`,
  'src/vision/raster.ts': `import { E } from '../errors.ts';\nexport interface R { e: E }`,
  'src/platform/image/decode.ts': `import sharp from 'sharp';\nimport type { R } from '../../vision/raster.ts';\nexport const d = (): R | undefined => void sharp;`,
  'src/platform/queue/queue.ts': `import { Queue } from 'bullmq';\nexport const q = Queue;`,
  'src/features/audit/index.ts': `export { a } from './audit.ts';`,
  'src/features/audit/audit.ts': `import { sql } from 'kysely';\nexport const a = sql;`,
  'src/features/alerts/alerts.ts': `import { readFile } from 'node:fs/promises';\nimport { a } from '../audit/index.ts';\nimport { d } from '../../platform/image/decode.ts';\nexport const s = [a, d, readFile];`,
  'src/app.ts': `import { c } from './config.ts';\nimport { s } from './features/alerts/alerts.ts';\nexport const app = [c, s];`,
  'src/entry/cli/main.ts': `export async function main() {\n  await using held = (await import('../../app.ts')).app;\n  return held;\n}`,
  'workers/check.ts': `import { app } from '../src/app.ts';\nexport const worker = app;`,
};

/** More of it, for the violations below to reach for. */
const BYSTANDERS: Record<string, string> = {
  'src/platform/image/other.ts': `export const d = 1;`,
  'src/features/alerts/types.ts': `export interface S { a: 1 }`,
  'src/features/takedown/index.ts': `export const s = 1;`,
};

const trees: string[] = [];

afterEach(() => {
  for (const tree of trees.splice(0)) rmSync(tree, { recursive: true, force: true });
});

function check(files: Record<string, string>): { code: number | null; said: string } {
  const tree = mkdtempSync(join(tmpdir(), 'utsushi-rule-'));
  trees.push(tree);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, name)), { recursive: true });
    writeFileSync(join(tree, name), `${text}\n`);
  }
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, tree], { encoding: 'utf8' });
  return { code: status, said: stdout + stderr };
}

describe('who may know whom', () => {
  it('passes a house that keeps the rules', () => {
    const { code, said } = check(CLEAN);
    expect(said).toContain('11 modules');
    expect(code).toBe(0);
  });

  it.each<[string, string, string, string]>([
    [
      'a cycle',
      'src/features/audit/audit.ts',
      `import { a as b } from './index.ts';\nexport const a = () => b;`,
      'no-cycle: src/features/audit/',
    ],
    [
      'an upward import',
      'src/vision/raster.ts',
      `import { d } from '../platform/image/other.ts';\nexport const up = d;`,
      'vision-is-below: src/vision/raster.ts -> src/platform/image/other.ts',
    ],
    [
      'a type-only upward import',
      'src/platform/queue/queue.ts',
      `import type { S } from '../../features/alerts/types.ts';\nexport type Q = S;`,
      'platform-is-below: src/platform/queue/queue.ts -> src/features/alerts/types.ts',
    ],
  ])('fails on %s alone', (_what, file, text, complaint) => {
    const { code, said } = check({ ...CLEAN, ...BYSTANDERS, [file]: text });
    expect(said).toContain(complaint);
    expect(said).toContain('1 imports break the rule');
    expect(code).toBe(1);
  });

  it('names every other kind of violation', () => {
    // file: what it imports wrongly, and the beginning of the complaint
    const planted: Record<string, [text: string, complaint: string]> = {
      'src/features/people/up.ts': [`export const a = () => import('../../app.ts');`, 'features-are-below'],
      'src/platform/fetch/options.ts': [`export type { c } from '../../config.ts';`, 'platform-is-below'],
      'src/platform/fetch/inline.ts': [
        `import { type c } from '../../config.ts';\nexport type Q = typeof c;`,
        'platform-is-below',
      ],
      'src/features/audit/later.ts': [
        `import { s } from '../takedown/index.ts';\nexport const a = s;`,
        'feature-order-audit',
      ],
      'src/features/alerts/insides.ts': [
        `import { a } from '../audit/audit.ts';\nexport const s = a;`,
        'feature-through-its-index',
      ],
      'src/features/gossip/index.ts': [
        `import { E } from '../../errors.ts';\nexport const g = E;`,
        'feature-unlisted',
      ],
      'src/vision/io.ts': [
        `import { readFileSync } from 'node:fs';\nexport const io = readFileSync;`,
        'vision-is-pure',
      ],
      'src/vision/clock.ts': [`import type { X } from 'perf_hooks';\nexport type C = X;`, 'vision-is-pure'],
      'src/features/alerts/picture.ts': [
        `import type { Sharp } from 'sharp';\nexport type S = Sharp;`,
        'only-src-platform-image-knows-sharp',
      ],
      'workers/other.ts': [
        `import { Worker } from 'bullmq';\nexport const w = Worker;`,
        'only-src-platform-queue-knows-bullmq',
      ],
      'src/features/audit/driver.ts': [
        `import pg from 'pg';\nexport const a = pg;`,
        'only-src-platform-storage-knows-pg',
      ],
      'src/entry/cli/sql.ts': [
        `import { sql } from 'kysely';\nexport const a = sql;`,
        'only-src-platform-storage-knows-kysely',
      ],
      'src/features/checks/fetch.ts': [
        `import f from 'node-fetch';\nexport const a = f;`,
        'only-src-platform-fetch-knows-node-fetch',
      ],
      'src/platform/storage/runner.ts': [
        `import { test } from 'node:test';\nexport const t = test;`,
        'no-test-runner',
      ],
      'src/vision/held.ts': [
        `export async function u() {\n  await using a = await import('../app.ts');\n  return a;\n}`,
        'vision-is-below',
      ],
      'workers/lost.ts': [`import { gone } from './gone.ts';\nexport const g = gone;`, 'resolvable'],
      'workers/entry.ts': [
        `import { main } from '../src/entry/cli/main.ts';\nexport const m = main;`,
        'workers-know-the-house',
      ],
    };
    const files = Object.fromEntries(Object.entries(planted).map(([file, [text]]) => [file, text]));
    const { code, said } = check({ ...CLEAN, ...BYSTANDERS, ...files });
    for (const [file, [, complaint]] of Object.entries(planted))
      expect(said).toContain(`${complaint}: ${file} ->`);
    expect(said).toContain(`${Object.keys(planted).length} imports break the rule`);
    expect(code).toBe(1);
  });

  it('does not call a tree good that it did not read', () => {
    const { code, said } = check({ 'src/errors.ts': 'export const e = 1;', 'src/only.js': 'export {};' });
    expect(said).toContain('only 1 modules');
    expect(code).toBe(1);
  });
});
