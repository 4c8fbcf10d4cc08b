const FILES = ['image', 'png', 'html', 'mhtml', 'pdf'];

/**
 * Hands a capture to `POST /api/sightings`.
 *
 * @param {Record<string, string | Blob | undefined>} capture fields and files; what is undefined is left out
 * @param {{ server: string, token: string }} to
 * @returns {Promise<{ id: string, statement: string }>}
 * @throws {Error} with the server's own code and words
 */
export async function submit(capture, { server, token }) {
  const form = new FormData();
  for (const [name, value] of Object.entries(capture)) {
    if (value === undefined) continue;
    if (FILES.includes(name)) form.append(name, value, name);
    else form.append(name, value);
  }
  const answer = await fetch(new URL('/api/sightings', server), {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: form,
  });
  const body = await answer.json();
  if (!answer.ok) throw new Error(`${body.error.code}: ${body.error.message}`);
  return body;
}
