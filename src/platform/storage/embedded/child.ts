import { spawn } from 'node:child_process';

/**
 * The whole environment of PostgreSQL's programs. Nothing of ours is passed on: PGDATA, PGPORT or a locale in the
 * user's shell must not change which cluster is touched or how it sorts. TZ also spares initdb a search of all zones.
 */
export const CHILD_ENV = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' } as const;

/** The account a child runs under. */
export interface RunAs {
  uid: number;
  gid: number;
}

export interface ChildResult {
  /** Exit code; null when it was killed or could not be started at all. */
  code: number | null;
  stdout: string;
  /** What it said on stderr, or why it could not be started. */
  stderr: string;
}

/** The spawn options that make a child run as `user`; none for "as we are". Node drops supplementary groups itself. */
export function identity(user: RunAs | undefined): { uid?: number; gid?: number } {
  return user ? { uid: user.uid, gid: user.gid } : {};
}

/** Runs a program to its end, as another OS user if asked. Never throws: a program that cannot start is a result. */
export function run(
  command: string,
  args: readonly string[],
  options: { user?: RunAs | undefined; input?: string; timeoutMs?: number } = {},
): Promise<ChildResult> {
  return new Promise((resolve) => {
    // cwd: the other user may not be able to enter the directory we stand in
    const child = spawn(command, args, {
      cwd: '/',
      env: CHILD_ENV,
      stdio: 'pipe',
      ...identity(options.user),
    });
    // spawn's own timeout would outlive a program that cannot start, and with it keep us alive
    const deadline = setTimeout(() => child.kill(), options.timeoutMs ?? 60_000);
    const settle = (result: ChildResult): void => {
      clearTimeout(deadline);
      resolve(result);
    };
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
    child.stdin.on('error', () => {}); // it may exit without reading
    child.stdin.end(options.input ?? '');
    child.on('error', (error) => settle({ code: null, stdout, stderr: error.message }));
    child.on('close', (code) => settle({ code, stdout, stderr }));
  });
}
