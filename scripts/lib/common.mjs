/** What the scripts share. Plain Node, no packages: they run before anything is installed. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root directory. */
export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Everything that can be thrown away and made again, and is not committed. */
export const CACHE = path.join(ROOT, '.cache');

/** A failure whose message already says what to do; printed without a stack. */
export class Failure extends Error {}

/** Progress and advice go to stderr: stdout belongs to the command that runs afterwards. */
export function say(who, text) {
  process.stderr.write(`${who}: ${text}\n`);
}

/** `1.2 s`, `340 ms` */
export function took(since) {
  const ms = performance.now() - since;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** Runs `main`; a Failure is printed as advice, anything else with its stack. Exit code 1 either way. */
export async function runMain(who, main) {
  try {
    await main();
  } catch (error) {
    say(
      who,
      error instanceof Failure ? error.message : `unforeseen failure\n${error?.stack ?? String(error)}`,
    );
    process.exitCode = 1;
  }
}

/**
 * Runs a program and waits for it.
 * @param {string} file program, or a .mjs/.js script to be run by this Node
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, show?: boolean }} [options] show: let it write to the terminal
 *   (stdout and stderr as they are) instead of collecting what it prints
 * @returns {Promise<{ code: number, output: string, stdout: string }>} code 127: there is no such program;
 *   output: stdout and stderr in the order they came
 */
export function run(file, args, options = {}) {
  const script = /\.[cm]?js$/.test(file);
  const child = spawn(script ? process.execPath : file, script ? [file, ...args] : args, {
    cwd: options.cwd ?? ROOT,
    env: options.env ?? process.env,
    stdio: options.show ? 'inherit' : ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let stdout = '';
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    output += text;
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', (error) => {
      if (error.code === 'ENOENT') resolve({ code: 127, output: `${file}: not found`, stdout: '' });
      else reject(error);
    });
    child.on('close', (code, signal) => {
      resolve({ code: code ?? 128 + (os.constants.signals[signal] ?? 0), output, stdout });
    });
  });
}

/** The first program of this name on PATH, or undefined. */
export function findOnPath(name) {
  for (const directory of (process.env.PATH ?? '').split(path.delimiter)) {
    if (directory === '') continue;
    const file = path.join(directory, name);
    try {
      fs.accessSync(file, fs.constants.X_OK);
      if (fs.statSync(file).isFile()) return file;
    } catch {
      // not here
    }
  }
  return undefined;
}

/** Whether a file could be made in this directory (or in the nearest one above it that exists). */
export function canWrite(directory) {
  let at = directory;
  while (!fs.existsSync(at) && path.dirname(at) !== at) at = path.dirname(at);
  try {
    fs.accessSync(at, fs.constants.W_OK | fs.constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Writes a file so that a reader sees the old or the new content, never half of it. */
export function writeAtomically(file, content, mode = 0o644) {
  const next = `${file}.${process.pid}.tmp`;
  fs.writeFileSync(next, content, { mode });
  fs.chmodSync(next, mode);
  fs.renameSync(next, file);
}

const HEARTBEAT_MS = 2_000;
const STALE_MS = 30_000;

/**
 * Runs `work` while no other process does the same. The lock is a directory holding its owner's name; it is taken
 * over when the owner is dead, or silent for half a minute (an owner on another machine, a recycled pid).
 * @template T
 * @param {string} who for messages
 * @param {string} name of the lock
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(who, name, work) {
  const lock = path.join(CACHE, `${name}.lock`);
  const owner = path.join(lock, 'owner');
  const token = `${os.hostname()} ${process.pid} ${Date.now()}`;
  try {
    fs.mkdirSync(CACHE, { recursive: true });
  } catch (error) {
    throw new Failure(
      `cannot write to ${ROOT} (${error.code}). Run this as the user who owns the folder, or give this user the right to write there.`,
    );
  }
  let waiting = false;
  for (;;) {
    try {
      fs.mkdirSync(lock);
      fs.writeFileSync(owner, token);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') {
        throw new Failure(
          `cannot write to ${CACHE} (${error.code}). It may belong to another user: remove it, or run this as its owner.`,
        );
      }
    }
    if (isAbandoned(lock, owner)) {
      // Renaming is atomic: of several that find the lock abandoned, one moves it away.
      const aside = `${lock}.${process.pid}.old`;
      try {
        fs.renameSync(lock, aside);
        fs.rmSync(aside, { recursive: true, force: true });
      } catch {
        // another process was first
      }
      continue;
    }
    if (!waiting) say(who, `another process is at it (${name}); waiting for it`);
    waiting = true;
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  const heartbeat = setInterval(() => touch(owner), HEARTBEAT_MS);
  const release = () => {
    if (readOwner(owner) === token) fs.rmSync(lock, { recursive: true, force: true });
  };
  process.once('exit', release);
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    process.off('exit', release);
    release();
  }
}

function isAbandoned(lock, owner) {
  try {
    const silentFor = Date.now() - (fs.existsSync(owner) ? fs.statSync(owner) : fs.statSync(lock)).mtimeMs;
    if (silentFor > STALE_MS) return true;
  } catch {
    return false; // gone in the meantime
  }
  const [host, pid] = (readOwner(owner) ?? '').split(' ');
  if (host !== os.hostname() || pid === undefined) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

function readOwner(owner) {
  try {
    return fs.readFileSync(owner, 'utf8');
  } catch {
    return undefined;
  }
}

function touch(file) {
  try {
    const now = new Date();
    fs.utimesSync(file, now, now);
  } catch {
    // the lock was taken over; release() will see that
  }
}
