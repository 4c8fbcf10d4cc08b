import { X509Certificate } from 'node:crypto';
import type { Asset } from '@trustnxt/c2pa-ts/asset';
import type { Action, Manifest, ValidationResult } from '@trustnxt/c2pa-ts/manifest';
import { type Container, riffChunks } from '../container.ts';
import { type Finding, Findings, type Grade, finding } from '../finding.ts';
import { NAMES_A_GENERATOR, sourceTypeFinding } from './iptc.ts';

const READER = 'c2pa';
const MAX_MANIFEST_BYTES = 8 * 2 ** 20;
const MAX_BOX_DEPTH = 16;
const MAX_MANIFESTS = 32;

/** Certificates somebody vouches for: roots, intermediates or the signers themselves. */
export class TrustList {
  readonly #certificates: readonly X509Certificate[];

  /** @param certificates PEM (one or several to a text) or DER; throws on what is neither */
  constructor(certificates: readonly (string | Uint8Array)[]) {
    this.#certificates = certificates.flatMap((item) =>
      typeof item === 'string'
        ? (item.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [item]).map(
            (pem) => new X509Certificate(pem),
          )
        : [new X509Certificate(item)],
    );
  }

  /** Whether a chain of valid issuers leads from the signer to a certificate on the list. */
  trusts(signer: X509Certificate, chain: readonly X509Certificate[], at: Date): boolean {
    let current = signer;
    for (let step = 0; step <= chain.length && isValidAt(current, at); step++) {
      const { fingerprint256 } = current;
      if (this.#certificates.some((trusted) => trusted.fingerprint256 === fingerprint256)) return true;
      if (this.#certificates.some((trusted) => issued(trusted, current) && isValidAt(trusted, at)))
        return true;
      const issuer = chain.find((other) => other.fingerprint256 !== fingerprint256 && issued(other, current));
      if (issuer === undefined) return false;
      current = issuer;
    }
    return false;
  }
}

const issued = (issuer: X509Certificate, subject: X509Certificate) =>
  issuer.ca && subject.checkIssued(issuer) && subject.verify(issuer.publicKey);

const isValidAt = (certificate: X509Certificate, at: Date) =>
  new Date(certificate.validFrom) <= at && at <= new Date(certificate.validTo);

/**
 * C2PA: the active manifest's claim generator, actions, software agents and digital source types, under the grade its
 * signature earns. Manifests of ingredients are told of as `declared`: what their signatures bound is not here.
 *
 * The library is loaded only when a manifest is there.
 */
export async function readC2pa(
  bytes: Uint8Array,
  container: Container,
  trust: TrustList,
  now: Date,
): Promise<Finding[]> {
  const where = container.c2pa;
  if (where === undefined) return [];
  try {
    const [{ JPEG, PNG, BMFF }, { SuperBox }, manifests] = await Promise.all([
      import('@trustnxt/c2pa-ts/asset'),
      import('@trustnxt/c2pa-ts/jumbf'),
      import('@trustnxt/c2pa-ts/manifest'),
    ]);
    const asset: Asset =
      container.format === 'png'
        ? new PNG(bytes)
        : container.format === 'jpeg'
          ? new JPEG(bytes)
          : container.format === 'webp'
            ? new WebpAsset(bytes)
            : new BMFF(bytes);
    const stored = asset.getManifestJUMBF();
    if (stored === undefined || !isReasonable(stored)) return [unreadable(where)];
    const jumbf = new Uint8Array(stored);
    const store = manifests.ManifestStore.read(SuperBox.fromBuffer(jumbf));
    const active = store.getActiveManifest();
    if (active === undefined || store.manifests.length > MAX_MANIFESTS) return [unreadable(where)];
    const validation = await store.validate(asset);
    const signature = judge(active, validation, trust, now);
    const found = [signatureFinding(signature, where)];
    for (const manifest of store.manifests) {
      const isActive = manifest === active;
      const place = isActive ? where : `${where} ingredient ${manifest.label ?? ''}`;
      const actions = (manifest.assertions?.assertions ?? []).flatMap((assertion) =>
        assertion instanceof manifests.ActionAssertion ? assertion.actions : [],
      );
      found.push(...manifestFindings(manifest, actions, isActive ? signature.grade : 'declared', place));
    }
    return found;
  } catch {
    return [unreadable(where)];
  }
}

interface Judgement {
  readonly grade: Grade;
  readonly signer: string;
  readonly problems: readonly string[];
}

/** These say something of the signer, not of whether the signed bytes are the bytes at hand. */
const ABOUT_THE_SIGNER = /^(?:signingCredential|timeStamp)\./;

function judge(manifest: Manifest, validation: ValidationResult, trust: TrustList, now: Date): Judgement {
  const data = manifest.signature?.signatureData;
  const raw = data?.certificate?.rawData;
  const codes = validation.statusEntries.map(({ code, success }) => ({ code: String(code), success }));
  const problems = codes.filter(({ success }) => !success).map(({ code }) => code);
  const isIntact =
    codes.some(({ code, success }) => success && code === 'claimSignature.validated') &&
    codes.some(
      ({ code, success }) => success && /^assertion\.(?:dataHash|bmffHash|boxesHash)\.match$/.test(code),
    ) &&
    problems.every((code) => ABOUT_THE_SIGNER.test(code));
  if (data === undefined || raw === undefined) return { grade: 'declared', signer: '', problems };
  const certificate = new X509Certificate(Buffer.from(raw));
  const signer = certificate.subject.replaceAll('\n', ', ');
  if (!isIntact) return { grade: 'declared', signer, problems };
  const chain = data.chainCertificates
    .slice(0, 8)
    .map((item) => new X509Certificate(Buffer.from(item.rawData)));
  const stamped = codes.some(({ code, success }) => success && code === 'timeStamp.trusted');
  const at = (stamped ? data.timestamp : undefined) ?? now;
  const isFit = !problems.some((code) => code.startsWith('signingCredential.'));
  const isTrusted = isFit && trust.trusts(certificate, chain, at);
  return { grade: isTrusted ? 'signed-verified' : 'signed-untrusted', signer, problems };
}

function signatureFinding({ grade, signer, problems }: Judgement, where: string): Finding {
  const name = signer === '' ? '?' : signer;
  const sentence =
    grade === 'signed-verified'
      ? {
          ja: `${where} の来歴情報は「${name}」が署名し、署名・画像とも改変されていません。署名者は信頼リストにあります。`,
          en: `The provenance in ${where} is signed by “${name}”; signature and picture are intact, and the signer is on the trust list.`,
        }
      : grade === 'signed-untrusted'
        ? {
            ja: `${where} の来歴情報は「${name}」が署名し、改変されていません。ただし署名者は信頼リストにありません。`,
            en: `The provenance in ${where} is signed by “${name}” and intact, but the signer is not on the trust list.`,
          }
        : {
            ja: `${where} に来歴情報がありますが、署名は確かめられませんでした(${problems.join(', ')})。`,
            en: `There is provenance in ${where}, but its signature could not be confirmed (${problems.join(', ')}).`,
          };
  const isSigned = grade !== 'declared';
  return finding({
    reader: READER,
    about: 'signature',
    grade: isSigned ? grade : 'none',
    where,
    value: isSigned ? `valid: ${name}` : `invalid: ${problems.join(', ')}`,
    // Who signs a picture says nothing yet about how it was made.
    generative: false,
    sentence,
  });
}

function manifestFindings(
  manifest: Manifest,
  actions: readonly Action[],
  grade: Grade,
  where: string,
): Finding[] {
  const found: Finding[] = [];
  const agents = new Set<string>();
  let generative = false;
  for (const action of actions.slice(0, 100)) {
    const at = `${where} ${action.action}`;
    const uri: unknown = action.digitalSourceType;
    if (typeof uri === 'string') {
      const said = sourceTypeFinding(READER, grade, at, uri);
      generative ||= said.generative;
      if (!found.some((other) => other.value === said.value && other.where === said.where)) found.push(said);
    }
    const agent: unknown = action.softwareAgent;
    const name = typeof agent === 'string' ? agent : nameOf(agent as { name?: unknown; version?: unknown });
    if (name !== undefined) agents.add(name);
  }
  const claim = manifest.claim;
  const claimed =
    claim === undefined
      ? undefined
      : nameOf({ name: claim.claimGeneratorName, version: claim.claimGeneratorVersion });
  // With an agent named, the claim generator is only the tool that wrote the manifest.
  for (const name of agents.size > 0 ? agents : claimed === undefined ? [] : [claimed]) {
    const isGenerator = generative || NAMES_A_GENERATOR.test(name);
    found.push(
      ...new Findings(READER, where, grade).add(isGenerator ? 'generator' : 'editing', name, {
        generative: isGenerator,
      }).list,
    );
  }
  return found;
}

function nameOf(agent: { name?: unknown; version?: unknown } | undefined): string | undefined {
  if (typeof agent?.name !== 'string') return undefined;
  return typeof agent.version === 'string' ? `${agent.name} ${agent.version}` : agent.name;
}

function unreadable(where: string): Finding {
  return finding({
    reader: READER,
    about: 'signature',
    grade: 'none',
    where,
    value: 'unreadable',
    generative: false,
    sentence: {
      ja: `${where} に C2PA の来歴情報がありますが、読み取れませんでした。`,
      en: `There is C2PA provenance in ${where}, but it could not be read.`,
    },
  });
}

/** Whether the boxes of a manifest store are small enough and nest shallowly enough to be handed to a recursive reader. */
function isReasonable(jumbf: Uint8Array): boolean {
  if (jumbf.length > MAX_MANIFEST_BYTES) return false;
  const buffer = Buffer.from(jumbf.buffer, jumbf.byteOffset, jumbf.length);
  const ends: number[] = [];
  for (let at = 0; at + 8 <= buffer.length;) {
    while (ends.length > 0 && at >= ends.at(-1)!) ends.pop();
    const length = buffer.readUInt32BE(at);
    const type = buffer.toString('latin1', at + 4, at + 8);
    if (length < 8) return false;
    if (type === 'jumb') {
      if (ends.push(at + length) > MAX_BOX_DEPTH) return false;
      at += 8;
    } else at += length;
  }
  return true;
}

/** WebP for the C2PA library, which does not know it: the store is the RIFF chunk `C2PA`. Read only. */
class WebpAsset implements Asset {
  readonly mimeType = 'image/webp';
  readonly #data: Buffer;
  readonly #chunk: { offset: number; data: Buffer } | undefined;

  constructor(bytes: Uint8Array) {
    this.#data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#chunk = [...riffChunks(this.#data)].find(({ type }) => type === 'C2PA');
  }

  getDataLength(): number {
    return this.#data.length;
  }

  async getDataRange(start = 0, length = this.#data.length - start): Promise<Uint8Array> {
    return this.#data.subarray(start, start + length);
  }

  getManifestJUMBF(): Uint8Array | undefined {
    return this.#chunk?.data;
  }

  getHashExclusionRange(): { start: number; length: number } {
    const { offset, data } = this.#chunk!;
    return { start: offset, length: 8 + data.length + (data.length & 1) };
  }

  dumpInfo(): string {
    return 'WebP file';
  }

  ensureManifestSpace(): Promise<void> {
    return Promise.reject(new TypeError('read only'));
  }

  writeManifestJUMBF(): Promise<void> {
    return Promise.reject(new TypeError('read only'));
  }
}
