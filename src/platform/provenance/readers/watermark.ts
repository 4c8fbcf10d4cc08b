import { type Finding, finding } from '../finding.ts';
import type { Pixels } from '../reader.ts';
import { type Evidence, gather } from '../watermark/evidence.ts';
import { BLOCK, type Manner, type Reading } from '../watermark/plain-kernel.ts';

const READER = 'stable-diffusion-watermark';

/**
 * Messages that reference code and diffusers put into pictures with the `dwtDct` method of invisible-watermark, and how
 * their encoders are given the picture. The scale was published for the 48 bits of SDXL; 136 bits use it in proportion,
 * 46 and 32 with the same odds of chance. (FLUX's has 48 bits, but what writes it drops the two zeros in front.)
 */
const MARKS: readonly Mark[] = [
  {
    name: 'Stable Diffusion XL',
    bits: bitsOf('b3ec907bb19e'),
    manners: ['bytes', 'fractions', 'fractions, red for blue'],
    likely: 34,
    veryLikely: 36,
  },
  {
    name: 'Stable Diffusion 1',
    bits: bitsOf(Buffer.from('StableDiffusionV1', 'latin1').toString('hex')),
    manners: ['bytes'],
    likely: 97,
    veryLikely: 102,
  },
  {
    name: 'Stable Diffusion 2',
    bits: bitsOf(Buffer.from('SDV2', 'latin1').toString('hex')),
    manners: ['bytes'],
    likely: 25,
    veryLikely: 26,
  },
  {
    name: 'FLUX',
    bits: bitsOf('2afe879cf52e').subarray(2),
    manners: ['fractions'],
    likely: 33,
    veryLikely: 35,
  },
];

interface Mark {
  readonly name: string;
  readonly bits: Uint8Array;
  readonly manners: readonly Manner[];
  readonly likely: number;
  readonly veryLikely: number;
}

const READINGS = MARKS.flatMap((mark) => mark.manners.map((manner) => ({ mark, bits: mark.bits, manner })));

/** The encoder refuses anything smaller. Pixels. */
const SMALLEST = 256 * 256;
/** How far the blocks, not only their majorities, must agree with the mark: standard deviations above chance. */
const MIN_AGREEMENT = 4;
/**
 * What earns reading on, after the first, second, fourth, … pass: each doubling of the blocks lifts what a mark shows by
 * two fifths and leaves what chance shows where it was. Standard deviations.
 */
const PROMISING = { equal: 0.65, agreement: 3, contrast: 2, perDoubling: 0.5 } as const;
/** See Evidence.contrast. Chance gives 5 once in three million. */
const CONTRAST = { likely: 4.3, veryLikely: 5 } as const;

export interface WatermarkScore {
  readonly name: string;
  /** Bits read as the mark has them. */
  readonly equal: number;
  readonly of: number;
  /** How far the blocks of the mark's ones stand out: standard deviations, see Evidence. */
  readonly contrast: number;
  readonly level: 'very likely' | 'likely' | 'none';
}

/** How well the pixels agree with each known mark. */
export function scoreWatermarks(pixels: Pixels): WatermarkScore[] {
  const { width, height, channels } = pixels;
  if (channels < 3 || width * height < SMALLEST || pixels.data.length < width * height * channels) return [];
  if (Math.min(width, height) < 3 * BLOCK) return [];
  let evidence: Evidence[] = [];
  let passes = 0;
  for (evidence of gather(pixels, READINGS)) {
    const doublings = Math.log2(++passes);
    if (Number.isInteger(doublings) && !evidence.some((one, i) => isPromising(one, READINGS[i]!, doublings)))
      break;
  }
  return MARKS.map((mark) =>
    evidence
      .filter((_, i) => READINGS[i]!.mark === mark)
      .map((one) => scoreOf(one, mark))
      .reduce((best, next) => (isBetter(next, best) ? next : best)),
  );
}

function isPromising(evidence: Evidence, { bits }: Reading, doublings: number): boolean {
  return (
    (evidence.equal >= bits.length * PROMISING.equal && evidence.agreement >= PROMISING.agreement) ||
    evidence.contrast(Infinity) >= PROMISING.contrast + PROMISING.perDoubling * doublings
  );
}

function scoreOf(evidence: Evidence, mark: Mark): WatermarkScore {
  let { equal } = evidence;
  const contrast = evidence.contrast(CONTRAST.likely);
  const isMeant = evidence.agreement >= MIN_AGREEMENT;
  const reaches = (bits: number, sigma: number) => (isMeant && equal >= bits) || contrast >= sigma;
  const level = reaches(mark.veryLikely, CONTRAST.veryLikely)
    ? 'very likely'
    : reaches(mark.likely, CONTRAST.likely)
      ? 'likely'
      : 'none';
  // What outlives JPEG is no longer what the published rule reads; the count is of the reading that found the mark.
  if (contrast >= CONTRAST.veryLikely) equal = Math.max(equal, evidence.outstanding);
  return { name: mark.name, equal, of: mark.bits.length, contrast, level };
}

const LEVELS = ['very likely', 'likely', 'none'] as const;

function isBetter(a: WatermarkScore, b: WatermarkScore): boolean {
  const [first, second] = [LEVELS.indexOf(a.level), LEVELS.indexOf(b.level)];
  return first === second ? a.equal > b.equal : first < second;
}

/** The invisible marks of generators, as findings; what is below "likely" is no finding. */
export function readWatermark(pixels: Pixels): Finding[] {
  return scoreWatermarks(pixels)
    .filter(({ level }) => level !== 'none')
    .map(({ name, equal, of, contrast, level }) => {
      const sure = level === 'very likely';
      const said = `${equal}/${of}, ${contrast.toFixed(1)}σ`;
      return finding({
        reader: READER,
        about: 'watermark',
        grade: sure ? 'watermark' : 'none',
        where: 'pixels (dwtDct)',
        value: `${name}: ${said}`,
        generative: sure,
        sentence: sure
          ? {
              ja: `画素に ${name} の電子透かしが読み取れます(${of} ビット中 ${equal} ビット一致、相関 ${contrast.toFixed(1)}σ、「非常に可能性が高い」)。鍵は公開されており、偽造もできます。`,
              en: `The pixels carry the watermark of ${name} (${equal} of ${of} bits equal, correlation ${contrast.toFixed(1)}σ: “very likely”); its key is public, so it can be forged.`,
            }
          : {
              ja: `画素に ${name} の電子透かしらしきものがあります(${of} ビット中 ${equal} ビット一致、相関 ${contrast.toFixed(1)}σ)。偶然でも起こるため、証拠とはなりません。`,
              en: `The pixels may carry the watermark of ${name} (${equal} of ${of} bits equal, correlation ${contrast.toFixed(1)}σ); chance can do that, so it is no evidence.`,
            },
      });
    });
}

function bitsOf(hex: string): Uint8Array {
  const bytes = Buffer.from(hex, 'hex');
  return Uint8Array.from({ length: bytes.length * 8 }, (_, i) => (bytes[i >> 3]! >> (7 - (i & 7))) & 1);
}
