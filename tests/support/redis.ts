/** A real Redis server for a test: private, on loopback, on a free port, in a directory of its own. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export interface TestRedis {
  /** redis://127.0.0.1:PORT */
  readonly url: string;
  /** As the server says it: "7.0.15" */
  readonly version: string;
  /** Undefined when the server is not ours (UTSUSHI_TEST_REDIS_URL): then it cannot be killed or restarted. */
  readonly pid: number | undefined;
  /** kill -9, as a power cut would; resolves when the process is gone. */
  kill9(): Promise<void>;
  /** Starts it again on the same port and directory, after kill9(). What was on disk is loaded. */
  restart(): Promise<void>;
  /** Ends it and removes its directory. */
  stop(): Promise<void>;
}

export interface TestRedisOptions {
  /** Write an append-only file, flushed every second, as production does. Default: nothing is written to disk. */
  appendonly?: boolean;
  /** More command-line arguments of redis-server. */
  args?: string[];
}

const START_TIMEOUT_MS = 10_000;
const ATTEMPTS = 5;

export async function startRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  const found = findRedis();
  if (found.server === undefined) return sharedRedis(found.url);
  const binary = found.server;
  const directory = await mkdtemp(join(tmpdir(), 'utsushi-redis-'));
  let port = 0;
  let server: ChildProcess | undefined;
  let version = '';

  const onExit = (): void => {
    server?.kill('SIGKILL');
  };
  process.once('exit', onExit);

  const start = async (): Promise<void> => {
    const child = spawn(binary, serverArguments(port, directory, options), {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: directory,
    });
    let log = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (log += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
    server = child;
    const deadline = Date.now() + START_TIMEOUT_MS;
    for (;;) {
      if (hasEnded(child)) throw new Error(`redis-server did not start on port ${port}:\n${log.trim()}`);
      const info = await askInfo(port).catch(() => '');
      const pid = /process_id:(\d+)/.exec(info)?.[1];
      if (Number(pid) === child.pid) {
        version =
          (/valkey_version:([\d.]+)/.exec(info) ?? /redis_version:([\d.]+)/.exec(info))?.[1] ?? 'unknown';
        return;
      }
      if (Date.now() > deadline) {
        child.kill('SIGKILL');
        throw new Error(`redis-server did not answer within ${START_TIMEOUT_MS} ms:\n${log.trim()}`);
      }
      await sleep(10);
    }
  };

  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (server === undefined || hasEnded(server)) return;
    const gone = once(server, 'exit');
    server.kill(signal);
    await gone;
  };

  for (let attempt = 1; ; attempt++) {
    port = await freePort(); // another process may take it before the server does
    try {
      await start();
      break;
    } catch (error) {
      if (attempt < ATTEMPTS && String(error).includes('in use')) continue;
      process.off('exit', onExit);
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  return {
    url: `redis://127.0.0.1:${port}`,
    version,
    get pid() {
      return server?.pid;
    },
    kill9: () => end('SIGKILL'),
    restart: async () => {
      await end('SIGKILL');
      await start();
    },
    stop: async () => {
      await end('SIGTERM');
      process.off('exit', onExit);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function serverArguments(port: number, directory: string, options: TestRedisOptions): string[] {
  const durability = options.appendonly ? 'appendonly yes appendfsync everysec' : 'appendonly no';
  const settings = `port ${port} bind 127.0.0.1 maxmemory-policy noeviction daemonize no ${durability}`;
  return [
    ...settings.split(' ').map((word, at) => (at % 2 === 0 ? `--${word}` : word)),
    '--save',
    '',
    '--dir',
    directory,
    ...(options.args ?? []),
  ];
}

/** What scripts/find-redis.mjs finds; `npm test` has asked already and says so in the environment. */
function findRedis(): { server: string; url?: undefined } | { server?: undefined; url: string } {
  const server = process.env['UTSUSHI_TEST_REDIS_SERVER'];
  if (server) return { server };
  const url = process.env['UTSUSHI_TEST_REDIS_URL'];
  if (url) return { url };
  const script = fileURLToPath(new URL('../../scripts/find-redis.mjs', import.meta.url));
  const printed = execFileSync(process.execPath, [script], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const found = JSON.parse(printed) as { server: string } | { url: string };
  // The next call in this process need not look again.
  if ('server' in found) process.env['UTSUSHI_TEST_REDIS_SERVER'] = found.server;
  else process.env['UTSUSHI_TEST_REDIS_URL'] = found.url;
  return found;
}

/** Someone else's server: usable, but nothing here ends it. */
async function sharedRedis(url: string): Promise<TestRedis> {
  const { hostname, port } = new URL(url);
  const info = await askInfo(Number(port || 6379), hostname);
  const notOurs = (): Promise<never> =>
    Promise.reject(
      new Error(
        `${url} is not ours to kill; set UTSUSHI_TEST_REDIS_SERVER to a redis-server program for this test`,
      ),
    );
  return {
    url,
    version: /redis_version:([\d.]+)/.exec(info)?.[1] ?? 'unknown',
    pid: undefined,
    kill9: notOurs,
    restart: notOurs,
    stop: () => Promise.resolve(),
  };
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

/** The server's own description, asked for in Redis' inline protocol. */
function askInfo(port: number, host = '127.0.0.1'): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host });
    let answer = '';
    socket.setEncoding('utf8').setTimeout(1_000, () => socket.destroy(new Error('no answer')));
    socket.on('connect', () => socket.write('INFO server\r\nQUIT\r\n'));
    socket.on('data', (text: string) => (answer += text));
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
  });
}
