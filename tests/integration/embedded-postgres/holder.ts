/**
 * A process that holds a share of an embedded PostgreSQL, for tests that kill it. Options come as JSON in argv, commands
 * one a line on stdin, answers one JSON line each on stdout.
 */
import { createInterface } from 'node:readline';
import { Pool } from 'pg';
import { acquireEmbeddedPostgres } from '../../../src/platform/storage/embedded/index.ts';

function say(answer: unknown): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

async function main(): Promise<void> {
  const began = performance.now();
  const shared = await acquireEmbeddedPostgres({
    ...(JSON.parse(process.argv[2]!) as { dataDir: string }),
    log: (message) => process.stderr.write(`[${process.pid}] ${message}\n`),
  });
  const pool = new Pool({ connectionString: shared.connectionString, max: 1 });
  pool.on('error', () => {}); // what an application does too: the pool makes a new connection
  say({
    connectionString: shared.connectionString,
    instanceId: shared.instanceId,
    clusterDir: shared.clusterDir,
    ms: performance.now() - began,
  });
  for await (const line of createInterface({ input: process.stdin })) {
    const [command, ...rest] = line.split(' ');
    try {
      if (command === 'query') say({ rows: (await pool.query(rest.join(' '))).rows });
      if (command === 'claim') {
        await shared.claim(rest[0]!, rest.slice(1).join(' '));
        say({ claimed: true });
      }
      if (command === 'close') {
        await pool.end();
        await shared.close();
        say({ closed: true });
        return;
      }
    } catch (error) {
      say({ error: { code: (error as { code?: string }).code, message: (error as Error).message } });
    }
  }
}

main().then(
  () => process.exit(0),
  (error: Error & { code?: string }) => {
    say({ error: { code: error.code, message: error.message } });
    process.exit(1);
  },
);
