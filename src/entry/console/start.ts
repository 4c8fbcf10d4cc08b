/**
 * The page's first script, and a small one: asks the server for what the address names, pictures too, while the browser
 * still reads the application.
 */
import { askEarly } from './api/early.ts';
import { STAGE_PIXELS, outputImage, referenceImage } from './api/pictures.ts';
import type { AlertDetail } from './api/types.ts';
import { filtersOf, inboxPath } from './inbox/query.ts';

const { pathname, search } = window.location;
const alertId = /^\/alerts\/([0-9a-f-]{36})$/.exec(pathname)?.[1];

void askEarly('/api/session');
if (alertId !== undefined) {
  void askEarly(`/api/alerts/${alertId}`)
    .then((answer) => answer?.json() as Promise<AlertDetail> | undefined)
    .then((alert) => alert !== undefined && fetchPictures(alert));
}
if (alertId !== undefined || pathname === '/') void askEarly(`/api${inboxPath(filtersOf(search))}`);
void import('./main.tsx');

function fetchPictures({ referenceId, outputSha256 }: AlertDetail): void {
  const sources = [outputImage(outputSha256, STAGE_PIXELS)];
  if (referenceId !== null) sources.push(referenceImage(referenceId, STAGE_PIXELS));
  for (const src of sources) new Image().src = src;
}
