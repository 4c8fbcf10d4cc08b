/** Works on the `captures` queue: what the pages of candidates look like, by a browser. */
import { openApp } from '../src/app.ts';
import { loadConfig } from '../src/config.ts';
import { untilStopped } from '../src/platform/process/until-stopped.ts';

await using app = await openApp({ ...loadConfig(), name: 'captures worker' });
await app.startWorkers(['captures']);
await untilStopped();
