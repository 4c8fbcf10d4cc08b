import { useElementSize, useMergedRef } from '@mantine/hooks';
import { type PointerEvent, type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { useText } from '../text/index.tsx';
import {
  type Homography,
  type Point,
  type Size,
  type View,
  fit,
  follow,
  homographyTo,
  inverse,
  project,
  toCss,
  toPane,
  toPicture,
} from './geometry.ts';
import classes from './stage.module.css';

/** How work and output are laid out. */
export type Mode = 'side' | 'flick' | 'overlay' | 'curtain' | 'difference';
export const MODES: readonly Mode[] = ['side', 'flick', 'overlay', 'curtain', 'difference'];

/** A picture with the size its coordinates are in; the file behind it may be smaller. */
export interface Picture extends Size {
  readonly src: string;
  readonly alt: string;
}

/** Where one feature lies: x and y in the work, x and y in the output, in shares of their sides. */
export type Correspondence = readonly [number, number, number, number];

export interface StageProps {
  readonly work: Picture;
  readonly output: Picture;
  /** The work's corners in output pixels, clockwise from its top left. */
  readonly quad: readonly Point[] | null;
  /** Those to be marked. */
  readonly correspondences: readonly Correspondence[];
  readonly mode: Mode;
  /** Show the work in place of the output, while a key is held. */
  readonly flicked: boolean;
  /** Of the work over the output, and of the curtain; 0..1. */
  readonly amount: number;
  readonly outline: boolean;
  readonly grid: boolean;
  /** The work's colours turned into their negative, for outputs that are one. */
  readonly inverted: boolean;
  /** Looked at: zoom 1 is the whole output, the centre in output pixels. */
  readonly look: Look;
  readonly onLook: (look: Look) => void;
}

export interface Look {
  readonly zoom: number;
  /** Undefined: the middle. */
  readonly centre: Point | undefined;
}
export const WHOLE: Look = { zoom: 1, centre: undefined };
const MAX_ZOOM = 40;

/** Work and output, looked at with one zoom and one centre whatever the layout. */
export function Stage(props: StageProps) {
  const { work, output, quad, correspondences, mode, flicked, amount, outline, grid, inverted } = props;
  const t = useText().workbench;
  const [cursor, setCursor] = useState<Point | undefined>();
  const toOutput = useMemo(() => (quad === null ? undefined : homographyTo(quad, work)), [quad, work]);
  const toWork = useMemo(() => (toOutput === undefined ? undefined : inverse(toOutput)), [toOutput]);
  const placed = toOutput === undefined ? '' : toCss(toOutput);
  const workStyle = inverted ? { filter: 'invert(1)' } : {};

  const outputPane = (children: (view: View, pane: Size) => ReactNode, label: string) => (
    <Pane label={label} look={props.look} onLook={props.onLook} picture={output} onCursor={setCursor}>
      {(view, pane) => (
        <>
          {children(view, pane)}
          <svg className={classes.marks} aria-hidden>
            {grid && toOutput !== undefined && (
              <Grid size={work} at={(point) => toPane(view, pane, project(toOutput, point))} />
            )}
            {outline && quad !== null && <Outline corners={quad.map((each) => toPane(view, pane, each))} />}
            <Points
              at={correspondences.map(([, , x, y]) =>
                toPane(view, pane, [x * output.width, y * output.height]),
              )}
            />
            {cursor !== undefined && mode === 'side' && <Cross at={toPane(view, pane, cursor)} />}
          </svg>
        </>
      )}
    </Pane>
  );

  const outputLayer = (view: View, pane: Size) => <Layer picture={output} view={view} pane={pane} />;
  /** The work laid over the output; without a place, over all of it. */
  const workOver = (view: View, pane: Size) => (
    <div className={classes.sheet} style={{ clipPath: frameOf(view, pane, output) }}>
      {toOutput === undefined ? (
        <Layer
          picture={{ ...work, width: output.width, height: output.height }}
          view={view}
          pane={pane}
          style={workStyle}
        />
      ) : (
        <Layer picture={work} view={view} pane={pane} placed={placed} style={workStyle} />
      )}
    </div>
  );

  if (mode === 'side') {
    return (
      <div className={classes.stage} data-mode={mode}>
        <Pane
          label={t.work}
          look={props.look}
          onLook={props.onLook}
          picture={work}
          leader={output}
          toWork={toWork}
          toOutput={toOutput}
          onCursor={setCursor}
        >
          {(view, pane) => (
            <>
              <Layer picture={work} view={view} pane={pane} />
              <svg className={classes.marks} aria-hidden>
                {grid && <Grid size={work} at={(point) => toPane(view, pane, point)} />}
                {outline && quad !== null && (
                  <Outline corners={cornersOf(work).map((each) => toPane(view, pane, each))} />
                )}
                <Points
                  at={correspondences.map(([x, y]) => toPane(view, pane, [x * work.width, y * work.height]))}
                />
                {cursor !== undefined && toWork !== undefined && (
                  <Cross at={toPane(view, pane, project(toWork, cursor))} />
                )}
              </svg>
            </>
          )}
        </Pane>
        {outputPane(flicked ? workOver : outputLayer, flicked ? t.workInPlace : t.output)}
      </div>
    );
  }
  return (
    <div className={classes.stage} data-mode={mode}>
      {outputPane(
        (view, pane) => {
          if (mode === 'flick' || flicked) return (flicked ? workOver : outputLayer)(view, pane);
          if (mode === 'overlay') {
            return (
              <>
                {outputLayer(view, pane)}
                <div className={classes.sheet} style={{ opacity: amount }}>
                  {workOver(view, pane)}
                </div>
              </>
            );
          }
          if (mode === 'curtain') {
            return (
              <>
                {outputLayer(view, pane)}
                <div className={classes.sheet} style={{ clipPath: `inset(0 ${100 - amount * 100}% 0 0)` }}>
                  {workOver(view, pane)}
                </div>
                <div className={classes.rod} style={{ insetInlineStart: `${amount * 100}%` }} />
              </>
            );
          }
          return (
            <div className={classes.difference}>
              {outputLayer(view, pane)}
              <div className={classes.subtracted}>{workOver(view, pane)}</div>
              {quad !== null && <Shade quad={quad.map((each) => toPane(view, pane, each))} pane={pane} />}
            </div>
          );
        },
        mode === 'flick' ? (flicked ? t.workInPlace : t.output) : t.modes[mode],
      )}
    </div>
  );
}

interface PaneProps {
  readonly label: string;
  readonly look: Look;
  readonly onLook: (look: Look) => void;
  readonly picture: Size;
  /** The output, when this pane shows the work and follows. */
  readonly leader?: Size;
  readonly toWork?: Homography | undefined;
  readonly toOutput?: Homography | undefined;
  readonly onCursor: (at: Point | undefined) => void;
  readonly children: (view: View, pane: Size) => ReactNode;
}

/** One window on a picture: wheel and pinch zoom around the pointer, dragging moves, a double click shows all. */
function Pane({ label, look, onLook, picture, leader, toWork, toOutput, onCursor, children }: PaneProps) {
  const { ref: measured, width, height } = useElementSize<HTMLDivElement>();
  const element = useRef<HTMLDivElement>(null);
  const ref = useMergedRef(measured, element);
  const pane = { width, height };
  const lead = leader ?? picture;
  const whole = fit(lead, pane);
  const leading: View = { centre: look.centre ?? whole.centre, scale: whole.scale * look.zoom };
  const view = leader === undefined ? leading : follow(leading, look.zoom, picture, pane, toWork);
  const pointers = useRef(new Map<number, Point>());

  /** Zooms so that the point under the pointer stays there. */
  const zoomAt = (at: Point, factor: number) => {
    const zoom = Math.min(MAX_ZOOM, Math.max(1, look.zoom * factor));
    if (zoom === 1) return onLook(WHOLE);
    const fixed = toLeading(toPicture(view, pane, at));
    const ratio = look.zoom / zoom;
    const centre: Point = [
      fixed[0] + (leading.centre[0] - fixed[0]) * ratio,
      fixed[1] + (leading.centre[1] - fixed[1]) * ratio,
    ];
    onLook({ zoom, centre: within(centre, lead) });
  };
  const toLeading = (point: Point): Point =>
    leader === undefined || toOutput === undefined ? point : project(toOutput, point);

  // React listens to the wheel passively: the page would scroll as well.
  const zoomRef = useRef(zoomAt);
  zoomRef.current = zoomAt;
  useEffect(() => {
    const box = element.current;
    if (box === null) return;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const { left, top } = box.getBoundingClientRect();
      zoomRef.current([event.clientX - left, event.clientY - top], Math.exp(-event.deltaY / 400));
    };
    box.addEventListener('wheel', onWheel, { passive: false });
    return () => box.removeEventListener('wheel', onWheel);
  }, []);

  const place = (event: PointerEvent<HTMLDivElement>): Point => {
    const box = event.currentTarget.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const onPointerMove = (event: PointerEvent<HTMLDivElement>) => {
    const at = place(event);
    const before = pointers.current.get(event.pointerId);
    if (event.pointerType === 'mouse') onCursor(toLeading(toPicture(view, pane, at)));
    if (before === undefined) return;
    pointers.current.set(event.pointerId, at);
    const other = [...pointers.current].find(([id]) => id !== event.pointerId)?.[1];
    if (other !== undefined) {
      const middle: Point = [(at[0] + other[0]) / 2, (at[1] + other[1]) / 2];
      return zoomAt(middle, distance(at, other) / Math.max(1, distance(before, other)));
    }
    if (look.zoom === 1) return;
    const from = toLeading(toPicture(view, pane, before));
    const to = toLeading(toPicture(view, pane, at));
    const centre: Point = [leading.centre[0] + from[0] - to[0], leading.centre[1] + from[1] - to[1]];
    onLook({ ...look, centre: within(centre, lead) });
  };

  return (
    <div
      ref={ref}
      className={classes.pane}
      data-grabbable={look.zoom > 1 || undefined}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        pointers.current.set(event.pointerId, place(event));
      }}
      onPointerMove={onPointerMove}
      onPointerUp={(event) => pointers.current.delete(event.pointerId)}
      onPointerCancel={(event) => pointers.current.delete(event.pointerId)}
      onPointerLeave={() => onCursor(undefined)}
      onDoubleClick={() => onLook(WHOLE)}
    >
      {width > 0 && height > 0 && children(view, pane)}
      <span className={classes.label}>{label}</span>
    </div>
  );
}

