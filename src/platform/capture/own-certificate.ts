import { createHash, randomBytes, webcrypto } from 'node:crypto';
import { type SecureContext, createSecureContext } from 'node:tls';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';

/** A certificate for one capture: its key never leaves this process and is gone with it. */
export interface OwnCertificate {
  readonly context: SecureContext;
  /** SHA-256 of its public key (SPKI), base64: by this a browser can be told to accept it, and no other. */
  readonly spkiSha256: string;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const COMMON_NAME = '2.5.4.3';
const HOUR_MS = 3_600_000;

const engine = new pkijs.CryptoEngine({ name: 'node', crypto: webcrypto as unknown as Crypto });

/** Makes a self-signed certificate that is good for two hours around now. */
export async function makeOwnCertificate(): Promise<OwnCertificate> {
  const { privateKey, publicKey } = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = new pkijs.Certificate({
    version: 2,
    serialNumber: new asn1js.Integer({ valueHex: new Uint8Array([1, ...randomBytes(15)]).buffer }),
  });
  const name = new pkijs.AttributeTypeAndValue({
    type: COMMON_NAME,
    value: new asn1js.Utf8String({ value: 'Utsushi page capture' }),
  });
  certificate.issuer.typesAndValues.push(name);
  certificate.subject.typesAndValues.push(name);
  certificate.notBefore.value = new Date(Date.now() - HOUR_MS);
  certificate.notAfter.value = new Date(Date.now() + HOUR_MS);
  await certificate.subjectPublicKeyInfo.importKey(publicKey as CryptoKey, engine);
  await certificate.sign(privateKey as CryptoKey, 'SHA-256', engine);
  const [key, spki] = await Promise.all([
    webcrypto.subtle.exportKey('pkcs8', privateKey),
    webcrypto.subtle.exportKey('spki', publicKey),
  ]);
  return {
    context: createSecureContext({
      cert: pem('CERTIFICATE', certificate.toSchema(true).toBER()),
      key: pem('PRIVATE KEY', key),
    }),
    spkiSha256: createHash('sha256').update(new Uint8Array(spki)).digest('base64'),
  };
}

function pem(label: string, der: ArrayBuffer): string {
  return `-----BEGIN ${label}-----\n${Buffer.from(der).toString('base64')}\n-----END ${label}-----\n`;
}
