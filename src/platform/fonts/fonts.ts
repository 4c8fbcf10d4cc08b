import { createRequire } from 'node:module';
import type * as fontkit from 'fontkit';

/**
 * BIZ UDPGothic by Morisawa (SIL Open Font License 1.1): Japanese and Latin, made for documents, regular and bold. It
 * comes with Utsushi, so that pictures and notices look the same where no Japanese font is installed.
 */
export type Weight = 'regular' | 'bold';

const require = createRequire(import.meta.url);
const opened = new Map<Weight, fontkit.Font>();

/** Path of the TrueType file, for what embeds it whole or in part (a PDF). */
export function fontFile(weight: Weight): string {
  return weight === 'bold'
    ? require.resolve('@expo-google-fonts/biz-udpgothic/700Bold/BIZUDPGothic_700Bold.ttf')
    : require.resolve('@expo-google-fonts/biz-udpgothic/400Regular/BIZUDPGothic_400Regular.ttf');
}

export interface TextStyle {
  /** Height of an em in pixels. */
  readonly size: number;
  readonly weight?: Weight;
  /** CSS colour; black when not given. */
  readonly fill?: string;
  /** Pixels; text that is longer ends in an ellipsis. */
  readonly maxWidth?: number;
}

/**
 * A line of text as SVG outlines, so that no renderer needs a font. A character that the font lacks shows as its empty
 * box; what could not be seen (control characters) is left out.
 *
 * @param x left end, and `y` the baseline, in pixels
 * @returns an SVG `g` element
 */
export function outlineText(text: string, x: number, y: number, style: TextStyle): string {
  const font = fontOf(style.weight ?? 'regular');
  const scale = style.size / font.unitsPerEm;
  const { glyphs } = font.layout(fit(text, style));
  let at = 0;
  let paths = '';
  for (const glyph of glyphs) {
    const path = glyph.path.toSVG();
    if (path !== '') paths += `<path transform="translate(${at} 0)" d="${path}"/>`;
    at += glyph.advanceWidth;
  }
  return `<g fill="${style.fill ?? '#000'}" transform="translate(${x} ${y}) scale(${scale} ${-scale})">${paths}</g>`;
}

/** Width of a line of text in pixels. */
export function textWidth(text: string, { size, weight = 'regular' }: TextStyle): number {
  const font = fontOf(weight);
  return (widthInUnits(font, visible(text)) * size) / font.unitsPerEm;
}

/** The characters of a text that the font cannot show: they would be printed as empty boxes. */
export function unprintable(text: string): string[] {
  const font = fontOf('regular');
  const lacking = [...text.replaceAll(/\p{Cc}/gu, '').normalize('NFC')].filter(
    (character) => !font.hasGlyphForCodePoint(character.codePointAt(0)!),
  );
  return [...new Set(lacking)];
}

function fontOf(weight: Weight): fontkit.Font {
  let font = opened.get(weight);
  if (font === undefined) {
    // Loaded on demand: most processes never draw a letter.
    const { openSync } = require('fontkit') as typeof fontkit;
    font = openSync(fontFile(weight)) as fontkit.Font;
    opened.set(weight, font);
  }
  return font;
}

const ELLIPSIS = '…';

function fit(text: string, style: TextStyle): string {
  const shown = visible(text);
  if (style.maxWidth === undefined || textWidth(shown, style) <= style.maxWidth) return shown;
  const characters = [...shown];
  while (characters.length > 0 && textWidth(characters.join('') + ELLIPSIS, style) > style.maxWidth)
    characters.pop();
  return characters.join('') + ELLIPSIS;
}

function visible(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, ' ').normalize('NFC');
}

function widthInUnits(font: fontkit.Font, text: string): number {
  return font.layout(text).glyphs.reduce((sum, glyph) => sum + glyph.advanceWidth, 0);
}
