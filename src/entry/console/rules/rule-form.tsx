import { Button, Group, Modal, SimpleGrid, Stack, TagsInput, Text, TextInput, Textarea } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type FormEvent, useState } from 'react';
import { type RuleDraft, useAddRule, useReplaceRule } from '../api/rules.ts';
import type { ToleranceRule } from '../api/types.ts';
import { useText } from '../text/index.tsx';
import { type Picked, WorkPicker } from './work-picker.tsx';

/** Writes a tolerance rule, or another one in the place of `before`. */
export function RuleForm({ before, close }: { before: ToleranceRule | undefined; close: () => void }) {
  const t = useText();
  const add = useAddRule();
  const replace = useReplaceRule();
  const [name, setName] = useState(before?.name ?? '');
  const [of, setOf] = useState<Picked | undefined>(pickedOf(before));
  const [accounts, setAccounts] = useState([...(before?.accounts ?? [])]);
  const [domains, setDomains] = useState([...(before?.domains ?? [])]);
  const [territory, setTerritory] = useState([...(before?.territory ?? [])]);
  const [validFrom, setFrom] = useState(before?.validFrom ?? '');
  const [validUntil, setUntil] = useState(before?.validUntil ?? '');
  const [reason, setReason] = useState(before?.reason ?? '');
  const placed = accounts.length + domains.length > 0;
  const complete = name.trim() !== '' && of !== undefined && placed && reason.trim() !== '';

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!complete) return;
    const draft: RuleDraft = {
      name: name.trim(),
      assetId: of.kind === 'asset' ? of.id : undefined,
      series: of.kind === 'series' ? of.id : undefined,
      accounts,
      domains,
      territory,
      validFrom: validFrom === '' ? undefined : validFrom,
      validUntil: validUntil === '' ? undefined : validUntil,
      reason: reason.trim(),
    };
    const done = (message: string) => {
      notifications.show({ message });
      close();
    };
    if (before === undefined) add.mutate(draft, { onSuccess: ({ applied }) => done(t.rules.added(applied)) });
    else {
      replace.mutate(
        { id: before.id, ...draft },
        { onSuccess: ({ applied, reopened }) => done(t.rules.changed(applied, reopened)) },
      );
    }
  };
  return (
    <Modal
      opened
      onClose={close}
      size="lg"
      title={before === undefined ? t.rules.add : t.rules.editTitle(before.name)}
      closeButtonProps={{ 'aria-label': t.common.close }}
    >
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label={t.rules.name}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            required
            data-autofocus
          />
          <WorkPicker value={of} onChange={setOf} />
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <TagsInput
              label={t.rules.accounts}
              description={t.rules.listNote}
              value={accounts}
              onChange={setAccounts}
              acceptValueOnBlur
            />
            <TagsInput
              label={t.rules.domains}
              description={t.rules.listNote}
              value={domains}
              onChange={setDomains}
              acceptValueOnBlur
            />
          </SimpleGrid>
          <Text size="xs" {...(placed ? { c: 'dimmed' } : { fw: 650 })}>
            {t.rules.placesNote}
          </Text>
          <SimpleGrid cols={{ base: 1, sm: 3 }}>
            <TextInput
              type="date"
              label={t.rules.from}
              value={validFrom}
              max={validUntil === '' ? undefined : validUntil}
              onChange={(event) => setFrom(event.currentTarget.value)}
            />
            <TextInput
              type="date"
              label={t.rules.until}
              value={validUntil}
              min={validFrom === '' ? undefined : validFrom}
              onChange={(event) => setUntil(event.currentTarget.value)}
            />
            <TagsInput
              label={t.rules.territory}
              placeholder={territory.length === 0 ? t.rules.territoryNote : ''}
              value={territory}
              onChange={(values) => setTerritory(values.map((each) => each.toUpperCase()))}
              maxTags={300}
              acceptValueOnBlur
            />
          </SimpleGrid>
          <Textarea
            label={t.rules.reason}
            description={t.rules.reasonNote}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            required
            autosize
            minRows={2}
          />
          <Group justify="flex-end">
            <Button variant="subtle" color="gray" onClick={close}>
              {t.common.cancel}
            </Button>
            <Button type="submit" disabled={!complete} loading={add.isPending || replace.isPending}>
              {before === undefined ? t.rules.add : t.common.save}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function pickedOf(rule: ToleranceRule | undefined): Picked | undefined {
  if (rule === undefined) return undefined;
  return rule.assetId === null ? { kind: 'series', id: rule.series! } : { kind: 'asset', id: rule.assetId };
}
