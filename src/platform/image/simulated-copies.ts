import type { Sentence } from '../../vision/matching/match.ts';

/** What simulateCopy can do to a work, and what people call it. Apart from the doing, which takes native code. */
const NAMES = {
  recode: { ja: '再圧縮', en: 're-encoded' },
  shrink: { ja: '縮小', en: 'shrunk to 40 %' },
  tone: { ja: '明暗・コントラスト', en: 'toned' },
  frame: { ja: '枠・余白', en: 'framed' },
  crop60: { ja: '切り抜き(6割)', en: 'cropped, 60 % of each side' },
  crop40: { ja: '切り抜き(4割)', en: 'cropped, 40 % of each side' },
  mirror: { ja: '左右反転', en: 'mirrored' },
  tilt: { ja: '8°回転', en: 'turned by 8°' },
  hue: { ja: '色相変更', en: 'recoloured' },
  invert: { ja: '色の反転', en: 'inverted' },
  caption: { ja: '文字帯・シール', en: 'covered by a bar and a disc' },
  paste: { ja: '別の絵への貼り込み', en: 'pasted into another picture at half size' },
  redraw: { ja: '描き直し風', en: 'redrawn, simulated' },
  sketch: { ja: '線画風', en: 'line drawing, simulated' },
} as const satisfies Record<string, Sentence>;

/** A way of copying a work; see simulateCopy. */
export type SimulatedCopy = keyof typeof NAMES;

/** All of them, with what people call them. Scripts, no diffusion model. */
export const SIMULATED_COPIES = Object.entries(NAMES).map(([id, name]) => ({
  id: id as SimulatedCopy,
  name: name as Sentence,
}));
