import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { UtsushiError } from '../../errors.ts';
import type { BaseInput, BaseParts } from '../../vision/search/hamming-base.ts';

/**
 * Builds an index base in a thread of its own, so that checks go on meanwhile. Codes go there and come back in shared
 * memory, without copies. A build under way does not keep a finished program alive.
 *
 * @throws UtsushiError `compute_crashed` when the thread cannot be started or dies
 */
export function buildInThread(input: BaseInput): Promise<BaseParts> {
  return new Promise((resolve, reject) => {
    const fail = (how: string) => reject(new UtsushiError('compute_crashed', `the index builder ${how}`));
    const thread = startThread({
      workerData: input,
      transferList: [input.ids.buffer as ArrayBuffer, input.chunks.buffer as ArrayBuffer],
    });
    thread.unref();
    thread.once('message', (parts: BaseParts) => resolve(parts));
    thread.once('error', (error) => fail(`failed: ${error.message}`));
    thread.once('exit', (code) => fail(`ended with ${code}`));
  });
}

function startThread(options: WorkerOptions): Worker {
  if (!import.meta.url.endsWith('.ts')) {
    return new Worker(new URL('./index-thread.js', import.meta.url), options);
  }
  // From sources (tests, bench): a thread of Node 20 takes tsx neither from its parent nor from `--import`.
  const tsx = createRequire(import.meta.url).resolve('tsx/cjs/api');
  const entry = fileURLToPath(new URL('./index-thread.ts', import.meta.url));
  const start = `require(${JSON.stringify(tsx)}).register(); require(${JSON.stringify(entry)});`;
  return new Worker(start, { ...options, eval: true });
}
