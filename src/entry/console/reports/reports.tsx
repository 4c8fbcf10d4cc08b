import '@mantine/charts/styles.css';
import { BarChart, LineChart } from '@mantine/charts';
import { SegmentedControl, SimpleGrid, Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import type { AlertReport, Decision, Policy, Tier, ReviewerReport, ReviewQuality } from '../api/types.ts';
import { Card, Page } from '../parts/page.tsx';
import { Answered } from '../parts/states.tsx';
import { useText } from '../text/index.tsx';
import type { Messages } from '../text/ja.ts';
import classes from './reports.module.css';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const SPANS = ['7', '30', '90'] as const;
const DECISIONS: readonly (readonly [Decision, string])[] = [
  ['confirm', 'shu.6'],
  ['not-similar', 'gray.6'],
  ['licensed', 'teal.6'],
  ['tolerated', 'cyan.6'],
  ['escalate', 'orange.6'],
];
const HEIGHT = 240;

/** How many alerts come and go, how sure the scores are, and how people review. */
export default function Reports() {
  const t = useText();
  const [days, setDays] = useState<(typeof SPANS)[number]>('30');
  // Whole hours, so that the same question is asked for a while.
  const until = Math.ceil(Date.now() / HOUR) * HOUR;
  const span = {
    since: new Date(until - Number(days) * DAY).toISOString(),
    until: new Date(until).toISOString(),
  };
  const alerts = useQuery({
    queryKey: ['reports', 'alerts', span],
    queryFn: ({ signal }) => api<AlertReport>('/reports/alerts', { query: span, signal }),
    placeholderData: (before) => before,
  });
  const reviewers = useQuery({
    queryKey: ['reports', 'reviewers', span],
    queryFn: ({ signal }) => api<ReviewerReport>('/reports/reviewers', { query: span, signal }),
    placeholderData: (before) => before,
  });
  return (
    <Page
      title={t.navigation.reports}
      actions={
        <SegmentedControl
          aria-label={t.reports.span}
          value={days}
          onChange={(value) => setDays(value as (typeof SPANS)[number])}
          data={SPANS.map((value) => ({ value, label: t.reports.days(Number(value)) }))}
        />
      }
    >
      <Answered by={alerts}>{(data) => <AlertCharts report={data} />}</Answered>
      <Answered by={reviewers}>{(data) => <Reviewing report={data} />}</Answered>
    </Page>
  );
}

function AlertCharts({ report }: { report: AlertReport }) {
  const t = useText();
  const days = report.days.map(({ day, opened, decided, undone, reopened }) => ({
    day: day.slice(5).replace('-', '/'),
    opened,
    overturned: undone + reopened,
    ...decided,
  }));
  const policy = useQuery({
    queryKey: ['policy'],
    queryFn: ({ signal }) => api<Policy>('/policy', { signal }),
  });
  const opened = report.days.reduce((sum, day) => sum + day.opened, 0);
  const axis = { xAxisProps: { minTickGap: 24 }, h: HEIGHT, withLegend: true } as const;
  return (
    <>
      <SimpleGrid cols={{ base: 1, xs: 3 }}>
        <Figure name={t.reports.waiting} value={report.waiting.alerts} />
        <Figure name={t.reports.overdue} value={report.waiting.overdue} urgent={report.waiting.overdue > 0} />
        <Figure name={t.reports.opened} value={opened} />
      </SimpleGrid>
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Card title={t.reports.byDay}>
          <LineChart
            data={days}
            dataKey="day"
            curveType="monotone"
            series={[
              { name: 'opened', color: 'ai.6', label: t.reports.opened },
              { name: 'overturned', color: 'orange.6', label: t.reports.overturned },
            ]}
            {...axis}
          />
        </Card>
        <Card title={t.reports.decisions}>
          <BarChart
            data={days}
            dataKey="day"
            type="stacked"
            series={DECISIONS.map(([name, color]) => ({ name, color, label: t.decisions[name] }))}
            {...axis}
          />
        </Card>
      </SimpleGrid>
      <Card title={t.reports.confidence}>
        <BarChart
          data={report.confidence.map(({ from, alerts, confirmed, notSimilar }) => ({
            from: from.toFixed(2),
            confirmed,
            notSimilar,
            others: Math.max(0, alerts - confirmed - notSimilar),
          }))}
          dataKey="from"
          type="stacked"
          series={[
            { name: 'confirmed', color: 'shu.6', label: t.decisions.confirm },
            { name: 'notSimilar', color: 'gray.6', label: t.decisions['not-similar'] },
            { name: 'others', color: 'ai.4', label: t.reports.others },
          ]}
          referenceLines={policy.data === undefined ? [] : thresholdLines(t, policy.data, report)}
          {...axis}
        />
        <Text size="xs" c="dimmed" mt="xs">
          {t.reports.confidenceNote}
        </Text>
      </Card>
    </>
  );
}

/** The thresholds in force, at the bars that they lie in; one line where both tiers share a bar. */
function thresholdLines(t: Messages, { tiers }: Policy, { confidence }: AlertReport) {
  const names = new Map<number, string[]>();
  for (const tier of ['high', 'standard'] as const satisfies readonly Tier[]) {
    const { minConfidence } = tiers[tier];
    const bar = confidence.findLast(({ from }) => from <= minConfidence)?.from ?? 0;
    names.set(bar, [...(names.get(bar) ?? []), t.reports.threshold(t.tiers[tier], minConfidence)]);
  }
  return [...names].map(([bar, labels]) => ({
    x: bar.toFixed(2),
    color: 'var(--mantine-color-text)',
    label: labels.join(' / '),
    // Away from the other line's label.
    labelPosition:
      bar === Math.min(...names.keys()) ? ('insideTopRight' as const) : ('insideTopLeft' as const),
  }));
}

function Figure({ name, value, urgent }: { name: string; value: number; urgent?: boolean }) {
  return (
    <div className={classes.figure}>
      <Text size="sm" c="dimmed">
        {name}
      </Text>
      <span className={`${classes.number} numeric`} data-urgent={urgent === true || undefined}>
        {value.toLocaleString()}
      </span>
    </div>
  );
}

/** Kappa with how many alerts it comes from; of those drawn for it, where there are any. */
function agreementText({ agreement, drawn }: ReviewQuality): string {
  const of = drawn !== undefined && drawn.alerts > 0 ? drawn : agreement;
  if (of === undefined || of.alerts === 0) return '–';
  return `${of.kappa?.toFixed(2) ?? '–'} (n = ${of.alerts.toLocaleString()})`;
}

function Reviewing({ report }: { report: ReviewerReport }) {
  const t = useText();
  const duration = (ms: number | undefined) =>
    ms === undefined
      ? '–'
      : ms < 60_000
        ? t.reports.seconds(Math.round(ms / 1000))
        : ms < HOUR
          ? t.reports.minutes(Math.round(ms / 60_000))
          : t.reports.hours(Math.round(ms / HOUR));
  const share = (value: number | null) => (value === null ? '–' : `${Math.round(value * 100)} %`);
  const rows: readonly (readonly [string, ReviewQuality])[] = [
    [t.reports.overall, report.overall],
    ...report.byTier.map((each) => [t.tiers[each.tier], each] as const),
    ...report.byReviewer.map((each) => [each.reviewer, each] as const),
  ];
  return (
    <Card title={t.reports.reviewing}>
      <Table verticalSpacing={6} miw={760}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th />
            <Table.Th ta="end">{t.reports.count}</Table.Th>
            <Table.Th ta="end">{t.reports.overturnRate}</Table.Th>
            <Table.Th ta="end">{t.reports.sinceViewed}</Table.Th>
            <Table.Th ta="end">{t.reports.sinceOpened}</Table.Th>
            <Table.Th ta="end">{t.reports.kappa}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map(([name, quality]) => (
            <Table.Tr key={name}>
              <Table.Th scope="row" fw={500}>
                {name}
              </Table.Th>
              <Table.Td ta="end" className="numeric">
                {quality.decisions.toLocaleString()}
              </Table.Td>
              <Table.Td ta="end" className="numeric">
                {share(quality.overturned)}
              </Table.Td>
              <Table.Td ta="end" className="numeric">
                {duration(quality.sinceViewed?.p50)}
              </Table.Td>
              <Table.Td ta="end" className="numeric">
                {duration(quality.sinceOpened?.p50)}
              </Table.Td>
              <Table.Td ta="end" className="numeric">
                {agreementText(quality)}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Card>
  );
}
