/** Works on the `delivery` queue: events on their way to webhooks. */
import { openApp } from '../src/app.ts';
import { loadConfig } from '../src/config.ts';
import { untilStopped } from '../src/platform/process/until-stopped.ts';

await using app = await openApp({ ...loadConfig(), name: 'delivery worker' });
await app.startWorkers(['delivery']);
await untilStopped();
