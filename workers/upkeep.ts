/** Works on the `upkeep` queue: retroactive matches, lost jobs, the audit chain. */
import { openApp } from '../src/app.ts';
import { loadConfig } from '../src/config.ts';
import { untilStopped } from '../src/platform/process/until-stopped.ts';

await using app = await openApp({ ...loadConfig(), name: 'upkeep worker' });
await app.startWorkers(['upkeep']);
await untilStopped();
