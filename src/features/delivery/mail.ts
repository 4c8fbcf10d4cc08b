import { createHash } from 'node:crypto';
import type { Mail } from '../../platform/mail/mailer.ts';
import { type Language, type Reading, digestHeadline, footer, openLabel } from './wording.ts';

/** @param keys the idempotency keys of what it tells of: the same events give the same message id */
export function toMail(
  readings: readonly Reading[],
  options: { readonly to: readonly string[]; readonly keys: readonly string[]; readonly lang: Language },
): Mail {
  const { to, keys, lang } = options;
  const one = readings.length === 1;
  const subject = one ? readings[0]!.headline : digestHeadline(readings.length, lang);
  const text = readings.map(({ headline, lines, link }) =>
    [headline, ...lines.map(([label, value]) => `  ${label}: ${value}`), `  ${link}`].join('\n'),
  );
  const html = readings.map(
    ({ headline, lines, link, artwork }, n) => `<h2 style="font-size:16px">${escape(headline)}</h2>
<table cellpadding="4">${lines.map(([label, value]) => `<tr><td style="color:#666">${label}</td><td>${escape(value)}</td></tr>`).join('')}</table>
${artwork === undefined ? '' : `<p><img src="cid:output-${n}" alt="" style="max-width:320px"></p>`}
<p><a href="${escape(link)}">${openLabel(lang)}</a></p>`,
  );
  return {
    to,
    // A line break would end the header.
    subject: subject.replaceAll(/\s+/g, ' '),
    text: `${text.join('\n\n')}\n\n${footer(lang)}\n`,
    html: `<!doctype html><html lang="${lang}"><body style="font-family:sans-serif">${html.join('\n<hr>\n')}
<p style="color:#666;font-size:12px">${footer(lang)}</p></body></html>`,
    messageId: keys.length === 1 ? keys[0]! : createHash('sha256').update(keys.join('\n')).digest('hex'),
    pictures: readings.flatMap(({ artwork }, n) =>
      artwork === undefined ? [] : [{ cid: `output-${n}`, jpeg: artwork }],
    ),
  };
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
