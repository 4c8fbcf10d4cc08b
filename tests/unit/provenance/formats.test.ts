import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  type Pixels,
  type Provenance,
  TrustList,
  readProvenance,
  relianceTexts,
} from '../../../src/platform/provenance/index.ts';
import {
  IPTC_EXT,
  RawNumber,
  app1Exif,
  app1Xmp,
  asciiComment,
  comment,
  emptyJpeg,
  emptyWebp,
  exifBlock,
  hide,
  iTXt,
  pillowText,
  png,
  pngChunk,
  pythonDumps,
  rawPicture,
  signedComment,
  tEXt,
  unicodeComment,
  withRiffChunks,
  withSegments,
  xmpPacket,
  zTXt,
} from '../../support/provenance-encoders.ts';

const options = { trust: new TrustList([]), now: new Date('2026-01-01') };
const read = (bytes: Buffer, pixels?: Pixels, more = {}) =>
  readProvenance(bytes, pixels, { ...options, ...more });
const textPng = (key: string, text: string) => png(undefined, pillowText(key, text));
const jpegExif = (fields: Parameters<typeof exifBlock>[0], comment?: Buffer) =>
  withSegments(emptyJpeg(), app1Exif(exifBlock(fields, comment)));

const PROMPT = '星野アイ, 1girl, (idol:1.2), stage lights <lora:oshi_v2:0.8>';
const NEGATIVE = 'lowres, bad hands';
const INFOTEXT = `${PROMPT}\nNegative prompt: ${NEGATIVE}\nSteps: 28, Sampler: DPM++ 2M, CFG scale: 7, Seed: 1234567890, Size: 512x768, Model hash: 6ce0161689, Model: anything-v5, Lora hashes: "oshi_v2: 0a1b2c3d, other: 44", Version: v1.9.4`;
const answer = ({ generator, model, prompt, negativePrompt, sources, loras, seed, grade }: Provenance) => ({
  generator,
  model,
  prompt,
  negativePrompt,
  sources,
  loras,
  seed,
  grade,
});

describe('AUTOMATIC1111 and its kin', () => {
  const expected = {
    generator: 'AUTOMATIC1111 Stable Diffusion web UI v1.9.4',
    model: 'anything-v5',
    prompt: PROMPT,
    negativePrompt: NEGATIVE,
    sources: [],
    loras: ['oshi_v2', 'other'],
    seed: '1234567890',
    grade: 'declared',
  };
  test.each([
    ['PNG iTXt', textPng('parameters', INFOTEXT)],
    ['compressed iTXt', png(undefined, iTXt('parameters', INFOTEXT, true))],
    ['JPEG EXIF, UTF-16 big-endian', jpegExif({}, unicodeComment(INFOTEXT))],
    ['JPEG EXIF, UTF-16 little-endian', jpegExif({}, unicodeComment(INFOTEXT, 'LE'))],
    ['JPEG EXIF, UTF-8 called ASCII', jpegExif({}, asciiComment(INFOTEXT))],
    [
      'little-endian EXIF',
      withSegments(emptyJpeg(), app1Exif(exifBlock({}, unicodeComment(INFOTEXT), 'II'))),
    ],
    ['WebP EXIF', withRiffChunks(emptyWebp(), ['EXIF', exifBlock({}, unicodeComment(INFOTEXT))])],
    ['TIFF', exifBlock({}, unicodeComment(INFOTEXT))],
    ['PNG eXIf', png(undefined, pngChunk('eXIf', exifBlock({}, unicodeComment(INFOTEXT))))],
  ])('%s', async (_, bytes) => {
    expect(answer(await read(bytes))).toEqual(expected);
  });

  test('zTXt, several lines of prompt, none of the negative', async () => {
    const text = 'a cat,\nsitting\nSteps: 20, Sampler: Euler a, Seed: 7, Model: m';
    const result = await read(png(undefined, zTXt('parameters', text)));
    expect(result).toMatchObject({ prompt: 'a cat,\nsitting', negativePrompt: null, seed: '7', model: 'm' });
  });

  test('a text longer than 64 KiB is read whole, and cut only as a value', async () => {
    const long = 'word, '.repeat(15_000);
    const { prompt, seed } = await read(textPng('parameters', `${long}\nSteps: 1, Seed: 5`));
    expect(seed).toBe('5');
    expect(prompt).toBe(long.slice(0, 20_000));
  });

  test.each([
    ['f2.0.1v1.10.1-previous-313-g8a042934', /Forge/],
    ['neo', /Forge/],
    ['ComfyUI', /^ComfyUI$/],
  ])('version %s', async (version, generator) => {
    const result = await read(textPng('parameters', `x\nSteps: 1, Seed: 2, Version: ${version}`));
    expect(result.generator).toMatch(generator);
  });

  test('Civitai resources give model and LoRA', async () => {
    const resources =
      'Civitai resources: [{"type":"checkpoint","modelVersionId":1,"modelName":"Pony","modelVersionName":"v6"},{"type":"lora","weight":0.8,"modelName":"Hero, the (series)"}]';
    const result = await read(
      textPng('parameters', `x\nSteps: 1, Seed: 2, ${resources}, Civitai metadata: {}`),
    );
    expect(result).toMatchObject({ model: 'Pony', loras: ['Hero, the (series)'] });
  });

  test('postprocessing is editing, not generation', async () => {
    const result = await read(
      textPng('postprocessing', 'Postprocess upscale by: 4, Postprocess upscaler: R-ESRGAN'),
    );
    expect(result.grade).toBe('none');
    expect(result.findings.map(({ about }) => about)).toEqual(['editing']);
  });

  test('an ordinary comment that happens to speak of steps is none', async () => {
    expect((await read(textPng('Comment', 'My holiday.\nSteps: 3'))).findings).toEqual([]);
  });
});

