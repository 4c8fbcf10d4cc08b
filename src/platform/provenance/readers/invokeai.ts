import { type Finding, Findings } from '../finding.ts';
import { type JsonObject, asArray, asObject, asString, parseObject } from '../json.ts';
import { type Carrier, under } from '../reader.ts';

const READER = 'invokeai';

/** InvokeAI: `invokeai_metadata` and graph; in its early years `sd-metadata` and `Dream`. */
export function readInvokeAi(carrier: Carrier): Finding[] {
  return carrier.entries.flatMap(({ key, text, where }) => {
    if (key === 'invokeai_metadata') return ofMetadata(parseObject(text), where);
    if (key === 'invokeai_graph' || key === 'invokeai_workflow') return ofGraph(parseObject(text), where);
    if (key === 'sd-metadata') return ofEarlyMetadata(parseObject(text), where);
    // Newer early files carry both; the JSON says more.
    if (key === 'Dream' && under(carrier, 'sd-metadata').length === 0) return ofDream(text, where);
    return [];
  });
}

function ofMetadata(json: JsonObject | undefined, where: string): Finding[] {
  if (json === undefined) return [];
  const version = asString(json['app_version']);
  const findings = new Findings(READER, where)
    .add('generator', version === undefined ? 'InvokeAI' : `InvokeAI ${version}`)
    .add('model', modelName(json['model']))
    .add('prompt', json['positive_prompt'])
    .add('prompt', json['positive_style_prompt'])
    .add('negative-prompt', json['negative_prompt'])
    .add('seed', json['seed'])
    .add('source', imageName(json['init_image']));
  for (const lora of asArray(json['loras']).slice(0, 50))
    findings.add('lora', modelName(asObject(lora)?.['model'] ?? asObject(lora)?.['lora']));
  for (const key of ['controlnets', 'ipAdapters', 't2iAdapters'])
    for (const adapter of asArray(json[key]).slice(0, 50))
      findings.add('source', imageName(asObject(adapter)?.['image']));
  return findings.list;
}

function ofGraph(json: JsonObject | undefined, where: string): Finding[] {
  if (json === undefined) return [];
  const findings = new Findings(READER, where).add('generator', 'InvokeAI');
  const nodes = Object.values(asObject(json['nodes']) ?? {}).slice(0, 2_000);
  for (const node of nodes) {
    findings.add('source', imageName(asObject(node)?.['image']));
    findings.add('lora', modelName(asObject(node)?.['lora']));
  }
  return findings.list;
}

function ofEarlyMetadata(json: JsonObject | undefined, where: string): Finding[] {
  const image = asObject(json?.['image']);
  if (json === undefined || image === undefined) return [];
  const prompts = image['prompt'];
  const prompt = Array.isArray(prompts)
    ? prompts
        .slice(0, 20)
        .map((part) => asString(asObject(part)?.['prompt']) ?? '')
        .join(' ')
    : (asString(prompts) ?? '');
  const version = asString(json['app_version']);
  const findings = new Findings(READER, where)
    .add('generator', version === undefined ? 'InvokeAI' : `InvokeAI ${version}`)
    .add('model', json['model_weights'] ?? json['model'])
    .add('seed', image['seed'])
    .add('source', image['init_image_path']);
  addPrompt(findings, prompt);
  return findings.list;
}

/** `"a cat [ugly]" -s 50 -S 1234 -W 512 -H 512 -C 7.5 -A k_lms` */
function ofDream(text: string, where: string): Finding[] {
  const end = text.lastIndexOf('"');
  if (!text.startsWith('"') || end < 1) return [];
  const findings = new Findings(READER, where)
    .add('generator', 'InvokeAI')
    .add('seed', / -S\s?(\d{1,20})/.exec(text.slice(end))?.[1])
    .add('source', / -I\s?(\S{1,200})/.exec(text.slice(end))?.[1]);
  addPrompt(findings, text.slice(1, end));
  return findings.list;
}

/** In the early notation what is to be avoided stands in square brackets inside the prompt. */
function addPrompt(findings: Findings, text: string): void {
  findings.add('prompt', text.replaceAll(/\[[^[\]]*\]/g, ' ').replaceAll(/\s+/g, ' '));
  for (const [, avoided] of text.matchAll(/\[([^[\]]{1,2000})\]/g)) findings.add('negative-prompt', avoided);
}

const modelName = (value: unknown) =>
  asString(value) ?? asString(asObject(value)?.['name'] ?? asObject(value)?.['model_name']);
const imageName = (value: unknown) => asString(value) ?? asString(asObject(value)?.['image_name']);
