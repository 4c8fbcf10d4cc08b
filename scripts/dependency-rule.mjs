#!/usr/bin/env node
/**
 * Checks "who may know whom" (.dependency-cruiser.cjs) over src/ and workers/ of a tree, this one by default.
 * dependency-cruiser says "no violations" when it could not read a single module, so every TypeScript file on disk must
 * turn up among the modules it read, and there must be a few of them.
 *
 *   node scripts/dependency-rule.mjs [TREE]      exit 0 kept, 1 broken or not checkable
 */
import fs from 'node:fs';
import path from 'node:path';
import { Failure, ROOT, run, runMain } from './lib/common.mjs';

const AT_LEAST = 5;

async function main() {
  const tree = path.resolve(process.argv[2] ?? ROOT);
  const tops = ['src', 'workers'].filter((top) => fs.existsSync(path.join(tree, top)));
  const onDisk = tops.flatMap((top) =>
    fs
      .readdirSync(path.join(tree, top), { recursive: true })
      .map((file) => path.posix.join(top, file.split(path.sep).join('/')))
      .filter((file) => /\.tsx?$/.test(file) && !file.endsWith('.d.ts')),
  );
  if (onDisk.length < AT_LEAST) {
    throw new Failure(
      `only ${onDisk.length} modules in ${tree}: is this the right tree? (at least ${AT_LEAST})`,
    );
  }
  const cruiser = path.join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const config = path.join(ROOT, '.dependency-cruiser.cjs');
  const args = ['--config', config, '--output-type', 'json', ...tops];
  const result = await run(cruiser, args, { cwd: tree });
  let report;
  try {
    report = JSON.parse(result.stdout);
  } catch {
    throw new Failure(`dependency-cruiser did not finish:\n${result.output.trim()}`);
  }
  const read = new Set(report.modules.map((module) => module.source));
  const unread = onDisk.filter((file) => !read.has(file));
  if (unread.length > 0) {
    throw new Failure(
      `dependency-cruiser read ${onDisk.length - unread.length} of ${onDisk.length} modules, so its silence says nothing. Is @swc/core installed? Not read: ${unread.slice(0, 5).join(', ')}`,
    );
  }
  const violations = report.summary.violations;
  if (violations.length > 0) {
    const comments = new Map(report.summary.ruleSetUsed.forbidden.map((rule) => [rule.name, rule.comment]));
    const lines = violations.map(({ rule, from, to, cycle }) => {
      const route = cycle ? [from, ...cycle.map((step) => step.name)].join(' -> ') : `${from} -> ${to}`;
      return `  ${rule.name}: ${route}\n      ${comments.get(rule.name) ?? ''}`;
    });
    throw new Failure(`${violations.length} imports break the rule\n${lines.join('\n')}`);
  }
  process.stdout.write(
    `${onDisk.length} modules, ${report.summary.totalDependenciesCruised} imports, no violation\n`,
  );
}

await runMain('dependency rule', main);
