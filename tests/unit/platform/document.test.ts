import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { beforeAll, expect, test } from 'vitest';
import type { PrintableDocument } from '../../../src/platform/document/document.ts';
import { renderHtml } from '../../../src/platform/document/html.ts';
import { renderPdf } from '../../../src/platform/document/pdf.ts';
import { renderText } from '../../../src/platform/document/text.ts';

const run = promisify(execFile);
const HAS_POPPLER = await run('pdftotext', ['-v']).then(
  () => true,
  () => false,
);
const NASTY = `<script>alert("x")</script> & {{title}} 'quoted'`;
const LONG = '本件画像には、「灯籠坂の夜」の表現が(一部を除き)そのまま現れています。'.repeat(12);

const document: PrintableDocument = {
  lang: 'ja',
  title: '送信防止措置の申出',
  mark: '下書き',
  footer: '事案 1',
  madeAt: new Date('2026-05-01T00:00:00Z'),
  blocks: [
    { kind: 'paragraph', text: '令和8年5月1日', align: 'right' },
    { kind: 'heading', text: '侵害情報' },
    {
      kind: 'fields',
      rows: [
        { label: 'URL', text: 'https://service.example/a?b=1&c=2' },
        { label: '備考', text: `一行目\n${NASTY}` },
      ],
    },
    ...Array.from({ length: 12 }, () => ({ kind: 'paragraph', text: LONG }) as const),
    { kind: 'list', items: ['甲', '乙'] },
  ],
};

test('HTML says everything and lets no text become markup or template', () => {
  const html = renderHtml(document);
  expect(html).not.toContain('<script>');
  expect(html).toContain('&lt;script&gt;');
  expect(html).toContain('{{title}}');
  expect(html).toContain('<html lang="ja">');
  for (const text of ['下書き', '令和8年5月1日', '侵害情報', '一行目', '<li>乙</li>', '事案 1'])
    expect(html).toContain(text);
});

test('plain text keeps the order, and indents what has several lines', () => {
  const text = renderText(document);
  expect(text).toMatch(/^\[下書き\]\n\n送信防止措置の申出\n\n令和8年5月1日\n\n■ 侵害情報\n\nURL: https/);
  expect(text).toContain(`備考:\n  一行目\n  ${NASTY}`);
  expect(text.endsWith('--\n\n事案 1\n')).toBe(true);
});

test.skipIf(!HAS_POPPLER)(
  'PDF embeds its Japanese font, numbers its pages and breaks lines by the rules of Japanese (needs poppler-utils)',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'utsushi-pdf-'));
    try {
      const file = join(folder, 'document.pdf');
      await writeFile(file, pdf);
      const { stdout: fonts } = await run('pdffonts', [file]);
      const embedded = fonts.trim().split('\n').slice(2);
      expect(embedded.length).toBeGreaterThan(0);
      for (const line of embedded) expect(line).toMatch(/^[A-Z]{6}\+BIZUDPGothic-\w+ .* yes yes yes /);
      const { stdout: text } = await run('pdftotext', ['-layout', file, '-']);
      expect(text).toContain('送信防止措置の申出');
      expect(text).toContain('https://service.example/a?b=1&c=2');
      expect(text).toMatch(/1 ?\/ ?[2-9]/);
      const lines = text.split('\n').map((line) => line.trim());
      expect(lines.filter((line) => /^[、。」)]/.test(line) || /[「(]$/.test(line))).toEqual([]);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);

let pdf: Buffer;
beforeAll(async () => {
  pdf = await renderPdf(document);
});

test('PDF shows a figure, and is a PDF', async () => {
  expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
  const png = await sharp({ create: { width: 40, height: 20, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  const withFigure = await renderPdf({
    ...document,
    blocks: [{ kind: 'figure', png, caption: '対照図' }],
  });
  expect(withFigure.toString('latin1')).toMatch(/\/Subtype \/Image\s/);
});