interface LayerProps {
  readonly picture: Picture;
  readonly view: View;
  readonly pane: Size;
  /** A CSS transform from the picture's pixels to those of the view. */
  readonly placed?: string;
  readonly style?: React.CSSProperties;
}

function Layer({ picture, view, pane, placed = '', style }: LayerProps) {
  const [x, y] = toPane(view, pane, [0, 0]);
  return (
    <img
      className={classes.layer}
      src={picture.src}
      alt={picture.alt}
      draggable={false}
      style={{
        ...style,
        width: picture.width,
        height: picture.height,
        transform: `translate(${x}px, ${y}px) scale(${view.scale}) ${placed}`,
      }}
    />
  );
}

function Outline({ corners }: { corners: readonly Point[] }) {
  return (
    <>
      <polygon className={classes.outlineUnder} points={corners.map(([x, y]) => `${x},${y}`).join(' ')} />
      <polygon className={classes.outline} points={corners.map(([x, y]) => `${x},${y}`).join(' ')} />
      {corners.map(([x, y], at) => (
        // The same number marks the same corner in both pictures.
        <g key={CORNERS[at]} transform={`translate(${x} ${y})`}>
          <circle className={classes.corner} r={8} />
          <text className={classes.cornerText} textAnchor="middle" dy="0.35em">
            {CORNERS[at]}
          </text>
        </g>
      ))}
    </>
  );
}