const GRAPH = {
  3: {
    class_type: 'KSampler',
    inputs: {
      seed: 42,
      steps: 20,
      model: ['11', 0],
      positive: ['14', 0],
      negative: ['7', 0],
      latent_image: ['12', 0],
    },
  },
  4: { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'illustrious.safetensors' } },
  6: { class_type: 'CLIPTextEncode', inputs: { text: ['20', 0], clip: ['11', 1] } },
  7: { class_type: 'CLIPTextEncode', inputs: { text: NEGATIVE, clip: ['11', 1] } },
  10: { class_type: 'LoadImage', inputs: { image: 'kimetsu_cover.png', upload: 'image' } },
  11: {
    class_type: 'LoraLoader',
    inputs: { lora_name: 'chara\\tanjiro.safetensors', model: ['4', 0], clip: ['4', 1] },
  },
  12: { class_type: 'VAEEncode', inputs: { pixels: ['10', 0], vae: ['4', 2] } },
  14: {
    class_type: 'ControlNetApplyAdvanced',
    inputs: { positive: ['6', 0], negative: ['7', 0], image: ['10', 0] },
  },
  15: {
    class_type: 'Power Lora Loader (rgthree)',
    inputs: { lora_1: { on: true, lora: 'b.safetensors' }, lora_2: { on: false, lora: 'off.safetensors' } },
  },
  20: { class_type: 'StringFunction', inputs: { text_a: 'a boy with earrings', is_changed: [NaN] } },
};
const GRAPH_ANSWER = {
  generator: 'ComfyUI',
  model: 'illustrious.safetensors',
  prompt: 'a boy with earrings',
  negativePrompt: NEGATIVE,
  sources: ['kimetsu_cover.png'],
  loras: ['tanjiro.safetensors', 'b.safetensors'],
  seed: '42',
  grade: 'declared',
};
const graphJson = JSON.stringify(GRAPH).replaceAll('[null]', '[NaN]');

