/**
 * The text of a document, in the encoding that its Content-Type, its byte order mark, its XML declaration or its `meta`
 * element names (in this order of trust), else UTF-8. Much of the Japanese web is Shift_JIS or EUC-JP.
 */
export function decodeText(bytes: Uint8Array, contentType: string | undefined): string {
  const head = Buffer.from(bytes.subarray(0, 2_048)).toString('latin1');
  const label =
    /charset=["']?([\w.:-]+)/i.exec(contentType ?? '')?.[1] ??
    markOf(bytes) ??
    /^\s*<\?xml[^>]*encoding=["']([\w.:-]+)/i.exec(head)?.[1] ??
    /<meta[^>]+charset=["']?([\w.:-]+)/i.exec(head)?.[1] ??
    'utf-8';
  try {
    return new TextDecoder(label).decode(bytes);
  } catch {
    // An encoding that nobody knows: most of a page is ASCII anyway.
    return new TextDecoder().decode(bytes);
  }
}

function markOf(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  return undefined;
}
