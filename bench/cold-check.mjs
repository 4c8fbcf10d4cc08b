#!/usr/bin/env node
/**
 * How long a stranger waits for `utsushi check one.jpg`: 1,000 works, nothing running before, nothing after.
 * Below the line, what that time is made of.
 *
 *   node scripts/build.mjs && node bench/cold-check.mjs [works] [runs]
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

const LAUNCHER = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const works = Number(process.argv[2] ?? 1_000);
const runs = Number(process.argv[3] ?? 7);

/** A picture with structure of its own for every seed. */
function picture(seed, side) {
  let state = (seed + 1) * 2_654_435_761;
  const next = (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) % below;
  };
  const shapes = Array.from({ length: 12 }, () => {
    const colour = `rgb(${next(256)},${next(256)},${next(256)})`;
    return `<ellipse cx="${next(100)}" cy="${next(100)}" rx="${3 + next(30)}" ry="${3 + next(30)}" fill="${colour}"/>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}" viewBox="0 0 100 100"><rect width="100" height="100" fill="#eee"/>${shapes.join('')}</svg>`;
  return sharp(Buffer.from(svg));
}

/** Runs to the end; the exit code must be one of these. Returns milliseconds and stdout. */
function timed(args, codes, env) {
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
  const ms = performance.now() - started;
  if (!codes.includes(status)) throw new Error(`node ${args.join(' ')} ended with ${status}:\n${stderr}`);
  return { ms, stdout };
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

const rows = [];
function row(what, samples) {
  const sorted = samples.toSorted((a, b) => a - b);
  const shown = [sorted[Math.floor(sorted.length / 2)], sorted[0], sorted.at(-1)];
  rows.push([what, ...shown.map((ms) => `${ms.toFixed(0)} ms`)]);
}

const directory = await mkdtemp(join(tmpdir(), 'utsushi-cold-'));
try {
  const env = { ...process.env, UTSUSHI_DATA_DIR: join(directory, 'data') };
  for (const name of ['DATABASE_URL', 'REDIS_URL']) delete env[name];
  // Or root's database would be put where nobody removes it.
  await chmod(directory, 0o755);
  await mkdir(join(directory, 'works'));
  for (let i = 0; i < works; i++) {
    await picture(i, 128)
      .png({ compressionLevel: 1 })
      .toFile(join(directory, 'works', `${i}.png`));
  }
  const one = join(directory, 'one.jpg');
  await picture(works >> 1, 720)
    .jpeg()
    .toFile(one);
  const { ms } = timed([LAUNCHER, 'catalogue', 'import', join(directory, 'works')], [0], env);
  const { port } = JSON.parse(await readFile(join(directory, 'data', 'instance.json'), 'utf8'));

  const repeat = (work) => Array.from({ length: runs }, work);
  const cold = [];
  const steps = { decode: [], fingerprint: [], search: [] };
  for (let i = 0; i < runs; i++) {
    if (await listens(port)) throw new Error('the database server was left running');
    cold.push(timed([LAUNCHER, 'check', one], [1], env).ms);
  }
  row('utsushi check one.jpg', cold);
  rows.push(['—', '', '', '']);
  row(
    'node itself',
    repeat(() => timed(['--eval', '0'], [0], env).ms),
  );
  row(
    'utsushi --help (node and imports)',
    repeat(() => timed([LAUNCHER, '--help'], [0], env).ms),
  );
  const holder = spawn(process.execPath, [LAUNCHER, 'check', '-'], {
    env,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  holder.stdin.write(`${one}\n`);
  await once(holder.stdout, 'data');
  const warm = repeat(() => timed([LAUNCHER, 'check', one, '--json'], [1], env));
  holder.stdin.end();
  await once(holder, 'exit');
  row(
    'utsushi check, server running',
    warm.map((each) => each.ms),
  );
  for (const { stdout } of warm) {
    for (const [step, samples] of Object.entries(steps)) samples.push(JSON.parse(stdout).ms[step]);
  }
  for (const [step, samples] of Object.entries(steps)) row(`  of it: ${step}`, samples);

  console.log(
    `${works} works (imported in ${(ms / 1_000).toFixed(1)} s), ${runs} runs, ${cpus().length} cores, node ${process.version}\n`,
  );
  const widths = [34, 9, 9, 9];
  for (const cells of [['', 'median', 'min', 'max'], ...rows]) {
    const line = cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])));
    console.log(line.join(' ').trimEnd());
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}
