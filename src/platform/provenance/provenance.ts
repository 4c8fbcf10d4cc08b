import { openContainer } from './container.ts';
import { readExif } from './exif.ts';
import { type About, type Finding, GRADES, type Grade, contradiction } from './finding.ts';
import type { Carrier, Pixels } from './reader.ts';
import { readAutomatic1111 } from './readers/automatic1111.ts';
import { type TrustList, readC2pa } from './readers/c2pa.ts';
import { readComfyUi } from './readers/comfyui.ts';
import { readDrawThings } from './readers/draw-things.ts';
import { readEasyDiffusion } from './readers/easy-diffusion.ts';
import { readFooocus } from './readers/fooocus.ts';
import { readInvokeAi } from './readers/invokeai.ts';
import { isGenerativeSourceType, readIptc } from './readers/iptc.ts';
import { readMidjourney } from './readers/midjourney.ts';
import { NOVELAI_PUBLIC_KEY, readNovelAi } from './readers/novelai.ts';
import { readStealth } from './readers/stealth.ts';
import { readSwarmUi } from './readers/swarmui.ts';
import { readWatermark } from './readers/watermark.ts';
import { readXmp } from './xmp.ts';

/** What a picture's bytes say about who generated it, from what, and how far that can be relied on. */
export interface Provenance {
  /** The best grade among the findings that speak of a generative model; `none` proves nothing. */
  readonly grade: Grade;
  readonly generator: string | null;
  readonly model: string | null;
  readonly prompt: string | null;
  readonly negativePrompt: string | null;
  /** Names of pictures it was made from. */
  readonly sources: readonly string[];
  readonly loras: readonly string[];
  readonly seed: string | null;
  readonly findings: readonly Finding[];
  /** Findings that cannot all be true, as positions in `findings`. None of them is dropped for it. */
  readonly conflicts: readonly Conflict[];
}

export interface Conflict {
  readonly about: About;
  readonly findings: readonly number[];
  /** Not in what earlier versions recorded. */
  readonly sentence?: Finding['sentence'];
}

export interface ProvenanceOptions {
  /** Certificates whose C2PA signatures count as verified. */
  readonly trust: TrustList;
  /** The time at which certificates must be valid when no time stamp says otherwise. */
  readonly now: Date;
  /** Raw Ed25519 keys, base64, whose signatures are NovelAI's. */
  readonly novelAiKeys?: readonly string[];
}

/** Beyond this nobody reads them, and a hostile file could make very many. */
const MAX_FINDINGS = 400;

const TEXT_READERS: readonly ((carrier: Carrier) => Finding[])[] = [
  readAutomatic1111,
  readComfyUi,
  readInvokeAi,
  readSwarmUi,
  readFooocus,
  readEasyDiffusion,
  readDrawThings,
  readMidjourney,
  readIptc,
];

/**
 * Reads every mark a generator is known to leave. It never throws for what the bytes hold: a damaged part is a part
 * without findings.
 *
 * @param pixels the picture decoded and otherwise untouched, or undefined when it cannot be decoded; without them the
 *   hidden layers, the watermark and NovelAI's signature are not looked at
 */
export async function readProvenance(
  bytes: Uint8Array,
  pixels: Pixels | undefined,
  options: ProvenanceOptions,
): Promise<Provenance> {
  const container = openContainer(bytes);
  const exif = (await Promise.all(container.exif.map(readExif))).flat();
  const xmp = (await Promise.all(container.xmp.map(readXmp))).flat();
  const carriers: Carrier[] = [
    { kind: 'text' as const, entries: container.texts },
    { kind: 'exif' as const, entries: exif },
    { kind: 'xmp' as const, entries: xmp },
    ...(pixels === undefined ? [] : readStealth(pixels)),
  ].filter(({ entries }) => entries.length > 0);
  const keys = options.novelAiKeys ?? [NOVELAI_PUBLIC_KEY];
  const findings = [
    ...(await readC2pa(bytes, container, options.trust, options.now)),
    ...carriers.flatMap((carrier) => [
      ...readNovelAi(carrier, pixels, keys),
      ...TEXT_READERS.flatMap((read) => read(carrier)),
    ]),
    ...(pixels === undefined ? [] : readWatermark(pixels)),
  ].slice(0, MAX_FINDINGS);
  return summarize(findings);
}

