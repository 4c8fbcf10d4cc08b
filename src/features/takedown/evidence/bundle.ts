import { writeArchive } from '../../../platform/archive/zip.ts';
import type { Signer } from '../../../platform/signing/keys.ts';
import { ALGORITHM_VERSION } from '../../../vision/fingerprint/fingerprint.ts';
import { recordAudit, sealAudit } from '../../audit/index.ts';
import type { By } from '../cases.ts';
import { type EvidenceDependencies, gatherContents } from './contents.ts';
import { FORMAT, type Manifest, SEAL, bothClocks, checksums, jsonBytes, sha256Of } from './manifest.ts';

export interface SealingDependencies extends EvidenceDependencies {
  readonly signer: () => Promise<Signer>;
  /** Asks an authority outside for a token over these bytes; absent where none is configured. */
  readonly timestamp: ((bytes: Uint8Array) => Promise<Uint8Array>) | undefined;
}

/** Who may be told how many bytes a bundle has before it is sent. */
export interface EvidenceBundle {
  readonly zip: Uint8Array;
  readonly sha256: string;
  readonly signer: string;
  readonly files: number;
  readonly timestamped: boolean;
}

/**
 * Packs everything a case rests on into one signed file that can be checked anywhere, without this installation.
 *
 * @throws UtsushiError as gatherContents; `timestamp_refused` and fetch errors when an authority is configured and gave
 *   no token: evidence that was to be time-stamped is not handed out without
 */
export async function sealEvidence(
  deps: SealingDependencies,
  caseId: string,
  by: By,
): Promise<EvidenceBundle> {
  // What happened so far belongs into the chain before it is cut out.
  await recordAudit(deps.db, [
    { at: by.at, kind: 'evidence.exported', subject: caseId, payload: { actor: by.actor } },
  ]);
  await sealAudit(deps.db);
  const contents = await gatherContents(deps, caseId);
  const signer = await deps.signer();
  const manifest: Manifest = {
    format: FORMAT,
    caseId,
    caseSeq: contents.case.seq,
    createdAt: bothClocks(by.at),
    createdBy: by.actor,
    algorithmVersion: ALGORITHM_VERSION,
    subjects: [...contents.subjects],
    signer: {
      publicKey: signer.publicKey,
      fingerprint: signer.fingerprint,
      rotations: [...signer.rotations],
    },
    files: Object.entries(contents.files)
      .map(([path, bytes]) => ({ path, bytes: bytes.length, sha256: sha256Of(bytes) }))
      .toSorted((a, b) => (a.path < b.path ? -1 : 1)),
  };
  const manifestBytes = jsonBytes(manifest);
  const files: Record<string, Uint8Array> = {
    ...contents.files,
    [SEAL.manifest]: manifestBytes,
    [SEAL.signature]: Buffer.from(`${signer.sign(manifestBytes)}\n`),
  };
  if (deps.timestamp !== undefined) files[SEAL.timestamp] = await deps.timestamp(manifestBytes);
  files[SEAL.checksums] = checksums(files);
  const zip = writeArchive(files);
  return {
    zip,
    sha256: sha256Of(zip),
    signer: signer.fingerprint,
    files: Object.keys(files).length,
    timestamped: deps.timestamp !== undefined,
  };
}
