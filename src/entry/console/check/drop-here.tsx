import { Overlay, Title } from '@mantine/core';
import { IconPhotoDown } from '@tabler/icons-react';
import { useText } from '../text/index.tsx';
import classes from './drop-here.module.css';

/** Over the whole window while a file is held over it. */
export function DropHere() {
  const t = useText();
  return (
    <Overlay fixed zIndex={1000} className={classes.drop} backgroundOpacity={0.75}>
      <IconPhotoDown size={64} stroke={1.3} aria-hidden />
      <Title order={2}>{t.check.drop}</Title>
    </Overlay>
  );
}
