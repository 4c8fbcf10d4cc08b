/** 95 % Wilson interval of a share, in percent; for recall, where neither end is rare. */
export function wilson(hits: number, of: number): [number, number] {
  if (of === 0) return [0, 100];
  const z = 1.959964;
  const p = hits / of;
  const middle = (p + z ** 2 / (2 * of)) / (1 + z ** 2 / of);
  const half = (z * Math.sqrt((p * (1 - p)) / of + z ** 2 / (4 * of ** 2))) / (1 + z ** 2 / of);
  return [100 * Math.max(0, middle - half), 100 * Math.min(1, middle + half)];
}

export function percent(hits: number, of: number): string {
  return of === 0 ? '-' : ((100 * hits) / of).toFixed(1);
}

/** `97.5 (95.1-98.8)`. */
export function withInterval(hits: number, of: number): string {
  if (of === 0) return '-';
  const [low, high] = wilson(hits, of);
  return `${percent(hits, of)} (${low.toFixed(0)}–${high.toFixed(0)})`;
}
