import { type Finding, Findings } from '../finding.ts';
import { type JsonObject, asString, baseName, parseObject } from '../json.ts';
import { type Carrier, first, under } from '../reader.ts';

const READER = 'easy-diffusion';

/** Easy Diffusion: one PNG text a setting, or all of them as JSON in EXIF UserComment; with two spellings of keys. */
export function readEasyDiffusion(carrier: Carrier): Finding[] {
  const found: Finding[] = [];
  const texts: JsonObject = Object.fromEntries(carrier.entries.map(({ key, text }) => [key, text]));
  const hasOwnTexts = carrier.kind === 'text' && isEasyDiffusion(texts);
  if (hasOwnTexts) {
    const key = first(carrier, 'negative_prompt') === undefined ? 'Negative Prompt' : 'negative_prompt';
    found.push(...findingsOf(texts, under(carrier, key)[0]!.where));
  }
  for (const { text, where } of under(carrier, 'UserComment')) {
    const json = parseObject(text);
    if (json !== undefined && isEasyDiffusion(json)) found.push(...findingsOf(json, where));
  }
  return found;
}

const MARKS = [
  'use_stable_diffusion_model',
  'num_inference_steps',
  'Stable Diffusion model',
  'Guidance Scale',
];

const isEasyDiffusion = (values: JsonObject) =>
  ('negative_prompt' in values || 'Negative Prompt' in values) && MARKS.some((mark) => mark in values);

function findingsOf(values: JsonObject, where: string): Finding[] {
  const value = (key: string, label: string) => values[key] ?? values[label];
  const loras = value('use_lora_model', 'LoRA model');
  return new Findings(READER, where)
    .add('generator', 'Easy Diffusion')
    .add('model', baseName(value('use_stable_diffusion_model', 'Stable Diffusion model')))
    .add('prompt', value('prompt', 'Prompt'))
    .add('negative-prompt', value('negative_prompt', 'Negative Prompt'))
    .add('seed', value('seed', 'Seed'))
    .addAll(
      'lora',
      (Array.isArray(loras) ? loras.slice(0, 50) : [asString(loras)])
        .filter((name) => name !== 'None')
        .map(baseName),
    )
    .add('source', baseName(value('init_image_name', 'Init Image'))).list;
}
