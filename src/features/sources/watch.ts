import { watch } from 'chokidar';

// Files arrive in bursts, and are written for a while: one scan for all of them, once they are whole. Milliseconds.
const REST_MS = 1_000;
const HIDDEN = /(^|[/\\])\.[^/\\]*$/;

/**
 * Yields when files below a directory were added or changed and nothing has happened for a second since. What was there
 * before is not news. Changes during the caller's work are yielded afterwards. Ends on abort.
 */
export async function* watchDirectory(root: string, signal: AbortSignal): AsyncGenerator<void> {
  let changed = false;
  let wake = () => {};
  let timer: NodeJS.Timeout | undefined;
  const settle = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      changed = true;
      wake();
    }, REST_MS);
  };
  const watcher = watch(root, {
    ignoreInitial: true,
    followSymlinks: false,
    // Folders alone: they tell of their files, and of these there may be any number.
    ignored: (path, stats) => path !== root && (stats?.isFile() === true || HIDDEN.test(path)),
  });
  const stop = () => wake();
  signal.addEventListener('abort', stop, { once: true });
  try {
    watcher.on('raw', (_, name: unknown) => {
      if (typeof name !== 'string' || !HIDDEN.test(name)) settle();
    });
    // A directory that cannot be watched is still scanned on schedule.
    watcher.on('error', () => {});
    while (!signal.aborted) {
      if (!changed) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (signal.aborted) return;
      changed = false;
      yield;
    }
  } finally {
    signal.removeEventListener('abort', stop);
    clearTimeout(timer);
    await watcher.close();
  }
}
