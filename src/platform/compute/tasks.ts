import type { Features } from '../../vision/fingerprint/features.ts';
import type { UnhashableReason } from '../../vision/fingerprint/fingerprint.ts';
import type { ErrorCode } from '../../errors.ts';

/** What a compute child is asked: look at one picture, given by path or by its bytes. */
export interface ExamineTask {
  readonly source: { readonly path: string } | { readonly bytes: Uint8Array };
  readonly limits: { readonly maxPixels: number; readonly maxBytes: number };
  /** A reference image is stored, an output is looked for in them. */
  readonly role: 'work' | 'output';
  /** Also return the shrunk picture to keep, at most this many pixels on its longer side. */
  readonly shrinkTo?: number;
}

/** What one picture's bytes and pixels say. Durations in milliseconds. */
export interface Examined {
  /** SHA-256 of the file's bytes, lower-case hex. */
  readonly sha256: string;
  readonly byteLength: number;
  readonly format: string;
  readonly width: number;
  readonly height: number;
  /** The encoded fingerprint (see encodeFingerprint) and the features, or why there are none. */
  readonly outcome:
    | { readonly fingerprint: Uint8Array; readonly features: Features }
    | { readonly unhashable: UnhashableReason };
  readonly shrunk?: Uint8Array;
  readonly ms: { readonly decode: number; readonly fingerprint: number };
}

export type ToChild = { readonly id: number; readonly task: ExamineTask };
export type FromChild =
  | { readonly id: number; readonly value: Examined }
  | { readonly id: number; readonly error: { readonly code: ErrorCode; readonly message: string } };