/** Features that were found in both pictures; the same number marks the same feature. */
function Points({ at }: { at: readonly Point[] }) {
  return at.map(([x, y], index) => (
    <g key={index} className={classes.point} transform={`translate(${x} ${y})`}>
      <circle r={3} />
      <text x={5} dy="-0.3em">
        {index + 1}
      </text>
    </g>
  ));
}

/** Darkens what the work does not cover: there is nothing to compare there. */
function Shade({ quad, pane }: { quad: readonly Point[]; pane: Size }) {
  const hole = quad.map(([x, y]) => `${x} ${y}`).join('L');
  return (
    <svg className={classes.marks} aria-hidden>
      <path className={classes.shade} d={`M0 0H${pane.width}V${pane.height}H0ZM${hole}Z`} />
    </svg>
  );
}

const CORNERS = ['1', '2', '3', '4'];
const GRID = 8;

/** Lines through the same points of the work, wherever these lie. */
function Grid({ size, at }: { size: Size; at: (point: Point) => Point }) {
  const lines: (readonly [Point, Point])[] = [];
  for (let i = 1; i < GRID; i++) {
    const x = (size.width * i) / GRID;
    const y = (size.height * i) / GRID;
    lines.push([at([x, 0]), at([x, size.height])], [at([0, y]), at([size.width, y])]);
  }
  return lines.map(([[x1, y1], [x2, y2]], index) => (
    <line key={index} className={classes.grid} x1={x1} y1={y1} x2={x2} y2={y2} />
  ));
}

function Cross({ at: [x, y] }: { at: Point }) {
  return (
    <g className={classes.cross} transform={`translate(${x} ${y})`}>
      <circle r={7} />
      <path d="M-16 0H-7M7 0H16M0 -16V-7M0 7V16" />
    </g>
  );
}

/** Only what lies within the picture is compared: a CSS clip path around it. */
function frameOf(view: View, pane: Size, { width, height }: Size): string {
  const [left, top] = toPane(view, pane, [0, 0]);
  const [right, bottom] = toPane(view, pane, [width, height]);
  return `inset(${[top, pane.width - right, pane.height - bottom, left].map((each) => `${each}px`).join(' ')})`;
}

const cornersOf = ({ width, height }: Size): Point[] => [
  [0, 0],
  [width, 0],
  [width, height],
  [0, height],
];
const distance = (a: Point, b: Point) => Math.hypot(a[0] - b[0], a[1] - b[1]);
const within = ([x, y]: Point, { width, height }: Size): Point => [
  Math.min(width, Math.max(0, x)),
  Math.min(height, Math.max(0, y)),
];
