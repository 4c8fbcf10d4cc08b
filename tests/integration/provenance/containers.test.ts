import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { TrustList, readProvenance } from '../../../src/platform/provenance/index.ts';
import { rawPicture } from '../../support/provenance-encoders.ts';

const options = { trust: new TrustList([]), now: new Date('2026-01-01') };
const { data, ...raw } = rawPicture(1, 64, 64);
const INFOTEXT =
  'a quiet harbour\nNegative prompt: people\nSteps: 20, Seed: 77, Model: harbour-xl, Version: v1.10.1';
const EXPECTED = {
  generator: 'AUTOMATIC1111 Stable Diffusion web UI v1.10.1',
  prompt: 'a quiet harbour',
  negativePrompt: 'people',
  seed: '77',
  model: 'harbour-xl',
};

test.each(['jpeg', 'png', 'webp', 'avif'] as const)('EXIF written by sharp into %s', async (format) => {
  const bytes = await sharp(data, { raw })
    .withExif({ IFD0: { ImageDescription: INFOTEXT } })
    .toFormat(format)
    .toBuffer();
  expect(await readProvenance(bytes, undefined, options)).toMatchObject(EXPECTED);
});

test.each(['jpeg', 'webp'] as const)('UserComment written by sharp into %s', async (format) => {
  const bytes = await sharp(data, { raw })
    .withExif({ IFD2: { UserComment: INFOTEXT } })
    .toFormat(format)
    .toBuffer();
  expect(await readProvenance(bytes, undefined, options)).toMatchObject(EXPECTED);
});

test.each(['jpeg', 'png', 'webp', 'avif', 'gif', 'tiff'] as const)(
  'XMP written by sharp into %s',
  async (format) => {
    const uri = 'http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia';
    const packet = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"><Iptc4xmpExt:DigitalSourceType>${uri}</Iptc4xmpExt:DigitalSourceType></rdf:Description></rdf:RDF></x:xmpmeta>`;
    const bytes = await sharp(data, { raw }).withXmp(packet).toFormat(format).toBuffer();
    if (format === 'gif' && !bytes.includes('xmpmeta')) return;
    expect((await readProvenance(bytes, undefined, options)).findings).toMatchObject([
      { about: 'source-type', value: uri },
    ]);
  },
);

/** Not a part of this project: where a machine has it, it is the independent witness. */
const exiftool = 'exiftool';
const hasExiftool = spawnSync(exiftool, ['-ver']).status === 0;

test.skipIf(!hasExiftool).each(['jpeg', 'png', 'webp'] as const)(
  'written by exiftool into %s',
  async (format) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'utsushi-provenance-'));
    try {
      const file = path.join(folder, `picture.${format}`);
      await writeFile(file, await sharp(data, { raw }).toFormat(format).toBuffer());
      execFileSync(exiftool, [
        '-q',
        '-overwrite_original',
        `-UserComment=${INFOTEXT}`,
        '-XMP-iptcExt:DigitalSourceType=http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia',
        file,
      ]);
      const result = await readProvenance(await readFile(file), undefined, options);
      expect(result).toMatchObject(EXPECTED);
      expect(result.findings.some(({ about, generative }) => about === 'source-type' && generative)).toBe(
        true,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);
