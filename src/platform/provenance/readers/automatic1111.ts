import { type Finding, Findings } from '../finding.ts';
import { asArray, asObject, parseJson } from '../json.ts';
import { type Carrier, under } from '../reader.ts';
import { type Infotext, lorasInPrompt, parseInfotext } from './infotext.ts';

const READER = 'automatic1111';

/** AUTOMATIC1111's web UI, Forge, SD.Next, Civitai and whoever else writes its text. */
export function readAutomatic1111(carrier: Carrier): Finding[] {
  const found = under(
    carrier,
    'parameters',
    'UserComment',
    'Comment',
    'ImageDescription',
    'dc:description',
    'exif:UserComment',
  ).flatMap(({ key, text, where }) => {
    const info = parseInfotext(text);
    // In a field of general use the line of settings must know more than steps.
    return info === undefined || (key !== 'parameters' && info.settings.size < 3)
      ? []
      : findingsOf(info, where, text);
  });
  for (const { text, where } of under(carrier, 'postprocessing')) {
    found.push(
      ...new Findings(READER, where).add('editing', `AUTOMATIC1111 web UI, extras: ${text}`, {
        generative: false,
      }).list,
    );
  }
  return found;
}

function findingsOf(info: Infotext, where: string, text: string): Finding[] {
  const { settings } = info;
  const findings = new Findings(READER, where)
    .add('generator', generatorOf(settings))
    .add('model', settings.get('Model') ?? hash(settings.get('Model hash')))
    .add('prompt', info.prompt)
    .add('negative-prompt', info.negativePrompt)
    .add('seed', settings.get('Seed'))
    .addAll('lora', lorasInPrompt(info.prompt))
    .addAll(
      'lora',
      (settings.get('Lora hashes') ?? '').split(',').map((pair) => pair.split(':')[0]!.trim()),
    );
  for (const resource of civitaiResources(text)) {
    if (/^(?:lora|locon|lycoris|dora)$/i.test(String(resource['type'])))
      findings.add('lora', resource['modelName']);
    else if (resource['type'] === 'checkpoint' && !settings.has('Model'))
      findings.add('model', resource['modelName']);
  }
  return findings.list;
}

const hash = (value: string | undefined) => (value === undefined ? undefined : `hash ${value}`);

function generatorOf(settings: ReadonlyMap<string, string>): string {
  const version = settings.get('Version') ?? '';
  const app = settings.get('App');
  if (app !== undefined && app !== '') return app;
  if (/^f\d|forge|^neo\b/i.test(version)) return `Stable Diffusion WebUI Forge ${version}`;
  if (/^v?\d/.test(version)) return `AUTOMATIC1111 Stable Diffusion web UI ${version}`;
  if (version !== '') return version;
  return settings.has('Civitai resources')
    ? 'Civitai'
    : 'AUTOMATIC1111 Stable Diffusion web UI (or a program that writes its format)';
}

/** `Civitai resources: [{"type":"checkpoint","modelName":"…"}, …]` at the end of the settings. */
function civitaiResources(text: string): Record<string, unknown>[] {
  const at = text.indexOf('Civitai resources: [');
  if (at < 0) return [];
  const start = text.indexOf('[', at);
  const end = text.lastIndexOf('}]');
  return asArray(parseJson(text.slice(start, end + 2)))
    .slice(0, 100)
    .map(asObject)
    .filter((resource) => resource !== undefined);
}
