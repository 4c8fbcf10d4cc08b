import { useEffect, useRef } from 'react';

/** Keys as `KeyboardEvent.key` names them, small letters; `shift+x` for a held shift. */
type Keys = Readonly<Record<string, (event: KeyboardEvent) => void>>;

/**
 * Single keys for the whole page: not while something is typed, a dialog is open, or Ctrl, Alt or Meta is held.
 */
export function useKeys(keys: Keys, enabled = true): void {
  const current = useRef(keys);
  useEffect(() => {
    current.current = keys;
  });
  useEffect(() => {
    if (!enabled) return;
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || isForOthers(event)) return;
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
      const act = current.current[event.shiftKey ? `shift+${key}` : key] ?? current.current[event.key];
      if (act === undefined) return;
      event.preventDefault();
      act(event);
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, [enabled]);
}

/** Whether a key belongs to a field, a dialog or the browser. */
export function isForOthers(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return true;
  const target = event.target instanceof Element ? event.target : document.body;
  if (
    target.closest(
      'input:not([type=checkbox],[type=range],[type=radio]), textarea, select, [contenteditable]',
    )
  )
    return true;
  const layers = document.querySelectorAll('[role=dialog], [role=menu], [role=listbox]');
  if ([...layers].some((layer) => layer.checkVisibility())) return true;
  // Enter and space press the button that has the focus.
  return (event.key === 'Enter' || event.key === ' ') && target.closest('button, a, [role=button]') !== null;
}
