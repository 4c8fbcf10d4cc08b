import { z } from 'zod';
import { asUtsushiError } from '../../../errors.ts';
import { type ArchiveFiles, isCanonical, readArchive } from '../../../platform/archive/zip.ts';
import type { ComputePool } from '../../../platform/compute/pool.ts';
import { isSignedBy, vouchersOf } from '../../../platform/signing/keys.ts';
import type { Timestamp } from '../../../platform/timestamp/rfc3161.ts';
import { ALGORITHM_VERSION } from '../../../vision/fingerprint/fingerprint.ts';
import { type AuditExtract, extractSchema, faultsOfExtract } from '../../audit/index.ts';
import { type Match, type PairFigures, comparePair } from '../../checks/index.ts';
import type { CaseDetail } from '../cases.ts';
import type { MatchFile } from './contents.ts';
import { FILES, FORMAT, type Manifest, SEAL, checksums, manifestSchema, sha256Of } from './manifest.ts';

export interface VerifyOptions {
  readonly compute: ComputePool;
  readonly limits: { readonly maxPixels: number; readonly maxBytes: number };
  /** Fingerprint of the key the reader knows to be the sender's. */
  readonly trustedKey?: string | undefined;
  /** Certificates of time-stamp authorities that are trusted, PEM. */
  readonly trustedTsa: readonly string[];
}

export interface EvidenceReport {
  readonly state: 'intact' | 'altered';
  /** What differs from what was sealed; empty when intact. */
  readonly altered: readonly string[];
  /** Whether the matches were computed again from the pictures, and agree. */
  readonly recomputed: 'yes' | 'no-match' | 'unavailable';
  /** Why not, e.g. the algorithm that this version does not have. */
  readonly recomputation: string | null;
  readonly caseId: string | null;
  readonly createdAt: string | null;
  readonly signer: {
    readonly fingerprint: string;
    /** Null where the reader named no key: the signature holds, but whose it is is not known (署名者未確認). */
    readonly trusted: boolean | null;
  } | null;
  /** Of the manifest, and of the audit chain. */
  readonly timestamps: readonly (Timestamp & { readonly of: string })[];
}

const MOST_BYTES = 2 ** 31;
/** Decoders of two machines may round differently; the same pictures never differ by more than this. */
const TOLERANCE = { bits: 4, share: 0.03, inliers: 0.2 } as const;
const REQUIRED = [FILES.case, FILES.audit, FILES.anchors, SEAL.manifest, SEAL.signature, SEAL.checksums];

/**
 * Checks a bundle by itself: every byte, the signature, the audit chain and its time-stamps, that no event was left
 * out, and the matches, computed again from the pictures. Needs no network and no installation's data.
 *
 * @throws UtsushiError `not_a_bundle` when it is no evidence bundle at all
 */
export async function verifyEvidence(zip: Uint8Array, options: VerifyOptions): Promise<EvidenceReport> {
  const files = unpack(zip);
  if (typeof files === 'string') return report([`the container: ${files}`], undefined);
  const altered: string[] = [];
  if (!isCanonical(zip, files)) altered.push('the container: bytes that belong to no file');
  const missing = REQUIRED.filter((path) => files[path] === undefined);
  altered.push(...missing.map((path) => `${path}: missing`));
  const manifest = readManifest(files, altered);
  if (missing.length > 0 || manifest === undefined) return report(altered, manifest);
  if (Buffer.compare(files[SEAL.checksums]!, checksums(files)) !== 0)
    altered.push(`${SEAL.checksums}: does not fit`);
  altered.push(...faultsOfFiles(files, manifest));
  const signature = Buffer.from(files[SEAL.signature]!).toString().trim();
  if (!isSignedBy(manifest.signer.publicKey, files[SEAL.manifest]!, signature)) {
    altered.push(`${SEAL.signature}: not by the key in the manifest`);
  }
  // What is not what was signed need not be understood, and may not be readable at all.
  if (altered.length > 0) return report(altered, manifest);
  const { trustedKey } = options;
  const vouchers = attempt(altered, 'the signer’s key', () =>
    vouchersOf(manifest.signer.publicKey, manifest.signer.rotations),
  );
  if (vouchers !== undefined && vouchers[0] !== manifest.signer.fingerprint) {
    altered.push('the signer’s key: has another fingerprint than stated');
  }
  const trusted = trustedKey === undefined ? null : (vouchers ?? []).includes(trustedKey.toLowerCase());
  if (trusted === false) altered.push('the signature: by another key than the trusted one');
  const extract = attempt(altered, FILES.audit, () => extractSchema.parse(json(files[FILES.audit]!)));
  if (extract !== undefined) {
    altered.push(...faultsOfExtract(extract, manifest.subjects).map((fault) => `${FILES.audit}: ${fault}`));
    const faults = attempt(altered, 'the events', () => faultsOfEvents(files, manifest, extract));
    altered.push(...(faults ?? []));
  }
  const timestamps = await readTimestamps(files, extract, options, altered);
  // Of an altered bundle nothing would be learnt by it.
  const recomputation = altered.length > 0 ? {} : await recompute(files, options, altered);
  return { ...report(altered, manifest, trusted), timestamps, ...recomputation };
}

