import { Badge, Group, SegmentedControl, Text } from '@mantine/core';
import { IconBriefcaseOff } from '@tabler/icons-react';
import { useState } from 'react';
import { Link } from 'wouter';
import { useCases } from '../api/cases.ts';
import { outputImage } from '../api/pictures.ts';
import type { CaseSummary } from '../api/types.ts';
import { DueText } from '../parts/due.tsx';
import { Thumb } from '../parts/labels.tsx';
import { Page } from '../parts/page.tsx';
import { Answered, Empty } from '../parts/states.tsx';
import { useLocale, useText } from '../text/index.tsx';
import classes from './cases.module.css';
import { Suggestions } from './suggestions.tsx';

/** Cases on the rungs of the ladder, those due first on top. */
export default function Cases() {
  const t = useText();
  const [state, setState] = useState<'open' | 'closed'>('open');
  const cases = useCases({ state });
  return (
    <Page
      title={t.navigation.cases}
      actions={
        <SegmentedControl
          aria-label={t.inbox.states}
          value={state}
          onChange={(value) => setState(value as 'open' | 'closed')}
          data={(['open', 'closed'] as const).map((value) => ({ value, label: t.cases.states[value] }))}
        />
      }
    >
      {state === 'open' && <Suggestions />}
      <Answered
        by={cases}
        isEmpty={(data) => data.cases.length === 0}
        empty={
          <Empty icon={IconBriefcaseOff} title={t.cases.empty}>
            {t.cases.emptyNote}
          </Empty>
        }
      >
        {(data) => <Board cases={data.cases} />}
      </Answered>
    </Page>
  );
}

function Board({ cases }: { cases: readonly CaseSummary[] }) {
  const { language } = useLocale();
  // Cases keep the ladder they began with; its rungs in order, each once.
  const rungs = new Map(cases.flatMap(({ ladder }) => ladder.rungs.map((rung) => [rung.id, rung])));
  return (
    // Wide boards scroll, by the keyboard too.
    <div className={classes.board} tabIndex={0} role="group">
      {[...rungs.values()].map((rung) => {
        const here = cases.filter((each) => each.rung === rung.id);
        return (
          <section key={rung.id} className={classes.column}>
            <h2>
              {rung.label[language]} <span className="numeric">{here.length}</span>
            </h2>
            {here.map((each) => (
              <Tile key={each.id} of={each} />
            ))}
          </section>
        );
      })}
    </div>
  );
}

function Tile({ of: { id, title, materials, clock, nextAction, outcome } }: { of: CaseSummary }) {
  const t = useText();
  const first = materials[0];
  return (
    <Link href={`/cases/${id}`} className={classes.tile}>
      <Group gap={10} wrap="nowrap" align="flex-start">
        <Thumb
          src={first === undefined ? undefined : outputImage(first.outputSha256, 256)}
          alt={t.workbench.output}
          size={52}
        />
        <div className={classes.what}>
          <Text size="sm" fw={600} lineClamp={2}>
            {title}
          </Text>
          <Text size="xs" c="dimmed">
            {t.cases.materials(materials.length)}
          </Text>
        </div>
      </Group>
      <Group justify="space-between" mt={8} gap={6}>
        <Badge variant="light" tt="none">
          {outcome === null ? nextActionText(t, nextAction) : t.cases.outcomes[outcome]}
        </Badge>
        {clock !== null && <DueText at={clock.dueAt} />}
      </Group>
    </Link>
  );
}

export const nextActionText = (t: ReturnType<typeof useText>, action: string): string =>
  (t.cases.nextActions as Readonly<Record<string, string>>)[action] ?? action;
