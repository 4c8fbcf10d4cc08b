import { type Finding, Findings } from '../finding.ts';
import { asArray, asObject, parseObject } from '../json.ts';
import { type Carrier, first, under } from '../reader.ts';

const READER = 'draw-things';

/** Draw Things: JSON in XMP exif:UserComment, with `c` for the prompt and `uc` for the negative one. */
export function readDrawThings(carrier: Carrier): Finding[] {
  return under(carrier, 'exif:UserComment', 'UserComment').flatMap(({ text, where }) => {
    const json = parseObject(text);
    const isNamed = /draw things/i.test(first(carrier, 'xmp:CreatorTool', 'Software') ?? '');
    if (json === undefined || !('c' in json) || !('uc' in json || isNamed)) return [];
    const findings = new Findings(READER, where)
      .add('generator', 'Draw Things')
      .add('model', json['model'])
      .add('prompt', json['c'])
      .add('negative-prompt', json['uc'])
      .add('seed', json['seed']);
    for (const lora of asArray(json['lora']).slice(0, 50))
      findings.add('lora', asObject(lora)?.['model'] ?? lora);
    return findings.list;
  });
}
