/** What a bench has started outlives it (servers do so on purpose), so a bench that is told to stop ends it first. */
const started = new Set<() => Promise<unknown>>();

/** @param end what to do when the bench is told to stop @returns forgets it again */
export function whenStopped(end: () => Promise<unknown>): () => void {
  started.add(end);
  return () => started.delete(end);
}

/** From here on SIGINT and SIGTERM end what was started, the last one first, and then this process. */
export function stopOnSignals(): void {
  const stop = async (code: number) => {
    // What is at work fails now that its servers end; that must not end us before they have.
    process.on('uncaughtException', () => {});
    for (const end of [...started].toReversed()) await end().catch(() => {});
    process.exit(code);
  };
  process.once('SIGINT', () => void stop(130));
  process.once('SIGTERM', () => void stop(143));
}
