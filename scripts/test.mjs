#!/usr/bin/env node
/**
 * All the tests: installs what is missing, builds, finds a real Redis, runs every vitest project.
 * The last line is "N passed, N failed, N skipped"; the exit code is vitest's.
 *
 *   node scripts/test.mjs [--full] [vitest's arguments: files, -t NAME, --project unit ...]
 */
import fs from 'node:fs';
import path from 'node:path';
import { CACHE, Failure, ROOT, run, runMain, say, took } from './lib/common.mjs';

const RESULTS = path.join(CACHE, `test-results-${process.pid}.json`);

async function main() {
  const args = process.argv.slice(2).filter((one) => one !== '--full');
  const full = args.length < process.argv.length - 2;
  await step('1/4 packages', () => script('setup.mjs'));
  await step('2/4 build', () => script('build.mjs'));
  const env = { ...process.env, UTSUSHI_TEST_RESULTS: RESULTS, ...(full ? { UTSUSHI_TEST_FULL: '1' } : {}) };
  let container;
  await step('3/4 a real Redis', async () => {
    const found = await run(path.join(ROOT, 'scripts/find-redis.mjs'), []);
    if (found.code !== 0) throw new Failure(found.output.trim());
    const { server, url, container: started } = JSON.parse(found.stdout);
    container = started;
    if (server === undefined) env.UTSUSHI_TEST_REDIS_URL = url;
    else env.UTSUSHI_TEST_REDIS_SERVER = server;
    return server === undefined
      ? url
      : path.relative(ROOT, server).startsWith('..')
        ? server
        : path.relative(ROOT, server);
  });
  say('test', `4/4 vitest${full ? ', the long ones too (UTSUSHI_TEST_FULL=1)' : ''}`);
  fs.mkdirSync(CACHE, { recursive: true });
  const vitest = path.join(ROOT, 'node_modules/vitest/vitest.mjs');
  const reporters = [
    '--reporter=default',
    `--reporter=${path.join(ROOT, 'scripts/lib/quiet-json-reporter.mjs')}`,
  ];
  try {
    const { code } = await run(vitest, ['run', ...reporters, ...args], { env, show: true });
    process.exitCode = code;
    const { passed, failed, skipped } = count();
    // A run that failed without a failed test (an unhandled error, a file that does not load) is not "0 failed".
    const shown = code !== 0 && failed === 0 ? 1 : failed;
    process.stdout.write(`${passed} passed, ${shown} failed, ${skipped} skipped\n`);
  } finally {
    fs.rmSync(RESULTS, { force: true });
    if (container !== undefined) await run('docker', ['rm', '-f', container]);
  }
}

async function step(name, work) {
  const since = performance.now();
  const detail = await work();
  say('test', `${name}: ready (${took(since)})${detail === undefined ? '' : `: ${detail}`}`);
}

async function script(name) {
  const { code } = await run(path.join(ROOT, 'scripts', name), [], { show: true });
  if (code !== 0) throw new Failure(`stopped: scripts/${name} failed (see above)`);
}

function count() {
  let report;
  try {
    report = JSON.parse(fs.readFileSync(RESULTS, 'utf8'));
  } catch {
    return { passed: 0, failed: 0, skipped: 0 }; // vitest said why
  }
  const unloadable = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((one) => one.status === 'failed'),
  ).length;
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + unloadable,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

await runMain('test', main);
