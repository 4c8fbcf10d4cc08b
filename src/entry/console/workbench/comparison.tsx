import { ActionIcon, Group, SegmentedControl, Slider, Tooltip } from '@mantine/core';
import { useLocalStorage } from '@mantine/hooks';
import {
  type Icon,
  IconContrast,
  IconGridDots,
  IconMapPins,
  IconShape,
  IconZoomIn,
  IconZoomOut,
  IconZoomReset,
} from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import { isForOthers, useKeys } from '../shell/use-keys.ts';
import { useText } from '../text/index.tsx';
import classes from './comparison.module.css';
import type { Point } from './geometry.ts';
import { type Correspondence, type Look, MODES, type Mode, type Picture, Stage, WHOLE } from './stage.tsx';

const MODE_KEYS: Record<Mode, string> = {
  side: 's',
  flick: 'f',
  overlay: 'o',
  curtain: 'c',
  difference: 'd',
};
const ZOOM_STEP = 1.4;

export interface ComparisonProps {
  readonly work: Picture;
  readonly output: Picture;
  readonly quad: readonly Point[] | null;
  readonly correspondences: readonly Correspondence[];
  /** The match says that the output is a negative of the work. */
  readonly negative: boolean;
}

/** Work and output with every way to compare them; the chosen one stays for the next pair. */
export function Comparison({ work, output, quad, correspondences, negative }: ComparisonProps) {
  const t = useText().workbench;
  const [mode, setMode] = useLocalStorage<Mode>({
    key: 'utsushi-mode',
    defaultValue: 'side',
    getInitialValueInEffect: false,
  });
  const [outline, setOutline] = useLocalStorage({
    key: 'utsushi-outline',
    defaultValue: true,
    getInitialValueInEffect: false,
  });
  const [points, setPoints] = useState(false);
  const [grid, setGrid] = useState(false);
  const [inverted, setInverted] = useState(negative);
  const [amount, setAmount] = useState(0.5);
  const [look, setLook] = useState<Look>(WHOLE);
  const flicked = useHeld(' ');

  const zoom = (factor: number) =>
    setLook((before) => {
      const next = Math.min(40, Math.max(1, before.zoom * factor));
      return next === 1 ? WHOLE : { ...before, zoom: next };
    });
  useKeys({
    ...Object.fromEntries(MODES.map((each) => [MODE_KEYS[each], () => setMode(each)])),
    l: () => setOutline((before) => !before),
    p: () => setPoints((before) => !before),
    g: () => setGrid((before) => !before),
    i: () => setInverted((before) => !before),
    '+': () => zoom(ZOOM_STEP),
    '-': () => zoom(1 / ZOOM_STEP),
    '0': () => setLook(WHOLE),
    '[': () => setAmount((before) => Math.max(0, before - 0.1)),
    ']': () => setAmount((before) => Math.min(1, before + 0.1)),
  });

  const sliding = mode === 'overlay' || mode === 'curtain';
  return (
    <section className={classes.comparison} aria-label={t.comparison}>
      <div className={classes.bar}>
        <SegmentedControl
          size="xs"
          value={mode}
          onChange={(value) => setMode(value as Mode)}
          data={MODES.map((each) => ({ value: each, label: t.modes[each] }))}
          aria-label={t.mode}
        />
        <Group gap={4} wrap="nowrap">
          <Toggle icon={IconShape} label={`${t.outline} (L)`} on={outline} set={setOutline} />
          {correspondences.length > 0 && (
            <Toggle icon={IconMapPins} label={`${t.points} (P)`} on={points} set={setPoints} />
          )}
          <Toggle icon={IconGridDots} label={`${t.grid} (G)`} on={grid} set={setGrid} />
          <Toggle icon={IconContrast} label={`${t.invert} (I)`} on={inverted} set={setInverted} />
          <Act icon={IconZoomOut} label={`${t.zoomOut} (-)`} act={() => zoom(1 / ZOOM_STEP)} />
          <span className={`${classes.zoom} numeric`}>{Math.round(look.zoom * 100)}%</span>
          <Act icon={IconZoomIn} label={`${t.zoomIn} (+)`} act={() => zoom(ZOOM_STEP)} />
          <Act icon={IconZoomReset} label={`${t.zoomReset} (0)`} act={() => setLook(WHOLE)} />
        </Group>
      </div>
      <div className={classes.stage}>
        <Stage
          {...{ work, output, quad, mode, flicked, amount, outline, grid, inverted, look }}
          correspondences={points ? correspondences : []}
          onLook={setLook}
        />
        {sliding ? (
          <div className={classes.slider}>
            <Slider
              value={amount}
              onChange={setAmount}
              min={0}
              max={1}
              step={0.01}
              label={null}
              thumbLabel={mode === 'overlay' ? t.opacity : t.modes.curtain}
            />
          </div>
        ) : (
          <p className={classes.hint}>{mode === 'difference' ? t.differenceHint : t.flickHint}</p>
        )}
      </div>
    </section>
  );
}

/** Whether a key is held down, wherever the focus is but for fields. */
function useHeld(key: string): boolean {
  const [held, setHeld] = useState(false);
  useEffect(() => {
    const listening = new AbortController();
    const { signal } = listening;
    const down = (event: KeyboardEvent) => {
      if (event.key !== key || isForOthers(event)) return;
      event.preventDefault();
      setHeld(true);
    };
    const up = (event: KeyboardEvent) => event.key === key && setHeld(false);
    document.addEventListener('keydown', down, { signal });
    document.addEventListener('keyup', up, { signal });
    window.addEventListener('blur', () => setHeld(false), { signal });
    return () => listening.abort();
  }, [key]);
  return held;
}

function Toggle(props: { icon: Icon; label: string; on: boolean; set: (on: boolean) => void }) {
  return (
    <Tooltip label={props.label}>
      <ActionIcon
        variant={props.on ? 'light' : 'subtle'}
        color={props.on ? 'ai' : 'gray'}
        aria-label={props.label}
        aria-pressed={props.on}
        onClick={() => props.set(!props.on)}
      >
        <props.icon size={18} aria-hidden />
      </ActionIcon>
    </Tooltip>
  );
}

function Act(props: { icon: Icon; label: string; act: () => void }) {
  return (
    <Tooltip label={props.label}>
      <ActionIcon variant="subtle" color="gray" aria-label={props.label} onClick={props.act}>
        <props.icon size={18} aria-hidden />
      </ActionIcon>
    </Tooltip>
  );
}
