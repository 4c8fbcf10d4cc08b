import { Badge, Progress, Text, Tooltip } from '@mantine/core';
import { outputImage, referenceImage } from '../api/pictures.ts';
import type { AlertStatus, Decision, Kind, Tier } from '../api/types.ts';
import { useText } from '../text/index.tsx';
import classes from './labels.module.css';

export function KindBadge({ kind }: { kind: Kind }) {
  const t = useText();
  return (
    <Tooltip label={`${t.kinds[kind]}${t.kindNote}`}>
      <Badge variant="light" color={kind === 'reproduction' ? 'shu' : 'violet'} className={classes.badge}>
        {t.kinds[kind]}
      </Badge>
    </Tooltip>
  );
}

export function TierBadge({ tier }: { tier: Tier }) {
  const t = useText();
  return (
    <Badge variant={tier === 'high' ? 'outline' : 'default'} className={classes.badge}>
      {t.tiers[tier]}
    </Badge>
  );
}

const DECISION_COLOURS: Record<Decision, string> = {
  confirm: 'shu',
  'not-similar': 'gray',
  licensed: 'teal',
  tolerated: 'cyan',
  escalate: 'orange',
};

/** What was decided, else how far the review is. */
export function StateBadge({ state, decision }: { state: AlertStatus; decision: Decision | null }) {
  const t = useText();
  if (decision !== null && state === 'decided') {
    return (
      <Badge variant="light" color={DECISION_COLOURS[decision]} className={classes.badge}>
        {t.decisions[decision]}
      </Badge>
    );
  }
  return (
    <Badge
      variant="dot"
      color={state === 'open' ? 'ai' : state === 'escalated' ? 'orange' : 'yellow'}
      className={classes.badge}
    >
      {t.states[state]}
    </Badge>
  );
}

/** 照合スコア: a calibrated number in [0, 1], as a number and as a bar. */
export function Score({ value, size = 'sm' }: { value: number; size?: 'sm' | 'lg' }) {
  const t = useText();
  return (
    <div className={classes.score} data-size={size}>
      <Text className="numeric" fw={650} fz={size === 'lg' ? 28 : 15} lh={1.2}>
        {shownScore(value)}
      </Text>
      <Progress
        value={value * 100}
        size={size === 'lg' ? 6 : 4}
        color={value >= 0.9 ? 'shu' : value >= 0.5 ? 'orange' : 'gray'}
        aria-label={t.score}
      />
    </div>
  );
}

/** Cut, never rounded up: 0.9996 is not certainty. */
export const shownScore = (value: number) => (Math.floor(value * 1000) / 1000).toFixed(3);

/** The work and the output, side by side, small. */
export function Thumbs({
  referenceId,
  sha256,
  size = 64,
}: {
  referenceId: string | null;
  sha256: string;
  size?: number;
}) {
  const t = useText().workbench;
  return (
    <span className={classes.thumbs}>
      <Thumb
        src={referenceId === null ? undefined : referenceImage(referenceId, THUMB)}
        alt={t.work}
        size={size}
      />
      <Thumb src={outputImage(sha256, THUMB)} alt={t.output} size={size} />
    </span>
  );
}
const THUMB = 256;

export function Thumb({ src, alt, size }: { src: string | undefined; alt: string; size: number }) {
  return (
    <span className={classes.thumb} style={{ inlineSize: size, blockSize: size }}>
      {src !== undefined && <img src={src} alt={alt} loading="lazy" decoding="async" draggable={false} />}
    </span>
  );
}
