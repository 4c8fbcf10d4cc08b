import { useEffect, useState } from 'react';

export interface AdHoc {
  /** The picture being checked; undefined: none. */
  readonly file: File | undefined;
  /** A file is held over the window. */
  readonly hovering: boolean;
  choose(): void;
  take(file: File): void;
  close(): void;
}

/** Takes a picture that is dropped or pasted anywhere, or chosen. */
export function useAdHocCheck(): AdHoc {
  const [file, take] = useState<File | undefined>();
  const [hovering, setHovering] = useState(false);
  useEffect(() => {
    const listening = new AbortController();
    const { signal } = listening;
    let depth = 0;
    const holdsFile = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true;
    const hover = (change: number) => {
      depth = Math.max(0, depth + change);
      setHovering(depth > 0);
    };
    window.addEventListener('dragenter', (event) => holdsFile(event) && hover(1), { signal });
    window.addEventListener('dragleave', (event) => holdsFile(event) && hover(-1), { signal });
    // Without this the browser would open the file itself.
    window.addEventListener('dragover', (event) => holdsFile(event) && event.preventDefault(), { signal });
    window.addEventListener(
      'drop',
      (event) => {
        if (!holdsFile(event)) return;
        event.preventDefault();
        depth = 0;
        setHovering(false);
        const dropped = event.dataTransfer?.files[0];
        if (dropped !== undefined) take(dropped);
      },
      { signal },
    );
    window.addEventListener(
      'paste',
      (event) => {
        const pasted = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith('image/'));
        if (pasted !== undefined) take(pasted);
      },
      { signal },
    );
    return () => listening.abort();
  }, []);
  const choose = () => {
    const input = document.createElement('input');
    input.type = 'file';
    input.accept = 'image/*';
    input.addEventListener('change', () => input.files?.[0] !== undefined && take(input.files[0]));
    input.click();
  };
  return { file, hovering, choose, take, close: () => take(undefined) };
}
