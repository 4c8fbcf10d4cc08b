import { Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import type { AssetSummary } from '../api/types.ts';
import { useText } from '../text/index.tsx';

/** A work or a series of works. */
export interface Picked {
  readonly kind: 'asset' | 'series';
  readonly id: string;
}

const MOST = 20;
const PAUSE_MS = 200;

/** Finds a work or a series by its title. */
export function WorkPicker({
  value,
  onChange,
}: {
  value: Picked | undefined;
  onChange: (value: Picked | undefined) => void;
}) {
  const t = useText().rules;
  const [typed, setTyped] = useState('');
  const [q] = useDebouncedValue(typed, PAUSE_MS);
  const found = useQuery({
    queryKey: ['assets', 'pick', q],
    queryFn: ({ signal }) =>
      api<{ assets: AssetSummary[] }>('/assets', { query: { q, limit: MOST }, signal }),
    placeholderData: (before) => before,
  });
  const assets = found.data?.assets ?? [];
  const series = [...new Set(assets.flatMap((asset) => asset.series ?? []))];
  const chosen = value === undefined ? null : keyOf(value);
  const works = assets.map(({ id, title }) => ({ value: keyOf({ kind: 'asset', id }), label: title }));
  const groups = series.map((id) => ({ value: keyOf({ kind: 'series', id }), label: id }));
  // What is chosen stays a choice whatever is typed.
  const known = [...works, ...groups].some((each) => each.value === chosen);
  if (value !== undefined && !known) {
    (value.kind === 'asset' ? works : groups).unshift({ value: keyOf(value), label: value.id });
  }
  return (
    <Select
      label={t.of}
      placeholder={t.search}
      required
      searchable
      clearable
      data={[
        { group: t.works, items: works },
        { group: t.series, items: groups },
      ]}
      filter={({ options }) => options}
      value={chosen}
      onChange={(key) => onChange(key === null ? undefined : pickedOf(key))}
      searchValue={typed}
      onSearchChange={(text) => setTyped(text)}
    />
  );
}

const keyOf = ({ kind, id }: Picked) => `${kind}:${id}`;

function pickedOf(key: string): Picked {
  const at = key.indexOf(':');
  return { kind: key.slice(0, at) as Picked['kind'], id: key.slice(at + 1) };
}
