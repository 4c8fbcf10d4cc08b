#!/usr/bin/env node
/**
 * Compiles assembly/*.ts (AssemblyScript) to WebAssembly and writes the bytes as base64 into the modules that use them,
 * so that neither the build nor the product needs a compiler or a file beside the code.
 *
 *   node scripts/build-kernels.mjs             writes the modules
 *   node scripts/build-kernels.mjs --check     only says whether they are what the sources compile to; exit 1 if not
 */
import fs from 'node:fs';
import path from 'node:path';
import { main as compile } from 'assemblyscript/asc';
import { Failure, ROOT, runMain, say } from './lib/common.mjs';

const KERNELS = [
  {
    source: 'assembly/hamming.ts',
    module: 'src/vision/search/hamming-wasm.ts',
    options: ['--enable', 'threads', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', '65536'],
  },
  {
    source: 'assembly/picture.ts',
    module: 'src/vision/fingerprint/picture-wasm.ts',
  },
  {
    source: 'assembly/views.ts',
    module: 'src/vision/fingerprint/views-wasm.ts',
  },
  {
    source: 'assembly/reduce.ts',
    module: 'src/vision/fingerprint/reduce-wasm.ts',
  },
  {
    source: 'assembly/keypoints.ts',
    module: 'src/vision/fingerprint/keypoints-wasm.ts',
  },
  {
    source: 'assembly/words.ts',
    module: 'src/vision/search/words-wasm.ts',
  },
  {
    source: 'assembly/watermark.ts',
    module: 'src/platform/provenance/watermark/watermark-wasm.ts',
  },
  {
    source: 'assembly/matching.ts',
    module: 'src/vision/matching/matching-wasm.ts',
  },
  {
    source: 'assembly/alignment.ts',
    module: 'src/vision/matching/alignment-wasm.ts',
  },
];

const COMMON =
  '-O3 --converge --noAssert --runtime stub --enable simd --importMemory --outFile out.wasm'.split(' ');

async function main() {
  for (const { source, module, options = ['--initialMemory', '1'] } of KERNELS) {
    const bytes = await compiled(source, options);
    const text = [
      `// Written by \`npm run kernels\` from ${source}.`,
      `/** WebAssembly, ${bytes.length} bytes, as base64. */`,
      `export const ${path.basename(module, '.ts').replace('-', '_').toUpperCase()} =\n  '${Buffer.from(bytes).toString('base64')}';`,
      '',
    ].join('\n');
    const file = path.join(ROOT, module);
    const current = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
    if (process.argv.includes('--check')) {
      if (current !== text)
        throw new Failure(`${module} is not what ${source} compiles to. Run: npm run kernels`);
    } else {
      fs.writeFileSync(file, text);
    }
    say('kernels', `${module}: ${bytes.length} bytes`);
  }
}

async function compiled(source, options) {
  let bytes;
  const { error, stderr } = await compile([source, ...COMMON, ...options], {
    readFile: (name, base) => {
      const file = path.resolve(ROOT, base, name);
      return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : null;
    },
    writeFile: (_name, content) => {
      bytes = content;
    },
    listFiles: () => [],
  });
  if (error !== null) throw new Failure(`${source}: ${stderr.toString()}`);
  return bytes;
}

await runMain('kernels', main);
