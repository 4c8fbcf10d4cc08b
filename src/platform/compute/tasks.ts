import type { Features, Views } from '../../vision/fingerprint/features.ts';
import type { UnhashableReason } from '../../vision/fingerprint/fingerprint.ts';
import type { Depth } from '../../vision/matching/policy.ts';
import type { EvidenceDrawing } from '../image/evidence-picture.ts';
import type { SimulatedCopy } from '../image/simulated-copies.ts';
import type { ErrorCode } from '../../errors.ts';
import type { Provenance } from '../provenance/index.ts';

/** A picture, by path or by its bytes. */
export interface PictureSource {
  readonly source: { readonly path: string } | { readonly bytes: Uint8Array };
  readonly limits: { readonly maxPixels: number; readonly maxBytes: number };
}

/** Look at one picture. */
export interface ExamineTask<D extends Depth = Depth> extends PictureSource {
  /** A reference image is stored, an output is looked for in them. */
  readonly role: D extends 'deep' ? 'work' | 'output' : 'output';
  /** `standard`: only what works at that depth are searched by, without keypoints. */
  readonly depth: D;
  /** Also return the picture as a JPEG, FEATURE_SIDE pixels on its longer side: enough to compare it again. */
  readonly shrink?: boolean;
  /** Leave alone what an output's bytes say about its generator. */
  readonly pixelsOnly?: boolean;
  /** Of the file's bytes, where whoever asks has hashed them already. */
  readonly sha256?: string;
}

/** Look closely at an output that has been examined at standard depth. */
export interface LookCloserTask extends PictureSource {
  /** The encoded fingerprint that came of it. */
  readonly fingerprint: Uint8Array;
}

/** Make a picture fit to be shown in a browser. */
export interface RenderTask extends PictureSource {
  /** At most this many pixels; smaller pictures stay as they are. */
  readonly longerSide: number;
}

/** Draw one match as a picture that can stand alone; `source` is the output. */
export interface EvidenceTask extends PictureSource {
  readonly work: PictureSource['source'];
  readonly drawing: EvidenceDrawing;
}

/** Make a copy of a work by a script; `source` is the work. */
export interface SimulateTask extends PictureSource {
  readonly kind: SimulatedCopy;
}

/** What one picture's bytes and pixels say. Durations in milliseconds. */
export interface Examined<D extends Depth = Depth> {
  /** SHA-256 of the file's bytes, lower-case hex. */
  readonly sha256: string;
  readonly byteLength: number;
  readonly format: string;
  readonly width: number;
  readonly height: number;
  /** The encoded fingerprint (see encodeFingerprint) and the features, or why there are none. */
  readonly outcome:
    | { readonly fingerprint: Uint8Array; readonly features: D extends 'deep' ? Features : Views }
    | { readonly unhashable: UnhashableReason };
  /** What the bytes of an output say about its generator; null for a work, and where only pixels matter. */
  readonly provenance: Provenance | null;
  readonly shrunk?: Uint8Array;
  readonly ms: { readonly decode: number; readonly fingerprint: number; readonly provenance: number };
}

/** What a child can do, by name. */
export interface Operations {
  examine: (task: ExamineTask) => Examined;
  lookCloser: (task: LookCloserTask) => Features;
  readProvenance: (task: PictureSource) => Provenance;
  drawEvidence: (task: EvidenceTask) => Uint8Array;
  render: (task: RenderTask) => Uint8Array;
  simulateCopy: (task: SimulateTask) => Uint8Array;
}

export type OperationName = keyof Operations;

export interface ToChild {
  readonly id: number;
  readonly operation: OperationName;
  readonly task: PictureSource;
  /** Certificates, PEM, whose C2PA signatures count as verified. */
  readonly trustedPem: readonly string[];
}

export type FromChild =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: { readonly code: ErrorCode; readonly message: string } };
