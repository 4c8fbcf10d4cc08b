/**
 * A process that decodes and fingerprints and does nothing else, to hold the road against. Started by `barely`; says
 * when it is warm, and then works through the pictures once for each kind of fingerprint.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { decodeImage } from '../../src/platform/image/decode.ts';
import { scheduleAsBatch } from '../../src/platform/process/as-batch.ts';
import { extractViews } from '../../src/vision/fingerprint/features.ts';
import { FINGERPRINT_RASTER, fingerprint } from '../../src/vision/fingerprint/fingerprint.ts';
import { bareDecode } from './bare-decode.ts';
import { confine } from './confine.ts';
import { cpuMs } from './measure.ts';

/**
 * `views`: decoded to the raster by sharp, and the hashes of every view that standard depth compares; `whole`: those of
 * the whole picture only; `own`: as `views`, but decoded and scheduled as Utsushi does.
 */
export type Bare = Record<'views' | 'whole' | 'own', { readonly perSecond: number; readonly cpuMs: number }>;

const LIMITS = { maxPixels: 100_000_000 };
const WARM = 40;
/** Times that each works through the pictures. */
const ROUNDS = 3;

async function hash(bytes: Uint8Array, kind: keyof Bare): Promise<void> {
  const raster =
    kind === 'own' ? (await decodeImage(bytes, FINGERPRINT_RASTER, LIMITS)).raster : await bareDecode(bytes);
  const result = fingerprint(raster, raster);
  if (kind !== 'whole' && result.hashable) extractViews(raster, raster, result.fingerprint);
}

/** How fast one of them a core is, all together, and what a picture costs. */
export async function barely(files: readonly string[], cores: number): Promise<Bare> {
  const children = Array.from({ length: cores }, () => {
    // As compute processes are started.
    const child = fork(fileURLToPath(import.meta.url), files, {
      execArgv: ['--import', 'tsx', '--single-threaded-gc'],
    });
    return { child, warm: once(child, 'message') };
  });
  await Promise.all(children.map(({ warm }) => warm));
  await Promise.all(children.map(({ child }) => confine(child.pid!, cores)));
  const measured = await Promise.all(
    children.map(async ({ child }: { child: ChildProcess }) => {
      const result = once(child, 'message');
      child.send('begin');
      return (await result)[0] as Bare;
    }),
  );
  const total = (kind: keyof Bare) => ({
    perSecond: measured.reduce((sum, each) => sum + each[kind].perSecond, 0),
    cpuMs: measured.reduce((sum, each) => sum + each[kind].cpuMs, 0) / cores,
  });
  return { views: total('views'), whole: total('whole'), own: total('own') };
}

async function run(files: readonly string[]): Promise<void> {
  const pictures = await Promise.all(files.map((file) => readFile(file)));
  for (const bytes of pictures.slice(0, WARM)) {
    await hash(bytes, 'views');
    await hash(bytes, 'own');
  }
  process.send!('warm');
  await once(process, 'message');
  const timed = async (kind: keyof Bare) => {
    const [from, cpu] = [performance.now(), cpuMs()];
    for (let round = 0; round < ROUNDS; round += 1) for (const bytes of pictures) await hash(bytes, kind);
    const done = ROUNDS * pictures.length;
    return { perSecond: (1_000 * done) / (performance.now() - from), cpuMs: (cpuMs() - cpu) / done };
  };
  const [views, whole] = [await timed('views'), await timed('whole')];
  await scheduleAsBatch(process.pid);
  process.send!({ views, whole, own: await timed('own') } satisfies Bare);
  process.disconnect();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await run(process.argv.slice(2));
