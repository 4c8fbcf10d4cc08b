import { expect, test } from 'vitest';
import { pageShows } from '../../../../src/features/monitoring/page-shows.ts';

const IMAGE = 'https://cdn.example/a/1.png?id=5&size=full';

test.each([
  ['in an element', IMAGE, '<img src="https://cdn.example/a/1.png?id=5&amp;size=full">', true],
  ['in JSON', IMAGE, String.raw`{"url":"https:\/\/other.example\/a\/1.png?id=5\u0026size=full"}`, true],
  ['in letters of its own', 'https://x.example/%E7%8C%AB.png', "<a href='/猫.png'>", true],
  ['not at all', IMAGE, '<p>この投稿は削除されました', false],
  ['with another query', IMAGE, '<img src="/a/1.png?id=6&size=full">', false],
  ['as nothing but the site', 'https://x.example/', '<a href="/">', false],
])('a page that names a picture %s', (_, imageUrl, html, shows) => {
  expect(pageShows(html, imageUrl)).toBe(shows);
});
