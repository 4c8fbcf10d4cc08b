/** Works on the `scans` queue: reads the sources of monitors, and hands what is new to the checks. */
import { openApp } from '../src/app.ts';
import { loadConfig } from '../src/config.ts';
import { untilStopped } from '../src/platform/process/until-stopped.ts';

await using app = await openApp({ ...loadConfig(), name: 'scans worker' });
await app.startWorkers(['scans']);
await untilStopped();
