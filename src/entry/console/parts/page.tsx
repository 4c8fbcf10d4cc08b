import { Group, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from './page.module.css';

/** A page with a title, what can be done, and its content. */
export function Page({
  title,
  actions,
  children,
}: {
  title: string;
  actions?: ReactNode;
  children: ReactNode;
}) {
  return (
    <div className={classes.page}>
      <header className={classes.header}>
        <Title order={1} size="h3">
          {title}
        </Title>
        <Group gap="xs">{actions}</Group>
      </header>
      {children}
    </div>
  );
}

/** A part of a page on its own ground. */
export function Card({
  title,
  actions,
  children,
}: {
  title?: string;
  actions?: ReactNode;
  children: ReactNode;
}) {
  return (
    // Wide tables scroll inside it, by the keyboard too.
    <section className={classes.card} tabIndex={0}>
      {(title !== undefined || actions !== undefined) && (
        <header className={classes.cardHeader}>
          {title !== undefined && <h2>{title}</h2>}
          {actions}
        </header>
      )}
      {children}
    </section>
  );
}
