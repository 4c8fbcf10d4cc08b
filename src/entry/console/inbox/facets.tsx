import { Button, Stack, Text, UnstyledButton } from '@mantine/core';
import { useText } from '../text/index.tsx';
import classes from './facets.module.css';
import type { FilterState } from './filters.ts';
import { DUES, type Filters } from './query.ts';

const MAX_SHOWN = 8;
const CONFIDENCES = ['0.99', '0.9', '0.5'];

/** Filters with how many alerts each leaves. */
export function Facets({
  filters,
  change,
  clear,
  counts,
}: Omit<FilterState, 'text'> & { counts: Readonly<Record<string, Readonly<Record<string, number>>>> }) {
  const t = useText();
  const group = (
    name: 'tier' | 'kind' | 'source' | 'assignee' | 'decision',
    label: (value: string) => string,
    order?: readonly string[],
  ) => {
    const given = counts[name] ?? {};
    const values =
      order?.filter((value) => given[value] !== undefined) ??
      Object.keys(given)
        .filter((value) => name !== 'decision' || value !== 'none')
        .toSorted((a, b) => given[b]! - given[a]! || a.localeCompare(b));
    const current = filters[name];
    if (values.length === 0 && current === undefined) return null;
    return (
      <Group
        title={t.inbox.facets[name]}
        values={values
          .slice(0, MAX_SHOWN)
          .map((value) => ({ value, label: label(value), count: given[value] }))}
        current={current}
        choose={(value) => change({ [name]: value })}
      />
    );
  };
  const lookup = (words: Readonly<Record<string, string>>) => (value: string) => words[value] ?? value;
  return (
    <Stack gap="md">
      {group('tier', lookup(t.tiers), ['high', 'standard'])}
      <Group
        title={t.inbox.facets.due}
        values={DUES.map((value) => ({ value, label: t.inbox.dues[value], count: counts['due']?.[value] }))}
        current={filters.due}
        choose={(due) => change({ due: due as Filters['due'] })}
      />
      {group('kind', lookup(t.kinds), ['reproduction', 'adaptation'])}
      <Group
        title={t.inbox.facets.minConfidence}
        values={CONFIDENCES.map((value) => ({ value, label: t.inbox.atLeast(value) }))}
        current={filters.minConfidence}
        choose={(minConfidence) => change({ minConfidence })}
      />
      {group('source', t.sources)}
      {group('assignee', (value) => (value === 'none' || value === '' ? t.inbox.nobody : value))}
      {group('decision', lookup(t.decisions))}
      <Button size="xs" variant="subtle" color="gray" onClick={clear}>
        {t.inbox.clear}
      </Button>
    </Stack>
  );
}

interface GroupProps {
  readonly title: string;
  readonly values: readonly { value: string; label: string; count?: number | undefined }[];
  readonly current: string | undefined;
  readonly choose: (value: string | undefined) => void;
}

function Group({ title, values, current, choose }: GroupProps) {
  return (
    <div role="group" aria-label={title}>
      <Text component="h2" size="xs" fw={650} c="dimmed" mb={4}>
        {title}
      </Text>
      {values.map(({ value, label, count }) => (
        <UnstyledButton
          key={value}
          className={classes.value}
          aria-pressed={current === value}
          onClick={() => choose(current === value ? undefined : value)}
        >
          <span className={classes.label}>{label}</span>
          {count !== undefined && (
            <span className={`${classes.count} numeric`}>{count.toLocaleString()}</span>
          )}
        </UnstyledButton>
      ))}
    </div>
  );
}
