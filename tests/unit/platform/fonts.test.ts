import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fontFile, outlineText, textWidth } from '../../../src/platform/fonts/fonts.ts';

const STYLE = { size: 20 } as const;
const glyphs = (svg: string) => svg.match(/<path /g)?.length ?? 0;

describe('the font that comes with Utsushi', () => {
  it('has a file for each weight', () => {
    expect(existsSync(fontFile('regular'))).toBe(true);
    expect(existsSync(fontFile('bold'))).toBe(true);
  });

  it('draws Japanese and Latin letters, each with an outline of its own', () => {
    const outlines = ['複', '製', 'あ', 'カ', 'A', 'z', '%', '…', '約', '翻', '髙'].map((letter) =>
      outlineText(letter, 0, 0, STYLE),
    );
    expect(outlines.every((svg) => glyphs(svg) === 1)).toBe(true);
    expect(new Set(outlines).size).toBe(outlines.length);
  });

  it('shortens what is too long, and never splits a character', () => {
    const long = '𠮷野家'.repeat(30);
    const drawn = outlineText(long, 0, 0, { ...STYLE, maxWidth: 200 });
    expect(textWidth(long, STYLE)).toBeGreaterThan(1_000);
    // Nine of 20 pixels and an ellipsis.
    expect(glyphs(drawn)).toBe(10);
    expect(outlineText('短い', 0, 0, { ...STYLE, maxWidth: 200 })).toBe(outlineText('短い', 0, 0, STYLE));
  });

  it('lets no text become markup', () => {
    const drawn = outlineText('<script>&"\u0000\n', 0, 0, STYLE);
    expect(drawn).not.toContain('script');
    expect(drawn).toMatch(/^<g [^<>]*>(<path transform="translate\(\d+ 0\)" d="[^"<>]*"\/>)+<\/g>$/);
  });
});
