import type { Block, PrintableDocument } from './document.ts';

/** The document as plain text (UTF-8, line feeds), for a web form or an e-mail. Figures are named, not shown. */
export function renderText(document: PrintableDocument): string {
  const parts = [
    ...(document.mark === undefined ? [] : [`[${document.mark}]`]),
    document.title,
    ...document.blocks.map((block) => textOf(block, document.lang)),
    '--',
    document.footer,
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function textOf(block: Block, lang: 'ja' | 'en'): string {
  switch (block.kind) {
    case 'heading':
      return lang === 'ja' ? `■ ${block.text}` : block.text.toUpperCase();
    case 'paragraph':
      return block.text;
    case 'fields':
      return block.rows.map((row) => `${row.label}:${separator(row.text)}${indent(row.text)}`).join('\n');
    case 'list':
      return block.items.map((item) => `- ${indent(item)}`).join('\n');
    case 'figure':
      return `[${block.caption}]`;
  }
}

const separator = (text: string) => (text.includes('\n') ? '\n  ' : ' ');
const indent = (text: string) => text.replaceAll('\n', '\n  ');
