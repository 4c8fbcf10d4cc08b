import { createHash, randomBytes, webcrypto } from 'node:crypto';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { UtsushiError } from '../../errors.ts';

/** What a time-stamp token proves: that these bytes existed at this time, by this authority's clock. */
export interface Timestamp {
  readonly at: Date;
  /** The certificate's subject, as far as it names itself. */
  readonly authority: string;
  /** Whether the authority's certificate leads to one of the trusted ones. */
  readonly trusted: boolean;
}

const SHA256 = '2.16.840.1.101.3.4.2.1';
const TST_INFO = '1.2.840.113549.1.9.16.1.4';
const COMMON_NAME = '2.5.4.3';
const ORGANISATION = '2.5.4.10';
const GRANTED = new Set([0, 1]);

const engine = new pkijs.CryptoEngine({ name: 'node', crypto: webcrypto as unknown as Crypto });
pkijs.setEngine('node', engine);

/** The time-stamp request (RFC 3161) for some bytes: only their SHA-256 leaves the house. DER. */
export function timestampRequest(bytes: Uint8Array): Uint8Array {
  const request = new pkijs.TimeStampReq({
    version: 1,
    messageImprint: new pkijs.MessageImprint({
      hashAlgorithm: new pkijs.AlgorithmIdentifier({
        algorithmId: SHA256,
        algorithmParams: new asn1js.Null(),
      }),
      hashedMessage: new asn1js.OctetString({ valueHex: buffer(sha256(bytes)) }),
    }),
    nonce: asn1js.Integer.fromBigInt(BigInt(`0x${randomBytes(8).toString('hex')}`)),
    certReq: true,
  });
  return new Uint8Array(request.toSchema().toBER());
}

/**
 * The token in an authority's answer, DER.
 *
 * @throws UtsushiError `timestamp_refused` when it gave none
 */
export function timestampToken(answer: Uint8Array): Uint8Array {
  const parsed = parse(() => pkijs.TimeStampResp.fromBER(buffer(answer)), 'the answer');
  const { status, timeStampToken } = parsed;
  if (!GRANTED.has(status.status) || timeStampToken === undefined) {
    throw new UtsushiError(
      'timestamp_refused',
      `the time-stamp authority answered with status ${status.status}`,
    );
  }
  return new Uint8Array(timeStampToken.toSchema().toBER());
}

/**
 * Checks a token against the bytes it is said to be about.
 *
 * @param trustedPem certificates of authorities that are trusted
 * @throws UtsushiError `timestamp_invalid` when it is no token, is about other bytes, or its signature does not hold
 */
export async function checkTimestamp(
  token: Uint8Array,
  bytes: Uint8Array,
  trustedPem: readonly string[],
): Promise<Timestamp> {
  const { signed, info } = parse(() => {
    const content = pkijs.ContentInfo.fromBER(buffer(token));
    const data = new pkijs.SignedData({ schema: content.content });
    if (data.encapContentInfo.eContentType !== TST_INFO) throw new RangeError('it is about something else');
    return { signed: data, info: pkijs.TSTInfo.fromBER(data.encapContentInfo.eContent!.getValue()) };
  }, 'the token');
  const trustedCerts = trustedPem.flatMap(certificatesOf);
  // Looks at both: that the imprint is of these bytes, and that the certificate in the token signed it.
  const holds = (checkChain: boolean) =>
    signed.verify({ signer: 0, data: buffer(bytes), checkChain, trustedCerts }, engine).catch(() => false);
  if (!(await holds(false))) {
    throw new UtsushiError(
      'timestamp_invalid',
      'the token is about other bytes, or its signature does not hold',
    );
  }
  return {
    at: info.genTime,
    authority: nameOf(signed),
    trusted: trustedCerts.length > 0 && (await holds(true)),
  };
}

function nameOf({ certificates = [] }: pkijs.SignedData): string {
  const names = certificates.flatMap((each) =>
    each instanceof pkijs.Certificate
      ? each.subject.typesAndValues
          .filter(({ type }) => type === COMMON_NAME || type === ORGANISATION)
          .map(({ value }) => String(value.valueBlock.value))
      : [],
  );
  return names[0] ?? 'unnamed';
}

function certificatesOf(pem: string): pkijs.Certificate[] {
  const blocks = pem.matchAll(/-----BEGIN CERTIFICATE-----([\s\S]+?)-----END CERTIFICATE-----/g);
  return [...blocks].map(([, base64]) => pkijs.Certificate.fromBER(buffer(Buffer.from(base64!, 'base64'))));
}

function parse<T>(read: () => T, what: string): T {
  try {
    return read();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UtsushiError('timestamp_invalid', `${what} is no time-stamp: ${why}`, { cause });
  }
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** pkijs takes ArrayBuffers of their own. */
function buffer(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}