describe('ComfyUI', () => {
  test.each([
    ['PNG text', png(undefined, tEXt('prompt', graphJson), tEXt('workflow', '{"nodes":[],"links":[]}'))],
    [
      'EXIF of animated WebP',
      withRiffChunks(emptyWebp(), ['EXIF', exifBlock({ Model: `prompt:${graphJson}`, Make: 'workflow:{}' })]),
    ],
    ['EXIF of JPEG', jpegExif({ ImageDescription: `Prompt: ${graphJson}` })],
  ])('the graph that was run, in %s', async (_, bytes) => {
    expect(answer(await read(bytes))).toEqual(GRAPH_ANSWER);
  });

  test("the editor's graph alone", async () => {
    const workflow = {
      nodes: [
        { id: 1, type: 'CheckpointLoaderSimple', widgets_values: ['base.safetensors'] },
        { id: 2, type: 'CLIPTextEncode', widgets_values: ['a knight'], inputs: [{ name: 'clip', link: 1 }] },
        { id: 3, type: 'CLIPTextEncode', widgets_values: ['ugly'], inputs: [{ name: 'clip', link: 2 }] },
        {
          id: 4,
          type: 'KSampler',
          widgets_values: [99, 'fixed', 20],
          inputs: [
            { name: 'positive', link: 3 },
            { name: 'negative', link: 4 },
          ],
        },
        { id: 5, type: 'LoadImage', widgets_values: ['source.jpg', 'image'] },
      ],
      links: [
        [1, 1, 1, 2, 0, 'CLIP'],
        [2, 1, 1, 3, 0, 'CLIP'],
        [3, 2, 0, 4, 1, 'CONDITIONING'],
        [4, 3, 0, 4, 2, 'CONDITIONING'],
      ],
    };
    expect(await read(textPng('workflow', JSON.stringify(workflow)))).toMatchObject({
      generator: 'ComfyUI',
      model: 'base.safetensors',
      prompt: 'a knight',
      negativePrompt: 'ugly',
      sources: ['source.jpg'],
      seed: '99',
    });
  });

  test('Flux: the guider holds the conditioning, another node the seed', async () => {
    const graph = {
      1: {
        class_type: 'SamplerCustomAdvanced',
        inputs: { noise: ['2', 0], guider: ['3', 0], latent_image: ['9', 0] },
      },
      2: { class_type: 'RandomNoise', inputs: { noise_seed: 7 } },
      3: { class_type: 'BasicGuider', inputs: { model: ['5', 0], conditioning: ['4', 0] } },
      4: { class_type: 'FluxGuidance', inputs: { guidance: 3.5, conditioning: ['6', 0] } },
      5: { class_type: 'UNETLoader', inputs: { unet_name: 'flux1-dev.safetensors' } },
      6: { class_type: 'CLIPTextEncode', inputs: { text: 'a harbour', clip: ['8', 0] } },
    };
    expect(await read(textPng('prompt', JSON.stringify(graph)))).toMatchObject({
      prompt: 'a harbour',
      model: 'flux1-dev.safetensors',
      seed: '7',
    });
  });

  test('a graph that bites its own tail ends', async () => {
    const graph = {
      1: { class_type: 'KSampler', inputs: { positive: ['2', 0], negative: ['2', 0] } },
      2: {
        class_type: 'ConditioningCombine',
        inputs: { conditioning_1: ['2', 0], conditioning_2: ['1', 0] },
      },
    };
    expect((await read(textPng('prompt', JSON.stringify(graph)))).generator).toBe('ComfyUI');
  });
});

