/** Certificates and C2PA manifests made for tests: a small certificate authority, and the library's own writer. */
import { type KeyObject, createHash, generateKeyPairSync, sign } from 'node:crypto';
import type { Asset } from '@trustnxt/c2pa-ts/asset';
import type { Signer } from '@trustnxt/c2pa-ts/cose';
import {
  ActionAssertion,
  ActionType,
  DataHashAssertion,
  type DigitalSourceType,
  ManifestStore,
} from '@trustnxt/c2pa-ts/manifest';
import { withRiffChunks } from './provenance-encoders.ts';

export interface Identity {
  readonly certificate: Buffer;
  readonly name: string;
  readonly key: KeyObject;
  readonly publicKey: KeyObject;
}

const der = (tag: number, ...contents: readonly Buffer[]): Buffer => {
  const body = Buffer.concat(contents);
  const length =
    body.length < 128
      ? [body.length]
      : body.length < 256
        ? [0x81, body.length]
        : [0x82, body.length >> 8, body.length & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
};
const sequence = (...items: readonly Buffer[]) => der(0x30, ...items);
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'));
const TRUE = Buffer.from('0101ff', 'hex');
const ECDSA_SHA256 = sequence(oid('2a8648ce3d040302'));
const dn = (name: string) => sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(name)))));
const keyId = (key: KeyObject) =>
  createHash('sha1')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest();
const extension = (id: string, value: Buffer, critical = false) =>
  sequence(oid(id), ...(critical ? [TRUE] : []), der(0x04, value));

/** A P-256 certificate: a root when no issuer is given, else a signer's (or, with `ca`, an intermediate). */
export function identity(
  name: string,
  issuer?: Identity,
  { ca = issuer === undefined, until = '21200101000000Z' }: { ca?: boolean; until?: string } = {},
): Identity {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const by = issuer ?? { name, key: privateKey, publicKey };
  const extensions = [
    extension('551d13', sequence(...(ca ? [TRUE] : [])), true),
    extension('551d0f', Buffer.from(ca ? '03020106' : '03020780', 'hex'), true),
    extension('551d0e', der(0x04, keyId(publicKey))),
    ...(issuer === undefined ? [] : [extension('551d23', sequence(der(0x80, keyId(by.publicKey))))]),
    // E-mail protection, which C2PA asks of signers.
    ...(ca ? [] : [extension('551d25', sequence(oid('2b06010505070304')))]),
  ];
  const body = sequence(
    der(0xa0, Buffer.from('020102', 'hex')),
    der(0x02, Buffer.concat([Buffer.from([1]), createHash('sha256').update(name).digest().subarray(0, 8)])),
    ECDSA_SHA256,
    dn(by.name),
    sequence(der(0x18, Buffer.from('20200101000000Z')), der(0x18, Buffer.from(until))),
    dn(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions)),
  );
  const signature = sign('sha256', body, by.key);
  const certificate = sequence(body, ECDSA_SHA256, der(0x03, Buffer.from([0]), signature));
  return { certificate, name, key: privateKey, publicKey };
}

/** As PEM, the form in which trust lists come. */
export const pem = ({ certificate }: Identity) =>
  `-----BEGIN CERTIFICATE-----\n${certificate
    .toString('base64')
    .match(/.{1,64}/g)!
    .join('\n')}\n-----END CERTIFICATE-----\n`;

function signerOf(leaf: Identity, chain: readonly Identity[]): Signer {
  const asCertificate = ({ certificate }: Identity) =>
    ({
      rawData: certificate.buffer.slice(certificate.byteOffset, certificate.byteOffset + certificate.length),
    }) as never;
  return {
    certificate: asCertificate(leaf),
    chainCertificates: chain.map(asCertificate) as never,
    algorithm: -7 as never,
    sign: async (payload) =>
      new Uint8Array(sign('sha256', payload, { key: leaf.key, dsaEncoding: 'ieee-p1363' })),
  };
}

/** Writes a manifest that says how the picture was created. */
export async function signC2pa(
  asset: Asset,
  {
    leaf,
    chain = [],
    sourceType,
    agent,
    generator = 'test-writer',
  }: { leaf: Identity; chain?: readonly Identity[]; sourceType: string; agent?: string; generator?: string },
): Promise<Buffer> {
  const store = new ManifestStore();
  const signer = signerOf(leaf, chain);
  const manifest = store.createManifest({
    assetFormat: asset.mimeType,
    instanceID: 'xmp:iid:0f1e2d3c',
    defaultHashAlgorithm: 'SHA-256',
    signer,
  });
  manifest.claim!.claimGeneratorName = generator;
  const hash = DataHashAssertion.create('SHA-256');
  manifest.addAssertion(hash);
  const actions = new ActionAssertion();
  actions.actions.push({
    action: ActionType.C2paCreated,
    digitalSourceType: sourceType as DigitalSourceType,
    ...(agent === undefined ? {} : { softwareAgent: { name: agent } }),
  });
  manifest.addAssertion(actions);
  await asset.ensureManifestSpace(store.measureSize());
  await hash.updateWithAsset(asset);
  await manifest.sign(signer);
  await asset.writeManifestJUMBF(store.getBytes());
  return Buffer.from(await asset.getDataRange());
}

/** A writable WebP for the library's writer, which has none: the manifest store becomes the last RIFF chunk. */
export class WritableWebp implements Asset {
  readonly mimeType = 'image/webp';
  readonly #picture: Buffer;
  #whole: Buffer;

  constructor(picture: Buffer) {
    this.#picture = picture;
    this.#whole = picture;
  }

  getDataLength = () => this.#whole.length;
  getDataRange = async (start = 0, length = this.#whole.length - start) =>
    new Uint8Array(this.#whole.subarray(start, start + length));
  getManifestJUMBF = () => undefined;
  dumpInfo = () => 'test';
  getHashExclusionRange = () => ({
    start: this.#picture.length,
    length: this.#whole.length - this.#picture.length,
  });
  ensureManifestSpace = async (length: number) => {
    this.#whole = withRiffChunks(this.#picture, ['C2PA', Buffer.alloc(length)]);
  };
  writeManifestJUMBF = async (jumbf: Uint8Array) => {
    this.#whole = withRiffChunks(this.#picture, ['C2PA', Buffer.from(jumbf)]);
  };
}
