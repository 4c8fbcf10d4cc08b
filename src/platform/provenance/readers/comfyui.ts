import { type Finding, Findings } from '../finding.ts';
import { type JsonObject, asArray, asObject, asString, baseName, parseObject } from '../json.ts';
import type { Carrier } from '../reader.ts';
import { lorasInPrompt } from './infotext.ts';

const READER = 'comfyui';
const MAX_NODES = 5_000;
/** Steps of all walks through one graph together: many samplers at one long chain would each walk all of it. */
const MAX_STEPS = 20_000;

interface GraphNode {
  readonly type: string;
  readonly inputs: JsonObject;
}
type Graph = ReadonlyMap<string, GraphNode>;

/**
 * ComfyUI: the graph that was run (`prompt`), or else the editor's graph (`workflow`). In WebP and JPEG both stand in
 * EXIF strings that begin with their name.
 */
export function readComfyUi(carrier: Carrier): Finding[] {
  const graphs = { prompt: [] as [Graph, string][], workflow: [] as [Graph, string][] };
  for (const { key, text, where } of carrier.entries) {
    const prefixed = carrier.kind === 'exif' ? /^\s*(prompt|workflow):\s*(?=\{)/i.exec(text) : null;
    const name = prefixed?.[1]!.toLowerCase() ?? key;
    if (name !== 'prompt' && name !== 'workflow') continue;
    const json = parseObject(prefixed === null ? text : text.slice(prefixed[0].length));
    if (json === undefined) continue;
    const graph = name === 'prompt' ? apiGraph(json) : editorGraph(json);
    if (graph.size > 0) graphs[name].push([graph, where]);
  }
  const chosen = graphs.prompt.length > 0 ? graphs.prompt : graphs.workflow;
  return chosen.flatMap(([graph, where]) => findingsOf(graph, where));
}

function apiGraph(json: JsonObject): Graph {
  const graph = new Map<string, GraphNode>();
  for (const [id, value] of Object.entries(json).slice(0, MAX_NODES)) {
    const node = asObject(value);
    const type = asString(node?.['class_type']);
    if (type !== undefined) graph.set(id, { type, inputs: asObject(node!['inputs']) ?? {} });
  }
  return graph;
}

/** Which inputs the first widgets of a node hold; the editor's graph keeps values without names. */
const WIDGETS: readonly [RegExp, readonly string[]][] = [
  [/^CLIPTextEncode$/, ['text']],
  [/^CLIPTextEncodeFlux$/, ['clip_l', 't5xxl']],
  [/^KSampler$/, ['seed']],
  [/^KSamplerAdvanced$/, ['add_noise', 'noise_seed']],
  [/^RandomNoise$/, ['noise_seed']],
  [/^(?:CheckpointLoader|ImageOnlyCheckpointLoader)/, ['ckpt_name']],
  [/^UNETLoader$/, ['unet_name']],
  [/^Lora ?Loader/i, ['lora_name']],
  [/^LoadImage/, ['image']],
  [/^Primitive|^String/, ['value']],
];

/** Brings the editor's graph (lists of nodes and links) to the form of the graph that is run. */
function editorGraph(json: JsonObject): Graph {
  const links = new Map<unknown, string>();
  for (const link of asArray(json['links']).slice(0, 4 * MAX_NODES)) {
    if (Array.isArray(link)) links.set(link[0], String(link[1]));
    else if (asObject(link) !== undefined)
      links.set(asObject(link)!['id'], String(asObject(link)!['origin_id']));
  }
  const graph = new Map<string, GraphNode>();
  for (const value of asArray(json['nodes']).slice(0, MAX_NODES)) {
    const node = asObject(value);
    const type = asString(node?.['type']);
    if (node === undefined || type === undefined) continue;
    const inputs: Record<string, unknown> = {};
    const names = WIDGETS.find(([pattern]) => pattern.test(type))?.[1] ?? [];
    for (const [i, widget] of asArray(node['widgets_values']).entries())
      if (names[i] !== undefined) inputs[names[i]] = widget;
    for (const input of asArray(node['inputs']).map(asObject)) {
      const origin = links.get(input?.['link'] ?? undefined);
      if (input?.['link'] != null && origin !== undefined) inputs[String(input['name'])] = [origin, 0];
    }
    graph.set(String(node['id']), { type, inputs });
  }
  return graph;
}

function findingsOf(graph: Graph, where: string): Finding[] {
  const findings = new Findings(READER, where).add('generator', 'ComfyUI');
  const place = (id: string, input: string) => ({
    where: `${where} node ${id} ${graph.get(id)!.type}.${input}`,
  });
  const budget = { steps: MAX_STEPS };
  let positive = 0;
  for (const [id, { type, inputs }] of graph) {
    for (const side of ['positive', 'negative', 'conditioning'] as const) {
      // A node that only hands conditioning on is walked through from the sampler, and no end of its own.
      if (!/sampler|guider/i.test(type) || linkOf(inputs[side]) === undefined) continue;
      for (const [node, input, text] of textsBehind(graph, linkOf(inputs[side])!, side, budget)) {
        findings.add(side === 'negative' ? 'negative-prompt' : 'prompt', text, place(node, input));
        if (side === 'negative') continue;
        positive++;
        for (const name of lorasInPrompt(text)) findings.add('lora', name, place(node, input));
      }
    }
    for (const input of ['seed', 'noise_seed'])
      if (/sampler|noise/i.test(type) && linkOf(inputs[input]) === undefined)
        findings.add('seed', inputs[input], place(id, input));
    for (const input of ['ckpt_name', 'unet_name', 'model_name', 'base_ckpt_name', 'gguf_name'])
      if (!/upscale|controlnet|sam|detector/i.test(type))
        findings.add('model', inputs[input], place(id, input));
    if (/^Load.*Image|ImageLoad|Load Image/i.test(type))
      for (const input of ['image', 'image_path', 'file', 'url', 'directory'])
        findings.add('source', inputs[input], place(id, input));
    if (/lora/i.test(type))
      for (const [input, name] of loraNames(inputs)) findings.add('lora', name, place(id, input));
  }
  // Custom samplers hide their inputs; then every text that is encoded may be the prompt.
  if (positive === 0)
    for (const [id, { type, inputs }] of graph)
      if (/TextEncode|^Prompt|Positive/i.test(type))
        for (const [input, value] of Object.entries(inputs))
          if (typeof value === 'string' && TEXT_INPUT.test(input))
            findings.add('prompt', value, place(id, input));
  return findings.list;
}

function* loraNames(inputs: JsonObject): Generator<[string, unknown]> {
  for (const [input, value] of Object.entries(inputs).slice(0, 200)) {
    if (/^lora_name|^lora_\d+_name|^lora$/.test(input) && value !== 'None') yield [input, baseName(value)];
    const entry = asObject(value);
    if (entry?.['lora'] !== undefined && entry['on'] !== false && entry['lora'] !== 'None')
      yield [input, baseName(entry['lora'])];
  }
}

const TEXT_INPUT =
  /^(?:text|text_?[a-z\d]{1,2}|clip_l|clip_g|t5xxl|llama|prompt|positive|string|string_?[a-z\d]|value|wildcard_text|populated_text)$/i;
/** Inputs behind which there is no text of the prompt. */
const OTHER_INPUT =
  /^(?:model|clip|clip_vision|vae|latent|latent_image|samples|image|images|pixels|mask|control_net|sigmas|sampler|noise)$/i;

function linkOf(value: unknown): string | undefined {
  return Array.isArray(value) && value.length === 2 && typeof value[1] === 'number'
    ? String(value[0])
    : undefined;
}

/** Walks from a conditioning input back to the texts it was made from: [node, input, text]. */
function textsBehind(
  graph: Graph,
  start: string,
  side: 'positive' | 'negative' | 'conditioning',
  budget: { steps: number },
): [string, string, string][] {
  const texts: [string, string, string][] = [];
  const seen = new Set([start]);
  // A set is walked in the order of its making, what is added on the way included.
  for (const id of seen) {
    if (budget.steps-- <= 0) break;
    const inputs = graph.get(id)?.inputs ?? {};
    const otherSide = side === 'negative' ? 'positive' : 'negative';
    for (const [input, value] of Object.entries(inputs)) {
      if (typeof value === 'string') {
        if (TEXT_INPUT.test(input) && !(side === 'negative' && input === 'positive'))
          texts.push([id, input, value]);
        continue;
      }
      const link = linkOf(value);
      if (link === undefined || input === otherSide || OTHER_INPUT.test(input)) continue;
      seen.add(link);
    }
  }
  return texts;
}
