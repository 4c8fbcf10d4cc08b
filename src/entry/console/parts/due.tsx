import { Text, Tooltip } from '@mantine/core';
import { dayInJst, fromNow, inJst, inUtc } from '../text/dates.ts';
import classes from './labels.module.css';
import { useLocale } from '../text/index.tsx';

const DAY = 86_400_000;

/** A deadline: how long is left, and that it has passed. `over`: it no longer matters. */
export function DueText({ at, over }: { at: string; over?: boolean }) {
  const { language, t } = useLocale();
  const left = new Date(at).getTime() - Date.now();
  const urgency = over === true ? undefined : left < 0 ? 'over' : left < DAY ? 'soon' : undefined;
  const text =
    over === true
      ? dayInJst(language, at)
      : left < 0
        ? t.due.passed(fromNow(language, at))
        : t.due.left(fromNow(language, at));
  return (
    <Tooltip label={`${t.due.label}: ${inJst(language, at)} / ${inUtc(language, at)}`} openDelay={200}>
      <Text component="time" dateTime={at} size="xs" className={classes.due ?? ''} data-urgency={urgency}>
        {text}
      </Text>
    </Tooltip>
  );
}
