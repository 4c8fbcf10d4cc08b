import { DEFAULT_THEME, type MantineColorsTuple, createTheme } from '@mantine/core';

/** Ai (藍): the colour of what can be acted on. */
const ai: MantineColorsTuple = [
  '#eef2fb',
  '#d9e1f2',
  '#b0c0e3',
  '#859dd5',
  '#7f97d8',
  '#4a6cc2',
  '#2f55a4',
  '#274890',
  '#1e3c7c',
  '#132f69',
];

/** Shu (朱): the colour of the seal, and of what needs attention. */
const shu: MantineColorsTuple = [
  '#fff0ec',
  '#fbded7',
  '#f3baab',
  '#ec937d',
  '#e67256',
  '#e25d3d',
  '#c8432b',
  '#b13620',
  '#992b18',
  '#7f1f0f',
];

/** A palette whose last shade, the text on a light ground of its own, is dark enough to be read (WCAG AA). */
const readable = (colours: MantineColorsTuple, last: string): MantineColorsTuple => [
  ...(colours.slice(0, 9) as unknown as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ]),
  last,
];

/** Red for small text, where `red` itself is too light on a light ground and too dark on a dark one. */
export const RED_TEXT = 'light-dark(var(--mantine-color-red-9), var(--mantine-color-red-4))';

export const theme = createTheme({
  colors: {
    ai,
    shu,
    teal: readable(DEFAULT_THEME.colors.teal, '#06644a'),
    orange: readable(DEFAULT_THEME.colors.orange, '#9c3608'),
    yellow: readable(DEFAULT_THEME.colors.yellow, '#7a4b00'),
    red: readable(DEFAULT_THEME.colors.red, '#a61e1e'),
  },
  primaryColor: 'ai',
  primaryShade: 6,
  autoContrast: true,
  luminanceThreshold: 0.36,
  defaultRadius: 'md',
  cursorType: 'pointer',
  fontFamily:
    'system-ui, -apple-system, "Segoe UI", "Hiragino Sans", "Hiragino Kaku Gothic ProN", "Yu Gothic UI", "Noto Sans JP", "Noto Sans CJK JP", Meiryo, sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Noto Sans Mono CJK JP", monospace',
  headings: { fontWeight: '650' },
  components: {
    // In both languages, because the theme knows of none.
    Notification: { defaultProps: { closeButtonProps: { 'aria-label': '閉じる / Close' } } },
  },
});
