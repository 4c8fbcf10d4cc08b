#!/usr/bin/env node
/**
 * Finds a REAL Redis server for the tests, without installing anything system-wide and without starting a service:
 *   1. UTSUSHI_TEST_REDIS_SERVER, UTSUSHI_TEST_REDIS_URL, REDIS_URL    what the caller names
 *   2. redis-server or valkey-server on PATH
 *   3. Debian and its kin: the distribution's package, downloaded with apt and unpacked into .cache/redis (no root needed)
 *   4. docker, when its engine runs: a container on a random loopback port
 * Prints one line of JSON on stdout: {"server": PATH of a redis-server} or {"url": "redis://…", "container"?: ID}, and
 * what it does on stderr. Exit 1 when there is none, saying how to get one.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  CACHE,
  Failure,
  canWrite,
  findOnPath,
  run,
  runMain,
  say,
  took,
  withLock,
  writeAtomically,
} from './lib/common.mjs';

const HOW_TO_GET_ONE = `no Redis was found. One of these will do:
    Debian/Ubuntu  apt-get install redis-server
    macOS          brew install redis
    anywhere       docker run -d -p 127.0.0.1:6379:6379 redis:7, and UTSUSHI_TEST_REDIS_URL=redis://127.0.0.1:6379
  or name the program with UTSUSHI_TEST_REDIS_SERVER=/path/to/redis-server.`;

async function main() {
  process.stdout.write(`${JSON.stringify(await findRedis())}\n`);
}

/** @returns {Promise<{ server: string } | { url: string, container?: string }>} */
async function findRedis() {
  const named = process.env.UTSUSHI_TEST_REDIS_SERVER;
  if (named) {
    if (await answers(named)) return { server: named };
    throw new Failure(
      `UTSUSHI_TEST_REDIS_SERVER=${named} is not a redis-server that runs here. Correct or unset it.`,
    );
  }
  const url = process.env.UTSUSHI_TEST_REDIS_URL || process.env.REDIS_URL;
  if (url) return { url };
  for (const name of ['redis-server', 'valkey-server']) {
    const server = findOnPath(name);
    if (server !== undefined && (await answers(server))) return { server };
  }
  return (await fromDebian()) ?? (await fromDocker()) ?? fail();
}

async function answers(server) {
  const result = await run(server, ['--version']);
  return result.code === 0 && /v=\d+\./.test(result.output);
}

/** Unpacks the distribution's package into a folder of ours; a wrapper there sets the library path for this one program. */
async function fromDebian() {
  if (process.platform !== 'linux' || !findOnPath('apt-get') || !findOnPath('dpkg-deb')) return undefined;
  if (!canWrite(CACHE)) return unpackDebian(fs.mkdtempSync(path.join(os.tmpdir(), 'utsushi-redis-')));
  const home = path.join(CACHE, 'redis');
  const server = path.join(home, 'redis-server');
  if (fs.existsSync(server) && (await answers(server))) return { server };
  return withLock('redis', 'redis', async () => {
    if (fs.existsSync(server) && (await answers(server))) return { server };
    return unpackDebian(home);
  });
}

async function unpackDebian(home) {
  const since = performance.now();
  say(
    'redis',
    `none on PATH; downloading the distribution's redis-server into ${path.relative(process.cwd(), home) || home}`,
  );
  fs.rmSync(home, { recursive: true, force: true });
  const debs = path.join(home, 'debs');
  fs.mkdirSync(debs, { recursive: true });

  let own = [];
  let result = await download(debs, own);
  if (result.code !== 0) {
    // No package lists on this machine (a fresh container), or old ones: fetch lists of our own.
    own = privateApt(home);
    const update = await run('apt-get', [...own, 'update']);
    if (update.code === 0) result = await download(debs, own);
    else result = update;
  }
  if (result.code !== 0) {
    say(
      'redis',
      `apt-get could not download it:\n    ${result.output.trim().split('\n').slice(-3).join('\n    ')}`,
    );
    return undefined;
  }
  for (const file of fs.readdirSync(debs).filter((one) => one.endsWith('.deb'))) {
    const unpacked = await run('dpkg-deb', ['-x', path.join(debs, file), path.join(home, 'root')]);
    if (unpacked.code !== 0) {
      say('redis', `dpkg-deb could not unpack ${file}: ${unpacked.output.trim()}`);
      return undefined;
    }
  }
  const binary = path.join(home, 'root/usr/bin/redis-server');
  const libraries = libraryFolders(path.join(home, 'root')).join(':');
  const server = path.join(home, 'redis-server');
  const quote = (text) => `'${text.replaceAll("'", String.raw`'\''`)}'`;
  writeAtomically(
    server,
    `#!/bin/sh\nLD_LIBRARY_PATH=${quote(libraries)}\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}\nexport LD_LIBRARY_PATH\nexec ${quote(binary)} "$@"\n`,
    0o755,
  );
  for (const scrap of ['debs', 'apt']) fs.rmSync(path.join(home, scrap), { recursive: true, force: true });
  const tried = await run(server, ['--version']);
  if (tried.code !== 0) {
    say('redis', `the downloaded server does not run: ${tried.output.trim()}`);
    return undefined;
  }
  say('redis', `ready in ${took(since)}: ${tried.output.trim().split(' ').slice(0, 3).join(' ')}`);
  return { server };
}

/** Downloads redis-server, redis-tools and the libraries these need beyond what every system has. */
async function download(into, aptOptions) {
  const depends = await run('apt-cache', [
    ...aptOptions,
    'depends',
    '--important',
    'redis-server',
    'redis-tools',
  ]);
  if (depends.code !== 0) return depends;
  const libraries = [...depends.stdout.matchAll(/Depends: (lib[\w.+-]+)/g)]
    .map((match) => match[1])
    .filter((name) => !/^libc6$|^libgcc|^libstdc|^libelogind/.test(name));
  return run('apt-get', [...aptOptions, 'download', 'redis-server', 'redis-tools', ...new Set(libraries)], {
    cwd: into,
  });
}

/** apt settings under which any user can update package lists: all state lives in `home`. */
function privateApt(home) {
  const apt = path.join(home, 'apt');
  for (const folder of ['lists/partial', 'cache/archives/partial']) {
    fs.mkdirSync(path.join(apt, folder), { recursive: true });
  }
  return [
    `Dir::State::lists=${apt}/lists`,
    `Dir::Cache=${apt}/cache`,
    'Debug::NoLocking=true',
    `APT::Sandbox::User=${os.userInfo().username}`,
  ].flatMap((option) => ['-o', option]);
}

function libraryFolders(root) {
  const folders = new Set();
  for (const file of fs.readdirSync(root, { recursive: true })) {
    if (/\.so(\.\d+)*$/.test(file)) folders.add(path.dirname(path.join(root, file)));
  }
  return [...folders];
}

async function fromDocker() {
  const docker = findOnPath('docker');
  if (docker === undefined || (await run(docker, ['info'])).code !== 0) return undefined;
  say('redis', 'starting a container from redis:7');
  const started = await run(docker, ['run', '-d', '--rm', '-p', '127.0.0.1::6379', 'redis:7']);
  if (started.code !== 0) {
    say('redis', `docker could not start it: ${started.output.trim()}`);
    return undefined;
  }
  const container = started.stdout.trim();
  const port = (await run(docker, ['port', container, '6379/tcp'])).stdout.trim().split(':').at(-1);
  return { url: `redis://127.0.0.1:${port}`, container };
}

function fail() {
  throw new Failure(HOW_TO_GET_ONE);
}

await runMain('redis', main);
