/**
 * A worker's index in a process of its own, so that nothing else is in its memory: joins the installation that the
 * environment names, reads the catalogue, and prints what that took as one line of JSON.
 */
import { pino } from 'pino';
import { openApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config.ts';
import { collectGarbage } from './measure.ts';

export interface IndexProcess {
  /** Reference images read. */
  readonly works: number;
  /** Until the index answers; and until its searches are as fast as they will be. Milliseconds. */
  readonly loadMs: number;
  readonly settledMs: number;
  /** Bytes of resident memory, afterwards and at most. */
  readonly rss: number;
  readonly highestRss: number;
}

await using app = await openApp({
  ...loadConfig({}, process.env),
  name: 'bench',
  log: pino({ level: 'silent' }),
});
const { index } = app.checks;
const started = performance.now();
await index.refresh(app.db);
const loadMs = performance.now() - started;
await index.matcher.settle();
const settledMs = performance.now() - started;
// What is let go goes in turns: heap, then the memory blocks that it held.
for (let i = 0; i < 5; i += 1) {
  collectGarbage();
  await new Promise((resolve) => setTimeout(resolve, 200));
}
const measured: IndexProcess = {
  works: index.size,
  loadMs,
  settledMs,
  rss: process.memoryUsage.rss(),
  highestRss: process.resourceUsage().maxRSS * 1024,
};
process.stdout.write(`${JSON.stringify(measured)}\n`);
