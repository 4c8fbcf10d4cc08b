/** Real `utsushi` processes for a test, made from the build, and what the operating system says of them. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { eventually } from './installation.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const GIVE_UP_MS = 90_000;

/** Brings dist/ up to date; quick when nothing changed. */
export async function build(): Promise<void> {
  await promisify(execFile)(process.execPath, ['scripts/build.mjs'], { cwd: REPOSITORY });
}

/** How a process ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface UtsushiProcess {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** What it wrote so far, stdout and stderr in one. */
  output(): string;
  /** Waits until it says this; fails when it ends first. */
  says(text: RegExp): Promise<RegExpExecArray>;
  /** Sends the signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<Ended>;
}

/** Fails with what the process wrote unless it exited 0. */
export function mustSucceed({ code, signal, stdout, stderr }: Ended): void {
  if (code !== 0) throw new Error(`exit code ${code}, signal ${signal}:\n${stdout}\n${stderr}`);
}

/** Every process of one test file; `endAll` leaves none behind, whatever the tests did. */
export class Processes {
  readonly #env: Record<string, string>;
  readonly #running = new Set<ChildProcess>();

  /** @param env the whole environment of each, but for PATH and HOME: nothing of the test runner's own gets in */
  constructor(env: Record<string, string>) {
    this.#env = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env };
  }

  start(...args: string[]): UtsushiProcess {
    const child = spawn(process.execPath, ['dist/cli/main.js', ...args], {
      cwd: REPOSITORY,
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#running.add(child);
    let stdout = '';
    let stderr = '';
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      output += text;
    });
    let over = false;
    // Not 'close': a killed process's compute children may hold its stderr a moment longer.
    const ended = new Promise<Ended>((resolve) => {
      child.once('exit', (code, signal) => {
        over = true;
        this.#running.delete(child);
        setImmediate(() => resolve({ code, signal, stdout, stderr }));
      });
    });
    return {
      pid: child.pid!,
      ended,
      output: () => output,
      says: (text) =>
        eventually(
          `utsushi ${args.join(' ')} to say ${text}`,
          async () => {
            const found = text.exec(output);
            if (found === null && over)
              throw new Error(`utsushi ${args.join(' ')} ended without saying ${text}:\n${output}`);
            return found ?? undefined;
          },
          GIVE_UP_MS,
        ),
      end: async (signal) => {
        if (!over) child.kill(signal);
        return ended;
      },
    };
  }

  /** Runs a command to its end. */
  run(...args: string[]): Promise<Ended> {
    return this.start(...args).ended;
  }

  async worker(): Promise<UtsushiProcess> {
    const worker = this.start('worker');
    await worker.says(/worker is up/);
    return worker;
  }

  async up(): Promise<UtsushiProcess> {
    const up = this.start('up', '--port', '0');
    await up.says(/Utsushi is up/);
    return up;
  }

  async endAll(): Promise<void> {
    await Promise.all(
      [...this.#running].map(async (child) => {
        const gone = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGKILL');
        await gone;
      }),
    );
  }
}

/** The compute processes that `pid` has now. Linux only. */
export async function computeChildrenOf(pid: number): Promise<number[]> {
  const children: number[] = [];
  for (const each of await allPids()) {
    const stat = await readFile(`/proc/${each}/stat`, 'latin1').catch(() => '');
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(parent) !== pid || state === 'Z') continue;
    // The database server is its child as well.
    if ((await readFile(`/proc/${each}/cmdline`, 'utf8').catch(() => '')).includes('compute/child')) {
      children.push(each);
    }
  }
  return children;
}

/** Living processes that were started for this directory: it is in their environment or on their command line. */
export async function processesOf(directory: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await allPids()) {
    if (pid === process.pid) continue;
    const [environment, line] = await Promise.all(
      ['environ', 'cmdline'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')),
    );
    // A process on its way out has no command line any more.
    if (line !== '' && `${environment}\0${line}`.includes(directory)) {
      found.push(`${pid}: ${line!.replaceAll('\0', ' ')}`);
    }
  }
  return found;
}

async function allPids(): Promise<number[]> {
  return (await readdir('/proc')).map(Number).filter((pid) => pid > 0);
}
