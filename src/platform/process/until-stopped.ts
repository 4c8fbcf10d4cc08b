/**
 * Waits until this process has to stop: the operating system asks for it (SIGTERM, SIGINT), or `lost` is aborted.
 * A second signal ends the process at once.
 */
export function untilStopped(lost?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const signals = ['SIGTERM', 'SIGINT'] as const;
    const stop = () => {
      for (const each of signals) process.off(each, stop);
      resolve();
    };
    for (const each of signals) process.on(each, stop);
    lost?.addEventListener('abort', stop);
  });
}
