#!/usr/bin/env node
/**
 * Compiles src/ and workers/ into dist/ (dist/src, dist/workers), copies what is not TypeScript beside it, writes the
 * launcher dist/cli/main.js, and bundles the console into dist/console. Does nothing for what did not change since the
 * last build. A failed build leaves dist/ as it was; a running Utsushi never sees a half-written file; two builds at
 * once take turns. Writes to stderr only.
 *
 *   node scripts/build.mjs [--force]
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { Failure, ROOT, run, runMain, say, took, withLock, writeAtomically } from './lib/common.mjs';

const DIST = path.join(ROOT, 'dist');
const NOT_ASSETS = /(\.[cm]?ts|\.tsx|\.md)$/;
const CONSOLE = path.join('src', 'entry', 'console');

/** What is built apart: a change to one leaves the other alone. `homes` are below dist/; nothing else may live there. */
const TARGETS = [
  {
    name: 'server',
    homes: ['src', 'workers', 'cli'],
    inputs: () => ['src', 'workers'].flatMap(filesOfTop).filter((file) => !isOfConsole(file)),
    settings: ['tsconfig.json', path.join('node_modules', 'typescript', 'package.json')],
    produce: compileServer,
  },
  {
    name: 'console',
    homes: ['console'],
    inputs: () => filesOfTop(CONSOLE),
    // The bundle holds the packages too: whatever changes their versions changes it.
    settings: ['package-lock.json'],
    produce: bundleConsole,
  },
];

async function main() {
  const force = process.argv.includes('--force');
  const due = () => TARGETS.filter((target) => force || !isCurrent(target));
  if (due().length === 0) return;
  await withLock('build', 'build', async () => {
    const targets = due();
    if (targets.length === 0) return say('build', 'another process has built it');
    const results = await Promise.allSettled(targets.map(build));
    const failed = results.find(({ status }) => status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  });
}

async function build(target) {
  const since = performance.now();
  const before = inputHash(target);
  const staging = path.join(DIST, `.staging-${target.name}`);
  fs.rmSync(staging, { recursive: true, force: true });
  fs.mkdirSync(staging, { recursive: true });
  try {
    await target.produce(staging);
  } catch (error) {
    fs.rmSync(staging, { recursive: true, force: true });
    throw error;
  }
  const built = filesUnder(staging, '');
  const changed = built.filter((file) => !sameContent(path.join(staging, file), path.join(DIST, file)));
  for (const file of changed) {
    fs.mkdirSync(path.dirname(path.join(DIST, file)), { recursive: true });
    fs.renameSync(path.join(staging, file), path.join(DIST, file));
  }
  fs.rmSync(staging, { recursive: true, force: true });
  const keep = new Set(built);
  const homes = target.homes.filter((home) => fs.existsSync(path.join(DIST, home)));
  const stale = homes.flatMap((home) => filesUnder(DIST, home)).filter((file) => !keep.has(file));
  for (const file of stale) fs.rmSync(path.join(DIST, file), { force: true });
  // The hash from before: an edit during the build makes the next one run.
  writeAtomically(stampOf(target), `${before}\n`);
  say(
    'build',
    `${target.name} is ready: ${built.length} files, ${changed.length} changed, in ${took(since)}`,
  );
}

async function compileServer(staging) {
  const tsc = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  if (!fs.existsSync(tsc)) throw new Failure('the TypeScript compiler is not installed. Run: npm run setup');
  await runTool('TypeScript found errors', [
    tsc,
    '-p',
    'tsconfig.json',
    '--outDir',
    staging,
    '--noEmitOnError',
  ]);
  for (const file of TARGETS[0].inputs().filter((one) => !NOT_ASSETS.test(one))) {
    fs.mkdirSync(path.dirname(path.join(staging, file)), { recursive: true });
    fs.copyFileSync(path.join(ROOT, file), path.join(staging, file));
  }
  fs.mkdirSync(path.join(staging, 'cli'), { recursive: true });
  fs.writeFileSync(
    path.join(staging, 'cli', 'main.js'),
    "#!/usr/bin/env node\nimport '../src/entry/cli/main.js';\n",
    { mode: 0o755 },
  );
}

async function bundleConsole(staging) {
  const vite = path.join(ROOT, 'node_modules', 'vite', 'bin', 'vite.js');
  if (!fs.existsSync(vite)) throw new Failure('Vite is not installed. Run: npm run setup');
  const outDir = path.join(staging, 'console');
  await runTool('Vite could not bundle the console', [
    vite,
    'build',
    CONSOLE,
    '--config',
    path.join(CONSOLE, 'vite.config.ts'),
    '--outDir',
    outDir,
    '--logLevel',
    'warn',
  ]);
}

async function runTool(complaint, command) {
  // Whoever builds in a test must get what users get: React is another program elsewhere.
  const env = { ...process.env, NODE_ENV: 'production' };
  const result = await run(process.execPath, command, { env });
  if (result.code === 0) return;
  const lines = result.output.trim().split('\n');
  const more =
    lines.length > 40 ? `\n… ${lines.length - 40} more lines; all of them: npm run check -- types` : '';
  throw new Failure(`${complaint}; dist/ was left as it was.\n${lines.slice(0, 40).join('\n')}${more}`);
}

const stampOf = ({ name }) => path.join(DIST, `.stamp-${name}`);

function isCurrent(target) {
  try {
    const there = target.homes.every((home) => fs.existsSync(path.join(DIST, home)));
    return there && fs.readFileSync(stampOf(target), 'utf8').trim() === inputHash(target);
  } catch {
    return false;
  }
}

/** One hash over everything the output depends on. */
function inputHash(target) {
  const hash = createHash('sha256');
  for (const file of [...target.inputs(), ...target.settings, 'scripts/build.mjs']) {
    hash.update(`${file}\0`);
    const absolute = path.join(ROOT, file);
    hash.update(fs.existsSync(absolute) ? fs.readFileSync(absolute) : 'absent').update('\0');
  }
  return hash.digest('hex');
}

function filesOfTop(top) {
  return fs.existsSync(path.join(ROOT, top)) ? filesUnder(ROOT, top) : [];
}

function isOfConsole(file) {
  return file.startsWith(`${CONSOLE}${path.sep}`);
}

/** Paths of all files below base/sub, relative to base, sorted; editors' hidden files are left out. */
function filesUnder(base, sub) {
  return fs
    .readdirSync(path.join(base, sub), { withFileTypes: true })
    .filter((entry) => !entry.name.startsWith('.'))
    .flatMap((entry) => {
      const file = path.join(sub, entry.name);
      return entry.isDirectory() ? filesUnder(base, file) : [file];
    })
    .toSorted();
}

function sameContent(one, other) {
  return (
    fs.existsSync(other) &&
    fs.statSync(one).mode === fs.statSync(other).mode &&
    fs.readFileSync(one).equals(fs.readFileSync(other))
  );
}

await runMain('build', main);
