#!/usr/bin/env node
/**
 * Completes package-lock.json: `npm ci` refuses a lock in which an optional package of ANY platform is missing, and
 * npm leaves such a package out whenever the registry it was asked does not carry it (partial mirrors do that).
 * Every such package is named with an exact version by the package that wants it, so its entry can be written down:
 * version, os, cpu, libc (read off its name) and "optional". It has no integrity, because nobody here saw its bytes;
 * npm fetches it only on the platform it is made for.
 *
 *   node scripts/complete-lock.mjs           add what is missing
 *   node scripts/complete-lock.mjs --check   only say so; exit 1 when something is missing
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const SYSTEMS = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
];
const PROCESSORS = {
  'arm-': 'arm',
  arm: 'arm',
  arm64: 'arm64',
  ia32: 'ia32',
  loong64: 'loong64',
  mips64el: 'mips64el',
  ppc64: 'ppc64',
  riscv64: 'riscv64',
  s390x: 's390x',
  x64: 'x64',
  wasm32: 'wasm32',
};

/**
 * @param {{ packages: Record<string, { optionalDependencies?: Record<string, string>, dev?: boolean }> }} lock
 * @returns {{ name: string, version: string, wantedBy: string, dev: boolean }[]} in the order of the lock
 */
export function missingOptionalPackages(lock) {
  const missing = [];
  const seen = new Set();
  for (const [place, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (seen.has(name) || resolves(lock.packages, place, name)) continue;
      seen.add(name);
      missing.push({ name, version, wantedBy: place, dev: entry.dev === true });
    }
  }
  return missing;
}

/** Whether `name`, asked for by the package at `place`, is found there or in a node_modules above it. */
function resolves(packages, place, name) {
  for (let at = place; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
    if (packages[`${at === '' ? '' : `${at}/`}node_modules/${name}`] !== undefined) return true;
    if (at === '') return false;
  }
}

/** A lock entry for a platform's package, or undefined when its name does not say which platform. */
function entryFor({ name, version, dev }) {
  const words = name.replace(/^.*\//, '').split('-');
  const os = words.filter((word) => SYSTEMS.includes(word));
  const cpu = words.map((word) => PROCESSORS[word]).filter((word) => word !== undefined);
  if (os.length !== 1 || cpu.length !== 1 || !/^\d+\.\d+\.\d+/.test(version)) return undefined;
  const libc = words.includes('musl') ? ['musl'] : words.includes('gnu') ? ['glibc'] : undefined;
  return {
    version,
    cpu,
    ...(dev ? { dev: true } : {}),
    ...(libc && os[0] === 'linux' ? { libc } : {}),
    optional: true,
    os,
  };
}

function main() {
  const file = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', 'package-lock.json');
  const lock = JSON.parse(readFileSync(file, 'utf8'));
  const missing = missingOptionalPackages(lock);
  if (missing.length === 0) return console.error('lock: complete');
  if (process.argv.includes('--check')) {
    console.error(
      `lock: ${missing.length} optional packages are missing: ${missing.map((one) => one.name).join(', ')}`,
    );
    console.error(
      'lock: `npm ci` would refuse it. Run: node scripts/complete-lock.mjs, and commit package-lock.json',
    );
    process.exitCode = 1;
    return;
  }
  for (const one of missing) {
    const entry = entryFor(one);
    if (entry === undefined) {
      console.error(
        `lock: cannot tell the platform of ${one.name}@${one.version} (wanted by ${one.wantedBy}); add it by hand`,
      );
      process.exitCode = 1;
      continue;
    }
    lock.packages[`node_modules/${one.name}`] = entry;
    console.error(`lock: added ${one.name}@${one.version}`);
  }
  const [root, ...rest] = Object.entries(lock.packages);
  lock.packages = Object.fromEntries([root, ...rest.toSorted(([a], [b]) => a.localeCompare(b, 'en'))]);
  const next = `${file}.${process.pid}.tmp`;
  writeFileSync(next, `${JSON.stringify(lock, null, 2)}\n`);
  renameSync(next, file);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) main();
