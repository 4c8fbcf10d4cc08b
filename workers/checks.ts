/** Works on the `checks` queue: one output through the whole road. */
import { openApp } from '../src/app.ts';
import { loadConfig } from '../src/config.ts';
import { untilStopped } from '../src/platform/process/until-stopped.ts';

await using app = await openApp({ ...loadConfig(), name: 'checks worker' });
await app.startWorkers(['checks']);
await untilStopped();