/**
 * @returns why it cannot be unpacked any more, for what is still to be recognised as a bundle
 * @throws UtsushiError `not_a_bundle`
 */
function unpack(zip: Uint8Array): ArchiveFiles | string {
  try {
    return readArchive(zip, MOST_BYTES);
  } catch (thrown) {
    // Files are stored as they are, so the manifest of a damaged archive can be seen from outside.
    if (!Buffer.from(zip.buffer, zip.byteOffset, zip.byteLength).includes(FORMAT)) throw thrown;
    return asUtsushiError(thrown).message;
  }
}

function report(
  altered: readonly string[],
  manifest: Manifest | undefined,
  trusted: boolean | null = null,
): EvidenceReport {
  return {
    state: altered.length === 0 ? 'intact' : 'altered',
    altered,
    recomputed: 'unavailable',
    recomputation: null,
    caseId: manifest?.caseId ?? null,
    createdAt: manifest?.createdAt.utc ?? null,
    signer: manifest === undefined ? null : { fingerprint: manifest.signer.fingerprint, trusted },
    timestamps: [],
  };
}

function readManifest(files: ArchiveFiles, altered: string[]): Manifest | undefined {
  const bytes = files[SEAL.manifest];
  if (bytes === undefined) return undefined;
  return attempt(altered, SEAL.manifest, () => manifestSchema.parse(json(bytes)));
}

function faultsOfFiles(files: ArchiveFiles, manifest: Manifest): string[] {
  const seals = new Set<string>(Object.values(SEAL));
  const listed = new Map(manifest.files.map((file) => [file.path, file]));
  const unlisted = Object.keys(files).filter((path) => !seals.has(path) && !listed.has(path));
  return [
    ...unlisted.map((path) => `${path}: not in the manifest`),
    ...manifest.files.flatMap(({ path, sha256 }) => {
      const bytes = files[path];
      if (bytes === undefined) return [`${path}: missing`];
      return sha256Of(bytes) === sha256 ? [] : [`${path}: changed`];
    }),
  ];
}

/** Events of the case and its alerts, against what the audit chain has of them. */
function faultsOfEvents(files: ArchiveFiles, manifest: Manifest, extract: AuditExtract): string[] {
  const faults: string[] = [];
  const compare = (path: string, subject: string, prefix: string, events: readonly string[]) => {
    const chained = extract.entries
      .filter((entry) => entry.subject === subject && entry.kind.startsWith(prefix))
      .map(({ kind }) => kind.slice(prefix.length));
    if (chained.length !== events.length || chained.some((type, i) => type !== events[i])) {
      faults.push(
        `${path}: has ${events.length} events (${events.join(', ')}), the audit chain has ${chained.length}`,
      );
    }
  };
  const found = json(files[FILES.case]!) as CaseDetail;
  compare(
    FILES.case,
    manifest.caseId,
    'case.',
    found.events.map(({ event }) => event.type),
  );
  for (const path of Object.keys(files)) {
    const id = /^alerts\/([^/]+)\/alert\.json$/.exec(path)?.[1];
    if (id === undefined) continue;
    const { events } = json(files[path]!) as { events: { type: string }[] };
    compare(
      path,
      id,
      'alert.',
      events.map(({ type }) => type),
    );
  }
  const linked = new Set(found.materials.flatMap(({ alertId }) => alertId ?? []));
  for (const id of linked) {
    if (files[`alerts/${id}/alert.json`] === undefined) faults.push(`alerts/${id}/alert.json: missing`);
  }
  return [...faults, ...faultsOfChecks(files, extract)];
}

/** The payload of an `output.checked` record, as far as it is looked at here. */
interface CheckedRecord {
  readonly outputSha256?: string;
  readonly matches?: readonly Pick<Match, 'referenceId' | 'kind' | 'confidence' | 'hashDistance'>[];
}

