import { type Finding, Findings } from '../finding.ts';
import { type JsonObject, asArray, asString, parseObject } from '../json.ts';
import { type Carrier, first, under } from '../reader.ts';
import { lorasInPrompt } from './infotext.ts';

const READER = 'fooocus';

/** Fooocus and RuinedFooocus: JSON in `parameters` beside `fooocus_scheme`, in `Comment`, a JPEG comment or EXIF. */
export function readFooocus(carrier: Carrier): Finding[] {
  const scheme = first(carrier, 'fooocus_scheme');
  return under(carrier, 'parameters', 'Comment', 'UserComment').flatMap(({ text, where }) => {
    const json = parseObject(text);
    if (json === undefined || !isFooocus(json, scheme)) return [];
    const version = asString(json['version'] ?? json['software'] ?? json['fooocus_version']);
    const prompt = asString(json['prompt'] ?? json['Prompt']) ?? '';
    const findings = new Findings(READER, where)
      .add('generator', version !== undefined && /fooocus/i.test(version) ? version : 'Fooocus')
      .add('model', json['base_model'] ?? json['base_model_name'] ?? json['Base Model'])
      .add('prompt', prompt)
      .add('negative-prompt', json['negative_prompt'] ?? json['Negative'] ?? json['Negative Prompt'])
      .add('seed', json['seed'] ?? json['Seed'])
      .addAll('lora', lorasInPrompt(prompt));
    for (const lora of asArray(json['loras']).slice(0, 50)) {
      const name = asString(asArray(lora)[0] ?? lora);
      if (name !== 'None') findings.add('lora', name);
    }
    for (const [key, value] of Object.entries(json).slice(0, 300))
      // "name.safetensors : 0.5"
      if (/^lora_combined_\d+$|^LoRA \d+$/.test(key))
        findings.add('lora', asString(value)?.replace(/\s*:\s*-?[\d.]+$/, ''));
    return findings.list;
  });
}

function isFooocus(json: JsonObject, scheme: string | undefined): boolean {
  if (scheme === 'fooocus') return true;
  if (/fooocus/i.test(String(json['version'] ?? json['software'] ?? ''))) return true;
  return (
    'base_model' in json &&
    'prompt' in json &&
    ('performance' in json || 'styles' in json || 'refiner_model' in json)
  );
}
