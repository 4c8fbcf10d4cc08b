/** The text format of AUTOMATIC1111's web UI, which half the field writes: prompt, negative prompt, one line of settings. */
export interface Infotext {
  readonly prompt: string;
  readonly negativePrompt: string;
  readonly settings: ReadonlyMap<string, string>;
}

const MAX_TEXT = 200_000;
const SETTING = /\s*([A-Za-z][\w \-/]{0,40}?):\s*("(?:[^"\\]|\\.)*"|[^,]*)(?:,|$)/y;

/** @returns undefined when the text is not of this form, which is known by its line of settings */
export function parseInfotext(text: string): Infotext | undefined {
  if (text.length > MAX_TEXT) return undefined;
  const lines = text.trim().split(/\r?\n/);
  let last = lines.length - 1;
  while (last >= 0 && !/^Steps: \d/.test(lines[last]!)) last--;
  if (last < 0) return undefined;
  const negativeAt = lines.findIndex((line, at) => at < last && line.startsWith('Negative prompt:'));
  const prompt = lines.slice(0, negativeAt < 0 ? last : negativeAt).join('\n');
  const negative = negativeAt < 0 ? '' : lines.slice(negativeAt, last).join('\n');
  return {
    prompt: prompt.trim(),
    negativePrompt: negative.replace(/^Negative prompt:/, '').trim(),
    settings: parseSettings(lines.slice(last).join(', ')),
  };
}

export function parseSettings(line: string): Map<string, string> {
  const settings = new Map<string, string>();
  SETTING.lastIndex = 0;
  for (let at = 0; at < line.length && settings.size < 200; at = SETTING.lastIndex) {
    SETTING.lastIndex = at;
    const match = SETTING.exec(line);
    if (match === null) {
      // Lists in brackets hold commas of their own; go on after the next one.
      const comma = line.indexOf(',', at);
      if (comma < 0) break;
      SETTING.lastIndex = comma + 1;
      continue;
    }
    const [, key, raw] = match;
    settings.set(key!.trim(), raw!.startsWith('"') ? unquote(raw!) : raw!.trim());
  }
  return settings;
}

function unquote(text: string): string {
  try {
    return JSON.parse(text) as string;
  } catch {
    return text.slice(1, -1);
  }
}

/** LoRA and hypernetwork names in the prompt's own notation, `<lora:name:0.8>`. */
export function lorasInPrompt(prompt: string): string[] {
  return [...prompt.matchAll(/<(?:lora|lyco|hypernet):([^:<>]{1,200})(?::[^<>]{0,80})?>/gi)].map(
    ([, name]) => name!,
  );
}
