import { Anchor, Badge, Button, Group, Modal, Switch, Table, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconPlus, IconShieldCheck } from '@tabler/icons-react';
import { useState } from 'react';
import { Link } from 'wouter';
import { useEndRule, useLicences, useToleranceRules } from '../api/rules.ts';
import { usePerson } from '../api/session.ts';
import type { Licence, RuleInForce, ToleranceRule } from '../api/types.ts';
import { Card, Page } from '../parts/page.tsx';
import { Answered, Empty } from '../parts/states.tsx';
import { When } from '../parts/when.tsx';
import { useKeys } from '../shell/use-keys.ts';
import { useText } from '../text/index.tsx';
import { RuleForm } from './rule-form.tsx';

/** Use that is licensed or tolerated, how far each rule reaches, and what stands under it. */
export default function Rules() {
  const t = useText();
  return (
    <Page title={t.navigation.rules}>
      <Text size="sm" c="dimmed">
        {t.rules.lead}
      </Text>
      <Tolerance />
      <Licences />
    </Page>
  );
}

function Tolerance() {
  const t = useText();
  const person = usePerson();
  const mayChange = person.may('approver');
  const [ended, setEnded] = useState(false);
  const rules = useToleranceRules(ended);
  const [writing, setWriting] = useState<ToleranceRule | 'new' | undefined>();
  const [ending, setEnding] = useState<ToleranceRule | undefined>();
  useKeys({ n: () => setWriting('new') }, mayChange);
  return (
    <Card
      title={t.rules.tolerance}
      actions={
        <Group>
          <Switch
            label={t.rules.withEnded}
            checked={ended}
            onChange={(event) => setEnded(event.currentTarget.checked)}
          />
          {mayChange && (
            <Button
              size="xs"
              leftSection={<IconPlus size={16} aria-hidden />}
              rightSection={<kbd>N</kbd>}
              onClick={() => setWriting('new')}
            >
              {t.rules.add}
            </Button>
          )}
        </Group>
      }
    >
      <Text size="sm" c="dimmed" mb="sm">
        {t.rules.toleranceLead}
      </Text>
      <Answered
        by={rules}
        isEmpty={(data) => data.rules.length === 0}
        empty={
          <Empty small icon={IconShieldCheck} title={t.rules.empty}>
            {t.rules.emptyNote}
          </Empty>
        }
      >
        {(data) => (
          <Table verticalSpacing="xs" miw={900}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t.rules.name}</Table.Th>
                <Table.Th>{t.rules.of}</Table.Th>
                <ReachHeads />
                <Table.Th>{t.rules.alerts}</Table.Th>
                <Table.Th>{t.rules.by}</Table.Th>
                <Table.Th aria-label={t.rules.edit} />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {data.rules.map((rule) => (
                <Table.Tr key={rule.id} data-rule={rule.id}>
                  <Table.Td>
                    <Text size="sm" fw={600}>
                      {rule.name}
                    </Text>
                    <Text size="xs" c="dimmed">
                      {rule.reason}
                    </Text>
                  </Table.Td>
                  <Table.Td>
                    {rule.assetId === null ? (
                      rule.series
                    ) : (
                      <Anchor component={Link} href={`/assets/${encodeURIComponent(rule.assetId)}`} size="sm">
                        {rule.assetId}
                      </Anchor>
                    )}
                  </Table.Td>
                  <Reach rule={rule} />
                  <Table.Td>
                    <AlertsUnder rule={rule} />
                  </Table.Td>
                  <Table.Td>
                    <Text size="sm">{rule.createdBy}</Text>
                    <When at={rule.createdAt} size="xs" c="dimmed" />
                  </Table.Td>
                  <Table.Td>
                    {rule.endedBy !== null ? (
                      <Badge variant="light" color="gray" tt="none">
                        {t.rules.endedBy(rule.endedBy)}
                      </Badge>
                    ) : (
                      mayChange && (
                        <Group gap={4} wrap="nowrap" justify="flex-end">
                          <Button size="compact-sm" variant="subtle" onClick={() => setWriting(rule)}>
                            {t.rules.edit}
                          </Button>
                          <Button
                            size="compact-sm"
                            variant="subtle"
                            color="red"
                            onClick={() => setEnding(rule)}
                          >
                            {t.rules.end}
                          </Button>
                        </Group>
                      )
                    )}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
      </Answered>
      {writing !== undefined && (
        <RuleForm before={writing === 'new' ? undefined : writing} close={() => setWriting(undefined)} />
      )}
      {ending !== undefined && <Ending rule={ending} close={() => setEnding(undefined)} />}
    </Card>
  );
}

function Ending({ rule, close }: { rule: ToleranceRule; close: () => void }) {
  const t = useText();
  const end = useEndRule();
  return (
    <Modal
      opened
      onClose={close}
      title={t.rules.endTitle(rule.name)}
      closeButtonProps={{ 'aria-label': t.common.close }}
    >
      <Text size="sm">{t.rules.endNote(rule.alerts)}</Text>
      <Group justify="flex-end" mt="md">
        <Button variant="subtle" color="gray" onClick={close}>
          {t.common.cancel}
        </Button>
        <Button
          color="red"
          loading={end.isPending}
          data-autofocus
          onClick={() =>
            end.mutate(rule.id, {
              onSuccess: ({ reopened }) => notifications.show({ message: t.rules.ended(reopened) }),
              onSettled: close,
            })
          }
        >
          {t.rules.end}
        </Button>
      </Group>
    </Modal>
  );
}

function Licences() {
  const t = useText();
  const licences = useLicences();
  return (
    <Card title={t.rules.licences}>
      <Text size="sm" c="dimmed" mb="sm">
        {t.rules.licencesLead}
      </Text>
      <Answered
        by={licences}
        isEmpty={(data) => data.licences.length === 0}
        empty={
          <Empty small title={t.rules.noLicences}>
            {t.rules.noLicencesNote}
          </Empty>
        }
      >
        {(data) => (
          <Table verticalSpacing="xs" miw={760}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t.rules.licensee}</Table.Th>
                <Table.Th>{t.rules.works}</Table.Th>
                <ReachHeads />
                <Table.Th>{t.rules.alerts}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {data.licences.map((licence: Licence) => (
                <Table.Tr key={licence.id} data-rule={licence.id}>
                  <Table.Td fw={600}>{licence.name}</Table.Td>
                  <Table.Td>
                    <Anchor
                      component={Link}
                      href={`/assets/${encodeURIComponent(licence.assetId)}`}
                      size="sm"
                    >
                      {licence.title}
                    </Anchor>
                  </Table.Td>
                  <Reach rule={licence} />
                  <Table.Td>
                    <AlertsUnder rule={licence} />
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
      </Answered>
    </Card>
  );
}

function ReachHeads() {
  const t = useText().rules;
  return (
    <>
      <Table.Th>{t.where}</Table.Th>
      <Table.Th>{t.period}</Table.Th>
      <Table.Th>{t.territory}</Table.Th>
    </>
  );
}

/** Today in Japan, at whose midnight rules begin and end. */
const today = () => new Date(Date.now() + 9 * 3_600_000).toISOString().slice(0, 10);

function Reach({ rule }: { rule: RuleInForce }) {
  const t = useText().rules;
  const { accounts, domains, validFrom, validUntil, territory } = rule;
  return (
    <>
      <Table.Td>
        {[...accounts, ...domains].map((place) => (
          <Text key={place} size="sm">
            {place}
          </Text>
        ))}
      </Table.Td>
      <Table.Td>
        <Text size="sm" className="numeric">
          {validFrom === null && validUntil === null
            ? t.always
            : t.periodOf(validFrom ?? '', validUntil ?? '')}
        </Text>
        {validUntil !== null && validUntil < today() && (
          <Badge variant="light" color="orange" tt="none">
            {t.expired}
          </Badge>
        )}
      </Table.Td>
      <Table.Td>{territory.length === 0 ? t.everywhere : territory.join(', ')}</Table.Td>
    </>
  );
}

/** Where the rule applied: those alerts in the inbox. */
function AlertsUnder({ rule }: { rule: RuleInForce }) {
  const t = useText().rules;
  if (rule.alerts === 0) return <Text size="sm">{t.alertsOf(0)}</Text>;
  return (
    <Anchor component={Link} href={`/?state=all&rule=${encodeURIComponent(rule.id)}`} size="sm">
      {t.alertsOf(rule.alerts)}
    </Anchor>
  );
}