/** That what was checked, by the audit chain, is the picture in the bundle. */
function faultsOfChecks(files: ArchiveFiles, extract: AuditExtract): string[] {
  const faults: string[] = [];
  const checked = extract.entries.flatMap(({ kind, subject, record }) =>
    kind === 'output.checked' && record != null
      ? [[subject, JSON.parse(record.payload) as CheckedRecord] as const]
      : [],
  );
  for (const [path, bytes] of Object.entries(files)) {
    const sha256 = /^outputs\/([0-9a-f]{64})\/original\./.exec(path)?.[1];
    if (sha256 !== undefined && sha256Of(bytes) !== sha256)
      faults.push(`${path}: not the picture that was checked`);
    if (!/^alerts\/[^/]+\/match\.json$/.test(path)) continue;
    const match = json(bytes) as MatchFile;
    const record = checked.find(([checkId]) => checkId === match.checkId)?.[1];
    if (record?.outputSha256 === undefined) continue;
    if (!match.output.startsWith(`outputs/${record.outputSha256}/`)) {
      faults.push(`${path}: about another picture than the audit chain says`);
    }
    const noted = record.matches?.find(({ referenceId }) => referenceId === match.recorded.referenceId);
    const { kind, confidence, hashDistance } = match.recorded;
    if (noted?.kind !== kind || noted.confidence !== confidence || noted.hashDistance !== hashDistance) {
      faults.push(`${path}: other figures than the audit chain has`);
    }
  }
  return faults;
}

const anchorsSchema = z.array(z.object({ seq: z.int(), at: z.iso.datetime(), token: z.base64() }));

async function readTimestamps(
  files: ArchiveFiles,
  extract: AuditExtract | undefined,
  { trustedTsa }: VerifyOptions,
  altered: string[],
): Promise<EvidenceReport['timestamps']> {
  const found: (Timestamp & { of: string })[] = [];
  const look = async (of: string, token: Uint8Array, bytes: Uint8Array) => {
    // Loaded on demand, with the ASN.1 it needs.
    const { checkTimestamp } = await import('../../../platform/timestamp/rfc3161.ts');
    try {
      found.push({ of, ...(await checkTimestamp(token, bytes, trustedTsa)) });
    } catch (thrown) {
      altered.push(`${of}: ${asUtsushiError(thrown).message}`);
    }
  };
  const token = files[SEAL.timestamp];
  if (token !== undefined) await look(SEAL.timestamp, token, files[SEAL.manifest]!);
  const anchors =
    attempt(altered, FILES.anchors, () => anchorsSchema.parse(json(files[FILES.anchors]!))) ?? [];
  for (const anchor of anchors) {
    const entry = extract?.entries.find(({ seq }) => seq === anchor.seq);
    const of = `audit chain at entry ${anchor.seq}`;
    if (entry === undefined) altered.push(`${FILES.anchors}: no entry ${anchor.seq}`);
    else await look(of, Buffer.from(anchor.token, 'base64'), Buffer.from(entry.hash, 'hex'));
  }
  return found;
}

async function recompute(
  files: ArchiveFiles,
  options: VerifyOptions,
  altered: string[],
): Promise<Pick<EvidenceReport, 'recomputed' | 'recomputation'>> {
  const matches = Object.keys(files).filter((path) => /^alerts\/[^/]+\/match\.json$/.test(path));
  if (matches.length === 0) return { recomputed: 'no-match', recomputation: 'the case claims no similarity' };
  for (const path of matches) {
    const match = attempt(altered, path, () => json(files[path]!) as MatchFile);
    if (match?.pair == null) continue;
    if (match.pair.algorithmVersion !== ALGORITHM_VERSION) {
      return { recomputed: 'unavailable', recomputation: `algorithm ${match.pair.algorithmVersion}` };
    }
    const [work, output] = [files[match.work], files[match.output]];
    if (work === undefined || output === undefined) {
      altered.push(`${path}: its pictures are missing`);
      continue;
    }
    try {
      const again = await comparePair(options, work, output);
      if (again === undefined || !agree(match.pair, again)) {
        altered.push(`${path}: computed again, the figures are others: ${JSON.stringify(again ?? null)}`);
      }
    } catch (thrown) {
      altered.push(`${path}: its pictures cannot be compared: ${asUtsushiError(thrown).message}`);
    }
  }
  return { recomputed: 'yes', recomputation: null };
}

function agree(stated: PairFigures, again: PairFigures): boolean {
  const close = (a: number, b: number, by: number) => Math.abs(a - b) <= by;
  return (
    stated.kind === again.kind &&
    close(stated.hashDistance, again.hashDistance, TOLERANCE.bits) &&
    close(stated.confidence, again.confidence, TOLERANCE.share) &&
    close(stated.alignedSimilarity, again.alignedSimilarity, TOLERANCE.share) &&
    close(stated.overlap.asset, again.overlap.asset, TOLERANCE.share) &&
    close(stated.overlap.output, again.overlap.output, TOLERANCE.share) &&
    close(stated.inliers, again.inliers, 2 + TOLERANCE.inliers * stated.inliers)
  );
}

function json(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes).toString('utf8'));
}

function attempt<T>(altered: string[], what: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (thrown) {
    altered.push(`${what}: ${thrown instanceof z.ZodError ? z.prettifyError(thrown) : String(thrown)}`);
    return undefined;
  }
}
