import type { ComputePool, JobOptions } from '../../platform/compute/pool.ts';
import type { Examined, ExamineTask, PictureSource } from '../../platform/compute/tasks.ts';
import type { Features, Views } from '../../vision/fingerprint/features.ts';
import type { LiveIndex } from '../catalogue/index.ts';

/** An output as it is compared. Size in pixels. */
export interface OutputPicture extends Views {
  readonly width: number;
  readonly height: number;
  /** The features that a closer look needs: the picture is examined again where it was not examined deeply. */
  readonly inDepth: () => Promise<Features>;
}

export interface Looked {
  readonly examined: Examined;
  /** Undefined where there is nothing to compare. */
  readonly picture: OutputPicture | undefined;
}

interface LookDependencies {
  readonly compute: ComputePool;
  readonly index: LiveIndex;
  readonly limits: PictureSource['limits'];
}

/**
 * Examines an output as deeply as the works in the index ask for: without keypoints while all are searched at standard
 * depth, for most outputs resemble none of them.
 *
 * @param how what else is wanted of the picture, or known of it
 * @throws UtsushiError about the picture, or `compute_timeout`, `compute_crashed`
 */
export async function lookAt(
  deps: LookDependencies,
  source: PictureSource['source'],
  how: Pick<ExamineTask, 'shrink' | 'pixelsOnly' | 'sha256'> = {},
  options: JobOptions = {},
): Promise<Looked> {
  const { depth } = deps.index.matcher;
  const task = { role: 'output', source, limits: deps.limits } as const;
  const examined = await deps.compute.examine({ ...task, depth, ...how }, options);
  if ('unhashable' in examined.outcome) return { examined, picture: undefined };
  const { features, fingerprint } = examined.outcome;
  const { limits } = deps;
  const again = () => deps.compute.lookCloser({ source, limits, fingerprint }, options);
  let deep: Promise<Features> | undefined = isDeep(features) ? Promise.resolve(features) : undefined;
  const { width, height } = examined;
  return {
    examined,
    picture: { width, height, views: features.views, inDepth: () => (deep ??= again()) },
  };
}

function isDeep(features: Features | Views): features is Features {
  return 'keypoints' in features;
}
