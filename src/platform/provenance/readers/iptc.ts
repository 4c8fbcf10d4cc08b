import { type Finding, Findings, finding } from '../finding.ts';
import { type Carrier, under } from '../reader.ts';

const READER = 'iptc';

/** IPTC's terms for pictures made wholly or partly by a trained model; C2PA has one more of its own. */
const GENERATIVE =
  /(?:^|\/)(?:trainedAlgorithmicMedia|compositeWithTrainedAlgorithmicMedia|trainedAlgorithmicData)$/;

/** Whether a digital source type says that a trained model made the picture or a part of it. */
export const isGenerativeSourceType = (uri: string) => GENERATIVE.test(uri.replace(/^c2pa\./, ''));

/** XMP: IPTC's digital source type and AI fields (2025.1), programs that name themselves, and Google's label. */
export function readIptc(carrier: Carrier): Finding[] {
  if (carrier.kind !== 'xmp') return [];
  const found: Finding[] = [];
  const add = (about: Finding['about'], key: string, generative = true) => {
    for (const { text, where } of under(carrier, key))
      found.push(...new Findings(READER, where).add(about, text, { generative }).list);
  };
  for (const { text, where } of under(
    carrier,
    'Iptc4xmpExt:DigitalSourceType',
    'Iptc4xmpExt:digitalSourceType',
  ))
    found.push(sourceTypeFinding(READER, 'declared', where, text.trim()));
  const [system] = under(carrier, 'Iptc4xmpExt:AISystemUsed');
  const version = under(carrier, 'Iptc4xmpExt:AISystemVersionUsed')[0]?.text;
  if (system !== undefined) {
    const name = version === undefined ? system.text : `${system.text} ${version}`;
    found.push(...new Findings(READER, system.where).add('generator', name).list);
  }
  add('prompt', 'Iptc4xmpExt:AIPromptInformation');
  add('author', 'Iptc4xmpExt:AIPromptWriterName');
  for (const { text, where } of under(carrier, 'xmp:CreatorTool'))
    if (NAMES_A_GENERATOR.test(text)) found.push(...new Findings(READER, where).add('generator', text).list);
    else found.push(...new Findings(READER, where).add('editing', text, { generative: false }).list);
  for (const { text, where } of under(carrier, 'photoshop:Credit'))
    if (/\b(?:made|edited|created) with google ai\b/i.test(text))
      found.push(...new Findings(READER, where, 'platform-label').add('generator', text).list);
  return found;
}

/** Names that only a generator bears. */
export const NAMES_A_GENERATOR =
  /dall[-·.\s]?e|midjourney|stable diffusion|novelai|comfyui|firefly|imagen|gemini|gpt-?(?:4o|image)|openai|chatgpt|sora|flux\.1|draw things|invokeai|fooocus|leonardo\.ai|ideogram|bing image creator|image creator from|titan image|grok/i;

export function sourceTypeFinding(
  reader: string,
  grade: Finding['grade'],
  where: string,
  uri: string,
): Finding {
  const generative = isGenerativeSourceType(uri);
  return finding({
    reader,
    about: 'source-type',
    grade,
    where,
    value: uri,
    generative,
    ...(generative ? { sentence: generativeSentence(uri, where, grade) } : {}),
  });
}

function generativeSentence(uri: string, where: string, grade: Finding['grade']): Finding['sentence'] {
  const partly = /composite/i.test(uri);
  const worth = {
    'signed-verified': { ja: '信頼された署名で確かめられています', en: 'a trusted signature confirms it' },
    'signed-untrusted': { ja: '署名者は信頼リストにありません', en: 'its signer is not on the trust list' },
  }[grade as string] ?? { ja: '誰でも書き換えられる記載です', en: 'anybody can write or change this text' };
  return {
    ja: `${where} に、この画像${partly ? 'の一部' : ''}は生成AIによるものとあります(${worth.ja})。`,
    en: `${where} says that ${partly ? 'part of the picture' : 'the picture'} was made by generative AI (${worth.en}).`,
  };
}
