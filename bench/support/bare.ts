/**
 * A process that decodes and fingerprints and does nothing else, to hold the road against. Started by `barely`; says
 * when it is warm, and then works through the pictures once for each kind of fingerprint.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { decodeImage } from '../../src/platform/image/decode.ts';
import { extractViews } from '../../src/vision/fingerprint/features.ts';
import { FINGERPRINT_RASTER, fingerprint } from '../../src/vision/fingerprint/fingerprint.ts';
import { confine } from './confine.ts';
import { cpuMs } from './measure.ts';

/** `whole`: the hashes of the whole picture; `views`: of every view that standard depth compares. */
export type Bare = Record<'whole' | 'views', { readonly perSecond: number; readonly cpuMs: number }>;

const LIMITS = { maxPixels: 100_000_000 };
const WARM = 16;

async function hash(bytes: Uint8Array, kind: keyof Bare): Promise<void> {
  const { raster, ...size } = await decodeImage(bytes, FINGERPRINT_RASTER, LIMITS);
  const result = fingerprint(raster, size);
  if (kind === 'views' && result.hashable) extractViews(raster, size, result.fingerprint);
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
  return { whole: total('whole'), views: total('views') };
}

async function run(files: readonly string[]): Promise<void> {
  const pictures = await Promise.all(files.map((file) => readFile(file)));
  for (const bytes of pictures.slice(0, WARM)) await hash(bytes, 'views');
  process.send!('warm');
  await once(process, 'message');
  const timed = async (kind: keyof Bare) => {
    const [from, cpu] = [performance.now(), cpuMs()];
    for (const bytes of pictures) await hash(bytes, kind);
    return {
      perSecond: (1_000 * pictures.length) / (performance.now() - from),
      cpuMs: (cpuMs() - cpu) / pictures.length,
    };
  };
  process.send!({ whole: await timed('whole'), views: await timed('views') } satisfies Bare);
  process.disconnect();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await run(process.argv.slice(2));
