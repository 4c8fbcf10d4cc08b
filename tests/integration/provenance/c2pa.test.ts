import { JPEG, PNG } from '@trustnxt/c2pa-ts/asset';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { TrustList, readProvenance } from '../../../src/platform/provenance/index.ts';
import { type Identity, WritableWebp, identity, pem, signC2pa } from '../../support/provenance-c2pa.ts';
import { rawPicture } from '../../support/provenance-encoders.ts';

const TRAINED = 'http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia';
const CAPTURE = 'http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture';
const { data, ...raw } = rawPicture(3, 96, 96);
const picture = sharp(data, { raw });

const root = identity('Test Root');
const intermediate = identity('Test Intermediate', root, { ca: true });
const leaf = identity('Test Generator Inc.', intermediate);
const stranger = identity('Test Root');

const read = (bytes: Buffer, trusted: readonly Identity[] = [], now = new Date('2026-01-01')) =>
  readProvenance(bytes, undefined, { trust: new TrustList(trusted.map(pem)), now });

const files: Record<string, Buffer> = {};
const signing = { leaf, chain: [intermediate], sourceType: TRAINED, agent: 'Imaginary Generator 3' };
beforeAll(async () => {
  files['PNG'] = await signC2pa(new PNG(new Uint8Array(await picture.clone().png().toBuffer())), signing);
  files['JPEG'] = await signC2pa(new JPEG(new Uint8Array(await picture.clone().jpeg().toBuffer())), signing);
  files['WebP'] = await signC2pa(new WritableWebp(await picture.clone().webp().toBuffer()), signing);
});

describe.each([
  ['PNG', 'PNG chunk "caBX"'],
  ['JPEG', 'JPEG segment APP11'],
  ['WebP', 'WebP chunk "C2PA"'],
])('%s', (format, where) => {
  test('signed by somebody on the trust list', async () => {
    for (const trusted of [root, intermediate, leaf]) {
      const result = await read(files[format]!, [stranger, trusted]);
      expect(result).toMatchObject({
        grade: 'signed-verified',
        generator: 'Imaginary Generator 3',
        conflicts: [],
      });
      expect(
        result.findings.map(({ reader, about, grade, value, where }) => ({
          reader,
          about,
          grade,
          value,
          where,
        })),
      ).toEqual([
        {
          reader: 'c2pa',
          about: 'signature',
          grade: 'signed-verified',
          value: 'valid: CN=Test Generator Inc.',
          where,
        },
        {
          reader: 'c2pa',
          about: 'source-type',
          grade: 'signed-verified',
          value: TRAINED,
          where: `${where} c2pa.created`,
        },
        {
          reader: 'c2pa',
          about: 'generator',
          grade: 'signed-verified',
          value: 'Imaginary Generator 3',
          where,
        },
      ]);
    }
  });

  test('signed by somebody nobody knows; a root of the same name is another root', async () => {
    for (const trusted of [[], [stranger]])
      expect((await read(files[format]!, trusted)).grade).toBe('signed-untrusted');
  });

  test('a picture changed after signing', async () => {
    const changed = Buffer.from(files[format]!);
    // A byte near the end of the compressed pixels (PNG: before the IEND chunk; WebP: before the manifest).
    const at = format === 'WebP' ? changed.indexOf('C2PA') - 40 : changed.length - 40;
    changed[at]! ^= 1;
    const result = await read(changed, [root]);
    expect(result.grade).toBe('declared');
    expect(result.findings[0]).toMatchObject({ about: 'signature', grade: 'none' });
    expect(result.findings[0]!.value).toContain('dataHash.mismatch');
    expect(result.conflicts.map(({ about }) => about)).toEqual(['signature']);
  });

  test('a manifest changed after signing', async () => {
    const changed = Buffer.from(files[format]!);
    changed.write('Imaginary Generator 4', changed.indexOf('Imaginary Generator 3'));
    const result = await read(changed, [root]);
    expect(result.grade).not.toMatch(/^signed/);
  });

  test('a file cut short', async () => {
    const whole = files[format]!;
    for (const share of [0.3, 0.6, 0.9])
      expect((await read(whole.subarray(0, Math.floor(whole.length * share)), [root])).grade).not.toMatch(
        /^signed/,
      );
  });
});

test('outside the validity of a certificate of the chain the signer is not trusted', async () => {
  expect((await read(files['PNG']!, [root], new Date('2019-01-01'))).grade).toBe('signed-untrusted');
});

test('a certificate issued by one that is no authority earns no trust', async () => {
  const notAnAuthority = identity('Test Leaf', root);
  const forged = identity('Forged', notAnAuthority);
  const bytes = await signC2pa(new PNG(new Uint8Array(await picture.clone().png().toBuffer())), {
    ...signing,
    leaf: forged,
    chain: [notAnAuthority],
  });
  expect((await read(bytes, [root])).grade).toBe('signed-untrusted');
});

test('a camera signs its picture: signed, but no generator', async () => {
  const bytes = await signC2pa(new JPEG(new Uint8Array(await picture.clone().jpeg().toBuffer())), {
    leaf,
    chain: [intermediate],
    sourceType: CAPTURE,
    generator: 'Camera Firmware',
  });
  const result = await read(bytes, [root]);
  expect(result).toMatchObject({ grade: 'none', generator: null });
  expect(result.findings.map(({ about, generative }) => [about, generative])).toEqual([
    ['signature', false],
    ['source-type', false],
    ['editing', false],
  ]);
});

test('a trust list of nonsense is refused when it is made', () => {
  expect(() => new TrustList(['nonsense'])).toThrow(/PEM|certificate|ASN|asn1/i);
});
