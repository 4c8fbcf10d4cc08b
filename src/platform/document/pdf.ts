import type { Content, CustomTableLayout, TDocumentDefinitions } from 'pdfmake/interfaces.js';
import { fontFile } from '../fonts/fonts.ts';
import type { Block, PrintableDocument } from './document.ts';

const FONT = 'Utsushi';
const INK = '#111111';
const PALE = '#f3f3f3';
/** A4 with 20 mm at the sides, in points. */
const MARGINS: [number, number, number, number] = [57, 57, 57, 62];
const WIDTH = 595.28 - 2 * MARGINS[0];
/** Columns of a form, without padding and lines. Fixed, so that an address or a hash too long for a line is broken. */
const LABEL_WIDTH = 118;
const COLUMNS = [LABEL_WIDTH, WIDTH - LABEL_WIDTH - 4 * 6 - 3 * 0.6];

const FORM: CustomTableLayout = {
  hLineWidth: () => 0.6,
  vLineWidth: () => 0.6,
  hLineColor: () => '#555555',
  vLineColor: () => '#555555',
  paddingLeft: () => 6,
  paddingRight: () => 6,
  paddingTop: () => 4,
  paddingBottom: () => 4,
  fillColor: (_row, _node, column) => (column === 0 ? PALE : null),
};

/**
 * The document as a PDF of A4 pages with page numbers, its fonts embedded (the characters used only). Lines break by
 * UAX #14, so no line begins with 、。」 or ends with 「.
 */
export async function renderPdf(document: PrintableDocument): Promise<Buffer> {
  // Loaded on demand: with its fonts it takes a good part of a second, which no other command need pay.
  const { default: pdfmake } = await import('pdfmake');
  const fonts = { normal: fontFile('regular'), bold: fontFile('bold') };
  pdfmake.setFonts({ [FONT]: fonts });
  pdfmake.setUrlAccessPolicy(() => false);
  pdfmake.setLocalAccessPolicy((path) => Object.values(fonts).includes(path));
  return pdfmake.createPdf(definitionOf(document)).getBuffer();
}

function definitionOf(document: PrintableDocument): TDocumentDefinitions {
  return {
    pageSize: 'A4',
    pageMargins: MARGINS,
    language: document.lang,
    info: { title: document.title, creator: 'Utsushi', producer: 'Utsushi', creationDate: document.madeAt },
    defaultStyle: { font: FONT, fontSize: 10, lineHeight: 1.45, color: INK },
    footer: (page, pages) => ({
      margin: [MARGINS[0], 18, MARGINS[2], 0],
      fontSize: 8,
      color: '#555555',
      columns: [
        { text: document.footer, width: '*' },
        { text: `${page} / ${pages}`, width: 'auto', alignment: 'right' },
      ],
    }),
    content: [
      ...(document.mark === undefined ? [] : [markOf(document.mark)]),
      { text: document.title, bold: true, fontSize: 15, alignment: 'center', margin: [0, 0, 0, 12] },
      ...document.blocks.map(contentOf),
    ],
  };
}

function markOf(text: string): Content {
  return { text, color: '#aa0000', fontSize: 9, alignment: 'center', margin: [0, 0, 0, 6] };
}

function contentOf(block: Block): Content {
  switch (block.kind) {
    case 'heading':
      return { text: block.text, bold: true, fontSize: 11, margin: [0, 8, 0, 3], headlineLevel: 1 };
    case 'paragraph':
      return {
        text: block.text,
        preserveLeadingSpaces: true,
        alignment: block.align ?? 'left',
        fontSize: block.small === true ? 8.5 : 10,
        margin: [0, 0, 0, 6],
      };
    case 'fields':
      return {
        layout: FORM,
        margin: [0, 2, 0, 8],
        table: {
          widths: COLUMNS,
          body: block.rows.map(({ label, text }) => [
            { text: label, bold: true, fontSize: 9 },
            { text, preserveLeadingSpaces: true },
          ]),
        },
      };
    case 'list':
      return { ul: block.items.map((text) => ({ text })), margin: [4, 0, 0, 8] };
    case 'figure':
      return {
        stack: [
          { image: `data:image/png;base64,${Buffer.from(block.png).toString('base64')}`, fit: [WIDTH, 640] },
          { text: block.caption, fontSize: 8.5, margin: [0, 3, 0, 0] },
        ],
        unbreakable: true,
        margin: [0, 6, 0, 8],
      };
  }
}
