/** Works on the `checks` queue: one output through the whole road. */
import { openApp } from '../src/app.ts';
import { loadConfig } from '../src/config.ts';
import { scheduleAsBatch } from '../src/platform/process/as-batch.ts';
import { untilStopped } from '../src/platform/process/until-stopped.ts';

await using app = await openApp({ ...loadConfig(), name: 'checks worker' });
// Not before: a database server that was started for it would be scheduled alike.
await scheduleAsBatch(process.pid);
await app.startWorkers(['checks']);
await untilStopped();
