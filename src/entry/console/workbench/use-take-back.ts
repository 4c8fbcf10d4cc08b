import { useLocation } from 'wouter';
import { useUndo } from '../api/alerts.ts';
import { useFilters } from '../inbox/filters.ts';
import { useOutcome } from '../review/use-outcome.tsx';
import { useDecided } from './use-decided.ts';

/** Takes the last decision made on this page back and opens its alert; does nothing when there is none. */
export function useTakeBack(): () => void {
  const { mutateAsync: undo } = useUndo();
  const { text } = useFilters();
  const decided = useDecided();
  const outcome = useOutcome();
  const [, go] = useLocation();
  return () => {
    const last = decided.pop();
    if (last === undefined) return;
    // The decision may still be on its way: its answer tells the number that taking it back must name.
    void last.done.then((after) => {
      if (after === undefined) return;
      go(`/alerts/${last.id}${text}`);
      undo({ id: last.id, expectedSeq: after }).then(
        () => outcome.undone(last.title),
        (error: unknown) => outcome.failed(error, last),
      );
    });
  };
}
