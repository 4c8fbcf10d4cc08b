import { expect, test } from 'vitest';
import { isCanonical, readArchive, writeArchive } from '../../../src/platform/archive/zip.ts';

const FILES = {
  'audit.json': Buffer.from('{"entries":[]}\n'),
  'notices/日本語.txt': Buffer.from('著作物等の送信を防止する措置の申出\n'),
  'outputs/empty.bin': Buffer.alloc(0),
  'outputs/original.png': Buffer.from('not a picture, but bytes'),
};
const MOST = 2 ** 20;

/** Whether somebody who has the digests of the files finds out. */
function isFound(zip: Uint8Array): boolean {
  let files: Readonly<Record<string, Uint8Array>>;
  try {
    files = readArchive(zip, MOST);
  } catch {
    return true;
  }
  const isSame =
    Object.keys(files).length === Object.keys(FILES).length &&
    Object.entries(FILES).every(([path, bytes]) => files[path] !== undefined && bytes.equals(files[path]));
  return !isSame || !isCanonical(zip, files);
}

test('every bit of every byte counts: of headers, names, dates, checksums and the directory as of the files', () => {
  const zip = writeArchive(FILES);
  expect(isFound(zip)).toBe(false);
  const missed: string[] = [];
  for (let at = 0; at < zip.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const changed = Uint8Array.from(zip);
      changed[at]! ^= 1 << bit;
      if (!isFound(changed)) missed.push(`byte ${at}, bit ${bit}`);
    }
  }
  expect(missed).toEqual([]);
});

test('bytes before, between and behind the files are found, and a comment', () => {
  const zip = Buffer.from(writeArchive(FILES));
  const comment = Buffer.from('from somebody');
  const commented = Buffer.concat([zip, comment]);
  commented.writeUInt16LE(comment.length, zip.length - 2);
  const directory = zip.readUInt32LE(zip.length - 6);
  const gap = Buffer.concat([zip.subarray(0, directory), Buffer.from('hidden'), zip.subarray(directory)]);
  gap.writeUInt32LE(directory + 6, gap.length - 6);
  const first = Buffer.from('#!/bin/sh\n');
  for (const [what, changed] of Object.entries({
    commented,
    gap,
    before: Buffer.concat([first, zip]),
    behind: Buffer.concat([zip, Buffer.from([0])]),
    cut: zip.subarray(0, -1),
  }))
    expect({ what, found: isFound(changed) }).toEqual({ what, found: true });
});

test('equal files give equal bytes, in whatever order they come', () => {
  const turned = Object.fromEntries(Object.entries(FILES).toReversed());
  expect(Buffer.compare(writeArchive(turned), writeArchive(FILES))).toBe(0);
});
