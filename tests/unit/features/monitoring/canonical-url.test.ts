import { expect, it } from 'vitest';
import { canonicalUrl } from '../../../../src/features/monitoring/canonical-url.ts';

it('spells the addresses of one thing in one way, and of different things in different ways', () => {
  const one = canonicalUrl('https://images.example/a?b=2&a=1');
  for (const same of [
    'https://IMAGES.example:443/a?a=1&b=2',
    'https://images.example/a?a=1&b=2&utm_source=x&utm_medium=y&fbclid=z',
    'https://images.example/x/../a?b=2&a=1#top',
  ])
    expect(canonicalUrl(same)).toBe(one);
  for (const other of [
    'http://images.example/a?b=2&a=1',
    'https://images.example/A?b=2&a=1',
    'https://images.example/a?b=2&a=2',
    'https://images.example/a',
  ])
    expect(canonicalUrl(other)).not.toBe(one);
  expect(canonicalUrl('no URL')).toBe('no URL');
  expect(canonicalUrl('file:///a%20b.png#x')).toBe('file:///a%20b.png');
});