describe('NovelAI', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const ownKey = publicKey.export({ type: 'spki', format: 'der' }).subarray(12).toString('base64');
  const keys = { novelAiKeys: [ownKey] };
  const picture = rawPicture(5, 64, 160, 4);
  const fields = {
    prompt: 'タンジロウ 🌊, "water" \\ breathing',
    steps: 28,
    scale: new RawNumber('5.0'),
    cfg_rescale: new RawNumber('1e-05'),
    seed: new RawNumber('12345678901234567890'),
    uc: 'worst quality\n',
    10: 'kept where it was',
    2: true,
    nested: { b: [new RawNumber('0.30000000000000004'), null], a: '\u007f é' },
  };
  const commentText = signedComment(picture, fields, privateKey);
  const texts = (text: string) => [
    tEXt('Title', 'NovelAI generated image'),
    tEXt('Software', 'NovelAI'),
    tEXt('Source', 'NovelAI Diffusion V4.5 4BDE2A90'),
    tEXt('Comment', text),
  ];

  test('the signature over pixels and comment verifies, byte for byte', async () => {
    // JavaScript puts keys that look like numbers first; the encoder signs and writes that same order.
    const result = await read(png(picture, ...texts(commentText)), picture, keys);
    expect(result).toMatchObject({
      grade: 'signed-verified',
      generator: 'NovelAI',
      model: 'NovelAI Diffusion V4.5 4BDE2A90',
      prompt: fields.prompt,
      seed: '12345678901234567000',
      conflicts: [],
    });
    expect(result.findings.filter(({ about }) => about === 'signature').map(({ value }) => value)).toEqual([
      'valid',
    ]);
    // What stands beside the signed comment is not signed with it.
    expect(result.findings.find(({ about }) => about === 'model')).toMatchObject({
      grade: 'declared',
      where: 'PNG tEXt "Source"',
    });
  });

  test('keys in any order, other white space: what counts is what Python would write', async () => {
    const reordered = commentText.replaceAll('": ', '":   ').replace('{', '{\n');
    expect((await read(png(picture, ...texts(reordered)), picture, keys)).grade).toBe('signed-verified');
    const swapped = commentText.replace(
      /^\{"2": true, "10": "kept where it was", /,
      '{"10": "kept where it was", "2": true, ',
    );
    expect(swapped).not.toBe(commentText);
    expect((await read(png(picture, ...texts(swapped)), picture, keys)).grade).toBe('declared');
  });

  test.each([
    ['one pixel', commentText, 7, 1],
    ['one word of the prompt', commentText.replace('water', 'fire'), 7, 0],
    ['5.0 written as 5', commentText.replace('5.0', '5'), 7, 0],
  ])('changing %s breaks it, and that is shown', async (_, text, at, by) => {
    const data = Buffer.from(picture.data);
    data[at * 4 + 1]! += by;
    const result = await read(png(picture, ...texts(text)), { ...picture, data }, keys);
    expect(result.grade).toBe('declared');
    expect(result.findings[0]).toMatchObject({ about: 'signature', value: 'invalid', grade: 'none' });
    expect(result.conflicts).toContainEqual(
      expect.objectContaining({ about: 'signature', findings: expect.arrayContaining([0, 1]) }),
    );
  });

  test('the alpha channel may change: only colours are signed', async () => {
    const hidden = hide(
      picture,
      'stealth_pngcomp',
      pythonDumps({ Software: 'NovelAI', Source: 'V4', Comment: commentText }),
    );
    const result = await read(png(hidden), hidden, keys);
    expect(result).toMatchObject({ grade: 'signed-verified', generator: 'NovelAI', prompt: fields.prompt });
    expect(result.findings[0]!.where).toBe('alpha LSB (stealth_pngcomp) "Comment"');
  });

  test('WebP EXIF', async () => {
    const exif = exifBlock(
      { Software: 'NovelAI Diffusion V4', DocumentName: 'NovelAI generated image' },
      asciiComment(commentText),
    );
    const result = await read(withRiffChunks(emptyWebp(), ['EXIF', exif]), picture, keys);
    expect(result).toMatchObject({ grade: 'signed-verified', model: 'NovelAI Diffusion V4' });
  });

  test("another's key is not NovelAI's; without pixels nothing is checked", async () => {
    expect((await read(png(picture, ...texts(commentText)), picture)).grade).toBe('declared');
    const unchecked = await read(png(picture, ...texts(commentText)), undefined, keys);
    expect(unchecked.grade).toBe('declared');
    expect(unchecked.findings[0]!.value).toBe('unchecked');
  });

  test('without a signature it is a declaration', async () => {
    const result = await read(png(picture, ...texts('{"prompt": "x", "uc": "y", "steps": 3}')), picture);
    expect(answer(result)).toMatchObject({
      generator: 'NovelAI',
      prompt: 'x',
      negativePrompt: 'y',
      grade: 'declared',
    });
  });
});

