import { createPublicKey, verify } from 'node:crypto';
import { type Finding, Findings, finding } from '../finding.ts';
import { asArray, asObject, asString, parseObject } from '../json.ts';
import { PythonObject } from '../python-json.ts';
import { type Carrier, type Pixels, first, under } from '../reader.ts';

const READER = 'novelai';

/** The key with which NovelAI signs what its service makes, as NovelAI publishes it: raw Ed25519, base64. */
export const NOVELAI_PUBLIC_KEY = 'Y2JcQAOhLwzwSDUJPNgL04nS0Tbqm7cSRc4xk0vRMic=';

/** A signature in NovelAI's comment and what became of it. */
export type SignatureState = 'valid' | 'invalid' | 'unchecked';

/**
 * NovelAI: PNG texts, EXIF of WebP, and the hidden layer in the alpha channel all carry the same fields. `Comment` is
 * JSON; its `signed_hash` is an Ed25519 signature over the RGB bytes and the rest of the comment.
 *
 * @param keys raw Ed25519 public keys in base64; a signature by any of them is NovelAI's
 */
export function readNovelAi(
  carrier: Carrier,
  pixels: Pixels | undefined,
  keys: readonly string[],
): Finding[] {
  const commentKey = carrier.kind === 'exif' ? 'UserComment' : 'Comment';
  const entry = under(carrier, commentKey)[0];
  const outer = parseObject(entry?.text);
  if (entry === undefined || outer === undefined) return [];
  // In some files the comment holds the whole set of fields once more, with the real comment inside.
  const innerText = asString(outer['Comment']);
  const comment = parseObject(innerText) ?? outer;
  const commentText = innerText === undefined || comment === outer ? entry.text : innerText;
  const isSigned = typeof comment['signed_hash'] === 'string';
  const names = [
    first(carrier, 'Software', 'Title', 'DocumentName'),
    first(carrier, 'Title'),
    first(carrier, 'Source'),
  ];
  const isNamed = names.some((name) => /novelai/i.test(name ?? ''));
  if (!isSigned && !(isNamed && ('uc' in comment || 'prompt' in comment || 'sampler' in comment))) return [];

  const state = isSigned ? checkSignature(commentText, pixels, keys) : undefined;
  const grade = state === 'valid' ? 'signed-verified' : 'declared';
  const { where } = entry;
  const findings = new Findings(READER, where, grade).add('generator', 'NovelAI');
  // Only the comment is signed; the fields beside it are as forgeable as ever.
  const beside = new Findings(READER, where, 'declared');
  const [source] = under(carrier, carrier.kind === 'exif' ? 'Software' : 'Source');
  if (source !== undefined) beside.add('model', source.text, { where: source.where });
  const [description] = under(carrier, 'Description', 'ImageDescription');
  if (comment['prompt'] === undefined && description !== undefined)
    beside.add('prompt', description.text, { where: description.where });
  findings
    .add('prompt', comment['prompt'])
    .add('negative-prompt', comment['uc'])
    .add('seed', comment['seed']);
  const captions = asObject(asObject(comment['v4_prompt'])?.['caption']);
  for (const character of asArray(captions?.['char_captions']).slice(0, 20))
    findings.add('prompt', asObject(character)?.['char_caption'], { where: `${where} v4_prompt` });
  for (const [key, value] of [
    ['image', comment['image_name'] ?? comment['source_image']],
    [
      'request_type',
      /Img2Img|Inpaint/i.test(String(comment['request_type'])) ? comment['request_type'] : undefined,
    ],
  ] as const)
    findings.add('source', value, { where: `${where} ${key}` });
  const signature = state === undefined ? [] : [signatureFinding(state, where)];
  return [...signature, ...findings.list, ...beside.list];
}

function checkSignature(
  comment: string,
  pixels: Pixels | undefined,
  keys: readonly string[],
): SignatureState {
  const parsed = PythonObject.parse(comment);
  const signature = Buffer.from(parsed?.string('signed_hash') ?? '', 'base64');
  if (parsed === undefined || signature.length !== 64) return 'invalid';
  if (pixels === undefined) return 'unchecked';
  const signed = Buffer.concat([rgbOf(pixels), Buffer.from(parsed.without('signed_hash').dumps(), 'ascii')]);
  return keys.some((key) => verify(null, signed, publicKey(key), signature)) ? 'valid' : 'invalid';
}

/** The DER prefix that makes a SubjectPublicKeyInfo of 32 raw bytes (RFC 8410). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

function publicKey(base64: string) {
  return createPublicKey({
    key: Buffer.concat([SPKI_PREFIX, Buffer.from(base64, 'base64')]),
    format: 'der',
    type: 'spki',
  });
}

function rgbOf({ width, height, channels, data }: Pixels): Uint8Array {
  if (channels === 3) return data;
  const rgb = Buffer.allocUnsafe(width * height * 3);
  const green = channels >= 3 ? 1 : 0;
  for (let from = 0, to = 0; to < rgb.length; from += channels, to += 3) {
    rgb[to] = data[from]!;
    rgb[to + 1] = data[from + green]!;
    rgb[to + 2] = data[from + 2 * green]!;
  }
  return rgb;
}

function signatureFinding(state: SignatureState, where: string): Finding {
  const sentence = {
    valid: {
      ja: `${where} の NovelAI の署名は、この画像の画素とコメントに対して正しいものです。NovelAI が生成した画像です。`,
      en: `NovelAI's signature in ${where} is valid for these very pixels and this comment: NovelAI made the picture.`,
    },
    invalid: {
      ja: `${where} には NovelAI の署名がありますが、この画像とは一致しません。生成後に加工されたか、記載が別の画像から移されています。`,
      en: `${where} holds a NovelAI signature that does not fit this picture: it was changed afterwards, or the text was taken from another one.`,
    },
    unchecked: {
      ja: `${where} には NovelAI の署名がありますが、元の画素がないため確かめていません。`,
      en: `${where} holds a NovelAI signature; without the original pixels it was not checked.`,
    },
  }[state];
  return finding({
    reader: READER,
    about: 'signature',
    grade: state === 'valid' ? 'signed-verified' : state === 'invalid' ? 'none' : 'declared',
    where,
    value: state,
    generative: state !== 'invalid',
    sentence,
  });
}
