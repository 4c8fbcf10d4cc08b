import type { Fingerprint } from '../fingerprint/fingerprint.ts';
import { complement, hammingDistance } from '../fingerprint/hash.ts';
import { ORIENTATIONS, type Orientation } from '../fingerprint/pdq.ts';
import type { HammingIndex } from '../search/hamming-index.ts';

/** A technical proposal, never a legal finding: see DESIGN's words in docs/architecture.md. */
export type Kind = 'reproduction' | 'adaptation';

export type Transformation =
  | 'partial'
  | 'framed'
  | 'mirrored'
  | 'rotated'
  | 'warped'
  | 'recoloured'
  | 'restyled'
  | 'overlaid'
  | 'composed';

/** The same sentence for Japanese and for English readers. */
export interface Sentence {
  readonly ja: string;
  readonly en: string;
}

/** A reference image proposed by the index, before any judgement. */
export interface Hit {
  /** The index's id of the reference image. */
  readonly id: number;
  /** Hamming distance of the PDQ hashes, in bits of 256. */
  readonly distance: number;
  /** What has to be done to the output so that it looks like the reference image. */
  readonly orientation: Orientation;
  /** Light and dark had to be exchanged as well. */
  readonly inverted: boolean;
}

/** What pixels say of one hit. */
export interface Judgement {
  readonly kind: Kind;
  readonly transformations: readonly Transformation[];
  /** In [0, 1]; 0.5 is where about one in a thousand pictures known to be different would still stand. */
  readonly confidence: number;
  readonly reasons: readonly Sentence[];
}

/**
 * The reference images within `radius` bits of any orientation of the output, or of its negative; one hit a
 * reference image, its nearest. A picture's negative costs nothing to look for: its hash is the complement.
 */
export function findWithin(index: HammingIndex, output: Fingerprint, radius: number): Hit[] {
  return nearestEach(output, (code) => index.query(code, radius));
}

/** The `count` nearest reference images, however far: for callers who set their own threshold. */
export function findNearest(index: HammingIndex, output: Fingerprint, count: number): Hit[] {
  return nearestEach(output, (code) => index.nearest(code, count))
    .toSorted((a, b) => chargedDistance(a) - chargedDistance(b))
    .slice(0, count);
}

function nearestEach(
  output: Fingerprint,
  search: (code: Fingerprint['views'][number]['pdq'][number]) => readonly { id: number; distance: number }[],
): Hit[] {
  const best = new Map<number, Hit>();
  for (const view of output.views) {
    for (const [i, code] of view.pdq.entries()) {
      for (const inverted of [false, true]) {
        for (const { id, distance } of search(inverted ? complement(code) : code)) {
          const hit = { id, distance, orientation: ORIENTATIONS[i]!, inverted };
          const known = best.get(id);
          if (known === undefined || chargedDistance(hit) < chargedDistance(known)) best.set(id, hit);
        }
      }
    }
  }
  return [...best.values()];
}

/**
 * Sixteen ways of looking give sixteen chances of an accident, and turned or inverted copies are rarer than plain
 * ones: a hit that needs such an explanation must be closer by this much. Bits.
 */
const TURNED_SURCHARGE = 6;
const INVERTED_SURCHARGE = 6;
/**
 * A work that looks like its own mirror image or negative (a blank card, a lone disc, a gradient) lies in the crowded
 * middle of hash space and attracts strangers. Half of all works differ from themselves turned by 110 bits or more.
 */
const ORDINARY_SELF_DISTANCE = 80;
const SELF_SURCHARGE_SHARE = 1 / 4;

function chargedDistance({ distance, orientation, inverted }: Hit): number {
  return distance + (orientation === 'upright' ? 0 : TURNED_SURCHARGE) + (inverted ? INVERTED_SURCHARGE : 0);
}