describe('stealth layers', () => {
  test.each(['stealth_pnginfo', 'stealth_pngcomp', 'stealth_rgbinfo', 'stealth_rgbcomp'] as const)(
    '%s',
    async (magic) => {
      const hidden = hide(rawPicture(9, 96, 80, 4), magic, INFOTEXT);
      expect(await read(png(hidden), hidden)).toMatchObject({
        prompt: PROMPT,
        seed: '1234567890',
        grade: 'declared',
      });
    },
  );

  test('a gzip bomb and a lying length yield nothing', async () => {
    const bomb = hide(rawPicture(9, 512, 640, 4), 'stealth_pngcomp', Buffer.alloc(32 * 2 ** 20));
    expect((await read(png(bomb), bomb)).findings).toEqual([]);
    const lying = hide(rawPicture(9, 64, 64, 4), 'stealth_pnginfo', 'x');
    for (let bit = 120; bit < 152; bit++) lying.data[((bit % 64) * 64 + Math.floor(bit / 64)) * 4 + 3]! |= 1;
    expect((await read(png(lying), lying)).findings).toEqual([]);
  });
});

describe('other generators', () => {
  const invoke = {
    app_version: '4.2.7',
    positive_prompt: 'a fox',
    negative_prompt: 'blurry',
    seed: 3,
    model: { key: 'k', name: 'juggernaut' },
    loras: [{ model: { name: 'foxes' }, weight: 1 }],
    controlnets: [{ image: { image_name: 'pose.png' } }],
  };
  const swarm = {
    sui_image_params: {
      prompt: 'a fox',
      negativeprompt: 'blurry',
      model: 'juggernaut',
      seed: 3,
      loras: ['foxes'],
      initimage: 'pose.png',
      swarm_version: '0.9.2',
    },
  };
  const fooocus = {
    prompt: 'a fox',
    negative_prompt: 'blurry',
    base_model: 'juggernaut',
    seed: 3,
    performance: 'Speed',
    lora_combined_1: 'foxes : 0.5',
    version: 'Fooocus v2.5.0',
  };
  const draw = {
    c: 'a fox',
    uc: 'blurry',
    model: 'juggernaut',
    seed: 3,
    lora: [{ model: 'foxes', weight: 1 }],
  };
  const common = {
    model: 'juggernaut',
    prompt: 'a fox',
    negativePrompt: 'blurry',
    loras: ['foxes'],
    seed: '3',
    grade: 'declared',
  };
  test.each([
    ['InvokeAI', 'InvokeAI 4.2.7', ['pose.png'], textPng('invokeai_metadata', JSON.stringify(invoke))],
    ['SwarmUI PNG', 'SwarmUI 0.9.2', ['pose.png'], textPng('parameters', JSON.stringify(swarm))],
    ['SwarmUI JPEG', 'SwarmUI 0.9.2', ['pose.png'], jpegExif({}, unicodeComment(JSON.stringify(swarm)))],
    [
      'Fooocus',
      'Fooocus v2.5.0',
      [],
      png(undefined, tEXt('parameters', JSON.stringify(fooocus)), tEXt('fooocus_scheme', 'fooocus')),
    ],
    [
      'Fooocus, JPEG comment',
      'Fooocus v2.5.0',
      [],
      withSegments(emptyJpeg(), comment(JSON.stringify(fooocus))),
    ],
    [
      'Draw Things',
      'Draw Things',
      [],
      png(
        undefined,
        iTXt(
          'XML:com.adobe.xmp',
          xmpPacket([['exif', 'http://ns.adobe.com/exif/1.0/', 'UserComment', JSON.stringify(draw)]]),
        ),
      ),
    ],
    [
      'Easy Diffusion PNG',
      'Easy Diffusion',
      [],
      png(
        undefined,
        ...Object.entries({
          prompt: 'a fox',
          negative_prompt: 'blurry',
          seed: '3',
          use_stable_diffusion_model: 'C:\\models\\juggernaut',
          use_lora_model: 'foxes',
        }).map(([key, value]) => tEXt(key, value)),
      ),
    ],
    [
      'Easy Diffusion JPEG',
      'Easy Diffusion',
      [],
      jpegExif(
        {},
        unicodeComment(
          JSON.stringify({
            Prompt: 'a fox',
            'Negative Prompt': 'blurry',
            Seed: 3,
            'Stable Diffusion model': '/m/juggernaut',
            'LoRA model': 'foxes',
            Steps: 25,
          }),
        ),
      ),
    ],
  ])('%s', async (_, generator, sources, bytes) => {
    expect(answer(await read(bytes))).toEqual({ ...common, generator, sources });
  });

  test('InvokeAI in its early years', async () => {
    const metadata = {
      model: 'stable diffusion',
      model_weights: 'sd-1.4',
      app_version: '2.2.4',
      image: { prompt: [{ prompt: 'a fox [blurry]', weight: 1 }], seed: 3 },
    };
    const dream = '"a fox [blurry]" -s 50 -S 3 -W 512 -H 512 -C 7.5 -A k_lms';
    const both = png(undefined, tEXt('Dream', dream), tEXt('sd-metadata', JSON.stringify(metadata)));
    expect(await read(both)).toMatchObject({
      generator: 'InvokeAI 2.2.4',
      model: 'sd-1.4',
      prompt: 'a fox',
      negativePrompt: 'blurry',
      seed: '3',
    });
    expect(await read(textPng('Dream', dream))).toMatchObject({
      generator: 'InvokeAI',
      prompt: 'a fox',
      negativePrompt: 'blurry',
      seed: '3',
    });
  });

  test('Midjourney', async () => {
    const text =
      'https://s.mj.run/AbC a fox in rain --ar 2:3 --sref https://example.com/style.png --no text --seed 3 --v 6.1 Job ID: 01234567-89ab-cdef-0123-456789abcdef';
    const result = await read(
      png(undefined, tEXt('Description', text), tEXt('Author', 'someone'), tEXt('Creation Time', 'x')),
    );
    expect(answer(result)).toEqual({
      generator: 'Midjourney',
      model: 'Midjourney 6.1',
      prompt: 'a fox in rain',
      negativePrompt: 'text',
      sources: ['https://s.mj.run/AbC', 'https://example.com/style.png'],
      loras: [],
      seed: '3',
      grade: 'declared',
    });
    expect(result.findings.find(({ about }) => about === 'author')).toMatchObject({
      value: 'someone',
      where: 'PNG tEXt "Author"',
    });
    expect((await read(textPng('Description', 'a fox in rain'))).findings).toEqual([]);
  });
});

