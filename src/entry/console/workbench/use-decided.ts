import { useSyncExternalStore } from 'react';

/** A decision that was just made here and can be taken back. */
interface Decided {
  readonly id: string;
  readonly title: string;
  /** The number of its event, once the server has it; undefined when it refused. */
  readonly done: Promise<number | undefined>;
}

let stack: readonly Decided[] = [];
const listeners = new Set<() => void>();

function change(next: readonly Decided[]): void {
  stack = next;
  for (const listener of listeners) listener();
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

/** What this reviewer decided since the page was opened, newest last; one alert follows the other on the same stack. */
export function useDecided() {
  const { length } = useSyncExternalStore(subscribe, () => stack);
  return {
    size: length,
    push: (decided: Decided) => change([...stack, decided]),
    pop: (): Decided | undefined => {
      const last = stack.at(-1);
      change(stack.slice(0, -1));
      return last;
    },
    drop: (id: string) => change(stack.filter((each) => each.id !== id)),
  };
}
