import { Text, type TextProps, Tooltip } from '@mantine/core';
import { fromNow, inJst, inUtc } from '../text/dates.ts';
import { useLocale } from '../text/index.tsx';

/** A moment as people say it; in Japan's time and in UTC on hover and for screen readers. */
export function When({ at, full, ...props }: { at: string; full?: boolean } & TextProps) {
  const { language } = useLocale();
  const exact = `${inJst(language, at)} / ${inUtc(language, at)}`;
  return (
    <Tooltip label={exact} openDelay={200}>
      <Text component="time" size="sm" inherit={false} {...props} {...{ dateTime: at, title: undefined }}>
        {full === true ? exact : fromNow(language, at)}
      </Text>
    </Tooltip>
  );
}