describe('XMP', () => {
  const TRAINED = 'http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia';
  const properties = (prefix: string) =>
    [
      ['DigitalSourceType', TRAINED],
      ['AISystemUsed', 'Éclair & Söhne <Gen>'],
      ['AISystemVersionUsed', '2.1b'],
      ['AIPromptInformation', '"水の呼吸" & more'],
      ['AIPromptWriterName', '山田'],
    ].map(([name, value]) => [prefix, IPTC_EXT, name!, value!] as const);
  const carriers: readonly [string, (packet: string) => Buffer][] = [
    ['PNG', (packet) => png(undefined, iTXt('XML:com.adobe.xmp', packet))],
    ['JPEG', (packet) => withSegments(emptyJpeg(), app1Xmp(packet))],
    ['WebP', (packet) => withRiffChunks(emptyWebp(), ['XMP ', Buffer.from(packet)])],
    [
      'GIF',
      (packet) =>
        Buffer.concat([
          Buffer.from('GIF89a\u0001\0\u0001\0\0\0\0!\u00ff\u000bXMP DataXMP', 'latin1'),
          Buffer.from(packet),
        ]),
    ],
  ];
  test.each(
    carriers.flatMap(([name, make]) =>
      (['attributes', 'elements'] as const).flatMap((form) =>
        ['Iptc4xmpExt', 'anything'].map((prefix) => [name, form, prefix, make] as const),
      ),
    ),
  )('IPTC AI fields in %s, as %s, prefix %s', async (_, form, prefix, make) => {
    const result = await read(make(xmpPacket(properties(prefix), form)));
    expect(result).toMatchObject({
      grade: 'declared',
      generator: 'Éclair & Söhne <Gen> 2.1b',
      prompt: '"水の呼吸" & more',
    });
    expect(result.findings.find(({ about }) => about === 'source-type')).toMatchObject({
      value: TRAINED,
      generative: true,
    });
    expect(result.findings.find(({ about }) => about === 'author')?.value).toBe('山田');
  });

  test.each([
    ['trainedAlgorithmicMedia', 'declared'],
    ['compositeWithTrainedAlgorithmicMedia', 'declared'],
    ['digitalCapture', 'none'],
    ['algorithmicMedia', 'none'],
  ])('%s alone is worth %s', async (term, grade) => {
    const packet = xmpPacket([
      [
        'Iptc4xmpExt',
        IPTC_EXT,
        'DigitalSourceType',
        `http://cv.iptc.org/newscodes/digitalsourcetype/${term}`,
      ],
    ]);
    const result = await read(withSegments(emptyJpeg(), app1Xmp(packet)));
    expect(result.grade).toBe(grade);
    expect(result.findings).toHaveLength(1);
  });

  test("Google's credit line is a platform's label; an editor's name is no generator", async () => {
    const packet = xmpPacket([
      ['photoshop', 'http://ns.adobe.com/photoshop/1.0/', 'Credit', 'Made with Google AI'],
      ['xmp', 'http://ns.adobe.com/xap/1.0/', 'CreatorTool', 'Adobe Photoshop 26.0'],
    ]);
    const result = await read(withSegments(emptyJpeg(), app1Xmp(packet)));
    expect(result).toMatchObject({ grade: 'platform-label', generator: 'Made with Google AI' });
  });
});

