/** Handles items in their order, at most `width` at a time; ends with the first error. */
export async function eachConcurrently<T>(
  items: readonly T[],
  width: number,
  handle: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < items.length) await handle(items[next++]!);
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane));
}
