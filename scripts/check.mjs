#!/usr/bin/env node
/**
 * Everything a machine can check without services: form, lint, types, the dependency rule, dead code, unit tests.
 * One line a step; stops at the first failure with its output.
 *
 *   node scripts/check.mjs [STEP...]     all steps, or only those named
 */
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { Failure, ROOT, run, runMain, took } from './lib/common.mjs';

const bin = (file) => path.join(ROOT, 'node_modules', file);

const STEPS = [
  {
    name: 'format',
    command: [bin('prettier/bin/prettier.cjs'), '--check', '--log-level', 'warn', '.'],
    remedy: 'npx prettier --write .',
  },
  {
    name: 'lint',
    command: [bin('oxlint/bin/oxlint'), '--deny-warnings', '--report-unused-disable-directives'],
  },
  {
    name: 'types',
    command: [bin('typescript/bin/tsc'), '-p', 'tsconfig.check.json'],
    // The console runs in a browser: other types are around it.
    andThen: [bin('typescript/bin/tsc'), '-p', 'src/entry/console/tsconfig.json'],
  },
  { name: 'who may know whom', command: [path.join(ROOT, 'scripts/dependency-rule.mjs')] },
  { name: 'dead code', command: [bin('knip/bin/knip.js'), '--no-progress', '--no-config-hints'] },
  {
    name: 'unit tests',
    command: [bin('vitest/vitest.mjs'), 'run', '--project', 'unit', '--passWithNoTests'],
    summary: /Tests\s+(.*)/,
  },
];

async function main() {
  const setup = await run(path.join(ROOT, 'scripts/setup.mjs'), [], { show: true });
  if (setup.code !== 0) throw new Failure('stopped: the packages could not be installed (see above)');
  const named = process.argv.slice(2);
  const unknown = named.filter((name) => !STEPS.some((step) => step.name === name));
  if (unknown.length > 0) {
    throw new Failure(
      `no such step: ${unknown.join(', ')}. Steps: ${STEPS.map((step) => step.name).join(', ')}`,
    );
  }
  const all = performance.now();
  for (const { name, command, andThen, remedy, summary } of STEPS) {
    if (named.length > 0 && !named.includes(name)) continue;
    const since = performance.now();
    const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined };
    let ran = await run(process.execPath, command, { env });
    if (ran.code === 0 && andThen !== undefined) ran = await run(process.execPath, andThen, { env });
    const { code, output, stdout } = ran;
    if (code !== 0) {
      process.stdout.write(`${stripVTControlCharacters(output.trimEnd())}\n✗ ${name} (${took(since)})\n`);
      throw new Failure(`failed at: ${name}${remedy === undefined ? '' : `. To mend it: ${remedy}`}`);
    }
    const detail = summary?.exec(stdout)?.[1] ?? (name === 'who may know whom' ? stdout.trim() : '');
    process.stdout.write(`✓ ${name} (${took(since)})${detail === '' ? '' : `: ${detail}`}\n`);
  }
  process.stdout.write(`check: all good in ${took(all)}\n`);
}

await runMain('check', main);
