import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PNG } from '@trustnxt/c2pa-ts/asset';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CommandLine, buildCommand } from '../../support/command.ts';
import { type Installation, install } from '../../support/installation.ts';
import { artwork } from '../../support/pictures.ts';
import { pem, identity, signC2pa } from '../../support/provenance-c2pa.ts';
import { iTXt, png, rawPicture, tEXt } from '../../support/provenance-encoders.ts';

const PARAMETERS =
  'masterpiece, tsukimi_ranger, <lora:tsuki-usagi-style:0.8>\nNegative prompt: lowres\nSteps: 20, Seed: 7, Model: dream_v3';

interface Line {
  readonly target: string;
  readonly grade: string;
  readonly generator: string | null;
  readonly model: string | null;
  readonly prompt: string | null;
  readonly negativePrompt: string | null;
  readonly sources: string[];
  readonly loras: string[];
  readonly findings: { reader: string; grade: string; where: string; sentence: { ja: string; en: string } }[];
  readonly reliance: { assetId: string; term: string; where: string }[];
  readonly error?: { code: string };
}

describe('utsushi provenance', () => {
  let installation: Installation;
  let utsushi: CommandLine;
  const at = (name: string) => join(installation.dataDir, 'pictures', name);

  beforeAll(async () => {
    await buildCommand();
    installation = await install('postgres');
    utsushi = new CommandLine(installation.env);
    await mkdir(at(''), { recursive: true });
    await artwork(1).png().toFile(at('work.png'));
    await writeFile(
      at('manifest.jsonl'),
      JSON.stringify({
        file: 'work.png',
        asset_id: 'moon',
        title: '月のうさぎ',
        aliases: ['Tsukimi Ranger'],
      }),
    );
    expect((await utsushi.run('catalogue', 'import', at('manifest.jsonl'))).code).toBe(0);
    await writeFile(at('generated.png'), png(rawPicture(3, 64, 64), iTXt('parameters', PARAMETERS)));
    await writeFile(at('plain.png'), png(rawPicture(4, 64, 64)));
  });
  afterAll(() => installation.close());

  test('says who made it, from what prompt, and which work the prompt names', async () => {
    const ran = await utsushi.run(
      'provenance',
      at('generated.png'),
      at('plain.png'),
      at('none.png'),
      '--json',
    );
    const [generated, plain, none] = ran.json<Line>();
    expect(generated).toMatchObject({
      target: at('generated.png'),
      grade: 'declared',
      model: 'dream_v3',
      prompt: expect.stringContaining('tsukimi_ranger'),
      negativePrompt: 'lowres',
      sources: [],
      loras: ['tsuki-usagi-style'],
    });
    expect(generated!.findings[0]!.sentence).toEqual({ ja: expect.any(String), en: expect.any(String) });
    expect(generated!.reliance).toEqual([
      expect.objectContaining({
        assetId: 'moon',
        term: 'Tsukimi Ranger',
        where: expect.stringContaining('prompt'),
      }),
    ]);
    expect(plain).toMatchObject({ grade: 'none', generator: null, prompt: null, reliance: [] });
    expect(none).toMatchObject({ error: { code: 'file_not_found' } });
    expect(ran.code).toBe(3);
  });

  test('stands in the answer of a check, and is no similarity match by itself', async () => {
    const ran = await utsushi.run('check', at('generated.png'), '--json');
    expect(ran.json()[0]).toMatchObject({
      verdict: 'no-candidate',
      matches: [],
      provenance: { grade: 'declared', prompt: expect.stringContaining('tsukimi_ranger') },
      reliance: [{ assetId: 'moon', term: 'Tsukimi Ranger', where: expect.stringContaining('prompt') }],
    });
    expect(ran.code).toBe(0);
  });

  test('a file called after a work names it, looked at or recorded', async () => {
    const file = at('tsukimi-ranger_03.png');
    await writeFile(file, png(rawPicture(5, 64, 64)));
    const reliance = [{ assetId: 'moon', term: 'Tsukimi Ranger', where: 'file name' }];
    expect((await utsushi.run('check', file, '--json')).json()).toMatchObject([{ matches: [], reliance }]);
    const recorded = await utsushi.run('check', file, '--record', '--lang', 'en');
    expect(recorded.stdout).toContain('file name: Tsukimi Ranger (moon)');
    const watch = await utsushi.run('watch', 'list', '--json');
    expect(watch.json()).toMatchObject([{ assetId: 'moon', terms: reliance }]);
  });

  test('a C2PA signature is verified by the trust list that was configured, and is a stranger’s without', async () => {
    const root = identity('Test Root');
    const leaf = identity('Test Generator Inc.', root);
    const sourceType = 'http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia';
    const { data, ...raw } = rawPicture(6, 96, 96);
    const unsigned = await sharp(data, { raw }).png().toBuffer();
    const signing = { leaf, sourceType, agent: 'Imaginary Generator 3' };
    await writeFile(at('signed.png'), await signC2pa(new PNG(new Uint8Array(unsigned)), signing));
    await writeFile(at('trusted.pem'), pem(root));
    const trusting = utsushi.with({ UTSUSHI_C2PA_TRUST_FILE: at('trusted.pem') });
    for (const [command, grade] of [
      [utsushi, 'signed-untrusted'],
      [trusting, 'signed-verified'],
    ] as const)
      expect((await command.run('provenance', at('signed.png'), '--json')).json()).toMatchObject([
        { grade, generator: 'Imaginary Generator 3' },
      ]);
  });

  test('two tools that say different things are both shown, and that they differ', async () => {
    const comment = JSON.stringify({ prompt: 'another prompt', seed: 99, steps: 28 });
    const both = [tEXt('Software', 'NovelAI'), tEXt('Comment', comment), iTXt('parameters', PARAMETERS)];
    await writeFile(at('both.png'), png(rawPicture(7, 64, 64), ...both));
    const ran = await utsushi.run('provenance', at('both.png'), '--json');
    const [{ findings, conflicts }] = ran.json<Line & { conflicts: unknown[] }>() as [
      Line & { conflicts: unknown[] },
    ];
    expect(new Set(findings.map(({ reader }) => reader))).toEqual(new Set(['novelai', 'automatic1111']));
    expect(conflicts.length).toBeGreaterThan(0);
    for (const command of ['provenance', 'check'])
      expect((await utsushi.run(command, at('both.png'), '--lang', 'en')).stdout).toContain(
        'conflict  The file contradicts itself on the prompt:',
      );
  });

  test('what is no picture is refused, and the rest goes on', async () => {
    await writeFile(at('letter.png'), 'Dear sir');
    const ran = await utsushi.run('provenance', at('letter.png'), at('plain.png'), '--json');
    expect(ran.code).toBe(3);
    expect(ran.json()).toMatchObject([{ error: { code: 'unsupported_format' } }, { grade: 'none' }]);
  });

  test('says that nothing found proves nothing, in either language', async () => {
    expect((await utsushi.run('provenance', at('plain.png'), '--lang', 'ja')).stdout).toContain(
      '何の証拠にもなりません',
    );
    expect((await utsushi.run('provenance', at('plain.png'), '--lang', 'en')).stdout).toContain(
      'proves nothing',
    );
  });
});
