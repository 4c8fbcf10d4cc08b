/** The `utsushi` command as a person or a script runs it: a process of its own, from the build. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
export const LAUNCHER = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** Brings dist/ up to date; quick when nothing changed. */
export async function buildCommand(): Promise<void> {
  await promisify(execFile)(process.execPath, ['scripts/build.mjs'], { cwd: REPOSITORY });
}

export interface Ran {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** stdout's lines, parsed as JSON. @throws SyntaxError when one is no JSON */
  json<T>(): T[];
}

export interface Running {
  readonly child: ChildProcess;
  /** The next line on stdout. */
  line(): Promise<string>;
  readonly ended: Promise<Ran>;
}

/** Runs `utsushi` commands in one environment. */
export class CommandLine {
  readonly #env: Record<string, string>;

  /** @param env the whole environment, but for PATH and HOME: nothing of the test runner's own gets in */
  constructor(env: Record<string, string>) {
    this.#env = {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      LANG: 'C.UTF-8',
      ...env,
    };
  }

  with(env: Record<string, string>): CommandLine {
    return new CommandLine({ ...this.#env, ...env });
  }

  /** Runs a command to its end. */
  run(...args: string[]): Promise<Ran> {
    return this.pipe('', ...args);
  }

  /** The same with this on standard input. */
  pipe(stdin: string, ...args: string[]): Promise<Ran> {
    const { child, ended } = this.start(...args);
    child.stdin!.on('error', () => {}).end(stdin);
    return ended;
  }

  /** A line of bash in which `$UTSUSHI` is the command. */
  shell(script: string): Promise<Ran> {
    const { child, ended } = follow(
      spawn('bash', ['-c', script], {
        cwd: REPOSITORY,
        env: { ...this.#env, UTSUSHI: `${process.execPath} ${LAUNCHER}` },
      }),
    );
    child.stdin!.end();
    return ended;
  }

  /** Starts a command whose standard input stays open. */
  start(...args: string[]): Running {
    return follow(spawn(process.execPath, [LAUNCHER, ...args], { cwd: REPOSITORY, env: this.#env }));
  }
}

function follow(child: ChildProcess): Running {
  let stdout = '';
  let stderr = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const ended = new Promise<Ran>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) =>
      resolve({
        code,
        signal,
        stdout,
        stderr,
        json: <T>() =>
          stdout
            .split('\n')
            .filter(Boolean)
            .map((line) => JSON.parse(line) as T),
      }),
    );
  });
  return {
    child,
    ended,
    line: async () => {
      const { value, done } = await lines.next();
      if (done) throw new Error(`it ended without another line on stdout; on stderr:\n${stderr}`);
      return value;
    },
  };
}
