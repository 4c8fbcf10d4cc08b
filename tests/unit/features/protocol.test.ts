import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addBusinessDays } from '../../../src/features/catalogue/business-days.ts';
import { duration, showDuration } from '../../../src/features/catalogue/duration.ts';
import { DEFAULT_PROTOCOL, readProtocol, reviewDeadline } from '../../../src/features/catalogue/index.ts';

describe('business days in Japan', () => {
  it('leave out weekends and public holidays, by the date in Japan', () => {
    // Friday evening; Monday 2026-11-23 is Labour Thanksgiving Day.
    expect(addBusinessDays(new Date('2026-11-20T19:00:00+09:00'), 1)).toEqual(
      new Date('2026-11-24T19:00:00+09:00'),
    );
    // 2026-04-29 is Shōwa Day, 3 to 6 May are holidays and their substitute.
    expect(addBusinessDays(new Date('2026-04-28T10:00:00+09:00'), 5)).toEqual(
      new Date('2026-05-11T10:00:00+09:00'),
    );
    // Still Thursday in UTC, already Friday in Japan.
    expect(addBusinessDays(new Date('2026-11-19T16:00:00Z'), 1)).toEqual(new Date('2026-11-23T16:00:00Z'));
  });
});

describe('durations', () => {
  it('are read and shown as people write them', () => {
    expect(['90s', '30m', '6h', '2d'].map((text) => duration.parse(text))).toEqual([
      90_000, 1_800_000, 21_600_000, 172_800_000,
    ]);
    expect([90_000, 1_800_000, 21_600_000, 172_800_000].map(showDuration)).toEqual([
      '90s',
      '30m',
      '6h',
      '2d',
    ]);
    for (const bad of ['', '6', '0h', '1.5h', '6 h', '-1d', 'h'])
      expect(duration.safeParse(bad).success).toBe(false);
  });
});

describe('the protocol', () => {
  let folder = '';
  const write = async (text: string) => {
    const path = join(folder, 'protocol.yml');
    await writeFile(path, text);
    return path;
  };
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'utsushi-protocol-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('gives each tier its review deadline', () => {
    const opened = new Date('2026-11-20T10:00:00+09:00');
    expect(reviewDeadline(DEFAULT_PROTOCOL, 'high', opened)).toEqual(new Date('2026-11-21T10:00:00+09:00'));
    expect(reviewDeadline(DEFAULT_PROTOCOL, 'standard', opened)).toEqual(
      new Date('2026-11-30T10:00:00+09:00'),
    );
  });

  it('is changed by a file, which need not say everything', async () => {
    const path = await write('tiers:\n  high: { cadence: 1h, review: 2 business days }\n');
    expect(await readProtocol(path)).toEqual({
      ...DEFAULT_PROTOCOL,
      high: { ...DEFAULT_PROTOCOL.high, cadenceMs: 3_600_000, review: { businessDays: 2 } },
    });
  });

  it('names every fault of its file', async () => {
    const path = await write('tiers:\n  high: { cadence: often, revue: 1h }\n  standard: { review: soon }\n');
    const failure = await readProtocol(path).catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ code: 'invalid_config' });
    for (const fault of ['tiers.high.cadence', 'revue', 'tiers.standard.review'])
      expect(String(failure)).toContain(fault);
    await expect(readProtocol(join(folder, 'absent.yml'))).rejects.toMatchObject({ code: 'invalid_config' });
  });
});
