import { useEffect, useState } from 'react';
import type { Size } from './geometry.ts';

/** A picture's own size in pixels, once the browser knows it. */
export function useNaturalSize(src: string): Size | undefined {
  const [known, setKnown] = useState<{ src: string; size: Size } | undefined>();
  useEffect(() => {
    const image = new Image();
    image.addEventListener('load', () =>
      setKnown({ src, size: { width: image.naturalWidth, height: image.naturalHeight } }),
    );
    image.src = src;
    return () => {
      image.src = '';
    };
  }, [src]);
  return known?.src === src ? known.size : undefined;
}
