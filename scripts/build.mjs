#!/usr/bin/env node
/**
 * Compiles src/ and workers/ into dist/ (dist/src, dist/workers), copies what is not TypeScript beside it, and writes
 * the launcher dist/cli/main.js. Does nothing when nothing changed since the last build. A failed build leaves dist/ as
 * it was; a running Utsushi never sees a half-written file; two builds at once take turns. Writes to stderr only.
 *
 *   node scripts/build.mjs [--force]
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { Failure, ROOT, run, runMain, say, took, withLock, writeAtomically } from './lib/common.mjs';

const DIST = path.join(ROOT, 'dist');
const STAMP = path.join(DIST, '.stamp');
const STAGING = path.join(DIST, '.staging');
const LAUNCHER = path.join(DIST, 'cli', 'main.js');
const INPUTS = ['src', 'workers'];
const NOT_ASSETS = /(\.[cm]?ts|\.tsx|\.md)$/;

async function main() {
  const force = process.argv.includes('--force');
  if (!force && isCurrent()) return;
  await withLock('build', 'build', async () => {
    if (!force && isCurrent()) return say('build', 'another process has built it');
    await build();
  });
}

async function build() {
  const since = performance.now();
  const before = inputHash();
  fs.rmSync(STAGING, { recursive: true, force: true });
  fs.mkdirSync(STAGING, { recursive: true });
  const tsc = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  if (!fs.existsSync(tsc)) throw new Failure('the TypeScript compiler is not installed. Run: npm run setup');
  const result = await run(process.execPath, [
    tsc,
    '-p',
    'tsconfig.json',
    '--outDir',
    STAGING,
    '--noEmitOnError',
  ]);
  if (result.code !== 0) {
    fs.rmSync(STAGING, { recursive: true, force: true });
    const lines = result.output.trim().split('\n');
    const more =
      lines.length > 40 ? `\n… ${lines.length - 40} more lines; all of them: npm run check -- types` : '';
    throw new Failure(
      `TypeScript found errors; dist/ was left as it was.\n${lines.slice(0, 40).join('\n')}${more}`,
    );
  }
  for (const file of inputFiles().filter((one) => !NOT_ASSETS.test(one))) {
    fs.mkdirSync(path.dirname(path.join(STAGING, file)), { recursive: true });
    fs.copyFileSync(path.join(ROOT, file), path.join(STAGING, file));
  }
  fs.mkdirSync(path.join(STAGING, 'cli'), { recursive: true });
  fs.writeFileSync(
    path.join(STAGING, 'cli', 'main.js'),
    "#!/usr/bin/env node\nimport '../src/entry/cli/main.js';\n",
    {
      mode: 0o755,
    },
  );

  const built = filesUnder(STAGING, '');
  const changed = built.filter((file) => !sameContent(path.join(STAGING, file), path.join(DIST, file)));
  for (const file of changed) {
    fs.mkdirSync(path.dirname(path.join(DIST, file)), { recursive: true });
    fs.renameSync(path.join(STAGING, file), path.join(DIST, file));
  }
  fs.rmSync(STAGING, { recursive: true, force: true });
  const keep = new Set([...built, '.stamp']);
  const stale = filesUnder(DIST, '').filter((file) => !keep.has(file));
  for (const file of stale) fs.rmSync(path.join(DIST, file), { force: true });
  writeAtomically(STAMP, `${before}\n`); // the hash from before: an edit during the build makes the next one run
  say('build', `dist/ is ready: ${built.length} files, ${changed.length} changed, in ${took(since)}`);
}

function isCurrent() {
  try {
    return fs.existsSync(LAUNCHER) && fs.readFileSync(STAMP, 'utf8').trim() === inputHash();
  } catch {
    return false;
  }
}

/** One hash over everything the output depends on. */
function inputHash() {
  const hash = createHash('sha256');
  const compiler = path.join('node_modules', 'typescript', 'package.json');
  for (const file of [...inputFiles(), 'tsconfig.json', 'scripts/build.mjs', compiler]) {
    hash.update(`${file}\0`);
    const absolute = path.join(ROOT, file);
    hash.update(fs.existsSync(absolute) ? fs.readFileSync(absolute) : 'absent').update('\0');
  }
  return hash.digest('hex');
}

function inputFiles() {
  return INPUTS.filter((top) => fs.existsSync(path.join(ROOT, top))).flatMap((top) => filesUnder(ROOT, top));
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
