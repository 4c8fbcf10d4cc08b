import { fetchImage } from '../../platform/fetch/fetch-image.ts';
import type { SourceContext } from './source.ts';

/** The bytes of a picture that lies on the web for everybody: how all sources read but those with a store of their own. */
export async function readWebImage(
  { web, maxBytes }: SourceContext,
  imageUrl: string,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  return (await fetchImage(web, imageUrl, { maxBytes, signal })).bytes;
}
