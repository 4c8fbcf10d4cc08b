import { readFile, readdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { ComputePool } from '../../../src/platform/compute/pool.ts';
import { eventually } from '../../support/installation.ts';
import { artwork } from '../../support/pictures.ts';

const LIMITS = { maxPixels: 100_000_000, maxBytes: 64 * 2 ** 20 };
const GENEROUS = { size: 2, timeoutMs: 60_000, memoryMb: 2_048 };
let pool: ComputePool;
afterEach(() => pool.close());

const task = async (seed: number, side = 320) => ({
  role: 'output' as const,
  depth: 'deep' as const,
  source: { bytes: await artwork(seed, side).png({ compressionLevel: 1 }).toBuffer() },
  limits: LIMITS,
});

test('answers every job, whatever the order, over all its children', async () => {
  pool = new ComputePool(GENEROUS);
  const results = await Promise.all(Array.from({ length: 12 }, async (_, i) => pool.examine(await task(i))));
  expect(new Set(results.map((result) => result.sha256)).size).toBe(12);
  expect(pool.pids).toHaveLength(2);
  for (const result of results) expect(result).toMatchObject({ format: 'png', width: 320, height: 320 });
});

test.runIf(process.platform === 'linux')(
  'its children are scheduled as batch work, every thread',
  async () => {
    pool = new ComputePool({ ...GENEROUS, size: 1 });
    await pool.examine(await task(1));
    const SCHED_BATCH = '3';
    await eventually('the policy', async () =>
      (await policiesOf(pool.pids[0]!)).every((each) => each === SCHED_BATCH),
    );
    // Also what is started later.
    await pool.examine(await task(2));
    expect(new Set(await policiesOf(pool.pids[0]!))).toEqual(new Set([SCHED_BATCH]));
  },
);

/** Of each thread of a process: the 41st field of its line in /proc. */
async function policiesOf(pid: number): Promise<string[]> {
  const threads = await readdir(`/proc/${pid}/task`);
  const lines = await Promise.all(
    threads.map((each) => readFile(`/proc/${pid}/task/${each}/stat`, 'latin1')),
  );
  return lines.map((line) => line.slice(line.lastIndexOf(')') + 2).split(' ')[38]!);
}

test('a closer look at an output sees what a deep examination sees', async () => {
  pool = new ComputePool({ ...GENEROUS, size: 1 });
  const source = { bytes: await artwork(3, 700).resize(700, 523, { fit: 'fill' }).jpeg().toBuffer() };
  const output = { role: 'output' as const, source, limits: LIMITS };
  const { outcome } = await pool.examine({ ...output, depth: 'standard' });
  const deep = (await pool.examine({ ...output, depth: 'deep' })).outcome;
  if ('unhashable' in outcome || 'unhashable' in deep) throw new Error('there is nothing to compare');
  const { fingerprint } = outcome;
  expect(await pool.lookCloser({ source, limits: LIMITS, fingerprint })).toEqual(deep.features);
});

test('a child killed by SIGSEGV fails its job only, and is replaced', async () => {
  pool = new ComputePool({ ...GENEROUS, size: 1 });
  await pool.examine(await task(1));
  const [victim] = pool.pids;
  const slow = pool.examine(await task(2, 6_000));
  const next = pool.examine(await task(3));
  slow.catch(() => {});
  await sleep(100);
  process.kill(victim!, 'SIGSEGV');
  await expect(slow).rejects.toMatchObject({
    code: 'compute_crashed',
    message: expect.stringContaining('SIGSEGV'),
  });
  expect(await next).toMatchObject({ width: 320 });
  expect(pool.pids).not.toContain(victim);
});

test('a job that is too slow loses its child and says so; the next one works', async () => {
  pool = new ComputePool({ ...GENEROUS, size: 1, timeoutMs: 8_000 });
  await pool.examine(await task(1));
  const [victim] = pool.pids;
  const stuck = pool.examine(await task(2));
  process.kill(victim!, 'SIGSTOP');
  await expect(stuck).rejects.toMatchObject({ code: 'compute_timeout' });
  expect(await pool.examine(await task(3))).toMatchObject({ width: 320 });
});

test('a job that takes too much memory loses its child and says so', async () => {
  pool = new ComputePool({ ...GENEROUS, size: 1, memoryMb: 40 });
  const greedy = pool.examine(await task(2, 8_000));
  await expect(greedy).rejects.toMatchObject({
    code: 'compute_crashed',
    message: expect.stringMatching(/MiB/),
  });
});

test('a broken picture fails with its own code and keeps the child', async () => {
  pool = new ComputePool({ ...GENEROUS, size: 1 });
  await pool.examine(await task(1));
  const before = pool.pids;
  await expect(
    pool.examine({ role: 'work', depth: 'deep', source: { bytes: Buffer.from('no') }, limits: LIMITS }),
  ).rejects.toMatchObject({
    code: 'unsupported_format',
  });
  await expect(
    pool.examine({ role: 'work', depth: 'deep', source: { path: '/no/such/file' }, limits: LIMITS }),
  ).rejects.toMatchObject({
    code: 'file_not_found',
  });
  expect(pool.pids).toEqual(before);
});

test('closing ends every child and fails what was not done', async () => {
  pool = new ComputePool(GENEROUS);
  await pool.examine(await task(1));
  const pids = pool.pids;
  const late = pool.examine(await task(2, 4_000));
  late.catch(() => {});
  await pool.close();
  await expect(late).rejects.toMatchObject({ code: 'compute_crashed' });
  await eventually('the children to be gone', async () =>
    pids.every((pid) => {
      try {
        process.kill(pid, 0);
        return false;
      } catch {
        return true;
      }
    }),
  );
});
