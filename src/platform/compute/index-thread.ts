/** The thread that `buildInThread` starts: one base, and gone. */
import { parentPort, workerData } from 'node:worker_threads';
import { type BaseInput, buildBase } from '../../vision/search/hamming-base.ts';

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
parentPort!.postMessage(buildBase(workerData as BaseInput));
