import type { FastifyRequest } from 'fastify';
import { UtsushiError } from '../../errors.ts';

/**
 * The file and the other fields of a multipart form.
 *
 * @throws UtsushiError `invalid_request` without a file, `empty_file` for one without bytes
 */
export async function readUpload(
  request: FastifyRequest,
): Promise<{ bytes: Buffer; name: string; fields: Record<string, unknown> }> {
  if (!request.isMultipart())
    throw new UtsushiError('invalid_request', 'this needs a multipart form with the field `file`');
  let file: { bytes: Buffer; name: string } | undefined;
  const fields: Record<string, unknown> = {};
  for await (const part of request.parts()) {
    if (part.type === 'file') file = { bytes: await part.toBuffer(), name: part.filename };
    else fields[part.fieldname] = part.value;
  }
  if (file === undefined) throw new UtsushiError('invalid_request', 'the form has no file');
  if (file.bytes.length === 0) throw new UtsushiError('empty_file', 'the file has no bytes');
  return { ...file, fields };
}