/** Half of the pictures that score here are different works; beyond it they quickly become nearly all. Bits of 256. */
const EVEN_DISTANCE = 58;
/** How fast confidence falls around EVEN_DISTANCE: bits for a factor e in the odds. */
const DISTANCE_SCALE = 8;
/** Re-encoded, resized and toned copies stay within this, four in five restyled ones do not. Bits of 256. */
const SAME_PICTURE_DISTANCE = 12;

/**
 * How much a picture differs from itself turned, mirrored or inverted: the least distance in bits between its upright
 * hash and its others. Small for magnets.
 */
export function selfDistance(reference: Fingerprint): number {
  const [upright, ...turned] = reference.views[0]!.pdq;
  const distances = turned.map((code) => hammingDistance(upright!, code));
  return Math.min(...distances, ...distances.map((distance) => 256 - distance));
}

function magnetSurcharge(self: number): number {
  return Math.max(0, ORDINARY_SELF_DISTANCE - self) * SELF_SURCHARGE_SHARE;
}

/** Confidence that a hit at this distance is no accident, in [0, 1]; falls strictly with the distance in bits. */
function confidenceAt(distance: number): number {
  return 1 / (1 + Math.exp((distance - EVEN_DISTANCE) / DISTANCE_SCALE));
}

/** The largest hash distance, in bits, that still reaches this confidence; -1 where none does. */
export function radiusFor(confidence: number): number {
  for (let distance = 256; distance >= 0; distance--) {
    if (confidenceAt(distance) >= confidence) return distance;
  }
  return -1;
}

/**
 * Judges a hit from its hashes alone; nothing is verified geometrically yet, and the reasons say so.
 *
 * @param self the reference image's selfDistance
 */
export function judge(hit: Hit, self: number): Judgement {
  const same = hit.distance <= SAME_PICTURE_DISTANCE && !hit.inverted;
  const mirrored = hit.orientation.startsWith('mirrored');
  const rotated = /rot(90|180|270)$/.test(hit.orientation);
  const transformations: Transformation[] = [];
  if (mirrored) transformations.push('mirrored');
  if (rotated) transformations.push('rotated');
  if (hit.inverted) transformations.push('recoloured');
  return {
    kind: same ? 'reproduction' : 'adaptation',
    transformations,
    confidence: confidenceAt(chargedDistance(hit) + magnetSurcharge(self)),
    reasons: reasonsFor(hit, { same, mirrored, rotated }),
  };
}

function reasonsFor(hit: Hit, seen: { same: boolean; mirrored: boolean; rotated: boolean }): Sentence[] {
  const alike = Math.round((100 * (256 - hit.distance)) / 256);
  const reasons: Sentence[] = [
    seen.same
      ? {
          ja: `画面全体の構造がほぼ同一です(ハッシュ256ビット中${256 - hit.distance}ビット一致、${alike} %)。`,
          en: `The structure of the whole picture is nearly the same (${256 - hit.distance} of 256 hash bits agree, ${alike} %).`,
        }
      : {
          ja: `画面全体の構造が似ていますが、同一ではありません(ハッシュ256ビット中${256 - hit.distance}ビット一致、${alike} %)。`,
          en: `The structure of the whole picture is similar, not the same (${256 - hit.distance} of 256 hash bits agree, ${alike} %).`,
        },
  ];
  if (seen.mirrored && seen.rotated)
    reasons.push({ ja: '左右反転し、回転しています。', en: 'It is mirrored and turned.' });
  else if (seen.mirrored) reasons.push({ ja: '左右反転しています。', en: 'It is mirrored.' });
  else if (seen.rotated) reasons.push({ ja: '回転しています。', en: 'It is turned.' });
  if (hit.inverted) reasons.push({ ja: '明暗が反転しています。', en: 'Light and dark are exchanged.' });
  reasons.push({
    ja: 'ハッシュのみによる照合で、位置合わせによる検証はしていません。',
    en: 'Compared by hashes alone; not verified by alignment.',
  });
  return reasons;
}
