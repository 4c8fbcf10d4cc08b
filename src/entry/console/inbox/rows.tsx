import { Badge, Checkbox, Text, Tooltip } from '@mantine/core';
import { IconCopy, IconQuote, IconRepeat } from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type Ref, useEffect, useImperativeHandle, useRef } from 'react';
import type { Alert } from '../api/types.ts';
import { DueText } from '../parts/due.tsx';
import { KindBadge, Score, StateBadge, Thumbs, TierBadge } from '../parts/labels.tsx';
import { When } from '../parts/when.tsx';
import { useText } from '../text/index.tsx';
import classes from './rows.module.css';

export interface RowsHandle {
  /** Scrolls so that this row is seen. */
  show(index: number): void;
}

export interface RowsProps {
  readonly ref: Ref<RowsHandle>;
  readonly alerts: readonly Alert[];
  readonly cursor: number;
  readonly selected: ReadonlySet<string>;
  readonly onToggle: (id: string) => void;
  readonly onOpen: (id: string) => void;
  readonly onCluster: (clusterId: string) => void;
  /** The end of what is loaded has come near. */
  readonly onEnd: () => void;
}

const ROW_HEIGHT = 86;
const NEAR_END = 15;

/** Alerts, however many: only those in sight are in the page. */
export function AlertRows({ ref, alerts, cursor, onEnd, ...props }: RowsProps) {
  const t = useText();
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: alerts.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 6,
    getItemKey: (index) => alerts[index]!.id,
  });
  useImperativeHandle(ref, () => ({ show: (index) => rows.scrollToIndex(index, { align: 'auto' }) }), [rows]);
  const visible = rows.getVirtualItems();
  const last = visible.at(-1)?.index ?? 0;
  const nearEnd = last >= alerts.length - NEAR_END;
  useEffect(() => {
    if (nearEnd) onEnd();
  });
  return (
    <div ref={scroller} className={classes.scroller} tabIndex={-1}>
      <ul className={classes.list} style={{ blockSize: rows.getTotalSize() }} aria-label={t.navigation.inbox}>
        {visible.map(({ index, start, size }) => (
          <Row
            key={alerts[index]!.id}
            alert={alerts[index]!}
            current={index === cursor}
            top={start}
            height={size}
            {...props}
          />
        ))}
      </ul>
    </div>
  );
}

interface RowProps extends Omit<RowsProps, 'ref' | 'alerts' | 'cursor' | 'onEnd'> {
  readonly alert: Alert;
  readonly current: boolean;
  readonly top: number;
  readonly height: number;
}

function Row({ alert, current, top, height, selected, onToggle, onOpen, onCluster }: RowProps) {
  const t = useText();
  const isSelected = selected.has(alert.id);
  return (
    <li
      className={classes.row}
      data-current={current || undefined}
      data-selected={isSelected || undefined}
      data-alert={alert.id}
      style={{ transform: `translateY(${top}px)`, blockSize: height }}
    >
      <Checkbox
        className={classes.box ?? ''}
        checked={isSelected}
        onChange={() => onToggle(alert.id)}
        aria-label={t.inbox.select(alert.title)}
      />
      <a
        className={classes.link}
        href={`/alerts/${alert.id}`}
        onClick={(event) => {
          if (event.metaKey || event.ctrlKey || event.button !== 0) return;
          event.preventDefault();
          onOpen(alert.id);
        }}
      >
        <Thumbs referenceId={alert.referenceId} sha256={alert.outputSha256} />
        <span className={classes.what}>
          <span className={classes.title}>{alert.title}</span>
          <span className={classes.badges}>
            <KindBadge kind={alert.kind} />
            <TierBadge tier={alert.tier} />
            <StateBadge state={alert.state} decision={alert.decision} />
            {alert.inheritedFrom !== null && (
              <Badge variant="default" tt="none">
                {t.inbox.inherited}
              </Badge>
            )}
          </span>
          <span className={classes.where}>
            <span>{t.sources(alert.source)}</span>
            <When at={alert.openedAt} size="xs" c="dimmed" />
            {alert.sightings > 1 && (
              <span className={classes.mark}>
                <IconRepeat size={13} aria-hidden /> {t.inbox.sightings(alert.sightings)}
              </span>
            )}
            {alert.reliance.length > 0 && (
              <Tooltip
                label={alert.reliance.map(({ term, where }) => `${term}（${t.wheres(where)}）`).join('、')}
              >
                <span className={classes.mark} data-strong>
                  <IconQuote size={13} aria-hidden /> {t.inbox.reliance}
                </span>
              </Tooltip>
            )}
          </span>
        </span>
        <span className={classes.score}>
          <Score value={alert.confidence} />
        </span>
        <span className={classes.due}>
          <DueText at={alert.dueAt} over={alert.state === 'decided'} />
          <Text size="xs" c="dimmed" truncate>
            {alert.assignee ?? t.inbox.nobody}
          </Text>
        </span>
      </a>
      <span className={classes.clusterColumn}>
        {alert.clusterSize > 1 && (
          <Tooltip label={t.inbox.openCluster}>
            <button type="button" className={classes.cluster} onClick={() => onCluster(alert.clusterId)}>
              <IconCopy size={14} aria-hidden /> {t.inbox.cluster(alert.clusterSize)}
            </button>
          </Tooltip>
        )}
      </span>
    </li>
  );
}
