import { Accordion, Badge, Code, Group, Stack, Text } from '@mantine/core';
import type { ProvenanceFacts } from '../api/types.ts';
import { useLocale } from '../text/index.tsx';
import classes from './facts.module.css';

/** What the file's bytes say about the generator, graded; that they say nothing proves nothing. */
export function Provenance({ provenance }: { provenance: ProvenanceFacts }) {
  const { language, t } = useLocale();
  const names = [
    [t.provenance.generator, provenance.generator],
    [t.provenance.model, provenance.model],
    [t.provenance.sources, provenance.sources?.join(', ')],
    [t.provenance.loras, provenance.loras?.join(', ')],
  ] as const;
  const known = names.filter(([, value]) => value !== null && value !== undefined && value !== '');
  return (
    <Stack gap={6}>
      <Group gap="xs">
        <Badge variant="light" color={provenance.grade === 'none' ? 'gray' : 'ai'} tt="none">
          {t.grades[provenance.grade]}
        </Badge>
      </Group>
      {provenance.grade === 'none' && (
        <Text size="sm" c="dimmed">
          {t.provenance.nothing}
        </Text>
      )}
      {known.map(([name, value]) => (
        <Text key={name} size="sm">
          <Text span size="sm" c="dimmed">
            {name}:{' '}
          </Text>
          {value}
        </Text>
      ))}
      {provenance.prompt !== null && provenance.prompt !== undefined && (
        <div>
          <Text size="xs" c="dimmed">
            {t.provenance.prompt}
          </Text>
          <div className={classes.prompt} tabIndex={0} role="group" aria-label={t.provenance.prompt}>
            {provenance.prompt}
          </div>
        </div>
      )}
      {provenance.conflicts?.map(
        ({ sentence }, at) =>
          sentence !== undefined && (
            <Text key={at} size="sm" fw={600} role="note" className={classes.link ?? ''}>
              {sentence[language]}
            </Text>
          ),
      )}
      {(provenance.findings?.length ?? 0) > 0 && (
        <Accordion variant="default" chevronPosition="left">
          <Accordion.Item value="findings" style={{ border: 'none' }}>
            <Accordion.Control p={0}>
              <Text size="sm">{t.provenance.findings(provenance.findings!.length)}</Text>
            </Accordion.Control>
            <Accordion.Panel>
              <Stack gap={6}>
                {provenance.findings!.slice(0, 40).map((finding, at) => (
                  <Text key={at} size="xs" className={classes.link ?? ''}>
                    <Code>{finding.reader}</Code> {finding.sentence[language]}
                  </Text>
                ))}
              </Stack>
            </Accordion.Panel>
          </Accordion.Item>
        </Accordion>
      )}
    </Stack>
  );
}
