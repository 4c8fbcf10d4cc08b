import { type Finding, Findings } from '../finding.ts';
import { asArray, asObject, asString, parseObject } from '../json.ts';
import { type Carrier, under } from '../reader.ts';

const READER = 'swarmui';

/** SwarmUI: JSON with `sui_image_params`, in `parameters` or in EXIF. */
export function readSwarmUi(carrier: Carrier): Finding[] {
  return under(carrier, 'parameters', 'UserComment', 'sui_image_params').flatMap(({ key, text, where }) => {
    if (!text.includes('sui_image_params') && key !== 'sui_image_params') return [];
    const json = parseObject(text);
    const params = asObject(json?.['sui_image_params']) ?? (key === 'sui_image_params' ? json : undefined);
    if (json === undefined || params === undefined) return [];
    const version = asString(params['swarm_version']);
    const findings = new Findings(READER, where)
      .add('generator', version === undefined ? 'SwarmUI' : `SwarmUI ${version}`)
      .add('model', params['model'])
      .add('prompt', params['prompt'])
      .add('negative-prompt', params['negativeprompt'])
      .add('seed', params['seed'])
      .add('source', fileName(params['initimage']))
      .addAll('source', list(params['promptimages']).map(fileName))
      .addAll('lora', list(params['loras']));
    for (const model of asArray(json['sui_models']).slice(0, 50).map(asObject))
      if (/lora/i.test(String(model?.['param']))) findings.add('lora', model!['name']);
    return findings.list;
  });
}

function list(value: unknown): string[] {
  const items = Array.isArray(value) ? value : (asString(value)?.split(',') ?? []);
  return items.slice(0, 50).map((item) => (asString(item) ?? '').trim());
}

/** A picture may stand there by name or with all its bytes; only a name is of use. */
function fileName(value: unknown): string | undefined {
  const text = asString(value);
  return text === undefined || text.startsWith('data:') || text.length > 300 ? undefined : text;
}