test('what the prompt wanted to avoid is no evidence of reliance', async () => {
  const texts = relianceTexts(await read(textPng('parameters', INFOTEXT)));
  expect(texts.map(({ where }) => where.split(':')[0])).toEqual(['model', 'prompt', 'lora', 'lora']);
  expect(texts.some(({ text }) => text.includes(NEGATIVE))).toBe(false);
});

describe('conflicts', () => {
  test('two prompts that differ are both kept and named', async () => {
    const bytes = png(
      undefined,
      tEXt('parameters', 'a cat\nSteps: 1, Seed: 2, Model: x'),
      tEXt('prompt', graphJson),
    );
    const { findings, conflicts } = await read(bytes);
    const prompt = conflicts.find(({ about }) => about === 'prompt')!;
    expect(prompt.findings.map((at) => findings[at]!.value)).toEqual(['a cat', 'a boy with earrings']);
    expect(conflicts.map(({ about }) => about)).toEqual(['generator', 'model', 'prompt', 'seed']);
    expect(prompt.sentence).toEqual({
      ja: 'プロンプトについて記載が食い違っています: PNG tEXt "parameters"「a cat」、PNG tEXt "prompt" node 20 StringFunction.text_a「a boy with earrings」。どれが正しいかは判断していません。',
      en: 'The file contradicts itself on the prompt: PNG tEXt "parameters" “a cat”; PNG tEXt "prompt" node 20 StringFunction.text_a “a boy with earrings”. Which is true is not decided here.',
    });
  });

  test('the same key twice with different text', async () => {
    const bytes = png(
      undefined,
      tEXt('parameters', 'a cat\nSteps: 1, Seed: 2'),
      tEXt('parameters', 'a dog\nSteps: 1, Seed: 2'),
    );
    // Equal places speak with one voice, so this is shown as two findings of one place.
    const { findings } = await read(bytes);
    expect(findings.filter(({ about }) => about === 'prompt').map(({ value }) => value)).toEqual([
      'a cat',
      'a dog',
    ]);
  });

  test('a camera’s word against a generator’s', async () => {
    const packet = xmpPacket([
      [
        'Iptc4xmpExt',
        IPTC_EXT,
        'DigitalSourceType',
        'http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture',
      ],
    ]);
    const { conflicts } = await read(
      png(
        undefined,
        tEXt('parameters', INFOTEXT.replaceAll(/[^ -~\n]/g, '')),
        iTXt('XML:com.adobe.xmp', packet),
      ),
    );
    expect(conflicts.map(({ about }) => about)).toEqual(['source-type']);
  });

  test('nothing found is no finding, and grade none', async () => {
    expect(await read(png())).toEqual({
      grade: 'none',
      generator: null,
      model: null,
      prompt: null,
      negativePrompt: null,
      sources: [],
      loras: [],
      seed: null,
      findings: [],
      conflicts: [],
    });
  });
});