/** The best finding for each question, and the conflicts among them. */
function summarize(findings: readonly Finding[]): Provenance {
  const best = (about: About): string | null =>
    findings
      .filter((finding) => finding.about === about && finding.grade !== 'none')
      .reduce<Finding | undefined>(
        (leader, next) => (leader === undefined || rank(next.grade) < rank(leader.grade) ? next : leader),
        undefined,
      )?.value ?? null;
  const all = (about: About) => [
    ...new Set(findings.filter((finding) => finding.about === about).map(({ value }) => value)),
  ];
  const ranks = findings.filter(({ generative }) => generative).map(({ grade }) => rank(grade));
  return {
    grade: GRADES[Math.min(...ranks, GRADES.length - 1)]!,
    generator: best('generator') ?? best('watermark')?.replace(/: \d+\/\d+, .*$/, '') ?? null,
    model: best('model'),
    prompt: best('prompt'),
    negativePrompt: best('negative-prompt'),
    sources: all('source'),
    loras: all('lora'),
    seed: best('seed'),
    findings,
    conflicts: conflictsAmong(findings),
  };
}

const rank = (grade: Grade) => GRADES.indexOf(grade);

/** Questions that have one answer. A graph may hold several prompts, so only different places can contradict there. */
const SINGULAR: readonly About[] = ['generator', 'model', 'prompt', 'negative-prompt', 'seed'];

function conflictsAmong(findings: readonly Finding[]): Conflict[] {
  const indexed = findings.map((finding, index) => ({ ...finding, index }));
  const conflicts: Omit<Conflict, 'sentence'>[] = [];
  for (const about of SINGULAR) {
    const answers = new Map<string, typeof indexed>();
    for (const finding of indexed.filter((finding) => finding.about === about)) {
      const voice = `${finding.reader} ${placeOf(finding.where)}`;
      answers.set(voice, [...(answers.get(voice) ?? []), finding]);
    }
    const voices = [...answers.values()];
    const contradicting = voices.filter((voice) =>
      voices.some(
        (other) => other !== voice && !voice.some((a) => other.some((b) => agree(about, a.value, b.value))),
      ),
    );
    if (contradicting.length > 0)
      conflicts.push({
        about,
        findings: contradicting
          .flat()
          .map(({ index }) => index)
          .sort((a, b) => a - b),
      });
  }
  const types = indexed.filter(({ about }) => about === 'source-type');
  const saysOtherwise = types.filter(
    ({ value }) => !isGenerativeSourceType(value) && CLAIMS_NO_MODEL.test(value),
  );
  const saysGenerative = indexed.filter(({ generative, grade }) => generative && grade !== 'none');
  if (saysOtherwise.length > 0 && saysGenerative.length > 0)
    conflicts.push({
      about: 'source-type',
      findings: [...saysOtherwise, ...saysGenerative].map(({ index }) => index).sort((a, b) => a - b),
    });
  const broken = indexed.filter(({ about, value }) => about === 'signature' && value.startsWith('invalid'));
  const signed = indexed.filter(({ about, value }) => about === 'signature' && !value.startsWith('invalid'));
  for (const { index, reader, where } of broken) {
    const claims = indexed.filter((other) => other.reader === reader && other.where.startsWith(where));
    conflicts.push({
      about: 'signature',
      findings: [
        ...new Set([index, ...claims.map((other) => other.index), ...signed.map((other) => other.index)]),
      ].sort((a, b) => a - b),
    });
  }
  return conflicts.map((conflict) => ({
    ...conflict,
    sentence: contradiction(
      conflict.about,
      conflict.findings.map((index) => findings[index]!),
    ),
  }));
}

/** Source types of pictures made without any model: a camera, a scan, a hand. */
const CLAIMS_NO_MODEL =
  /\/(?:digitalCapture|computationalCapture|negativeFilm|positiveFilm|print|humanEdits|digitalArt|digitalCreation|composite(?:Capture)?)$/;

/** The carrier a place belongs to, without the node or key inside it. */
const placeOf = (where: string) => where.replace(/ (?:node |v4_prompt|ingredient ).*$/, '');

function agree(about: About, a: string, b: string): boolean {
  const [left, right] = [a, b].map((value) =>
    value
      .normalize('NFKC')
      .toLowerCase()
      .replaceAll(/[\s,.]+/g, ' ')
      .trim(),
  );
  if (left === right) return true;
  // One names the program, the other adds its version; one gives a path, the other a name.
  return (about === 'generator' || about === 'model') && (left!.includes(right!) || right!.includes(left!));
}
