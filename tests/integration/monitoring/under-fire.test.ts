import { beforeAll, describe, expect, test } from 'vitest';
import { BACKENDS } from '../../support/installation.ts';
import { build } from '../../support/processes.ts';
import { FULL, TIMEOUT } from '../../support/scene.ts';
import { scanUnderFire } from '../../support/scan-under-fire.ts';

const ITEMS = FULL ? 3_000 : 96;

describe.skipIf(process.platform !== 'linux')('a scan whose process is killed three times', TIMEOUT, () => {
  beforeAll(build);

  test.each(FULL ? BACKENDS : (['redis'] as const))('loses and doubles nothing on %s', async (backend) => {
    const measured = await scanUnderFire({
      backend,
      items: ITEMS,
      tier: 'high',
      side: 128,
      kills: 3,
      askEveryMs: 1_000,
    });
    const { answers, kills, mostWaiting } = measured!;
    expect(kills).toBe(3);
    expect(answers.length).toBeGreaterThan(0);
    // Back-pressure: of a scan at most 400 wait, whatever the source holds.
    expect(mostWaiting).toBeLessThanOrEqual(410);
  });
});