describe('hostile containers', () => {
  test.each<[string, Buffer]>([
    ['tags that never close', png(undefined, iTXt('XML:com.adobe.xmp', '<a:b>'.repeat(20_000)))],
    [
      'tags nested without end',
      png(undefined, iTXt('XML:com.adobe.xmp', '<a:b>'.repeat(3_000) + '</a:b>'.repeat(3_000))),
    ],
    [
      'a quote that never closes',
      png(undefined, iTXt('XML:com.adobe.xmp', `<a:b c="${'<d e="'.repeat(20_000)}`)),
    ],
    ['JSON of great depth', textPng('prompt', '['.repeat(200_000))],
    [
      'a comment of great depth',
      png(
        undefined,
        tEXt('Software', 'NovelAI'),
        tEXt('Comment', `{"signed_hash":"x","a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`),
      ),
    ],
    [
      'many inflating texts',
      png(undefined, ...Array.from({ length: 300 }, (_, i) => zTXt(`k${i}`, ' '.repeat(2_000_000)))),
    ],
    ['settings without end', textPng('parameters', `x\nSteps: 1${', a'.repeat(50_000)}`)],
    ['quotes without end', textPng('parameters', `x\nSteps: 1, a: "${'\\'.repeat(100_000)}`)],
    [
      'a chain of samplers, each with all of it behind',
      textPng(
        'prompt',
        JSON.stringify(
          Object.fromEntries(
            Array.from({ length: 5_000 }, (_, i) => [
              i,
              {
                class_type: 'KSampler',
                inputs: { positive: [String(i + 1), 0], conditioning: [String(i + 1), 0] },
              },
            ]),
          ),
        ),
      ),
    ],
    [
      'a graph of one long chain',
      textPng(
        'prompt',
        JSON.stringify(
          Object.fromEntries([
            [0, { class_type: 'KSampler', inputs: { positive: ['1', 0] } }],
            ...Array.from({ length: 20_000 }, (_, i) => [
              i + 1,
              { class_type: 'X', inputs: { a: [String(i + 2), 0] } },
            ]),
          ]),
        ),
      ),
    ],
  ])('%s', async (_, bytes) => {
    let best = Number.POSITIVE_INFINITY;
    // A pause of the machine is not the reader's: the best of three counts.
    for (let attempt = 0; attempt < 3; attempt++) {
      const started = performance.now();
      await read(bytes, rawPicture(1, 8, 8, 4));
      best = Math.min(best, performance.now() - started);
    }
    expect(best).toBeLessThan(200);
  });

  test('an EXIF entry that promises gigabytes is not believed', async () => {
    const block = exifBlock({ Software: 'x'.repeat(40) });
    block.writeUInt16BE(5, 12);
    block.writeUInt32BE(30_000_000, 14);
    const before = process.memoryUsage.rss();
    await read(withSegments(emptyJpeg(), app1Exif(block)));
    expect(process.memoryUsage.rss() - before).toBeLessThan(64 * 2 ** 20);
  });
});
