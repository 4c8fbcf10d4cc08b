import { Button, Group, Kbd, Modal, Radio, Select, Stack, Text, Textarea } from '@mantine/core';
import { type FormEvent, useEffect, useEffectEvent, useState } from 'react';
import { type RuleChoice, useRulesFor } from '../api/rules.ts';
import type { Alert, Decision } from '../api/types.ts';
import { useText } from '../text/index.tsx';

export const DECISIONS: readonly { decision: Decision; key: string; colour: string }[] = [
  { decision: 'confirm', key: '1', colour: 'shu' },
  { decision: 'not-similar', key: '2', colour: 'gray' },
  { decision: 'licensed', key: '3', colour: 'teal' },
  { decision: 'tolerated', key: '4', colour: 'cyan' },
  { decision: 'escalate', key: '5', colour: 'orange' },
];

interface Props {
  readonly decision: Decision;
  readonly alerts: readonly Alert[];
  readonly close: () => void;
  readonly decide: (reason: string, rule: string | undefined) => void;
}

/** Asks for the reason, which others will read later; a number chooses a common one, Enter sends it. */
export function DecisionDialog({ decision, alerts, close, decide }: Props) {
  const t = useText();
  const presets = t.reasons[decision];
  const [chosen, setChosen] = useState(0);
  const [text, setText] = useState('');
  const [rule, setRule] = useState<string | null>(null);
  const own = chosen === presets.length;
  const reason = own ? text.trim() : [presets[chosen], text.trim()].filter(Boolean).join(' ');
  const rules = useRulesFor(decision, alerts).map(({ id, name }: RuleChoice) => ({ value: id, label: name }));
  const submit = () => {
    if (reason !== '') decide(reason, rule ?? undefined);
  };
  const onKey = useEffectEvent((event: KeyboardEvent) => {
    // A list that is open takes its own Enter.
    if (
      event.defaultPrevented ||
      event.repeat ||
      event.isComposing ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey
    )
      return;
    const number = Number(event.key);
    const typing =
      event.target instanceof HTMLTextAreaElement ||
      (event.target instanceof HTMLInputElement && event.target.type === 'text');
    const pressing = event.target instanceof HTMLButtonElement;
    if (!typing && number >= 1 && number <= presets.length + 1) setChosen(number - 1);
    if (event.key !== 'Enter' || event.shiftKey || pressing) return;
    event.preventDefault();
    submit();
  });
  // On the whole page: a quick hand is faster than the focus.
  useEffect(() => {
    const listener = (event: KeyboardEvent) => onKey(event);
    document.addEventListener('keydown', listener);
    return () => document.removeEventListener('keydown', listener);
  }, []);
  return (
    <Modal
      opened
      onClose={close}
      transitionProps={{ duration: 0 }}
      closeButtonProps={{ 'aria-label': t.common.close }}
      title={
        <Text fw={650}>
          {t.decisions[decision]}
          <Text span size="xs" c="dimmed" ml="xs">
            {t.decisionNotes[decision]}
          </Text>
        </Text>
      }
    >
      <form
        onSubmit={(event: FormEvent) => {
          event.preventDefault();
          submit();
        }}
      >
        <Stack>
          <Text size="sm" c="dimmed">
            {alerts.length === 1 ? alerts[0]!.title : t.review.many(alerts.length)}
          </Text>
          <Radio.Group
            label={t.review.reason}
            value={String(chosen)}
            onChange={(value) => setChosen(Number(value))}
          >
            <Stack gap={6} mt={6}>
              {[...presets, t.review.ownReason].map((preset, at) => (
                <Radio
                  key={preset}
                  value={String(at)}
                  data-autofocus={at === 0 || undefined}
                  label={
                    <>
                      <Kbd size="xs">{at + 1}</Kbd> {preset}
                    </>
                  }
                />
              ))}
            </Stack>
          </Radio.Group>
          {rules.length > 0 && (
            <Select
              label={t.review.rule}
              data={rules}
              value={rule}
              onChange={setRule}
              clearable
              placeholder={t.review.noRule}
            />
          )}
          <Textarea
            label={own ? t.review.ownReason : t.review.addition}
            required={own}
            autosize
            minRows={own ? 2 : 1}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
          />
          <Group justify="flex-end">
            <Button variant="subtle" color="gray" onClick={close}>
              {t.common.cancel}
            </Button>
            <Button
              type="submit"
              disabled={reason === ''}
              color={DECISIONS.find((each) => each.decision === decision)!.colour}
              rightSection={<Kbd size="xs">Enter</Kbd>}
            >
              {t.decisions[decision]}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
