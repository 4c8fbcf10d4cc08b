import { UtsushiError } from '../../errors.ts';
import type { Answer, WebClient, WebRequest } from './web-client.ts';

const ACCEPT = 'image/avif,image/webp,image/png,image/jpeg,image/*;q=0.8';

/**
 * Fetches a picture through the guarded client.
 *
 * @throws UtsushiError as `WebClient.get`; `empty_file` for an answer without bytes
 */
export async function fetchImage(
  web: WebClient,
  url: string,
  options: Pick<WebRequest, 'maxBytes' | 'signal' | 'robots' | 'patienceMs'>,
): Promise<Answer> {
  const answer = await web.get(url, { ...options, accept: ACCEPT });
  if (answer.bytes.length === 0) throw new UtsushiError('empty_file', `${url} has no bytes`);
  return answer;
}
