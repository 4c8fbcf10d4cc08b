import { parseDocument } from 'htmlparser2';
import { expect, test } from 'vitest';
import { PageText } from '../../../src/features/sources/page-text.ts';
import { parsePage } from '../../../src/features/sources/page.ts';

const BASE = 'https://gallery.example/works/1';
const read = (html: string, image: string | null = 'https://cdn.example/img/picture-1.png') =>
  new PageText(parseDocument(html)).around(image, BASE);

const FILLER = 'あいうえおかきくけこ'.repeat(200);
const PAGE = `<!doctype html><html><head><title>題</title><style>.a{}</style></head><body>
  <nav>人気作品: 月夜の塔 / 星の海</nav>
  <article><figure><a href="/big"><img src="//cdn.example/img/picture-1.png?w=600" alt="塔と少女"></a>
    <figcaption>二次創作です。<b>灯籠</b>坂の夜より</figcaption></figure></article>
  <aside><img src="/other-1.png"> 別の絵</aside>
  <p>${FILLER}</p><p hidden>見えない言葉</p><div style="display: none">隠した言葉</div>
  <script>var 台詞 = '台本';</script><footer>作品一覧: 銀の森</footer></body></html>`;

test('what stands around a picture is told from the rest of the page, and what is not shown is neither', () => {
  const { near, away } = read(PAGE);
  expect(near).toBe('塔と少女\n二次創作です。灯籠坂の夜より');
  expect(away).toContain('月夜の塔');
  expect(away).toContain('銀の森');
  expect(away).toContain('別の絵');
  for (const unseen of ['灯籠', '見えない', '隠した', '台本', '題'])
    expect({ unseen, there: away.includes(unseen) }).toEqual({ unseen, there: false });
});

test('all of a page is away from a picture that is not on it', () => {
  for (const image of [null, 'https://cdn.example/img/elsewhere.png']) {
    const { near, away } = read(PAGE, image);
    expect(near).toBe('');
    expect(away).toContain('灯籠坂の夜');
  }
});

test('of a long page so much is read as lies around the picture', () => {
  const line = `<p>${'文'.repeat(999)}</p>`;
  const { near, away } = read(
    `<p>始まり</p>${line.repeat(50)}<p>すぐ前</p><div><img src="/x.png"><img srcset="https://cdn.example/img/picture-1.png 2x"><i>題名</i></div>${line.repeat(50)}<p>終わり</p>`,
  );
  // Two pictures share the caption: whose it is nobody can tell.
  expect(near).toBe('');
  expect(away).toContain('すぐ前');
  expect(away).toContain('題名');
  expect(away.length).toBeLessThan(20_001);
  expect(away).not.toContain('始まり');
  expect(away).not.toContain('終わり');
});

test('a page that is nested without end is read all the same', () => {
  const { away } = read(`${'<div>'.repeat(50_000)}底<img src="/img/picture-1.png">`);
  expect(away).toBe('');
  expect(read(`${'<div>'.repeat(50_000)}底`).away).toBe('底');
});

test('pictures of a scanned page come with the text near them', () => {
  const items = [...parsePage(PAGE, BASE).entries].map(({ event }) => event);
  expect(items).toMatchObject([
    {
      imageUrl: 'https://cdn.example/img/picture-1.png?w=600',
      text: '題\n塔と少女\n二次創作です。灯籠坂の夜より',
    },
    { imageUrl: 'https://gallery.example/other-1.png', text: '題\n別の絵' },
  ]);
});
